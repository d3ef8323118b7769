"""The README's and the docs' snippets: run as they are written, with the outputs that they show."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from benchmarks.readme import insert_figures
from iotae.cli import main
from tests.conftest import ROOT
from tests.test_house import FLOOR_OF

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
# a text block that follows a Python block with nothing between them is what that block prints
OUTPUT = re.compile(r"^```python\n((?:(?!^```).)*)^```\n\n```text\n(.*?)^```", re.M | re.S)
OURS = re.compile(r"`((?:tests|benchmarks|iotae|pyod_iotae|river_iotae|docs)/[\w./]+)`")
MARK = "--- end of a snippet ---"


def blocks(path, language):
    return [body for name, body in FENCE.findall(path.read_text()) if name == language]


def matches(expected, got):
    """Whether a text is the expected one, in which ``...`` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, got, re.S) is not None


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_python_snippets_run_in_order_and_print_what_the_page_shows(page, tmp_path):
    bodies = blocks(page, "python")
    code = "\n".join(f"{body}\nprint({MARK!r})" for body in bodies)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    printed = dict(zip(bodies, done.stdout.split(f"{MARK}\n"), strict=False))
    for body, shown in OUTPUT.findall(page.read_text()):
        assert matches(shown, printed[body]), f"{page.name} shows\n{shown}\nbut it prints\n{printed[body]}"


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "api.md"], ids=lambda p: p.name)
def test_a_snippet_that_prints_shows_what_it_prints(page):
    shown = {body for body, _ in OUTPUT.findall(page.read_text())}
    silent = [body for body in blocks(page, "python") if "print(" in body and body not in shown]
    assert not silent, f"{page.name}: no output is shown for\n{silent[0]}"


def test_constants_on_the_page_of_the_algorithm_are_in_the_code():
    rows = re.findall(
        r"^\| ((?:`\w+`(?: \(`\w+`\))?,? ?)+)\|", (ROOT / "docs/algorithm.md").read_text(), re.M
    )
    named = {name for row in rows for name in re.findall(r"`(_?[A-Z][A-Z_0-9]+)`", row)}
    words = {word for path in (ROOT / "iotae").rglob("*.py") for word in re.findall(r"\w+", path.read_text())}
    absent = named - words
    assert named
    assert not absent, f"docs/algorithm.md explains {sorted(absent)}, which the code does not have"


def test_the_floors_on_the_page_are_those_of_the_import_test():
    body = re.search(
        r"^## The floors$.*?^```text\n(.*?)^```", (ROOT / "docs/design.md").read_text(), re.M | re.S
    )
    for level, line in enumerate(reversed(body[1].splitlines())):
        for name in line.split():
            package = name if name.startswith(("pyod", "river", "bench")) else f"iotae.{name}"
            assert FLOOR_OF.get(package, level) == level, f"docs/design.md has {name} on floor {level}"
    shown = set(body[1].split())
    there = {path.stem for path in (ROOT / "iotae").iterdir() if not path.name.startswith(("__init", "__py"))}
    assert there - {"py"} <= shown, f"docs/design.md has no floor for {there - shown}"


def test_figures_are_those_of_the_benchmarks_pages(tmp_path):
    shutil.copytree(ROOT / "docs" / "benchmarks", tmp_path / "docs" / "benchmarks")
    kept = [tmp_path / "README.md", tmp_path / "docs" / "figures.md"]
    for path in kept:
        shutil.copy(ROOT / path.relative_to(tmp_path), path)
    insert_figures(kept[0], tmp_path / "docs" / "benchmarks")
    for path in kept:
        original = ROOT / path.relative_to(tmp_path)
        assert path.read_text() == original.read_text(), f"{path.name}: run python -m benchmarks readme"


RUN_IN_ORDER = """
import json, subprocess, sys
from iotae.cli import main
for line, words in json.load(sys.stdin):
    # a small file that the commands after it read, or one of them
    code = main(words) if words else subprocess.run(line, shell=True).returncode
    if code:
        sys.exit(f"{line} ended with {code}")
"""


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "console")], ids=lambda p: p.name)
def test_commands_run_in_order(page, tmp_path):
    lines = [line[2:] for body in blocks(page, "console") for line in body.splitlines()]
    steps = [
        (line, shlex.split(line, comments=True)[1:] if line.startswith("iotae") else None)
        for line in lines
        if line.startswith(("iotae ", "printf "))
    ]
    # in one process, as a start of Python for each command would take longer than the commands
    done = subprocess.run(
        [sys.executable, "-c", RUN_IN_ORDER],
        input=json.dumps(steps),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "command",
    [
        "fit",
        "tune",
        "score",
        "stream",
        "filter",
        "evaluate",
        "demo",
        "report",
        "watch",
        "info",
        "export",
        "simulate",
    ],
)
def test_each_option_of_the_command_is_on_a_page(command, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main([command, "--help"])
    said = capsys.readouterr().out
    options = set(re.findall(r"^  (?:-\w(?: \w+)?, )?(--[a-z-]+)", said, re.M)) - {"--help"}
    assert options
    pages = "".join((ROOT / "docs" / name).read_text() for name in ("command.md", "tuning.md"))
    # -o is the short form of --output
    absent = {name for name in options - {"--output"} if not re.search(rf"{name}\b", pages)}
    assert not absent, f"no page tells of {sorted(absent)}"


def anchors(path):
    """The anchors that a forge makes of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name} links to {target}, which is not there"
            assert not anchor or anchor in anchors(there), f"{page.name} links to {target}#{anchor}"


def test_files_that_pages_name_are_there():
    for page in [p for p in PAGES if p.parent.name != "benchmarks"]:
        for name in OURS.findall(page.read_text()):
            assert (ROOT / name).exists(), f"{page.name} names {name}, which is not there"


def test_nothing_names_this_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    forbidden = re.compile("/" + "work/|/" + "root/|/opt/" + "wheels|file:" + "///opt")
    for name in tracked.stdout.split():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cff", ""} and path.is_file():
            assert not forbidden.search(path.read_text(errors="replace")), name
