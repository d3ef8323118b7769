"""What the subcommands of ``iotae`` do; each loads what it needs, and nothing before."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64
from iotae.cli.learning import must_have, preprocessor_of, read_labelled
from iotae.cli.paths import check_model_output, check_output
from iotae.data import TableError

if TYPE_CHECKING:
    from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["demo", "evaluate", "fit", "score", "stream", "tune"]

_REASONS = 3


def demo(args: Namespace) -> int:
    """Run the paper's experiment on simulated data."""
    _announce()
    import_module("iotae.cli.demo").run(args.output, args.seed)
    return 0


def fit(args: Namespace) -> int:
    """Fit a detector to a file and save it."""
    check_model_output(args.output, args.train)
    _announce()
    from iotae.batch.autoencoder import BatchAutoencoder
    from iotae.pipeline import TableDetector

    preprocessor = preprocessor_of(args)
    network = {
        name: getattr(args, name)
        for name in ("hidden_sizes", "epochs", "batch_size", "learning_rate", "device")
        if getattr(args, name) is not None
    }
    autoencoder = BatchAutoencoder(
        # what the pipeline has scaled is not scaled again
        scaling="standard" if preprocessor.normalise == "none" else "none",
        seed=args.seed,
        progress=_bars(),
        **network,
    )
    table, y, normal_value = read_labelled(args)
    detector = TableDetector(
        preprocessor,
        autoencoder,
        alpha=args.alpha,
        seed=args.seed,
        label=args.label,
        normal_value=normal_value,
        ignore=args.drop,
    ).fit(table, y)
    detector.save(args.output)
    for line in preprocessor.report():
        _say(line)
    _say(
        f"learned from {detector.n_learned} of {table.n_rows} rows; alarms above {detector.threshold:.6g}, "
        f"the {1 - args.alpha:.1%} point of {detector.n_calibrated} "
        f"{'rows' if y is None else 'normal rows'}; model in {args.output}"
    )
    return 0


def tune(args: Namespace) -> int:
    """Search network and threshold, and save the best."""
    _announce()
    import_module("iotae.cli.tune").run(args, progress=_bars())
    return 0


def score(args: Namespace) -> int:
    """Score a file, chunk by chunk, with a saved detector."""
    check_output(args.output, args.new, args.model)
    _announce()
    from iotae.io.files import iter_table
    from iotae.io.writer import TableWriter
    from iotae.pipeline import TableDetector

    detector = TableDetector.load(args.model)
    notes: Counter[str] = Counter()
    rows = alarms = 0
    with TableWriter(args.output) as writer, _bar("scoring") as advance:
        for chunk in iter_table(args.new):
            scores, seen = detector.score_with_notes(chunk, allow_missing=args.allow_missing, strict=not rows)
            alarm = detector.classify(scores)
            added: dict[str, NDArray[Any]] = {"score": scores, "alarm": alarm.astype(np.int64)}
            if args.explain:
                added["reason"] = _reasons(*detector.explain(chunk), alarm) if chunk.n_rows else _no_text(0)
            writer.write(chunk, {args.prefix + name: values for name, values in added.items()})
            notes += seen
            rows, alarms = rows + chunk.n_rows, alarms + int(alarm.sum())
            advance(chunk.n_rows)
    _say_notes(notes)
    _say(f"{rows} rows scored, {alarms} alarms above {detector.threshold:.6g}")
    return 0


def stream(args: Namespace) -> int:
    """Score a stream row by row, each row before it is learned."""
    check_output(args.output, args.events, *([args.model] if args.model else []))
    if args.save and args.output != "-" and Path(args.save).absolute() == Path(args.output).absolute():
        raise TableError(f"Got {args.save} for the scores and for the model: name two files.")
    if args.save is not None:
        check_model_output(args.save, args.events)
    if args.model is not None and (args.alpha is not None or args.seed is not None):
        raise TableError("Got --model with --alpha or --seed: a saved model keeps its own, leave them out.")
    _announce()
    from iotae import serialization
    from iotae.cli.rows import row_dicts
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
    with TableWriter(args.output, live=True) as writer, _bar("streaming") as advance, StopSignals() as until:
        for chunk in until.stopped(iter_table(args.events, 4096, live=live, ragged="pad")):
            if not rows:
                must_have(chunk, ignore, "--label or --drop")
            added = _run(model, list(row_dicts(chunk, ignore)), args.explain)
            writer.write(chunk, {args.prefix + name: values for name, values in added.items()})
            rows, alarms = rows + chunk.n_rows, alarms + int(added["alarm"].sum())
            advance(chunk.n_rows)
    if args.save is not None:
        serialization.write(args.save, "OnlineAutoencoder", model.to_state())
    _say(f"{rows} rows scored and learned, {alarms} alarms")
    if model.n_rejected or model.n_unusable:
        _say(
            f"not learned: {model.n_rejected} rows without a usable cell; not used: {model.n_unusable} cells"
        )
    return until.exit_code


def _run(model: OnlineAutoencoder, rows: list[dict[Hashable, Any]], explain: bool) -> dict[str, NDArray[Any]]:
    """Score, judge and learn rows in order; a row is judged by the cut before it had a say in it."""
    scores, cuts = np.empty(len(rows)), np.empty(len(rows))
    alarm = np.zeros(len(rows), dtype=np.int64)
    reason = _no_text(len(rows))
    for i, row in enumerate(rows):
        scores[i] = value = model.score_one(row)
        cuts[i] = model.threshold
        alarm[i] = model.classify(value)
        if explain and alarm[i]:
            reason[i] = _reason([(str(name), part) for name, part in model.explain_one(row).items()])
        model.learn_one(row)
    cuts[np.isinf(cuts)] = np.nan  # no cut yet: an empty cell
    added: dict[str, NDArray[Any]] = {"score": scores, "alarm": alarm, "threshold": cuts}
    return added | {"reason": reason} if explain else added


def evaluate(args: Namespace) -> int:
    """Compare the scores and alarms of a file with its labels."""
    from iotae import evaluation
    from iotae.data.labels import read_labels
    from iotae.io.files import read_table

    table = read_table(args.scored)
    score_column, alarm_column = args.prefix + "score", args.prefix + "alarm"
    must_have(table, [args.label], "--label")
    must_have(table, [score_column], "--prefix")
    if not table.n_rows:
        raise TableError(f"Got {args.scored} without rows, but expected scored rows to evaluate.")
    y = read_labels(table, args.label, args.normal_value)
    scores, unreadable = table.numbers(score_column)
    if unreadable or np.isnan(scores).any():
        raise TableError(
            f"Got {int(np.isnan(scores).sum())} cells of {score_column!r} without a number: "
            "score the file again."
        )
    alarms = None
    if alarm_column in table:
        marks, unreadable = table.numbers(alarm_column)
        if unreadable or not np.isin(marks, (0.0, 1.0)).all():
            raise TableError(f"Got cells of {alarm_column!r} other than 0 and 1: score the file again.")
        alarms = marks == 1.0
    result = evaluation.evaluate(y, scores, predicted=alarms)
    if args.json:
        figures = {
            name: None if isinstance(value, float) and np.isnan(value) else value
            for name, value in result.to_dict().items()
        }
        if result.confusion is not None:
            figures = {"confusion": result.confusion.matrix.tolist(), **figures}
        print(json.dumps(figures))
    else:
        if result.confusion is not None:
            print(f"[[TP, FP], [FN, TN]] = {result.confusion.matrix.tolist()}")
        print(result)
    return 0


def _no_text(n: int) -> NDArray[Any]:
    return np.full(n, "", dtype=object)


def _reason(parts: list[tuple[str, float]]) -> str:
    whole = sum(part for _, part in parts) or 1.0
    largest = sorted(parts, key=lambda item: -item[1])[:_REASONS]
    return ", ".join(f"{name} {part / whole:.0%}" for name, part in largest if part > 0)


def _reasons(names: list[str], shares: Float64, alarm: Bool) -> NDArray[Any]:
    """Say for each alarm which columns it comes from, in shares of its score."""
    reason = _no_text(len(alarm))
    for row in np.flatnonzero(alarm):
        reason[row] = _reason(list(zip(names, shares[row].tolist(), strict=True)))
    return reason


def _announce() -> None:
    # the compiler is asked for only by commands that need it
    from iotae._compiled import say_on_standard_error

    say_on_standard_error()


def _say(line: str) -> None:
    print(f"iotae: {line}", file=sys.stderr)


def _say_notes(notes: Counter[str]) -> None:
    for note, count in notes.items():
        _say(f"note: {count} {note}")


def _bars() -> bool:
    return sys.stderr.isatty() and find_spec("tqdm") is not None


@contextmanager
def _bar(what: str) -> Iterator[Any]:
    """Yield a function that advances a bar on a terminal, and does nothing in a pipe."""
    if not _bars():
        yield lambda rows: None
        return
    from tqdm import tqdm

    with tqdm(desc=what, unit=" rows", unit_scale=True) as bar:
        yield bar.update
