"""Tables from files and to files: CSV as people write it, JSON lines, and Parquet, whole or in chunks."""

from __future__ import annotations

from iotae.data.table_notation import InputFormat
from iotae.io.files import iter_table, read_table
from iotae.io.writer import TableWriter, write_table

__all__ = ["InputFormat", "TableWriter", "iter_table", "read_table", "write_table"]
