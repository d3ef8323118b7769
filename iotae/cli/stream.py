"""``iotae stream``: each row of a stream scored, judged and then learned."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.cli.learning import must_have
from iotae.cli.paths import check_model_output, check_output
from iotae.cli.reasons import no_reasons, reason_of
from iotae.cli.rows import cells_of, row_dicts
from iotae.cli.terminal import announce_compiler, counted, progress_bar, say
from iotae.data import Table, TableError

if TYPE_CHECKING:
    from iotae.stream.autoencoder import OnlineAutoencoder
    from iotae.stream.blocks import Judged

__all__ = ["run"]


def run(args: Namespace) -> int:
    """Score a stream row by row, each row before it is learned."""
    check_output(args.output, args.events, *([args.model] if args.model else []))
    if args.save and args.output != "-" and Path(args.save).resolve() == Path(args.output).resolve():
        raise TableError(f"Got {args.save} for the scores and for the model: name two files.")
    if args.save is not None:
        check_model_output(args.save, args.events)
    if args.model is not None and (args.alpha is not None or args.seed is not None):
        raise TableError("Got --model with --alpha or --seed: a saved model keeps its own, leave them out.")
    announce_compiler()
    from iotae import serialization
    from iotae.cli.signals import StopSignals
    from iotae.io.files import iter_table
    from iotae.io.writer import TableWriter
    from iotae.stream.autoencoder import OnlineAutoencoder

    if args.model is not None:
        model = serialization.restore(args.model, "OnlineAutoencoder", OnlineAutoencoder.from_state)
    else:
        model = OnlineAutoencoder(seed=args.seed or 0, alpha=0.01 if args.alpha is None else args.alpha)
    ignore = [*args.drop, *([args.label] if args.label is not None else [])]
    live = args.events == "-"
    rows = alarms = 0
    with (
        TableWriter(args.output, live=True) as writer,
        progress_bar("streaming") as advance,
        StopSignals() as until,
    ):
        for chunk in until.stopped(iter_table(args.events, 4096, live=live, ragged="pad")):
            if not rows:
                must_have(chunk, ignore, "--label or --drop")
            added = _run(model, chunk, ignore, args.explain)
            writer.write(chunk, {args.prefix + name: values for name, values in added.items()})
            rows, alarms = rows + chunk.n_rows, alarms + int(added["alarm"].sum())
            advance(chunk.n_rows)
    if args.save is not None:
        serialization.write(args.save, "OnlineAutoencoder", model.to_state())
    say(f"{counted(rows, 'row')} scored and learned, {counted(alarms, 'alarm')}")
    if model.n_rejected or model.n_unusable:
        say(
            f"not learned: {counted(model.n_rejected, 'row')} without a usable cell; "
            f"not used: {counted(model.n_unusable, 'cell')}"
        )
    return until.exit_code


def _run(model: OnlineAutoencoder, chunk: Table, ignore: list[str], explain: bool) -> dict[str, NDArray[Any]]:
    """Score, judge and learn rows in order; a row is judged by the cut before it had a say in it."""
    if explain:
        judged, reasons = _judged_with_reasons(model, row_dicts(chunk, ignore), chunk.n_rows)
    else:
        cells = cells_of(chunk, ignore)
        if cells and all(isinstance(column, np.ndarray) for column in cells.values()):
            judged = model.score_learn_many(np.column_stack(list(cells.values())), list(cells))
        else:
            judged = model.score_learn_many(list(row_dicts(chunk, ignore)))
    added: dict[str, NDArray[Any]] = {
        "score": judged.scores,
        "alarm": judged.alarms.astype(np.int64),
        # no cut yet: an empty cell
        "threshold": np.where(np.isinf(judged.thresholds), np.nan, judged.thresholds),
    }
    return added | {"reason": reasons} if explain else added


def _judged_with_reasons(
    model: OnlineAutoencoder, rows: Iterator[dict[Hashable, Any]], n: int
) -> tuple[Judged, NDArray[Any]]:
    """What the model says of n rows, and why; row by row, as it must be asked before it learns the row."""
    from iotae.stream.blocks import Judged

    judged = Judged(np.empty(n), np.empty(n), np.zeros(n, bool))
    reasons = no_reasons(n)
    for i, row in enumerate(rows):
        judged.scores[i] = score = model.score_one(row)
        judged.thresholds[i] = model.threshold
        judged.alarms[i] = alarm = model.classify(score)
        if alarm:
            reasons[i] = reason_of(model.explain_one(row), row, model.expected_one(row))
        model.learn_one(row)
    return judged, reasons
