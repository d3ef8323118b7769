"""``iotae stream``: each row of a stream scored, judged and then learned."""

from __future__ import annotations

import warnings
from argparse import Namespace
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.cli.groups import fleet_of, judged_by_device, must_be_alone, say_of_devices
from iotae.cli.input_options import form_of
from iotae.cli.learning import must_have
from iotae.cli.models import Saver, load_model
from iotae.cli.paths import check_model_output, check_output, check_two_outputs
from iotae.cli.reasons import no_reasons, reason_of
from iotae.cli.rows import cells_of, row_dicts
from iotae.cli.terminal import announce_compiler, counted, progress_bar, say, say_notes
from iotae.data import Table, TableError

if TYPE_CHECKING:
    from iotae.fleet import Fleet
    from iotae.stream.autoencoder import OnlineAutoencoder
    from iotae.stream.blocks import Judged

__all__ = ["run"]

_CHUNK_ROWS = 4096


def run(args: Namespace) -> int:
    """Score a stream row by row, each row before it is learned."""
    form = form_of(args)
    check_output(args.output, args.events, *([args.model] if args.model else []))
    if args.save is not None:
        check_model_output(args.save, args.events)
        check_two_outputs(args.output, args.save)
    elif args.save_every is not None:
        raise TableError("Got --save-every without --save: name the file for the model, --save FILE.")
    if args.model is not None and (args.alpha is not None or args.seed is not None):
        raise TableError("Got --model with --alpha or --seed: a saved model keeps its own, leave them out.")
    must_be_alone(args)
    announce_compiler()
    from iotae.cli.signals import StopSignals
    from iotae.io.files import iter_table
    from iotae.io.writer import TableWriter

    model = _model_of(args) if args.group is None else fleet_of(args)
    ignore = [*args.drop, *([args.label] if args.label is not None else [])]
    live = args.events == "-"
    saver = Saver(model, args.save, args.save_every, [args.events, *([args.model] if args.model else [])])
    alarms = 0
    first: Table | None = None
    with progress_bar("streaming") as advance, StopSignals() as until, warnings.catch_warnings():
        # it is said at the end
        warnings.filterwarnings("ignore", "Got a first row", RuntimeWarning)
        try:
            with TableWriter(args.output, live=True, sources=[args.events], safe=args.safe_csv) as writer:
                size = min(_CHUNK_ROWS, args.save_every or _CHUNK_ROWS)
                for chunk in until.stopped(iter_table(args.events, size, live=live, ragged="pad", form=form)):
                    if not saver.rows:
                        _check_columns(chunk, args)
                    first = first or chunk
                    added = _run(model, chunk, ignore, args.explain)
                    saver.rows += chunk.n_rows
                    writer.write(chunk, {args.prefix + name: values for name, values in added.items()})
                    saver.save_if_due()
                    alarms += int(added["alarm"].sum())
                    advance(chunk.n_rows)
        except OSError as error:
            saver.save_after(error)
            raise
        saver.save()
    if first is not None:
        _tell_how_read(first, ignore)
    say(f"{counted(saver.rows, 'row')} scored and learned, {counted(alarms, 'alarm')}")
    _say_what_was_not_used(model)
    return until.exit_code


def _check_columns(first: Table, args: Namespace) -> None:
    """Raise an error unless the first rows have the columns that the options name."""
    must_have(first, [*args.drop, *([args.label] if args.label is not None else [])], "--label or --drop")
    must_have(first, [args.group] if args.group is not None else [], "--group")


def _say_what_was_not_used(model: OnlineAutoencoder | Fleet) -> None:
    from iotae.stream.autoencoder import OnlineAutoencoder

    if not isinstance(model, OnlineAutoencoder):
        say_of_devices(model)
        return
    if model.n_rejected or model.n_unusable:
        say(
            f"not learned: {counted(model.n_rejected, 'row')} without a usable cell; "
            f"not used: {counted(model.n_unusable, 'cell')}"
        )
    if model.left_out:
        some = ", ".join(map(str, model.left_out[:5]))
        n, most = len(model.left_out), model.max_features
        say(f"left out, as a model has room for {most} features: {counted(n, 'column')}, such as {some}")


def _model_of(args: Namespace) -> OnlineAutoencoder:
    """The saved model, or a new one."""
    from iotae.stream.autoencoder import OnlineAutoencoder

    if args.model is None:
        return OnlineAutoencoder(seed=args.seed or 0, alpha=0.01 if args.alpha is None else args.alpha)
    model = load_model(args.model, "OnlineAutoencoder", OnlineAutoencoder.from_state)
    say(f"going on with a model of {model.n_seen + model.n_rejected} rows")
    return model


def _tell_how_read(first: Table, ignore: list[str]) -> None:
    """Say what reading changed or could not use, and how columns are read that are no plain numbers."""
    say_notes(first.notation.notes)
    for name in first.without(ignore).names:
        for line in first.notation.remarks(name):
            say(line)


def _run(
    model: OnlineAutoencoder | Fleet, chunk: Table, ignore: list[str], explain: bool
) -> dict[str, NDArray[Any]]:
    """Score, judge and learn rows in order; a row is judged by the cut before it had a say in it."""
    from iotae.stream.autoencoder import OnlineAutoencoder

    if not isinstance(model, OnlineAutoencoder):
        judged, reasons = judged_by_device(model, chunk, ignore, explain)
    elif explain:
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
