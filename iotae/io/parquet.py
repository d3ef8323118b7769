"""Parquet files to chunks of typed columns."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from iotae.data import Table, TableError
from iotae.data.table_notation import InputFormat, TableNotation
from iotae.io.chunks import rows_at_a_time

__all__ = ["iter_parquet"]


def iter_parquet(path: str, chunk_rows: int, form: InputFormat) -> Iterator[Table]:
    """Yield the batches of a Parquet file; their columns go back to a file in their own types."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise TableError("Parquet files need pyarrow: pip install 'iotae[tables]'.") from None
    notation = TableNotation(form, whole=chunk_rows >= sys.maxsize)
    try:
        # reading ahead would hold the whole file by its end
        with pq.ParquetFile(path, pre_buffer=False) as file:
            if len(set(file.schema_arrow.names)) < len(file.schema_arrow.names):
                raise TableError(f"Got {path} with two columns of one name: rename one.")
            size = chunk_rows
            if chunk_rows < sys.maxsize:
                size = rows_at_a_time(chunk_rows, len(file.schema_arrow.names))
            if size >= file.metadata.num_rows or not file.metadata.num_rows:
                yield Table.from_frame(file.read(), notation)
                return
            for batch in file.iter_batches(batch_size=size):
                yield Table.from_frame(pa.Table.from_batches([batch]), notation)
    except FileNotFoundError:
        raise TableError(f"There is no file {path}.") from None
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"Cannot read {path} as Parquet: {str(error).splitlines()[0]}") from None
