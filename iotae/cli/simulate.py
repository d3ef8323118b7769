"""``iotae simulate``: a file of simulated readings to try the other commands with."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np

from iotae.cli.paths import check_output
from iotae.cli.terminal import counted, say
from iotae.data import Table, TableError
from iotae.io.files import is_parquet
from iotae.io.writer import write_table
from iotae.simulator import simulate

__all__ = ["run"]


def run(args: Namespace) -> int:
    """Simulate readings and write them to a file or to standard output."""
    check_output(args.output)
    made = simulate(
        args.rows,
        n_devices=args.devices,
        anomaly_rate=args.anomaly_rate,
        interval=args.interval,
        seed=args.seed,
    )
    columns: dict[str, Any] = {
        (args.label if name == "label" else name): values
        for name, values in made.columns.items()
        if args.kind or name != "kind"
    }
    if len(columns) < len(made.columns) - (not args.kind):
        raise TableError(f"Got --label {args.label}, but a column of readings is called so: name another.")
    if args.output == "-" or not is_parquet(args.output):
        # to the second: a table's own times have microseconds
        columns["timestamp"] = np.datetime_as_string(columns["timestamp"], unit="s")
        columns[args.label] = columns[args.label].astype(str)
    write_table(args.output, Table(columns))
    anomalies = int(made.label.sum())
    say(f"{counted(args.rows, 'row')} simulated, {counted(anomalies, 'anomaly', 'anomalies')}")
    return 0
