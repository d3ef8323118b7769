"""What an import costs, and that imports between our rooms only ever go down."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

HEAVY = ("torch", "numba", "pandas", "sklearn", "scipy", "matplotlib", "pyod", "river", "pyarrow", "polars")


def loaded_by(statement):
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import iotae", HEAVY),
        ("import iotae.cli", HEAVY),
        ("import river_iotae", ("torch", "pyod", "matplotlib")),
        ("import pyod_iotae", ("river", "torch")),
        (
            "from iotae import BatchAutoencoder, OnlineAutoencoder",
            ("torch", "pyod", "river", "pandas", "sklearn"),
        ),
    ],
)
def test_an_import_loads_nothing_heavy(statement, forbidden):
    assert not loaded_by(statement) & set(forbidden)


def test_import_iotae_costs_at_most_twice_numpy():
    def seconds(statement):
        code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        return min(
            float(
                subprocess.run(
                    [sys.executable, "-c", code], capture_output=True, text=True, check=True
                ).stdout
            )
            for _ in range(5)
        )

    assert seconds("import iotae") <= 2 * seconds("import numpy")


def imports_of(path):
    """Names of the modules that a file imports when it is loaded, and those it imports later."""
    tree = ast.parse(path.read_text())
    now, later = set(), set()

    def visit(node, inside):
        for child in ast.iter_child_nodes(node):
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            names = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                module = child.module or ""
                names = [module, *(f"{module}.{alias.name}" for alias in child.names)]
            (later if inside else now).update(names)
            deeper = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) or typing_only
            visit(child, inside or deeper)

    visit(tree, False)
    return now, later


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(path): path
    for package in ("iotae", "pyod_iotae", "river_iotae")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def test_the_core_never_imports_a_host_and_the_adapters_never_each_other():
    for name, path in FILES.items():
        everything = {module.split(".")[0] for part in imports_of(path) for module in part}
        package = name.split(".")[0]
        forbidden = {
            "iotae": {"pyod", "river", "pyod_iotae", "river_iotae"},
            "pyod_iotae": {"river", "river_iotae"},
            "river_iotae": {"pyod", "pyod_iotae"},
        }[package]
        assert not everything & forbidden, f"{path} imports {everything & forbidden}"


def test_imports_between_rooms_have_no_cycle():
    edges = {}
    for name, path in FILES.items():
        # a package's own room may ask for the package, which is there before its rooms are loaded
        edges[name] = {m for m in imports_of(path)[0] & FILES.keys() if not f"{name}.".startswith(f"{m}.")}
    done, active = set(), []

    def visit(name):
        assert name not in active, " -> ".join([*active, name])
        if name not in done:
            active.append(name)
            for other in sorted(edges[name]):
                visit(other)
            done.add(active.pop())

    for name in edges:
        visit(name)


# Floors of the house, from the ground up; a package's modules live on its floor.
FLOORS = (
    "_typing _compiled _version simulator",
    "_validation _random serialization thresholds",
    "nn data evaluation",
    "stream batch preprocessing io plots",
    "pipeline",
    "model_selection",
    "cli __main__",
)
FLOOR_OF = {f"iotae.{room}": floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}


def floor_of(name):
    parts = name.split(".")
    return FLOOR_OF.get(".".join(parts[:2])) if parts[0] == "iotae" and len(parts) > 1 else None


def test_no_arrow_points_up():
    for name, path in FILES.items():
        floor = floor_of(name)
        assert name in ("iotae",) or not name.startswith("iotae.") or floor is not None, (
            f"{name} has no floor"
        )
        for other in imports_of(path)[0]:
            below = floor_of(other)
            if floor is not None and below is not None:
                assert below <= floor, f"{name} (floor {floor}) imports {other}, which lies above"


def test_every_room_says_its_purpose_and_stays_a_room():
    for path in FILES.values():
        text = path.read_text()
        first = ast.get_docstring(ast.parse(text)) or ""
        assert first.split("\n\n")[0].strip().endswith((".", ":")), (
            f"{path}: the first lines must say its purpose"
        )
        assert len(text.splitlines()) <= 350, f"{path} is no longer a small room"


def test_the_command_answers_quickly():
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "iotae", "--version"], capture_output=True, text=True)
    assert done.returncode == 0
    assert time.perf_counter() - start < 5.0


def test_the_type_marker_is_shipped():
    for package in ("iotae", "pyod_iotae", "river_iotae"):
        assert (Path(ROOT) / package / "py.typed").is_file()
