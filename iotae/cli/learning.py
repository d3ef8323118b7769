"""What ``fit`` and ``tune`` share: the preprocessing asked for, and a file of rows with their labels."""

from __future__ import annotations

from argparse import Namespace
from typing import NamedTuple

from iotae._typing import Bool
from iotae.cli.input_options import form_of
from iotae.cli.terminal import say_notes
from iotae.data import Table, TableError
from iotae.preprocessing import Preprocessor

__all__ = ["Labelled", "must_have", "preprocessor_of", "read_labelled", "scaling_after"]


class Labelled(NamedTuple):
    """A table, which of its rows (n,) are anomalies if that is known, and the label of normal rows."""

    table: Table
    y: Bool | None
    normal_value: str | None


def preprocessor_of(args: Namespace) -> Preprocessor:
    """Return the preprocessing that the options ask for."""
    chosen = {
        name: getattr(args, name)
        for name in ("missing", "fill", "tails", "normalise", "select", "outliers", "max_categories")
        if getattr(args, name) is not None
    }
    return Preprocessor(**(Preprocessor.PAPER if args.paper else {}) | chosen)


def scaling_after(preprocessor: Preprocessor) -> str:
    """Return the autoencoder's scaling: none where preprocessing has scaled the columns already."""
    return "standard" if preprocessor.normalise == "none" else "none"


def read_labelled(args: Namespace) -> Labelled:
    """Read the training file and its labels.

    Raises
    ------
    TableError
        If a column that the options name is not there, or nothing says which label is normal.
    """
    if args.normal_value is not None and args.label is None:
        raise TableError("Got --normal-value without --label: name the column that holds it, --label COLUMN.")
    from iotae.data.labels import find_normal_value, read_labels
    from iotae.io.files import read_table

    table = read_table(args.train, most_rows=vars(args).get("rows"), seed=args.seed, form=form_of(args))
    say_notes(table.notation.notes)
    must_have(table, args.drop, "--drop")
    y, normal_value = None, args.normal_value
    if args.label is not None:
        must_have(table, [args.label], "--label")
        if table.n_rows and normal_value is None:
            normal_value = find_normal_value(table, args.label)
        y = read_labels(table, args.label, normal_value) if table.n_rows else None
    return Labelled(table, y, normal_value)


def must_have(table: Table, names: list[str], option: str) -> None:
    """Raise an error unless the table has these columns; columns that no detector can read count too."""
    absent = [name for name in names if name not in table and name not in table.unsupported]
    if absent:
        there = ", ".join(table.names)
        raise TableError(f"Got no column {absent[0]!r} for {option}: the table has {there}.")
