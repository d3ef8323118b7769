"""Kinds of files of the fuzz benchmark: models of tables and of series."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.fuzz_kinds import N_ROWS, Kind, State, finite, of_state
from iotae import BatchAutoencoder
from iotae.batch.group_rows import GroupedRows
from iotae.batch.grouped import GroupedAutoencoder
from iotae.data import Table
from iotae.pipeline import TableDetector
from iotae.preprocessing import Preprocessor
from iotae.sequence import SequenceAutoencoder

__all__ = ["MORE_TABLES", "TABLES"]


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


def _use_batch(model: Any) -> None:
    if model._network is not None:
        finite(model.score(_matrix()), "scores")
        finite(model.errors(_matrix()), "shares")
    finite(model.partial_fit(_matrix()).score(_matrix()), "scores after learning")


def _table_for(preprocessor: Preprocessor) -> Table:
    """Return rows that have the columns of a preprocessor, whatever they are called and hold."""
    cells: dict[str, list[Any]] = {
        "numeric": _matrix()[:, 1].tolist(),
        "category": [("eco", "max")[i % 2] for i in range(N_ROWS)],
        "time": [f"2026-01-{1 + i % 28:02}T{i % 24:02}:00" for i in range(N_ROWS)],
    }
    return Table({code.name: cells[code.kind] for code in preprocessor.learned.codes})


def _detectors() -> list[State]:
    return [TableDetector(autoencoder=BatchAutoencoder(seed=0, epochs=1)).fit(_table(80)).to_state()]


def _use_detector(model: TableDetector) -> None:
    table = _table_for(model.preprocessor)
    scores = model.score(table)
    finite(scores, "scores")
    model.classify(scores)
    X = model.preprocessor.apply(table, keep_rows=True).X
    finite(model.autoencoder.partial_fit(X).score(X), "scores after learning")


def _pyod(name: str) -> Any:
    import pyod_iotae

    return getattr(pyod_iotae, name)


def _frame_of(columns: dict[str, Any]) -> Any:
    import pandas as pd

    # pandas' own kind of names holds no half pairs of surrogates, which a file may have
    names = pd.Index(list(columns), dtype=object)
    return pd.DataFrame(dict(enumerate(columns.values()))).set_axis(names, axis=1)


def _frame(table: Table, names: Sequence[str]) -> Any:
    numbers = _matrix()[:, 1]
    return _frame_of({name: table.array(name) if name in table else numbers for name in names})


def _pyods() -> list[State]:
    make, table = _pyod("IoTAE"), _table()
    plain = make(random_state=0, epoch_num=1, contamination=0.1).fit(_matrix(80))
    mixed = make(random_state=0, epoch_num=1).fit(_frame(table, table.names))
    return [plain.to_state(), mixed.to_state()]


def _use_pyod(model: Any) -> None:
    X = _matrix()
    if model.encoder_ is not None:
        X = _frame(_table_for(model.encoder_), model.feature_names_in_)
    finite(model.decision_function(X), "scores")
    finite(model.predict_proba(X), "probabilities")
    finite(model.partial_fit(X).decision_function(X), "scores after learning")


TABLES: dict[str, Kind] = {
    "BatchAutoencoder": of_state("BatchAutoencoder", _tables, BatchAutoencoder.from_state, _use_batch),
    "TableDetector": of_state("TableDetector", _detectors, TableDetector.from_state, _use_detector),
    "pyod_iotae.IoTAE": of_state(
        "pyod_iotae.IoTAE", _pyods, lambda data: _pyod("IoTAE").from_state(data), _use_pyod
    ),
}


# -- groups ------------------------------------------------------------------------------------------

_N_GROUPED = 240


def _keys(n_rows: int) -> Any:
    return np.array([("fan", "pump", "rare")[i % 2 if i % 24 else 2] for i in range(n_rows)], object)


def _grouped() -> list[State]:
    model = GroupedAutoencoder(BatchAutoencoder(seed=0, epochs=1))
    return [model.fit(GroupedRows(_matrix(_N_GROUPED), _keys(_N_GROUPED))).to_state()]


def _use_grouped(model: GroupedAutoencoder) -> None:
    few = GroupedRows(_matrix(), np.array([*_keys(N_ROWS)[:-1], "new"], object))
    finite(model.score(few), "scores")
    finite(model.errors(few), "shares")
    finite(model.expected(few), "expected values")
    many = GroupedRows(_matrix(_N_GROUPED), _keys(_N_GROUPED))
    finite(model.partial_fit(many).score(few), "scores after learning")
    GroupedAutoencoder.from_state(model.to_state())


def _frame_of_groups(n_rows: int, names: Sequence[str], group: str) -> Any:
    columns = {name: _matrix(n_rows)[:, i % 3] for i, name in enumerate(names)}
    return _frame_of({**columns, group: _keys(n_rows)})


def _grouped_pyod() -> list[State]:
    X = _frame_of_groups(_N_GROUPED, ["power", "latency", "humidity"], "device")
    return [_pyod("IoTAE")(random_state=0, epoch_num=1, groups="device").fit(X).to_state()]


def _use_grouped_pyod(model: Any) -> None:
    few = _frame_of_groups(N_ROWS, list(getattr(model, "feature_names_in_", "abc")), model.groups)
    finite(model.decision_function(few), "scores")
    finite(model.predict_proba(few), "probabilities")
    finite(model.explain(few), "shares")
    finite(model.partial_fit(few).decision_function(few), "scores after learning")


def _grouped_detectors() -> list[State]:
    table = Table({**{name: _table(_N_GROUPED).array(name) for name in ("power", "latency", "mode")}})
    table = Table({**{n: table.array(n) for n in table.names}, "device": _keys(_N_GROUPED)})
    model = TableDetector(autoencoder=BatchAutoencoder(seed=0, epochs=1), group="device")
    return [model.fit(table).to_state()]


def _use_grouped_detector(model: TableDetector) -> None:
    plain = _table_for(model.preprocessor)
    table = Table({**{n: plain.array(n) for n in plain.names}, str(model.group): _keys(N_ROWS)})
    scores = model.score(table)
    finite(scores, "scores")
    model.classify(scores)


# -- series ------------------------------------------------------------------------------------------

_WINDOW = 6


@functools.cache
def _wave(n_rows: int) -> Any:
    phase = np.arange(n_rows) / 3.0
    noise = np.random.default_rng(5).normal(scale=0.1, size=(n_rows, 2))
    return np.stack([np.sin(phase), np.cos(phase)], axis=1) + noise


def _series() -> list[State]:
    plain = SequenceAutoencoder(window=_WINDOW, seed=0).fit(_wave(120))
    timed = SequenceAutoencoder(window=_WINDOW, seed=0, period=19).fit(_wave(120), np.arange(120) * 60.0)
    return [plain.to_state(), timed.to_state()]


def _use_series(model: SequenceAutoencoder) -> None:
    n_features = model._scaler.n_features
    X = np.tile(_wave(N_ROWS), (1, -(-n_features // 2)))[:, :n_features]
    times = np.arange(N_ROWS) * 60.0 if model._origin[1] > 0.0 else None
    finite(model.score(X, times), "scores")
    finite(model.explain(X, times), "shares")
    finite(model.explain_row(X, 20, times), "steps")


def _pyod_series(**settings: Any) -> State:
    model = _pyod("SequenceIoTAE")(window_size=_WINDOW, random_state=0, **settings)
    state: State = model.fit(_wave(120)).to_state()
    return state


def _torch_series() -> list[State]:
    return [_pyod_series(network=name) for name in ("tcn", "gru")]


def _use_pyod_series(model: Any) -> None:
    _use_series(model.model_)
    finite([model.threshold_], "cuts")
    if model.time is None and model.group is None and model.model_._origin[1] == 0.0:
        X = np.tile(_wave(N_ROWS), (1, -(-model.n_features_in_ // 2)))[:, : model.n_features_in_]
        finite(model.predict(X), "labels")
        finite(model.predict_proba(X), "probabilities")


def _of_pyod_series(data: State) -> Any:
    return _pyod("SequenceIoTAE").from_state(data)


MORE_TABLES: dict[str, Kind] = {
    "TableDetector, groups": of_state(
        "TableDetector", _grouped_detectors, TableDetector.from_state, _use_grouped_detector
    ),
    "GroupedAutoencoder": of_state(
        "GroupedAutoencoder", _grouped, GroupedAutoencoder.from_state, _use_grouped
    ),
    "pyod_iotae.IoTAE, groups": of_state(
        "pyod_iotae.IoTAE", _grouped_pyod, lambda data: _pyod("IoTAE").from_state(data), _use_grouped_pyod
    ),
    "SequenceAutoencoder": of_state(
        "SequenceAutoencoder", _series, SequenceAutoencoder.from_state, _use_series
    ),
    "pyod_iotae.SequenceIoTAE": of_state(
        "pyod_iotae.SequenceIoTAE", lambda: [_pyod_series()], _of_pyod_series, _use_pyod_series
    ),
    "pyod_iotae.SequenceIoTAE, torch": of_state(
        "pyod_iotae.SequenceIoTAE", _torch_series, _of_pyod_series, _use_pyod_series
    ),
}
