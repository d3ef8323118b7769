"""Work beyond one machine, on engines that exist: joblib for many fits, Spark for tables and fleets.

``spark`` and ``spark_fleet`` need the extra ``spark`` and Java 17; nothing is imported before it is used.
"""

from iotae.distributed.groups import fit_groups

__all__ = ["fit_groups"]
