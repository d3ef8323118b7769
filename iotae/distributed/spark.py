"""A table larger than a machine: fitted and scored by Spark, with the results of a single machine.

Rows go to Python as Arrow batches: pandas would copy them once more, and Spark does not support pandas 3 yet.
Columns are renamed on the way, as Spark cannot hand over names with a dot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iotae._random import draw_seed
from iotae._typing import Float64
from iotae._validation import TableError
from iotae.batch import BatchAutoencoder
from iotae.data.sampling import FIT_ROWS, Sample, keys_of_rows

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import DataFrame

__all__ = ["fit", "score"]

_SPARE = 6.0
"""Standard deviations by which more rows are drawn than are needed, as their number is random."""


def fit(
    detector: BatchAutoencoder,
    frame: DataFrame,
    columns: Sequence[str] | None = None,
    *,
    row_number: str | None = None,
) -> BatchAutoencoder:
    """Fit a detector to a Spark data frame; the model is the one of a single machine, bit for bit.

    The rows that the fit looks at, 20,000 at most, are drawn by their place in the table and the detector's
    seed, as :meth:`BatchAutoencoder.fit_chunks` draws them. Only these come to the driver.

    Parameters
    ----------
    detector : BatchAutoencoder
        The settings; it is fitted in place.
    frame : pyspark.sql.DataFrame
    columns : sequence of str, optional
        The features, numbers or booleans; by default all columns but ``row_number``. Null and NaN are
        missing.
    row_number : str, optional
        A column with the place of each row, 0 to n - 1. With it the model does not depend on how the rows
        are partitioned. Without it the rows are taken in the frame's own order, so the frame must give the
        same rows in the same order each time that it is read, as files do.

    Returns
    -------
    BatchAutoencoder
        ``detector``. Its ``fitted_scores`` are those of the rows drawn.

    Raises
    ------
    TableError
        If a column is absent or holds no numbers, there are no rows, or ``row_number`` does not number them.

    Examples
    --------
    >>> from pyspark.sql import SparkSession                              # doctest: +SKIP
    >>> spark = SparkSession.builder.getOrCreate()                        # doctest: +SKIP
    >>> readings = spark.read.parquet("readings/")                        # doctest: +SKIP
    >>> model = fit(BatchAutoencoder(seed=0), readings, ["temperature", "humidity"])    # doctest: +SKIP
    """
    names = _features(frame, columns, row_number)
    numbers = [frame[f"`{name}`"].cast("double").alias(f"c{i}") for i, name in enumerate(names)]
    if row_number is None:
        counts = _rows_of_partitions(frame.select(numbers))
        order = _OwnOrder(counts, np.cumsum([0, *counts.values()]).tolist()[:-1])
        n_rows = sum(counts.values())
    else:
        numbers.append(frame[f"`{row_number}`"].cast("long").alias("place"))
        order, n_rows = None, _checked_places(frame, row_number)
    if n_rows == 0:
        raise TableError("Got a data frame without rows, but expected one at least.")
    seed = draw_seed(detector.seed)
    drawn = _drawn(frame.select(numbers), seed, n_rows, order)
    return detector.fit_sample(Sample(drawn, names, n_rows, seed))


def score(frame: DataFrame, detector: BatchAutoencoder, column: str = "score") -> DataFrame:
    """Add the score of each row, bit for bit what ``detector.score`` gives.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Has at least the columns of the fit, in any order; the others go through.
    detector : BatchAutoencoder
        A fitted one; that of PyOD's adapter is ``clf.model``.
    column : str
        The name of the new column.

    Returns
    -------
    pyspark.sql.DataFrame
        Lazy, as all of Spark's. Higher scores are more anomalous.

    Raises
    ------
    NotFittedError
        If the detector has not been fitted.
    TableError
        If it was fitted without names of columns, a column is absent or holds no numbers, or ``column`` is
        there already.
    """
    from pyspark.sql.types import DoubleType, StructField, StructType

    width = detector.n_features  # an error of its own where nothing is fitted
    if detector.feature_names is None:
        raise TableError(
            f"Got a detector that was fitted to {width} columns without names, but expected names, by which "
            "a data frame's columns are found: fit it to a data frame."
        )
    names = _features(frame, detector.feature_names, None)
    if column in frame.columns:
        raise TableError(f"Got the name {column!r}, which the data frame has already: choose another.")

    kinds = frame.schema.fields
    places = [frame.columns.index(name) for name in names]

    def scored(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            rows = _matrix([batch.column(place) for place in places], batch.num_rows)
            scores = pa.array(detector.score(rows) if len(rows) else np.empty(0))
            yield pa.RecordBatch.from_arrays([*batch.columns, scores], [*batch.schema.names, "score"])

    plain = frame.toDF(*(f"c{i}" for i in range(len(kinds))))
    schema = StructType([StructField(f"c{i}", kind.dataType) for i, kind in enumerate(kinds)])
    added = plain.mapInArrow(scored, schema.add("score", DoubleType()))
    return added.toDF(*frame.columns, column)


def _matrix(columns: Sequence[Any], n_rows: int) -> Float64:
    """Columns of an Arrow batch as a matrix in rows, missing cells as NaN."""
    import pyarrow as pa

    table = np.empty((n_rows, len(columns)))
    for place, column in enumerate(columns):
        table[:, place] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return table


def _features(frame: DataFrame, columns: Sequence[str] | None, row_number: str | None) -> list[str]:
    """The names of the features, which must be there and hold numbers or booleans."""
    from pyspark.sql.types import BooleanType, NumericType

    names = [name for name in frame.columns if name != row_number] if columns is None else list(columns)
    for name in [*names, *([] if row_number is None else [row_number])]:
        if name not in frame.columns:
            raise TableError(f"Got no column {name!r}, but expected one: the data frame has {frame.columns}.")
        kind = frame.schema[name].dataType
        if not isinstance(kind, NumericType | BooleanType):
            raise TableError(
                f"Got column {name!r} of type {kind.simpleString()}, but expected numbers or booleans: cast "
                "it, or name the columns to use."
            )
    if not names:
        raise TableError("Got no columns, but expected one feature at least.")
    return names


class _OwnOrder:
    """Where each partition begins in the frame's own order, and how many rows it has."""

    def __init__(self, counts: dict[int, int], starts: list[int]) -> None:
        self.counts = counts
        self.starts = dict(zip(counts, starts, strict=True))


def _partition() -> int:
    """The number of the partition that this task works on."""
    from pyspark import TaskContext

    task: Any = TaskContext.get()
    return int(task.partitionId())


def _rows_of_partitions(frame: DataFrame) -> dict[int, int]:
    """The number of rows of each partition that has some, by its number."""

    def counted(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        import pyarrow as pa

        n_rows, partition = sum(batch.num_rows for batch in batches), _partition()
        yield pa.RecordBatch.from_pydict({"partition": pa.array([partition], pa.int32()), "n_rows": [n_rows]})

    rows = frame.mapInArrow(counted, "partition int, n_rows long").collect()
    return {row["partition"]: row["n_rows"] for row in sorted(rows)}


def _checked_places(frame: DataFrame, row_number: str) -> int:
    """The number of rows, if ``row_number`` can number them from 0."""
    from pyspark.sql import functions

    place = frame[f"`{row_number}`"].cast("long")
    found = frame.agg(
        functions.count("*").alias("rows"),
        functions.count(place).alias("numbered"),
        functions.min(place).alias("first"),
        functions.max(place).alias("last"),
    ).collect()[0]
    n_rows = int(found["rows"])
    if n_rows and (found["numbered"], found["first"], found["last"]) != (n_rows, 0, n_rows - 1):
        raise TableError(
            f"Got {found['numbered']} numbers from {found['first']} to {found['last']} in {row_number!r}, "
            f"but expected each of 0 to {n_rows - 1} once, as there are {n_rows} rows."
        )
    return n_rows


def _drawn(frame: DataFrame, seed: int, n_rows: int, order: _OwnOrder | None) -> Float64:
    """The rows of the sample in their order, (n, d)."""
    width = len(frame.columns) - (order is None)
    schema = "place long, key double, " + ", ".join(f"c{i} double" for i in range(width))
    bound = (FIT_ROWS + _SPARE * FIT_ROWS**0.5) / n_rows
    found = frame.mapInArrow(_drawing(seed, bound, width, order), schema).toArrow()
    places, keys, *columns = (column.combine_chunks() for column in found.columns)
    in_order = np.argsort(places.to_numpy(), kind="stable")
    repeated = np.flatnonzero(np.diff(places.to_numpy()[in_order]) == 0)
    if repeated.size:
        twice = places[int(in_order[repeated[0]])]
        raise TableError(f"Got the row number {twice} twice, but expected each once.")
    if len(keys) < min(FIT_ROWS, n_rows):
        raise RuntimeError(f"Got {len(keys)} rows of {n_rows} from Spark, but expected {FIT_ROWS} at least.")
    if len(keys) > FIT_ROWS:
        drawn = keys.to_numpy()[in_order]
        in_order = in_order[drawn < np.partition(drawn, FIT_ROWS)[FIT_ROWS]]
    return _matrix(columns, len(keys))[in_order]


def _drawing(seed: int, bound: float, width: int, order: _OwnOrder | None) -> Any:
    """What Spark runs on each partition: the rows whose random number is below ``bound``."""

    def drawn(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        import pyarrow as pa

        partition, n_rows = _partition(), 0
        for batch in batches:
            if order is None:
                places = batch.column(width).to_numpy()
            else:
                places = order.starts.get(partition, 0) + n_rows + np.arange(batch.num_rows)
            n_rows += batch.num_rows
            keys = keys_of_rows(seed, places)
            chosen = pa.array(keys < bound)
            columns = [pa.array(places), pa.array(keys), *batch.columns[:width]]
            names = ["place", "key", *(f"c{i}" for i in range(width))]
            yield pa.RecordBatch.from_arrays([column.filter(chosen) for column in columns], names)
        if order is not None and n_rows != order.counts.get(partition, 0):
            raise RuntimeError(
                f"Got {n_rows} rows in partition {partition}, but {order.counts.get(partition, 0)} when they "
                "were counted: the data frame changes from one reading to the next. Write it to files first, "
                "or give row_number."
            )

    return drawn
