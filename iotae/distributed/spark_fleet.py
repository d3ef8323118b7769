"""A fleet larger than a machine: an online model a device, as keyed state of Spark's structured streaming."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iotae._typing import Float64, Int64
from iotae._validation import TableError
from iotae.distributed.spark import _check_model, _check_numbers
from iotae.serialization import dumps, loads
from iotae.stream import OnlineAutoencoder
from iotae.stream.sealed import Sealed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["score_stream"]

_STORE = "spark.sql.streaming.stateStore.providerClass"
_ADDED = ("score", "alarm", "threshold", "skipped")
_NO_NUMBER = -(2**63)  # stands for a missing one, with which pandas would make floats of all numbers


def score_stream(
    frame: DataFrame, model: OnlineAutoencoder, *, key: str, sequence: str, columns: Sequence[str]
) -> DataFrame:
    """Score, judge and learn each row of a stream by its device's model, as one machine does that sees all.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        A stream; a table works too, as one batch.
    model : OnlineAutoencoder
        Each device begins with a copy of it: new with a seed, or taught by devices of their kind.
    key : str
        The column that names the device.
    sequence : str
        An integer column that grows with each row of a device, so that a row sent twice counts once.
    columns : sequence of str
        The features, numbers or booleans; null and NaN are missing.

    Returns
    -------
    pyspark.sql.DataFrame
        ``key``, ``sequence``, ``score`` in [0, 1), ``alarm``, ``threshold`` (null until there is one) and
        ``skipped``: how many rows of the device were not scored so far.

    Raises
    ------
    TableError
        If a column is absent, of another type or named twice, or there is no feature.
    RuntimeError
        If Spark would keep a stream's state elsewhere than in RocksDB, which a checkpoint does not forget.

    Notes
    -----
    Within a batch rows are sorted by their number. A row without a number, or in a later batch than one with
    a higher number, is skipped and counted: let the source keep the order of each device, as a Kafka topic
    keyed by device does. With other settings (``columns`` are none) or another iotae than a checkpoint was
    begun with the query fails (``StateError``).

    Examples
    --------
    >>> rows = spark.readStream.schema(schema).parquet("readings/")    # doctest: +SKIP
    >>> score_stream(rows, model, key="device", sequence="number", columns=["watts"])    # doctest: +SKIP
    """
    _check_model(model, OnlineAutoencoder)
    _check_numbers(frame, columns, [sequence])
    if frame.isStreaming and "RocksDB" not in (store := frame.sparkSession.conf.get(_STORE)):
        rocks = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        raise RuntimeError(f"Got {_STORE}={store}, but expected RocksDB: set it to {rocks}.")
    if key not in frame.columns:
        raise TableError(f"Got no column {key!r}, but expected one of {frame.columns}.")
    if len(named := {key, sequence} - {*_ADDED}) < 2:
        raise TableError(f"Got {named} as key and sequence, but expected two, none of {_ADDED}: rename.")
    taken = frame.select(
        frame[f"`{key}`"].alias("key"),
        frame[f"`{sequence}`"].cast("long").alias("sequence"),
        *(frame[f"`{name}`"].cast("double").alias(f"c{i}") for i, name in enumerate(columns)),
    ).fillna(_NO_NUMBER, ["sequence"])
    answers = f"key {taken.schema['key'].dataType.simpleString()}, sequence long, score double, "
    answers += "alarm boolean, threshold double, skipped long"
    processor = _processor(dumps("OnlineAutoencoder", model.to_state()), list(columns))
    scored = taken.groupBy("key").transformWithStateInPandas(processor, answers, "Append", "None")
    return scored.toDF(key, sequence, *_ADDED)


def _processor(template: bytes, columns: list[str]) -> Any:
    """The keyed state and what a batch of a device's rows does to it, as Spark wants it."""
    import pandas as pd
    from pyspark.sql.streaming import StatefulProcessor

    class Devices(StatefulProcessor):  # type: ignore[misc]
        def init(self, handle: Any) -> None:
            self.state = handle.getValueState("device", "last long, skipped long, model binary")
            self.sealed = Sealed(OnlineAutoencoder.from_state(loads(template)[1]))

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Any]:  # noqa: N802
            last, skipped, blob = self.state.get() or (_NO_NUMBER, 0, self.sealed.newcomer)
            received = pd.concat(rows)
            numbers, matrix = _new_rows(received, last)
            skipped += len(received) - len(numbers)
            if len(numbers):
                model = self.sealed.unpack(bytes(blob))
                judged = model.score_learn_many(matrix, columns)
                keys = pd.Series([key[0]] * len(numbers), dtype=object)  # NumPy strips zeros
                cuts = np.where(np.isfinite(judged.thresholds), judged.thresholds, np.nan)
                told = {"key": keys, "sequence": numbers, "score": judged.scores, "alarm": judged.alarms}
                yield pd.DataFrame(told | {"threshold": cuts, "skipped": skipped})
                last, blob = int(numbers[-1]), self.sealed.pack(model)
            self.state.update((last, skipped, blob))

        def close(self) -> None:
            pass

    return Devices()


def _new_rows(received: Any, last: int) -> tuple[Int64, Float64]:
    """The numbers and cells of the rows to score, in order: above ``last``, of equals the one sent last."""
    numbers, cells = received["sequence"].to_numpy(), received.iloc[:, 2:].to_numpy(np.float64)
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    new = (ordered > last) & np.append(ordered[1:] > ordered[:-1], True)
    return ordered[new], cells[order[new]]
