"""Compiles what most tests need: ``python -m tests.compile_kernels stream`` or ``tables``."""

from __future__ import annotations

import sys

import numpy as np

from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.quality import PacketChecker


def stream() -> None:
    """All kernels of a row of a stream."""
    OnlineAutoencoder(seed=0).score_learn_one({"a": 1.0, "b": 2.0})


def tables() -> None:
    """Those of a table's fit and scores, and those of a row's quality."""
    X = np.random.default_rng(0).normal(size=(300, 4))
    BatchAutoencoder(epochs=1, seed=0).fit(X).score(X)
    PacketChecker().learn_one({"a": 1.0, "b": 2.0})


PARTS = {"stream": stream, "tables": tables}

if __name__ == "__main__":
    PARTS[sys.argv[1]]()
