"""``iotae report``: a page about scored rows, in one HTML file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from iotae.cli.input_options import form_of
from iotae.cli.learning import must_have
from iotae.cli.paths import check_output
from iotae.cli.terminal import counted, progress_bar, say, say_notes
from iotae.data import Table, TableError

if TYPE_CHECKING:
    from iotae.report.findings import Rows

__all__ = ["run"]

_ADDED = ("score", "alarm", "threshold", "reason")


def run(args: Namespace) -> int:
    """Collect what scored rows say, chunk by chunk, and write the page."""
    check_output(args.output, args.scored)
    if args.output == "-":
        raise TableError("Got '-' as the page, but expected a file name, e.g. -o report.html.")
    from iotae._files import replacing
    from iotae.io.files import CHUNK_ROWS, iter_table
    from iotae.report import Findings, page_of

    findings: Findings | None = None
    with progress_bar("reading") as advance:
        for chunk in iter_table(args.scored, args.chunk_rows or CHUNK_ROWS, ragged="pad", form=form_of(args)):
            if findings is None:
                _check_columns(args, chunk)
                findings = Findings(_cells(args, chunk).names)
                say_notes(chunk.notation.notes)
            findings.add(_rows(args, chunk), _cells(args, chunk))
            advance(chunk.n_rows)
    if findings is None or not findings.rows:
        raise TableError(f"Got {args.scored} without rows, but expected scored rows to report on.")
    name = "standard input" if args.scored == "-" else Path(args.scored).name
    page = page_of(findings, args.title or name, args.alpha)
    with replacing(args.output, [args.scored]) as file:
        # a file name may hold bytes that are no text
        file.write(page.encode("utf-8", "replace"))
    say(f"{counted(findings.rows, 'row')}, {counted(findings.alarms, 'alarm')}: {args.output}")
    return 0


def _check_columns(args: Namespace, chunk: Table) -> None:
    must_have(chunk, [args.prefix + name for name in _ADDED[:2]], "--prefix")
    for option, column in (("--group", args.group), ("--label", args.label), ("--when", args.when)):
        if column is not None:
            must_have(chunk, [column], option)
    if args.label is not None and args.normal_value is None:
        from iotae.data.labels import find_normal_value

        # decided once: a later chunk may hold one class alone
        args.normal_value = find_normal_value(chunk, args.label)


def _cells(args: Namespace, chunk: Table) -> Table:
    """The columns that were scored: without what scoring added, and without the label."""
    added = [args.prefix + name for name in _ADDED]
    return chunk.without([*added, *([args.label] if args.label is not None else [])])


def _texts(chunk: Table, column: str | None) -> NDArray[np.object_]:
    if column is None or column not in chunk:
        return np.full(chunk.n_rows, "", object)
    return np.asarray(chunk.texts(column), object)


def _rows(args: Namespace, chunk: Table) -> Rows:
    from iotae.data.labels import read_labels
    from iotae.report.findings import Rows

    alarms, _ = chunk.numbers(args.prefix + "alarm")
    if not np.isin(alarms, (0.0, 1.0)).all():
        raise TableError(
            f"Got cells of {args.prefix + 'alarm'!r} other than 0 and 1: score the file again, or give the "
            "prefix it was scored with (--prefix TEXT)."
        )
    threshold = args.prefix + "threshold"
    cuts = chunk.numbers(threshold)[0] if threshold in chunk else np.full(chunk.n_rows, np.nan)
    when = args.when or next((name for name in chunk.names if chunk.tells_time(name)), None)
    return Rows(
        chunk.numbers(args.prefix + "score")[0],
        alarms == 1.0,
        cuts,
        _texts(chunk, args.prefix + "reason"),
        _texts(chunk, args.group),
        _texts(chunk, when),
        None if args.label is None else read_labels(chunk, args.label, args.normal_value),
    )
