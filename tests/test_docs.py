"""The README's and the docs' snippets, run as they are written."""

import re
import shlex
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(path, language):
    return [body for name, body in FENCE.findall(path.read_text()) if name == language]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_python_snippets_run_in_order(page, tmp_path):
    code = "\n".join(blocks(page, "python"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


def a_labelled_file(path):
    from iotae.simulator import simulate

    frame = simulate(400, interval=600, anomaly_rate=0.1, seed=0).to_pandas().drop(columns="kind")
    frame.rename(columns={"label": "attack"}).to_csv(path, index=False)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "console")], ids=lambda p: p.name)
def test_commands_run_in_order(page, tmp_path):
    for name in ("train.csv", "new.csv", "events.csv"):
        a_labelled_file(tmp_path / name)
    for body in blocks(page, "console"):
        for line in body.splitlines():
            if line.startswith("$ iotae"):
                words = shlex.split(line[2:], comments=True)
                done = subprocess.run(
                    [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True
                )
                assert done.returncode == 0, f"{line}\n{done.stderr[-2000:]}"


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_nothing_names_this_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    forbidden = re.compile("/" + "work/|/" + "root/|/opt/" + "wheels|file:" + "///opt")
    for name in tracked.stdout.split():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".yml", ""} and path.is_file():
            assert not forbidden.search(path.read_text(errors="replace")), name
