"""Tables from files and to files: CSV as people write it, and Parquet, whole or chunk by chunk."""

from __future__ import annotations

from iotae.io.files import iter_table, read_table
from iotae.io.writer import TableWriter, write_table

__all__ = ["TableWriter", "iter_table", "read_table", "write_table"]
