"""``iotae filter``: each row with its reasons to one of two files, what cannot be true to the second."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.cli.input_options import form_of
from iotae.cli.learning import must_have
from iotae.cli.paths import check_output, check_two_outputs
from iotae.cli.terminal import announce_compiler, counted, progress_bar, say, say_notes
from iotae.data import Table, TableError

if TYPE_CHECKING:
    from iotae.quality import Checked, PacketChecker

__all__ = ["run"]


def run(args: Namespace) -> int:
    """Divide the rows of a file; both outputs take their names when the last row is written."""
    form = form_of(args)
    if args.rejected == "-":
        raise TableError("Got '-' as the file for the rejected rows, but expected a file name: give one.")
    inputs = [args.events, *([args.rules] if args.rules else [])]
    for path in (args.output, args.rejected):
        check_output(path, *inputs)
    check_two_outputs(args.output, args.rejected)
    announce_compiler()
    from iotae.io.chunks import CHUNK_ROWS
    from iotae.io.files import iter_table
    from iotae.io.writer import TableWriter

    checker = _checker_of(args)
    done, chunk = 0, Table({})
    with progress_bar("filtering") as advance, ExitStack() as outputs:
        # left in the opposite order: the valid rows take their name last, and stand for a run that is done
        valid, rejected = (
            outputs.enter_context(TableWriter(path, sources=[args.events], safe=args.safe_csv))
            for path in (args.output, args.rejected)
        )
        for chunk in iter_table(args.events, args.chunk_rows or CHUNK_ROWS, ragged="keep", form=form):
            if not done:
                must_have(chunk, [*args.drop, *([args.group] if args.group else [])], "--group or --drop")
            checked = checker.learn_many(chunk.without(args.drop), _torn(chunk, done))
            _write(valid, rejected, chunk, checked, args.prefix, done)
            done += chunk.n_rows
            advance(chunk.n_rows)
    say_notes(chunk.notation.notes)
    _tell(checker)
    return 0


def _checker_of(args: Namespace) -> PacketChecker:
    from iotae.quality import CANNOT_BE_TRUE, PacketChecker, read_rules

    rules = None if args.rules is None else read_rules(args.rules)
    time = args.time[0] if args.time else None
    return PacketChecker(args.group, time, rules, CANNOT_BE_TRUE if args.aside is None else args.aside)


def _torn(chunk: Table, done: int) -> NDArray[np.bool_]:
    """Which rows of a chunk are torn; the reader is told to forget them."""
    torn = np.zeros(chunk.n_rows, np.bool_)
    torn[[row - done for row in chunk.notation.torn]] = True
    chunk.notation.torn.clear()
    return torn


def _write(valid: Any, rejected: Any, chunk: Table, checked: Checked, prefix: str, done: int) -> None:
    texts, aside = checked.texts(), checked.aside
    name = f"{prefix}quality"
    kept = _rows_of(chunk, ~aside) if aside.any() else chunk
    valid.write(kept, {name: texts[~aside]})
    places = np.flatnonzero(aside)
    rejected.write(_rows_of(chunk, aside), {name: texts[aside], f"{prefix}row": places + done + 1})


def _rows_of(table: Table, mask: NDArray[np.bool_]) -> Table:
    """The rows of a mask with all that belongs to them: the source frame, and how they are written."""
    columns = {name: table.array(name)[mask] for name in table.names}
    source = None if table.source is None else table.source.filter(mask.tolist())
    return Table(columns, source=source, unsupported=table.unsupported, notation=table.notation)


def _tell(checker: PacketChecker) -> None:
    kept = checker.n_rows - checker.n_aside
    say(f"{counted(checker.n_rows, 'row')}: {kept} valid, {checker.n_aside} set aside")
    if checker.counts:
        say("rows by reason: " + ", ".join(f"{name} {n}" for name, n in checker.counts.most_common()))
    if checker.n_keyless:
        say(f"without a {checker.device}, taken for one more device: {counted(checker.n_keyless, 'row')}")
    if checker.n_unchecked:
        say(
            f"{counted(checker.n_unchecked, 'cell')} not checked: there were more than {checker.max_columns} "
            "columns"
        )
    if checker.n_forgotten:
        say(f"{counted(checker.n_forgotten, 'device')} forgotten: there were more than {checker.max_devices}")
