"""``iotae stream``: each row of a stream scored, judged and then learned."""

from __future__ import annotations

import warnings
from argparse import Namespace
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.cli.answers import Answers
from iotae.cli.broker_options import refuse_broker_options
from iotae.cli.brokers import run_broker
from iotae.cli.groups import (
    ModeHint,
    judged_by_device,
    must_be_alone,
    say_of_devices,
    say_set_aside,
    tell_the_fleet,
)
from iotae.cli.input_options import form_of
from iotae.cli.learning import must_have
from iotae.cli.models import Saver
from iotae.cli.paths import check_model_output, check_output, check_two_outputs
from iotae.cli.rows import cells_of, row_dicts
from iotae.cli.sinks import Prefixed, alarm_file_of, check_alarm_file, metrics_of, webhooks_of
from iotae.cli.streams import OpenStream, open_stream
from iotae.cli.terminal import announce_compiler, counted, log_as, progress_bar, say, say_notes
from iotae.data import Table, TableError
from iotae.data.reasons import no_reasons
from iotae.runner.addresses import is_broker

if TYPE_CHECKING:
    from iotae.cli.signals import StopSignals
    from iotae.fleet import Fleet
    from iotae.stream.autoencoder import OnlineAutoencoder
    from iotae.stream.blocks import Judged

__all__ = ["run"]


def run(args: Namespace) -> int:
    """Score a stream row by row, each row before it is learned."""
    if args.model is not None and (args.alpha is not None or args.seed is not None):
        raise TableError("Got --model with --alpha or --seed: a saved model keeps its own, leave them out.")
    if is_broker(args.events):
        log_as(args.log)
        return run_broker(args)
    refuse_broker_options(args)
    check_alarm_file(args)
    form = form_of(args)
    inputs = [path for path in (args.events, args.model, args.labels) if path]
    check_output(args.output, *inputs)
    if args.save is not None:
        check_model_output(args.save, args.events)
        check_two_outputs(args.output, args.save)
    elif args.save_every is not None:
        raise TableError("Got --save-every without --save: name the file for the model, --save FILE.")
    must_be_alone(args)
    log_as(args.log)
    announce_compiler()
    from iotae.cli.signals import StopSignals

    answers = _answers_of(args)
    with ExitStack() as held:
        stream = open_stream(args, form, held)
        with progress_bar("streaming") as advance, StopSignals() as until, warnings.catch_warnings():
            # it is said at the end
            warnings.filterwarnings("ignore", "Got a first row", RuntimeWarning)
            _go(args, stream, answers, until, advance)
    return until.exit_code


def _go(
    args: Namespace,
    stream: OpenStream,
    answers: Answers | None,
    until: StopSignals,
    advance: Callable[[int], None],
) -> None:
    """Run a stream to its end, and say what came of it."""
    from iotae.runner.figures import StreamFigures
    from iotae.runner.loop import Runner, Sink
    from iotae.stream.autoencoder import OnlineAutoencoder

    model, first = stream.model, None
    hint = ModeHint(None if isinstance(model, OnlineAutoencoder) else model)
    figures = StreamFigures(model, stream.counts, stream.saved_at, stream.lag)
    ignore = [*args.drop, *([args.label] if args.label is not None else [])]
    webhook = webhooks_of(args, stream.counts, lambda: bool(until.exit_code))
    saver = Saver(model, args.save, args.save_every, [args.events, *([args.model] if args.model else [])])

    def judge(chunk: Table) -> dict[str, NDArray[Any]]:
        nonlocal first
        figures.begin()
        if first is None:
            _check_columns(chunk, args)
            first = chunk
            if not isinstance(model, OnlineAutoencoder):
                tell_the_fleet(model, first, args)
        told = None if answers is None else answers.of(chunk, runner.rows)
        added = _run(model, chunk, ignore, args.explain, answers, told)
        saver.rows += chunk.n_rows
        return added

    try:
        with metrics_of(args, figures.now), alarm_file_of(args, stream.counts) as alarms, stream.sink:
            sinks: list[Sink] = [Prefixed(stream.sink, args.prefix), *alarms, *webhook, figures]
            runner = Runner(judge, sinks, stream.save, stream.every, stream.seconds, stream.counts)
            for chunk in runner.over(until.stopped(stream.source)):
                saver.save_if_due()
                advance(chunk.n_rows)
                hint.after(chunk.n_rows)
    except OSError as error:
        saver.save_after(error)
        raise
    saver.save()
    if first is not None:
        _tell_how_read(first, ignore)
    say(f"{counted(runner.rows, 'row')} scored and learned, {counted(runner.alarms, 'alarm')}")
    _say_what_was_answered(model, answers)
    hint.now()
    _say_what_was_not_used(model)


def _say_what_was_answered(model: Any, answers: Answers | None) -> None:
    if answers is None:
        return
    say(f"{answers.n_met} of {counted(len(answers), 'answer')} met their row")
    for line in answers.doubts():
        say(line)
    for why in answers.refused:
        say(f"an answer was not taken: {why}")
    if answers.n_refused > len(answers.refused):
        say(f"not taken: {counted(answers.n_refused - len(answers.refused), 'more answer')}")
    kinds = {"": model.confirmed} if isinstance(model.confirmed, list) else model.confirmed()
    for kind, device in ((kind, device) for device, some in kinds.items() for kind in some):
        what, whose = "anomaly" if kind.anomaly else "normal", f"{device}: " if device != "" else ""
        say(f"{whose}{what}: {kind.kind} ({counted(kind.n_matched, 'row')} since)")


def _check_columns(first: Table, args: Namespace) -> None:
    """Raise an error unless the first rows have the columns that the options name."""
    must_have(first, [*args.drop, *([args.label] if args.label is not None else [])], "--label or --drop")
    must_have(first, [args.group] if args.group is not None else [], "--group")


def _say_what_was_not_used(model: OnlineAutoencoder | Fleet) -> None:
    from iotae.stream.autoencoder import OnlineAutoencoder

    if not isinstance(model, OnlineAutoencoder):
        say_of_devices(model)
        return
    say_set_aside(model)
    if model.identifiers:
        n, some = len(model.identifiers), ", ".join(map(repr, model.identifiers[:5]))
        say(
            f"not learned: {counted(n, 'column')} of texts that hardly come twice, such as {some}; if that "
            "should be numbers, say what stands between the cells (--sep)"
        )
    if model.left_out:
        some = ", ".join(map(str, model.left_out[:5]))
        n, most = len(model.left_out), model.max_features
        say(f"left out, as a model has room for {most} features: {counted(n, 'column')}, such as {some}")


def _answers_of(args: Namespace) -> Answers | None:
    """An operator's answers, read before anything is learned."""
    return None if args.labels is None else Answers.read(args.labels, args.group)


def _tell_how_read(first: Table, ignore: list[str]) -> None:
    """Say what reading changed or could not use, and how columns are read that are no plain numbers."""
    say_notes(first.notation.notes)
    for name in first.without(ignore).names:
        for line in first.notation.remarks(name):
            say(line)


def _run(
    model: OnlineAutoencoder | Fleet,
    chunk: Table,
    ignore: list[str],
    explain: bool,
    answers: Answers | None,
    told: list[str] | None,
) -> dict[str, NDArray[Any]]:
    """Score, judge and learn rows in order; a row is judged by the cut before it had a say in it."""
    from iotae.stream.autoencoder import OnlineAutoencoder

    if not isinstance(model, OnlineAutoencoder):
        judged, reasons = judged_by_device(model, chunk, ignore, explain, answers, told)
    elif explain or told is not None:
        told = [""] * chunk.n_rows if told is None else told
        judged, reasons = _judged_with_reasons(model, row_dicts(chunk, ignore), answers, told, explain)
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
    model: OnlineAutoencoder,
    rows: Iterator[dict[Hashable, Any]],
    answers: Answers | None,
    told: list[str],
    explain: bool,
) -> tuple[Judged, NDArray[Any]]:
    """What the model says of rows, and why; row by row, as it must be asked before it learns the row.

    An answer to a row is told to the model when it has judged the row.
    """
    from iotae.stream.blocks import Judged

    n = len(told)
    judged = Judged(np.empty(n), np.empty(n), np.zeros(n, bool))
    reasons = no_reasons(n)
    for i, row in enumerate(rows):
        judged.scores[i] = score = model.score_one(row)
        judged.thresholds[i] = model.threshold
        judged.alarms[i] = alarm = model.classify(score)
        if alarm and explain:
            reasons[i] = "; ".join(model.reasons_one(row))
        if answers is not None and told[i]:
            answers.taken(partial(model.confirm_one, row), told[i])
        model.learn_one(row)
    return judged, reasons
