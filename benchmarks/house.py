"""The shape of the source: lengths, parameters and imports, as counts that a test holds and a page can show.

``python -m benchmarks house`` prints the counts; ``--root`` measures another checkout, whatever its layout.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.detector import OUR_PACKAGES

__all__ = [
    "LONGEST_FUNCTION",
    "LONGEST_MODULE",
    "MOST_PARAMETERS",
    "Function",
    "counts",
    "cycle",
    "edges",
    "functions",
    "imports_of",
    "levels",
    "modules",
]

LONGEST_FUNCTION, MOST_PARAMETERS, LONGEST_MODULE = 50, 8, 250
Graph = dict[str, set[str]]


@dataclass(frozen=True)
class Function:
    """A function or method.

    Attributes
    ----------
    name : str
        Module and qualified name, as in "iotae.pipeline:TableDetector.fit".
    lines : int
        Lines from ``def`` to the end, without the docstring.
    parameters : int
        Parameters without ``self`` and ``cls``.
    """

    name: str
    lines: int
    parameters: int


def modules(root: Path, packages: tuple[str, ...] = OUR_PACKAGES) -> dict[str, Path]:
    """Return the file of each module of the packages under ``root``, by the module's name."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _for_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(path: Path) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a file imports when it is loaded, inside functions, and for type checking alone.

    An import from a package gives the package's name and the dotted name below it.
    """
    at_load: set[str] = set()
    deferred: set[str] = set()
    typing: set[str] = set()

    def visit(node: ast.AST, into: set[str]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                into.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                module = child.module or ""
                into.update([module, *(f"{module}.{alias.name}" for alias in child.names)])
            elif _for_typing(child):
                visit(child, typing)
            else:
                inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and into is at_load
                visit(child, deferred if inside else into)

    visit(_tree(path), at_load)
    return at_load, deferred, typing


def edges(files: Mapping[str, Path], *, deferred: bool = True) -> Graph:
    """Return which of ``files`` each of them imports; imports for type checking alone are left out.

    Where a name below a package is imported, the arrow is to the module of that name if there is one,
    and else to the package. A module's import of a package that holds it is no arrow.
    """
    graph: Graph = {}
    for name, path in files.items():
        at_load, later, _ = imports_of(path)
        named = (at_load | later if deferred else at_load) & files.keys()
        graph[name] = {other for other in named if not f"{name}.".startswith(f"{other}.")}
    return graph


def cycle(graph: Mapping[str, Set[str]]) -> list[str]:
    """Return the modules of one circle of imports, the first one again at the end; empty if there is none.

    Examples
    --------
    >>> cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}), cycle({"a": {"b"}, "b": set()})
    (['b', 'c', 'b'], [])
    """
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> list[str]:
        if name in above:
            return [*above[above.index(name) :], name]
        if name not in done:
            for other in sorted(graph[name]):
                if found := visit(other, (*above, name)):
                    return found
            done.add(name)
        return []

    for name in graph:
        if found := visit(name, ()):
            return found
    return []


def levels(graph: Mapping[str, Set[str]]) -> int:
    """Return how many floors the imports need: the modules on the longest way down, each circle as one.

    Examples
    --------
    >>> levels({"a": {"b", "c"}, "b": {"c"}, "c": set()}), levels({"a": {"b"}, "b": {"a"}})
    (3, 1)
    """
    reached = {name: _reached(graph, name) for name in graph}

    @cache
    def depth(name: str) -> int:
        below = [other for other in reached[name] if name not in reached[other]]
        return 1 + max(map(depth, below), default=0)

    return max(map(depth, graph), default=0)


def _reached(graph: Mapping[str, Set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def functions(files: Mapping[str, Path]) -> Iterator[Function]:
    """Yield every function and method of the files, those inside others included."""
    for name, path in files.items():
        yield from _functions(_tree(path), f"{name}:")


def _functions(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Function(f"{prefix}{child.name}", _length(child), _n_parameters(child))
        yield from _functions(child, f"{prefix}{child.name}." if named else prefix)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    documented = ast.get_docstring(node, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def _n_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = node.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def counts(root: Path) -> dict[str, int]:
    """Return the counts of a checkout's three packages, by what is counted."""
    files = modules(root)
    found = list(functions(files))
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()}
    wide = [one.name for one in found if one.parameters > MOST_PARAMETERS]
    graph, everything = edges(files), edges(modules(root, (*OUR_PACKAGES, "benchmarks")))
    return {
        "modules": len(files),
        "lines": sum(lines.values()),
        f"modules over {LONGEST_MODULE} lines": sum(n > LONGEST_MODULE for n in lines.values()),
        "functions": len(found),
        f"functions over {LONGEST_FUNCTION} lines": sum(one.lines > LONGEST_FUNCTION for one in found),
        f"functions over {MOST_PARAMETERS} parameters": len(wide),
        "of them no constructors": sum(not name.endswith(".__init__") for name in wide),
        "imports between modules": sum(map(len, graph.values())),
        "floors that these imports need": levels(graph),
        "modules in circles of imports, benchmarks counted": sum(
            name in _reached(everything, name) for name in everything
        ),
    }
