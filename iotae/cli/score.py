"""``iotae score``: a file scored, chunk by chunk, with a saved detector."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.cli.input_options import form_of
from iotae.cli.models import load_model
from iotae.cli.paths import check_output
from iotae.cli.rows import row_dicts
from iotae.cli.terminal import announce_compiler, counted, progress_bar, say, say_notes
from iotae.data import Table
from iotae.data.reasons import Known, no_reasons, reason_of

if TYPE_CHECKING:
    from iotae.pipeline.verdict import Verdict

__all__ = ["run"]


def run(args: Namespace) -> int:
    """Score a file, chunk by chunk, with a saved detector."""
    check_output(args.output, args.new, args.model)
    announce_compiler()
    from iotae.io.files import CHUNK_ROWS, iter_table
    from iotae.io.writer import TableWriter
    from iotae.pipeline import TableDetector

    detector = load_model(args.model, "TableDetector", TableDetector.from_state)
    notes: Counter[str] = Counter()
    read: Counter[str] = Counter()
    rows = alarms = 0
    with (
        TableWriter(args.output, sources=[args.new], safe=args.safe_csv) as writer,
        progress_bar("scoring") as advance,
    ):
        for chunk in iter_table(args.new, args.chunk_rows or CHUNK_ROWS, form=form_of(args)):
            read = chunk.notation.notes
            verdict = detector.judge(
                chunk, explain=args.explain, allow_missing=args.allow_missing, strict=not rows
            )
            added: dict[str, NDArray[Any]] = {
                "score": verdict.scores,
                "alarm": verdict.alarms.astype(np.int64),
            }
            if args.explain:
                added["reason"] = _reasons(detector.columns, chunk, verdict)
            writer.write(chunk, {args.prefix + name: values for name, values in added.items()})
            notes += verdict.notes
            rows, alarms = rows + chunk.n_rows, alarms + int(verdict.alarms.sum())
            advance(chunk.n_rows)
    say_notes(read + notes)
    say(f"{counted(rows, 'row')} scored, {counted(alarms, 'alarm')} above {detector.threshold:.6g}")
    return 0


def _reasons(columns: list[str], table: Table, verdict: Verdict) -> NDArray[Any]:
    """Return the reason of each alarm among a table's rows, and empty texts for the others."""
    assert verdict.shares is not None
    assert verdict.expected is not None
    reasons = no_reasons(table.n_rows)
    told = zip(
        np.flatnonzero(verdict.alarms),
        verdict.shares.tolist(),
        row_dicts(table.take(verdict.alarms)),
        verdict.expected.tolist(),
        strict=True,
    )
    for place, shares, row, expected in told:
        reasons[place] = reason_of(
            dict(zip(columns, shares, strict=True)), row, Known(dict(zip(columns, expected, strict=True)))
        )
    return reasons
