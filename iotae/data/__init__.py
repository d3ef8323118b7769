"""A table in memory: its typed columns, its labels, frames of any library, and a seeded sample of rows."""

from __future__ import annotations

from iotae.data.table import Table, TableError

__all__ = ["Table", "TableError"]
