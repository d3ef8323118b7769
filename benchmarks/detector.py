"""One entry of the registry: how a detector is made, and what its results depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from benchmarks.datasets import ROOT

__all__ = ["OUR_PACKAGES", "Detector", "Task", "source_hash"]

NUMERICS = ("numba", "numpy", "scipy", "scikit-learn")
OUR_PACKAGES = ("iotae", "pyod_iotae", "river_iotae")


@dataclass(frozen=True)
class Task:
    """What a factory may know: the seed, and the size of the rows to come (never a label)."""

    seed: int
    n_rows: int
    n_features: int


@dataclass(frozen=True)
class Detector:
    """One entry of the registry.

    Attributes
    ----------
    name : str
        The name in every table.
    make : callable
        From a `Task` to a fresh, unfitted detector.
    packages : tuple of str
        Distributions whose version decides the result, beside NumPy and its like.
    recipe : str
        What the factory does, as text: a changed recipe is a changed detector.
    ours : bool
        Whether it is this project's, so that its source decides the result.
    takes_time : bool
        Whether a row may carry a ``datetime`` beside the numbers.
    given : str
        What of a table's columns it is shown, in the words of the page.
    """

    name: str
    make: Callable[[Task], Any]
    packages: tuple[str, ...]
    recipe: str
    ours: bool = False
    takes_time: bool = False
    given: str = "raw values"

    def why_absent(self) -> str | None:
        """Return None where the detector can be made, else one line that says why not."""
        for package in self.packages:
            try:
                metadata.version(package)
            except metadata.PackageNotFoundError:
                return f"{self.name}: the package {package} is not installed (pip install {package})"
        return None

    def versions(self) -> dict[str, str]:
        """Return what a stored result depends on: versions, its recipe, ours wholly."""
        found = {package: metadata.version(package) for package in {*NUMERICS, *self.packages}}
        if self.ours:
            found["iotae source"] = source_hash()
        found["recipe"] = hashlib.sha256(self.recipe.encode()).hexdigest()[:12]
        return found


@cache
def source_hash() -> str:
    """Return a hash of every module of the three packages."""
    digest = hashlib.sha256()
    for package in OUR_PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
