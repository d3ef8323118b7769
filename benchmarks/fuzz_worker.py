"""One process of the fuzz benchmark: load wrong files, use what loads, and say what came of each.

``python -m benchmarks.fuzz_worker KIND SEED START STOP`` prints ``> number`` before each file, and its
outcome after it. So the process that waits knows which file ended this one.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mutations
from iotae import BatchAutoencoder, OnlineAutoencoder, serialization, thresholds
from iotae.data import Table
from iotae.pipeline import TableDetector
from iotae.preprocessing import Preprocessor

__all__ = ["KINDS", "LOADED", "MOST_BYTES", "MOST_SECONDS", "REFUSED", "outcome"]

MOST_SECONDS, MOST_BYTES = 1.0, 100 * 10**6
"""What a refusal may take."""

PATIENCE = 30
"""Seconds after which a file that is still at work has hung."""

N_ROWS = 50
REFUSED, LOADED = "refused", "loaded and worked"

State = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of model that is saved: some right states of it, and how one is loaded and used."""

    states: Callable[[], list[State]]
    build: Callable[[State], Any]
    use: Callable[[Any], None]


def _row(i: int, rng: np.random.Generator) -> dict[Any, Any]:
    load = float(rng.normal())
    return {
        "power": 50.0 + 5.0 * load,
        "latency": 20.0 + 3.0 * load + float(rng.normal()),
        "mode": ("eco", "max", "eco", "off")[i % 4],
        "at": datetime.datetime(2026, 1, 1) + datetime.timedelta(minutes=20 * i),
        ("unit", 1): float(i % 5),
    } | ({"late": load} if i > 40 else {})


def _rows(n_rows: int, seed: int) -> list[dict[Any, Any]]:
    rng = np.random.default_rng(seed)
    return [_row(i, rng) for i in range(n_rows)]


def _streams() -> list[State]:
    young, old = (OnlineAutoencoder(seed=1, max_features=16, batch_size=8, alpha=0.05) for _ in range(2))
    for x in _rows(45, 0):
        young.learn_one(x)
    for x in _rows(402, 1):
        old.learn_one(x)
    return [young.to_state(), old.to_state(), OnlineAutoencoder(seed=0).to_state()]


def _demand(good: bool, what: str) -> None:
    if not good:
        raise ArithmeticError(what)


def _use_stream(model: Any) -> None:
    for x in _rows(N_ROWS, 2):
        score = model.score_one(x)
        _demand(0.0 <= score < 1.0, f"a score of {score}")
        model.classify(score)
        model.learn_one(x)
    again, _ = model.score_learn_one(x)
    _demand(0.0 <= again < 1.0, f"a score of {again}")
    shares = sum(model.explain_one(x).values())
    _demand(np.isfinite(shares), f"shares of {shares}")


@functools.cache
def _matrix(n_rows: int = N_ROWS) -> Any:
    rng = np.random.default_rng(3)
    load = rng.normal(size=(n_rows, 1))
    X = load @ np.array([[5.0, 3.0, 1.0]]) + rng.normal(scale=0.1, size=(n_rows, 3))
    X[0, 0] = np.nan
    return X


def _table(n_rows: int = N_ROWS) -> Table:
    names = ("power", "latency", "humidity")
    columns = dict(zip(names, _matrix(n_rows).T, strict=True))
    return Table({**columns, "mode": [("eco", "max")[i % 2] for i in range(n_rows)]})


def _tables() -> list[State]:
    return [
        BatchAutoencoder(seed=0, epochs=1).fit(_matrix(80)).to_state(),
        BatchAutoencoder(
            seed=0, epochs=1, hidden_sizes=(5, 2, 5), activation="relu", scoring="reconstruction"
        )
        .fit(_matrix(80))
        .to_state(),
        BatchAutoencoder(seed=0, epochs=1).fit(_matrix(80), categories=[0, 1, -1]).to_state(),
        BatchAutoencoder(seed=0).to_state(),
    ]


def _all_finite(values: Any, what: str) -> None:
    _demand(bool(np.isfinite(values).all()), f"{what} that are not finite")


def _use_batch(model: Any) -> None:
    if model._network is not None:
        _all_finite(model.score(_matrix()), "scores")
        _all_finite(model.errors(_matrix()), "shares")
    _all_finite(model.partial_fit(_matrix()).score(_matrix()), "scores after learning")


def _table_for(preprocessor: Preprocessor) -> Table:
    """Return rows that have the columns of a preprocessor, whatever they are called and hold."""
    cells: dict[str, list[Any]] = {
        "numeric": _matrix()[:, 1].tolist(),
        "category": [("eco", "max")[i % 2] for i in range(N_ROWS)],
        "time": [f"2026-01-{1 + i % 28:02}T{i % 24:02}:00" for i in range(N_ROWS)],
    }
    return Table({code.name: cells[code.kind] for code in preprocessor.learned.codes})


def _use_detector(model: TableDetector) -> None:
    table = _table_for(model.preprocessor)
    scores = model.score(table)
    _all_finite(scores, "scores")
    model.classify(scores)
    X = model.preprocessor.apply(table, keep_rows=True).X
    _all_finite(model.autoencoder.partial_fit(X).score(X), "scores after learning")


def _pyod_class() -> Any:
    from pyod_iotae import IoTAE

    return IoTAE


def _frame(table: Table, names: Sequence[str]) -> Any:
    import pandas as pd

    numbers = _matrix()[:, 1]
    return pd.DataFrame({name: table.array(name) if name in table else numbers for name in names})


def _pyods() -> list[State]:
    make, table = _pyod_class(), _table()
    plain = make(random_state=0, epoch_num=1, contamination=0.1).fit(_matrix(80))
    mixed = make(random_state=0, epoch_num=1).fit(_frame(table, table.names))
    return [plain.to_state(), mixed.to_state()]


def _use_pyod(model: Any) -> None:
    X = _matrix()
    if model.encoder_ is not None:
        X = _frame(_table_for(model.encoder_), model.feature_names_in_)
    _all_finite(model.decision_function(X), "scores")
    _all_finite(model.predict_proba(X), "probabilities")
    _all_finite(model.partial_fit(X).decision_function(X), "scores after learning")


def _river_class() -> Any:
    from river_iotae import IoTAE

    return IoTAE


def _rivers() -> list[State]:
    model = _river_class()(seed=1, max_features=16, batch_size=8, alpha=0.05)
    for x in _rows(120, 4):
        model.learn_one(x)
    return [model.to_state()]


def _filter_class(name: str) -> Any:
    import river_iotae

    return getattr(river_iotae, name)


def _filters(name: str) -> list[State]:
    rules = (thresholds.ConformalThreshold(0.05), thresholds.TailThreshold(0.01, window=250, depth=5))
    states = []
    for given in (0.05,) if name == "ConformalFilter" else rules:
        model = _filter_class(name)(_river_class()(seed=1, max_features=16, batch_size=8), given)
        for x in _rows(120, 4):
            model.learn_one(x)
        states.append(model.to_state())
    return states


def _use_filter(model: Any) -> None:
    for x in _rows(N_ROWS, 2):
        score = model.score_one(x)
        _demand(0.0 <= score < 1.0, f"a score of {score}")
        model.classify(score)
        model.learn_one(x)


def _cut(make: Callable[[], thresholds.Threshold]) -> Kind:
    def states() -> list[State]:
        scores = np.random.default_rng(5).gamma(2.0, size=300)
        fitted, moved = make().fit(scores), make()
        for score in scores:
            moved.update(float(score))
        return [fitted.to_state(), moved.to_state()]

    def use(cut: Any) -> None:
        for score in np.random.default_rng(6).gamma(2.0, size=N_ROWS):
            p = cut.p_value(float(score))
            _demand(0.0 < p <= 1.0 and not np.isnan(cut.threshold), f"a p-value of {p}")
            cut.classify(float(score))
            cut.update(float(score))

    return Kind(states, type(make()).from_state, use)


KINDS: dict[str, Kind] = {
    "OnlineAutoencoder": Kind(_streams, OnlineAutoencoder.from_state, _use_stream),
    "river_iotae.IoTAE": Kind(_rivers, lambda data: _river_class().from_state(data), _use_stream),
    "BatchAutoencoder": Kind(_tables, BatchAutoencoder.from_state, _use_batch),
    "TableDetector": Kind(
        lambda: [TableDetector(autoencoder=BatchAutoencoder(seed=0, epochs=1)).fit(_table(80)).to_state()],
        TableDetector.from_state,
        _use_detector,
    ),
    "pyod_iotae.IoTAE": Kind(_pyods, lambda data: _pyod_class().from_state(data), _use_pyod),
    "AlertBudget": _cut(lambda: thresholds.AlertBudget(5, 50)),
    "ConformalThreshold": _cut(lambda: thresholds.ConformalThreshold(0.05)),
    "OnlineFDR": _cut(lambda: thresholds.OnlineFDR(horizon=20)),
    "QuantileThreshold": _cut(lambda: thresholds.QuantileThreshold(0.1)),
    "TailThreshold": _cut(lambda: thresholds.TailThreshold(0.01, window=250, depth=5)),
    "river_iotae.AlarmFilter": Kind(
        lambda: _filters("AlarmFilter"),
        lambda data: _filter_class("AlarmFilter").from_state(data),
        _use_filter,
    ),
    "river_iotae.ConformalFilter": Kind(
        lambda: _filters("ConformalFilter"),
        lambda data: _filter_class("ConformalFilter").from_state(data),
        _use_filter,
    ),
}


@contextlib.contextmanager
def _little_memory() -> Any:
    """Let the process have little more memory than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def outcome(name: str, path: Path) -> tuple[str, str]:
    """Load a file as a kind of model, use it if it loads, and return what came of it and a word on that."""
    kind = KINDS[name]
    begin = time.perf_counter()
    try:
        with _little_memory():
            model = serialization.restore(path, name, kind.build)
    except serialization.StateError as error:
        said, seconds = str(error), time.perf_counter() - begin
        if not said.isprintable() or len(said) > 1000:
            return "FAILED: no printable line", repr(said[:300])
        if seconds > MOST_SECONDS:
            return "FAILED: slow", f"{seconds:.1f} s: {said}"
        if "can be made of it" in said:
            return "FAILED: not foreseen", said
        return REFUSED, said
    except Exception as error:
        return "FAILED: another error", repr(error)[:300]
    try:
        kind.use(model)
    except Exception as error:
        return "FAILED: in use", repr(error)[:300]
    return LOADED, ""


def main(argv: list[str]) -> int:
    """Try the files from START to STOP of a kind."""
    name, (seed, start, stop) = argv[0], map(int, argv[1:])
    warnings.simplefilter("ignore")
    kind, number = KINDS[name], list(KINDS).index(name)
    states = kind.states()
    # in memory where there is such a folder: the disk would take most of the time
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        path = Path(folder) / "model"
        for state in states:
            # compiles and imports what a load and a use need, and shows that the right file does load
            path.write_bytes(mutations.sealed(name, state))
            found = outcome(name, path)
            if found[0] != LOADED:
                raise RuntimeError(f"{name}: a right file came out as {found}")
        for i in range(start, stop):
            print(f"> {i}", flush=True)
            rng = np.random.default_rng([seed, number, i])
            path.write_bytes(mutations.mutant(name, states[i % len(states)], rng))
            signal.alarm(PATIENCE)
            found = outcome(name, path)
            signal.alarm(0)
            print(json.dumps([i, *found]).replace(folder, ""), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
