"""A table larger than a machine: fitted and scored by Spark, with the results of a single machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iotae._random import draw_seed
from iotae._typing import Float64, Int64
from iotae._validation import TableError
from iotae.batch import BatchAutoencoder
from iotae.data.sampling import FIT_ROWS, Sample, sample_places

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import DataFrame

__all__ = ["fit", "score"]

_PARTITION_BITS = 33  # monotonically_increasing_id has the partition above, and the row's place in it below
_DIGEST = "bit_xor(xxhash64(place))"  # tells a set of places from any other, in whatever order they come


def fit(
    detector: BatchAutoencoder,
    frame: DataFrame,
    columns: Sequence[str] | None = None,
    *,
    row_number: str | None = None,
) -> BatchAutoencoder:
    """Fit a detector to a Spark data frame; the model is the one of a single machine, bit for bit.

    The rows that the fit looks at, 20,000 at most, are drawn by their place in the table and the detector's
    seed, as :meth:`BatchAutoencoder.fit_chunks` draws them. Only these leave Spark. The frame is read twice.

    Parameters
    ----------
    detector : BatchAutoencoder
        The settings; it is fitted in place.
    frame : pyspark.sql.DataFrame
    columns : sequence of str, optional
        The features, numbers or booleans; by default all columns but ``row_number``. Null and NaN are
        missing.
    row_number : str, optional
        A column with the place of each row, 0 to n - 1. Without it the rows are taken in the frame's own
        order, so the frame must give the same rows in the same order each time that it is read, as files do.

    Returns
    -------
    BatchAutoencoder
        ``detector``. Its ``fitted_scores`` are those of the rows drawn.

    Raises
    ------
    TableError
        If a column is absent or holds no numbers, there are no rows, or ``row_number`` does not number them.
    RuntimeError
        If the frame gives other rows when it is read again.

    Examples
    --------
    >>> readings = spark.read.parquet("readings/")                            # doctest: +SKIP
    >>> model = fit(BatchAutoencoder(seed=0), readings, ["watts", "load"])    # doctest: +SKIP
    >>> scored = score(readings, model)                                       # doctest: +SKIP
    """
    _check_model(detector, BatchAutoencoder)
    names = [name for name in frame.columns if name != row_number] if columns is None else columns
    _check_numbers(frame, names, [] if row_number is None else [row_number])
    return detector.fit_sample(_sample_of(frame, list(names), row_number, draw_seed(detector.seed)))


def score(frame: DataFrame, detector: BatchAutoencoder, column: str = "score") -> DataFrame:
    """Add the score of each row, bit for bit what ``detector.score`` gives.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Has at least the columns of the fit, in any order; the others go through.
    detector : BatchAutoencoder
        One that was fitted to a data frame.
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
        If it has no names of columns, a column is absent or holds no numbers, or ``column`` is there.
    """
    from pyspark.sql.types import DoubleType, StructField, StructType

    _check_model(detector, BatchAutoencoder)
    width = detector.n_features  # an error of its own where nothing is fitted
    if detector.feature_names is None:
        raise TableError(f"Got a detector without names, but expected {width} names: fit it to a data frame.")
    _check_numbers(frame, detector.feature_names)
    if column in frame.columns:
        raise TableError(f"Got the name {column!r}, which the data frame has already: choose another.")
    places = [frame.columns.index(name) for name in detector.feature_names]

    # as Arrow batches: pandas would copy the rows once more, and Spark does not support pandas 3 yet
    def scored(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            rows = _matrix_of([batch.column(place) for place in places])
            scores = pa.array(detector.score(rows) if len(rows) else np.empty(0))
            yield pa.RecordBatch.from_arrays([*batch.columns, scores], [*batch.schema.names, "score"])

    # renamed on the way, as Spark cannot hand over names with a dot
    plain = frame.toDF(*(f"c{i}" for i in range(len(frame.columns))))
    schema = StructType([*plain.schema, StructField("score", DoubleType())])
    return plain.mapInArrow(scored, schema).toDF(*frame.columns, column)


def _check_model(model: object, kind: type) -> None:
    if not isinstance(model, kind):
        raise TypeError(f"Got a model of type {type(model).__name__}, but expected an iotae.{kind.__name__}.")


def _check_numbers(frame: DataFrame, features: Sequence[str], others: Sequence[str] = ()) -> None:
    """Check that there is a feature, that these hold numbers or booleans, and the others integers."""
    from pyspark.sql.types import BooleanType, IntegralType, NumericType

    if isinstance(features, str):
        raise TableError(f"Got columns={features!r}, but expected a list of names: pass [{features!r}].")
    for name in (*features, *others):
        if name not in frame.columns:
            raise TableError(f"Got no column {name!r}, but expected one of {frame.columns}.")
        kind, wanted = frame.schema[name].dataType, "integers" if name in others else "numbers or booleans"
        if not isinstance(kind, IntegralType if name in others else NumericType | BooleanType):
            raise TableError(f"Got column {name!r}, {kind.simpleString()}, but expected {wanted}: cast it.")
    if not 0 < len(set(features)) == len(features):
        raise TableError(f"Got the columns {[*features]}, but expected one feature at least, each once.")


def _matrix_of(columns: Sequence[Any]) -> Float64:
    """Columns of Arrow as a matrix in rows, missing cells as NaN."""
    return np.column_stack([column.cast("double").to_numpy(zero_copy_only=False) for column in columns])


def _sample_of(frame: DataFrame, names: list[str], row_number: str | None, seed: int) -> Sample:
    """The rows that ``gather`` draws of a table, numbered and fetched by Spark; no other goes to Python."""
    import pyarrow as pa
    from pyspark.sql import Observation, functions

    own = functions.monotonically_increasing_id()
    place = own if row_number is None else frame[f"`{row_number}`"].cast("long")
    cells = [frame[f"`{name}`"].cast("double").alias(f"c{i}") for i, name in enumerate(names)]
    rows = frame.select(place.alias("place"), *cells)
    partitions, counts, digest = _counted(rows, row_number)
    ends = np.cumsum(counts)
    places = sample_places(ends[-1], FIT_ROWS, seed)
    part = np.searchsorted(ends, places, side="right")
    wanted = (partitions[part] << _PARTITION_BITS) + places - (ends - counts)[part]

    again = Observation()
    chosen = functions.broadcast(frame.sparkSession.createDataFrame(pa.table({"place": wanted})))
    seen = rows.observe(again, functions.expr(_DIGEST).alias("digest"))
    found = seen.join(chosen, "place").sort("place").toArrow().combine_chunks()
    if again.get["digest"] != digest or not np.array_equal(found["place"].to_numpy(), wanted):
        raise RuntimeError(
            f"Got other rows than the {ends[-1]} that were counted: the data frame changes from one reading "
            "to the next. Write it to files first, or give row_number."
        )
    return Sample(_matrix_of(found.columns[1:]), names, int(ends[-1]), seed)


def _counted(rows: DataFrame, row_number: str | None) -> tuple[Int64, Int64, int]:
    """The partitions, the rows of each, and the digest of all; numbered rows count as one partition."""
    spark, bits = rows.sparkSession, _PARTITION_BITS if row_number is None else 63
    query = f"SELECT shiftright(place, {bits}), count(*), {_DIGEST} FROM {{rows}} GROUP BY 1 ORDER BY 1"
    found = spark.sql(query, rows=rows).collect()
    if not found:
        raise TableError("Got a data frame without rows, but expected one at least.")
    partitions, counts, digests = (list(column) for column in zip(*found, strict=True))
    n_rows, digest = sum(counts), int(np.bitwise_xor.reduce(digests))
    if row_number is not None:
        numbered = spark.sql(f"SELECT {_DIGEST} FROM range({n_rows}) AS numbers(place)").collect()
        if digest != numbered[0][0]:
            raise TableError(
                f"Got {n_rows} rows whose numbers in {row_number!r} are not each of 0 to {n_rows - 1} once, "
                "but expected that: number them anew, or leave row_number out."
            )
    return np.array(partitions), np.array(counts), digest
