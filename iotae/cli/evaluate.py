"""``iotae evaluate``: the scores and alarms of a file compared with its labels."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING

import numpy as np

from iotae._files import naming
from iotae._typing import Bool, Float64
from iotae.cli.input_options import form_of
from iotae.cli.learning import must_have
from iotae.cli.terminal import say_notes
from iotae.data import Table, TableError

if TYPE_CHECKING:
    from iotae.evaluation import Evaluation

__all__ = ["run"]


def run(args: Namespace) -> int:
    """Compare the scores and alarms of a file with its labels."""
    from iotae.data.labels import read_labels
    from iotae.evaluation import evaluate
    from iotae.io.files import read_table

    table = read_table(args.scored, form=form_of(args))
    say_notes(table.notation.notes)
    score_column, alarm_column = args.prefix + "score", args.prefix + "alarm"
    must_have(table, [args.label], "--label")
    must_have(table, [score_column], "--prefix")
    if not table.n_rows:
        raise TableError(f"Got {args.scored} without rows, but expected scored rows to evaluate.")
    y = read_labels(table, args.label, args.normal_value)
    alarms = _read_alarms(table, alarm_column) if alarm_column in table else None
    found = evaluate(y, _read_scores(table, score_column), predicted=alarms)
    with naming("standard output"):
        _print(found, args.json)
    return 0


def _read_scores(table: Table, column: str) -> Float64:
    scores, _ = table.numbers(column)
    missing = int(np.isnan(scores).sum())
    if missing:
        raise TableError(f"Got {missing} cells of {column!r} without a number: score the file again.")
    return scores


def _read_alarms(table: Table, column: str) -> Bool:
    marks, _ = table.numbers(column)
    if not np.isin(marks, (0.0, 1.0)).all():
        raise TableError(f"Got cells of {column!r} other than 0 and 1: score the file again.")
    return np.asarray(marks == 1.0)


def _print(result: Evaluation, as_json: bool) -> None:
    matrix = None if result.confusion is None else result.confusion.matrix.tolist()
    if as_json:
        figures = {
            name: None if isinstance(value, float) and np.isnan(value) else value
            for name, value in result.to_dict().items()
        }
        print(json.dumps(figures if matrix is None else {"confusion": matrix, **figures}))
        return
    if matrix is not None:
        print(f"[[TP, FP], [FN, TN]] = {matrix}")
    print(result)
