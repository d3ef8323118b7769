"""Work beyond one machine: joblib for many fits, and Spark, imported when used, for tables and fleets."""

from iotae.distributed.groups import fit_groups

__all__ = ["fit_groups"]
