"""Run by an environment of its own: score a stream with one of the peers that are installed there.

``python isolated_worker.py NAME SEED FOLDER`` reads ``rows.npy`` (n, d) of the folder and writes
``scores.npy`` (n,) and ``seconds.txt``. Each row is scored before it is learned. Nothing of this project is
imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

__all__ = ["PEERS", "run"]

Peer = tuple[Callable[[Any], float], Callable[[Any], None]]
"""Score a row, learn a row."""


class Bounds:
    """A row in [0, 1] by the smallest and largest values so far, as River's MinMaxScaler."""

    def __init__(self, d: int) -> None:
        self.low, self.high = np.full(d, np.inf), np.full(d, -np.inf)

    def learn(self, x: Any) -> None:
        """Take a row in."""
        self.low, self.high = np.minimum(self.low, x), np.maximum(self.high, x)

    def scale(self, x: Any) -> Any:
        """Return the row scaled; 0 where a feature has not moved yet."""
        moved = self.high > self.low
        return np.where(
            moved, (x - np.where(moved, self.low, 0)) / np.where(moved, self.high - self.low, 1), 0
        )


class Moments:
    """A row less the running mean, in running deviations, as River's StandardScaler."""

    def __init__(self, d: int) -> None:
        self.n, self.mean, self.squares = 0, np.zeros(d), np.zeros(d)

    def learn(self, x: Any) -> None:
        """Take a row in."""
        self.n += 1
        away = x - self.mean
        self.mean = self.mean + away / self.n
        self.squares = self.squares + away * (x - self.mean)

    def scale(self, x: Any) -> Any:
        """Return the row scaled; 0 where a feature has not moved yet."""
        deviation = np.sqrt(self.squares / max(self.n, 1))
        return np.where(deviation > 0, (x - self.mean) / np.where(deviation > 0, deviation, 1), 0)


def _scaled(scaler: Any, peer: Peer) -> Peer:
    """Put a scaler in front that learns when the peer learns."""
    score, learn = peer

    def learn_scaled(x: Any) -> None:
        scaler.learn(x)
        learn(scaler.scale(x))

    return lambda x: score(scaler.scale(x)), learn_scaled


def _pysad(name: str, **arguments: Any) -> Peer:
    import pysad.models

    model = getattr(pysad.models, name)(**arguments)
    fitted = []

    def learn(x: Any) -> None:
        model.fit_partial(x)
        fitted.append(True)

    # PySAD's models cannot score before the first row
    return lambda x: float(model.score_partial(x)) if fitted else 0.0, learn


def _pysad_half_space_trees(d: int, seed: int) -> Peer:
    bounds = {"feature_mins": np.zeros(d), "feature_maxes": np.ones(d)}
    return _scaled(Bounds(d), _pysad("HalfSpaceTrees", random_state=seed, **bounds))


def _pysad_rs_hash(d: int, seed: int) -> Peer:
    bounds = {"feature_mins": np.zeros(d), "feature_maxes": np.ones(d)}
    return _scaled(Bounds(d), _pysad("RSHash", random_state=seed, **bounds))


def _pysad_xstream(d: int, seed: int) -> Peer:
    return _scaled(Moments(d), _pysad("xStream", random_state=seed))


def _online_iforest(d: int, seed: int) -> Peer:
    from rcf3 import OnlineIForest

    model = OnlineIForest(d, seed=seed)
    return lambda x: float(model.score(x.tolist())), lambda x: model.update(x.tolist())


def _capymoa(name: str, d: int, **arguments: Any) -> Peer:
    import capymoa.anomaly
    from capymoa.core import LabeledInstance
    from capymoa.stream import Schema

    schema = Schema.from_custom([f"f{j}" for j in range(d)] + ["y"], "y", categories={"y": ["0", "1"]})
    model = getattr(capymoa.anomaly, name)(schema=schema, **arguments)

    # labels are part of an instance; the learner does not look at them
    def instance(x: Any) -> Any:
        return LabeledInstance.from_array(schema, x, 0)

    return lambda x: float(model.score_instance(instance(x))), lambda x: model.train(instance(x))


def _moa_half_space_trees(d: int, seed: int) -> Peer:
    return _scaled(Bounds(d), _capymoa("HalfSpaceTrees", d, random_seed=seed))


def _adaptive_isolation_forest(d: int, seed: int) -> Peer:
    return _capymoa("AdaptiveIsolationForest", d, seed=seed)


PEERS: dict[str, Callable[[int, int], Peer]] = {
    "PySAD HalfSpaceTrees": _pysad_half_space_trees,
    "PySAD RSHash": _pysad_rs_hash,
    "PySAD xStream": _pysad_xstream,
    "OnlineIForest": _online_iforest,
    "MOA HalfSpaceTrees": _moa_half_space_trees,
    "AdaptiveIsolationForest": _adaptive_isolation_forest,
}
"""From the number of features and a seed to a fresh peer with its own defaults."""


def run(name: str, seed: int, X: Any) -> tuple[Any, float]:
    """Return the scores (n,) of rows (n, d), each scored before it is learned, and the seconds."""
    score, learn = PEERS[name](X.shape[1], seed)
    scores = np.empty(len(X))
    start = perf_counter()
    for i, x in enumerate(X):
        scores[i] = score(x)
        learn(x)
    return scores, perf_counter() - start


if __name__ == "__main__":
    folder = Path(sys.argv[3])
    found, seconds = run(sys.argv[1], int(sys.argv[2]), np.load(folder / "rows.npy"))
    np.save(folder / "scores.npy", found)
    (folder / "seconds.txt").write_text(repr(seconds))
