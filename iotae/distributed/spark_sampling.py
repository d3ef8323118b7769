"""The rows of a Spark data frame that a fit looks at: each partition draws its own, by place in the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iotae._typing import Float64
from iotae._validation import TableError
from iotae.data.sampling import FIT_ROWS, keys_of_rows

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import DataFrame

__all__ = ["OwnOrder", "checked_places", "drawn_rows", "matrix_of", "rows_of_partitions"]

_SPARE = 6.0
"""Standard deviations by which more rows are drawn than are needed, as their number is random."""


def matrix_of(columns: Sequence[Any], n_rows: int) -> Float64:
    """Columns of an Arrow batch as a matrix in rows, missing cells as NaN."""
    import pyarrow as pa

    table = np.empty((n_rows, len(columns)))
    for place, column in enumerate(columns):
        table[:, place] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return table


class OwnOrder:
    """Where each partition begins in the frame's own order, and how many rows it has."""

    def __init__(self, counts: dict[int, int], starts: list[int]) -> None:
        self.counts = counts
        self.starts = dict(zip(counts, starts, strict=True))


def _partition() -> int:
    """The number of the partition that this task works on."""
    from pyspark import TaskContext

    task: Any = TaskContext.get()
    return int(task.partitionId())


def rows_of_partitions(frame: DataFrame) -> dict[int, int]:
    """The number of rows of each partition that has some, by its number."""

    def counted(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
        import pyarrow as pa

        n_rows, partition = sum(batch.num_rows for batch in batches), _partition()
        yield pa.RecordBatch.from_pydict({"partition": pa.array([partition], pa.int32()), "n_rows": [n_rows]})

    rows = frame.mapInArrow(counted, "partition int, n_rows long").collect()
    return {row["partition"]: row["n_rows"] for row in sorted(rows)}


def checked_places(frame: DataFrame, row_number: str) -> int:
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


def drawn_rows(frame: DataFrame, seed: int, n_rows: int, order: OwnOrder | None) -> Float64:
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
    return matrix_of(columns, len(keys))[in_order]


def _drawing(seed: int, bound: float, width: int, order: OwnOrder | None) -> Any:
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
