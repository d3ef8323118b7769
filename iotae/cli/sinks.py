"""Where a stream's rows, alarms and figures go, by its options."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from iotae.data import Table, TableError

if TYPE_CHECKING:
    from iotae.io.writer import TableWriter
    from iotae.runner.alarms import AlarmFile
    from iotae.runner.csv_sink import CsvSink
    from iotae.runner.figures import Figures
    from iotae.runner.webhook import Webhook

__all__ = ["Prefixed", "alarm_file_of", "check_alarm_file", "metrics_of", "webhooks_of"]


class Prefixed:
    """A file whose added columns have a prefix before their names."""

    def __init__(self, sink: TableWriter | CsvSink, prefix: str) -> None:
        self._sink, self._prefix = sink, prefix

    def write(self, table: Table, added: Mapping[str, NDArray[Any]]) -> None:
        """Write a chunk and the columns added to it."""
        self._sink.write(table, {self._prefix + name: values for name, values in added.items()})


def metrics_of(args: Namespace, figures: Callable[[], Figures]) -> AbstractContextManager[object]:
    """The server of the metrics that are asked for, not started yet."""
    if args.metrics is None:
        return nullcontext()
    from iotae.runner.metrics import MetricsServer, address_of

    return MetricsServer(*address_of(args.metrics), figures, os.environ.get("IOTAE_TOKEN"))


def webhooks_of(args: Namespace, counts: Mapping[str, int], stopped: Callable[[], bool]) -> list[Webhook]:
    """The webhook that alarms are asked to go to, or none."""
    if args.webhook is None:
        return []
    from iotae.runner.webhook import Webhook

    return [Webhook(args.webhook, os.environ.get("IOTAE_WEBHOOK_KEY"), counts.get("rows", 0), stopped)]


def check_alarm_file(args: Namespace) -> None:
    """Raise an error if the file for alarms has the name of another file, or not one of SQLite."""
    if args.alarms_to is None:
        return
    path = Path(args.alarms_to)
    if path.suffix not in (".sqlite", ".db"):
        raise TableError(
            f"Got --alarms-to {path} for a file's stream, but expected an .sqlite file; a topic goes with "
            "the address of a broker."
        )
    if not path.absolute().parent.is_dir():
        raise TableError(f"Got --alarms-to {path}, but there is no folder {path.parent}: make it first.")
    for name in ("events", "output", "save", "model", "labels"):
        other = vars(args)[name]
        if other not in (None, "-") and Path(other).resolve() == path.resolve():
            raise TableError(f"Got {path} for alarms and for another use: name another file.")


@contextmanager
def alarm_file_of(args: Namespace, counts: Mapping[str, int]) -> Iterator[list[AlarmFile]]:
    """Open the file that alarms are asked to go to, if there is one."""
    if args.alarms_to is None:
        yield []
        return
    from iotae.runner.alarms import AlarmFile

    with AlarmFile(args.alarms_to, counts.get("rows", 0), args.group) as file:
        yield [file]
