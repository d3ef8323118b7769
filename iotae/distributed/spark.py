"""A table larger than a machine: fitted and scored by Spark, with the results of a single machine.

Rows go to Python as Arrow batches: pandas would copy them once more, and Spark does not support pandas 3 yet.
Columns are renamed on the way, as Spark cannot hand over names with a dot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from iotae._random import draw_seed
from iotae._validation import TableError
from iotae.batch import BatchAutoencoder
from iotae.data.sampling import Sample
from iotae.distributed.spark_sampling import (
    OwnOrder,
    checked_places,
    drawn_rows,
    matrix_of,
    rows_of_partitions,
)

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import DataFrame

__all__ = ["fit", "score"]


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
        counts = rows_of_partitions(frame.select(numbers))
        order = OwnOrder(counts, np.cumsum([0, *counts.values()]).tolist()[:-1])
        n_rows = sum(counts.values())
    else:
        numbers.append(frame[f"`{row_number}`"].cast("long").alias("place"))
        order, n_rows = None, checked_places(frame, row_number)
    if n_rows == 0:
        raise TableError("Got a data frame without rows, but expected one at least.")
    seed = draw_seed(detector.seed)
    drawn = drawn_rows(frame.select(numbers), seed, n_rows, order)
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
            rows = matrix_of([batch.column(place) for place in places], batch.num_rows)
            scores = pa.array(detector.score(rows) if len(rows) else np.empty(0))
            yield pa.RecordBatch.from_arrays([*batch.columns, scores], [*batch.schema.names, "score"])

    plain = frame.toDF(*(f"c{i}" for i in range(len(kinds))))
    schema = StructType([StructField(f"c{i}", kind.dataType) for i, kind in enumerate(kinds)])
    added = plain.mapInArrow(scored, schema.add("score", DoubleType()))
    return added.toDF(*frame.columns, column)


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
