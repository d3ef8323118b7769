"""Peers in an environment of their own, whose pins collide with ours: how it is made, and how they are run.

``python -m benchmarks peers-env`` makes it. A stream's rows go over in a file; the scores come back in one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.detector import Detector

__all__ = ["ENVIRONMENT", "PEERS", "REQUIREMENTS", "Isolated", "IsolatedDetector", "build"]

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".cache" / "peers-venv"
REQUIREMENTS = HERE / "peers-requirements.txt"
WORKER = HERE / "isolated_worker.py"


def _python() -> Path:
    return ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"


def build() -> str:
    """Make the environment, install each requirement, and return a line for each: there, or why not.

    A peer that does not install leaves the others alone.
    """
    if not _python().exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    lines = []
    # our own pins are what the peers' collide with
    environment = {key: value for key, value in os.environ.items() if key != "PIP_CONSTRAINT"}
    for requirement in _requirements():
        command = [
            str(_python()),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            requirement,
        ]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = said[0] if said else f"pip ended with {done.returncode}"
        lines.append(f"{requirement}: {'installed' if not done.returncode else reason}")
    _installed.cache_clear()
    return "\n".join(lines)


def _requirements() -> list[str]:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@cache
def _installed() -> dict[str, str]:
    """Return the versions of what is installed in the environment, by name; empty where there is none."""
    found = {}
    for folder in ENVIRONMENT.glob("**/site-packages/*.dist-info"):
        name, _, version = folder.name.removesuffix(".dist-info").partition("-")
        found[name.lower()] = version
    return found


@dataclass(frozen=True)
class Isolated:
    """A fresh peer, which scores a whole stream in one call.

    Attributes
    ----------
    name : str
        A key of `isolated_worker.PEERS`.
    seed : int
    """

    name: str
    seed: int

    def score_stream(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Return the scores (n,) of rows (n, d), each scored before it is learned, and the seconds it took.

        Raises
        ------
        RuntimeError
            If the peer fails, with the last line that it said.
        """
        with TemporaryDirectory() as folder:
            np.save(Path(folder) / "rows.npy", X)
            command = [str(_python()), str(WORKER), self.name, str(self.seed), folder]
            threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
            done = subprocess.run(command, capture_output=True, text=True, env={**kept, **threads})
            if done.returncode:
                raise RuntimeError((done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1])
            return np.load(Path(folder) / "scores.npy"), float((Path(folder) / "seconds.txt").read_text())


@dataclass(frozen=True)
class IsolatedDetector(Detector):
    """An entry that lives in the environment of the peers.

    Attributes
    ----------
    java : bool
        Whether it needs a Java runtime.
    """

    java: bool = False

    def why_absent(self) -> str | None:
        """Return None where the peer can be run, else one line that says why not."""
        if missing := [package for package in self.packages if package not in _installed()]:
            what = (
                f"the package {missing[0]} is not in the peers' environment (python -m benchmarks peers-env)"
            )
            return f"{self.name}: {what}"
        if self.java and not shutil.which("java"):
            return f"{self.name}: no Java runtime is installed, which {self.packages[0]} needs"
        return None

    def versions(self) -> dict[str, str]:
        """Return what a stored result depends on: the versions over there, and the worker's source."""
        installed = _installed()
        return {
            **{name: installed[name] for name in ("numpy", *self.packages)},
            "recipe": sha256(self.recipe.encode()).hexdigest()[:12],
        }


def _entry(name: str, package: str, *, java: bool = False) -> IsolatedDetector:
    recipe = WORKER.read_text(encoding="utf-8")
    return IsolatedDetector(name, lambda task: Isolated(name, task.seed), (package,), recipe, java=java)


PEERS = {
    entry.name: entry
    for entry in (
        _entry("PySAD HalfSpaceTrees", "pysad"),
        _entry("PySAD RSHash", "pysad"),
        _entry("PySAD xStream", "pysad"),
        _entry("OnlineIForest", "rcf3"),
        _entry("MOA HalfSpaceTrees", "capymoa", java=True),
        _entry("AdaptiveIsolationForest", "capymoa", java=True),
    )
}
"""Peers for streams, by name."""
