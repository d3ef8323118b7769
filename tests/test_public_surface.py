"""The public surface: docs/api.md lists it, ``__all__`` agrees with the page, and each name is explained."""

import importlib
import inspect
import re

import pytest

from tests.conftest import ROOT

API = (ROOT / "docs" / "api.md").read_text()
SECTIONS = re.findall(r"^### `([\w.]+)`\n(.*?)(?=^##|\Z)", API, re.M | re.S)
LISTED = {module: re.findall(r"^\| `(\w+)` \|", body, re.M) for module, body in SECTIONS}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SNIPPETS = "\n".join(
    body for page in PAGES for body in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
)
NAMES = [(module, name) for module, names in LISTED.items() for name in names]
# the page of the insides may show them
INSIDE = ROOT / "docs" / "design.md"


def public_members(kind):
    """The methods and properties of a class of ours that have no underscore in front, inherited ones too."""
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if not name.startswith("_") and (callable(member) or isinstance(member, (property, classmethod))):
            yield name, getattr(member, "__func__", member)


def test_the_page_lists_these_modules():
    core = (
        "batch data distributed distributed.spark distributed.spark_fleet evaluation export fleet io "
        "model_selection pipeline plots preprocessing quality sequence serialization simulator stream "
        "thresholds"
    )
    expected = {"iotae", "pyod_iotae", "river_iotae", *(f"iotae.{name}" for name in core.split())}
    assert LISTED.keys() == expected


@pytest.mark.parametrize("module", LISTED)
def test_all_is_what_the_page_lists(module):
    offered = importlib.import_module(module).__all__
    assert sorted(offered) == sorted(LISTED[module])


@pytest.mark.parametrize("module", LISTED)
def test_what_a_public_module_defines_is_listed_or_private(module):
    loaded = importlib.import_module(module)
    own = {name for name, value in vars(loaded).items() if getattr(value, "__module__", None) == module}
    unlisted = {name for name in own if not name.startswith("_")} - set(LISTED[module])
    assert not unlisted, (
        f"{module} defines {sorted(unlisted)}: list them in docs/api.md, or add an underscore"
    )


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_each_class_and_function_is_explained_and_shown(module, name):
    value = getattr(importlib.import_module(module), name)
    if not callable(value):
        return  # a constant: its line on the page says what it is
    text = inspect.getdoc(value) or ""
    assert text, f"{module}.{name} has no docstring"
    # the result of a function is shown where the function is
    maker = re.search(r"see :func:`~?([\w.]+)`", text)
    words = {name, maker[1].split(".")[-1]} if maker else {name}
    shown = ">>>" in text or any(re.search(rf"\b{word}\b", SNIPPETS) for word in words)
    assert shown, f"{module}.{name} has no example: add one to its docstring or to a page"
    if inspect.isclass(value):
        bare = [member for member, what in public_members(value) if not inspect.getdoc(what)]
        assert not bare, f"{module}.{name} has members without a docstring: {bare}"


@pytest.mark.parametrize("page", [p for p in PAGES if p != INSIDE], ids=lambda p: p.name)
def test_pages_import_from_public_modules_only(page):
    for body in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S):
        for module in re.findall(r"^\s*(?:from|import) ((?:iotae|pyod_iotae|river_iotae)[\w.]*)", body, re.M):
            assert module in LISTED, f"{page.name} imports from {module}, which docs/api.md does not list"
