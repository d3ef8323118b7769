"""What ``iotae stream`` runs on, by its options: a model, a source, a sink, and where it stopped before."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from iotae._typing import State
from iotae.cli.groups import fleet_of
from iotae.cli.models import load_model
from iotae.cli.terminal import say
from iotae.data import Table, TableError
from iotae.data.table_notation import InputFormat

if TYPE_CHECKING:
    from iotae.fleet import Fleet
    from iotae.io.writer import TableWriter
    from iotae.runner.csv_sink import CsvSink
    from iotae.runner.files import FileSource
    from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["OpenStream", "open_stream", "stream_model"]

_CHUNK_ROWS = 4096
_EVERY_ROWS, _EVERY_SECONDS = 10_000, 10.0
_NO_COUNTS: Mapping[str, int] = {}

_FILES = {"EVENTS": "events", "--output": "output", "--model": "model", "--labels": "labels"}
_OPTIONS = [
    "follow",
    "group",
    "group_mode",
    "budget_per_day",
    "label",
    "drop",
    "alpha",
    "seed",
    "explain",
    "prefix",
    "safe_csv",
    "format",
    "sep",
    "decimal",
    "thousands",
    "time",
    "time_format",
]


class OpenStream(NamedTuple):
    """The parts of a stream.

    Attributes
    ----------
    model : OnlineAutoencoder or Fleet
    source : iterable of Table
    sink : TableWriter or CsvSink
        A file, not opened yet.
    save : callable or None
        Saves a checkpoint with the counts that it is given.
    every, seconds
        Rows and seconds from one checkpoint to the next.
    counts : dict
        What earlier runs of the same stream have counted.
    saved_at, lag : callable or None
        When the latest checkpoint was saved, and how many bytes are not read yet.
    """

    model: OnlineAutoencoder | Fleet
    source: Iterable[Table]
    sink: TableWriter | CsvSink
    save: Callable[[State], None] | None = None
    every: int = _EVERY_ROWS
    seconds: float = inf
    counts: Mapping[str, int] = _NO_COUNTS
    saved_at: Callable[[], float] | None = None
    lag: Callable[[], int] | None = None


def open_stream(args: Namespace, form: InputFormat, held: ExitStack) -> OpenStream:
    """Return what the options ask for; what must be closed at the end is ``held``."""
    if args.checkpoint is not None:
        return _with_checkpoint(args, form, held)
    if args.checkpoint_every is not None:
        raise TableError("Got --checkpoint-every without --checkpoint: name the folder, --checkpoint FOLDER.")
    from iotae.io.files import iter_table
    from iotae.io.writer import TableWriter

    size = min(_CHUNK_ROWS, args.save_every or _CHUNK_ROWS)
    model = _model_of(args)
    sink = TableWriter(args.output, live=True, sources=[args.events], safe=args.safe_csv)
    if args.follow:
        followed = _file_source(args, form, size)
        return OpenStream(model, followed, sink, lag=followed.lag)
    source = iter_table(args.events, size, live=args.events == "-", ragged="pad", form=form)
    return OpenStream(model, source, sink)


def _file_source(args: Namespace, form: InputFormat, chunk_rows: int) -> FileSource:
    """A file that can be read on from its middle, growing or not."""
    from iotae.runner.files import FileSource
    from iotae.runner.follow import FollowedFile

    if args.follow:
        return FollowedFile(args.events, chunk_rows, form, say=say)
    return FileSource(args.events, chunk_rows, form)


def _with_checkpoint(args: Namespace, form: InputFormat, held: ExitStack) -> OpenStream:
    """The same for a stream that goes on where its checkpoint says, if there is one."""
    from iotae.runner.checkpoint import Checkpoint
    from iotae.runner.csv_sink import CsvSink, check_resumable_output

    every = args.checkpoint_every or _EVERY_ROWS
    source = _file_source(args, form, min(_CHUNK_ROWS, every, args.save_every or every))
    check_resumable_output(args.output)
    sources = [args.events, *([args.model] if args.model else [])]
    checkpoint = held.enter_context(Checkpoint(args.checkpoint, _words(args), sources))
    if args.save is not None and Path(args.save).resolve().parent == checkpoint.path.parent.resolve():
        raise TableError(
            f"Got --save {args.save} in the folder of the checkpoint, which is for it alone: name another "
            "folder."
        )
    state = checkpoint.load()
    length, counts = None, _NO_COUNTS
    if state is None:
        model = _model_of(args)
    else:
        model, length, counts = _gone_on(state, source, str(checkpoint.path))
    sink = CsvSink(args.output, [args.events], args.safe_csv, length)
    if state is not None:
        say(f"going on after {counts['rows']} rows, by the checkpoint in {args.checkpoint}")

    def save(counts: State) -> None:
        length = sink.sync()
        checkpoint.save(
            {
                "counts": counts,
                "length": length,
                "source": source.to_state(),
                "model": model.to_state(),
            }
        )

    seconds = _EVERY_SECONDS if args.follow else inf
    return OpenStream(
        model, source, sink, save, every, seconds, counts, lambda: checkpoint.saved_at, source.lag
    )


def _gone_on(
    state: State, source: Any, path: str
) -> tuple[OnlineAutoencoder | Fleet, int, Mapping[str, int]]:
    """The model, the output's length and the counts of a checkpoint, and the source moved to where it was."""
    from iotae._validation.schema import check
    from iotae.fleet import Fleet
    from iotae.runner.state_schema import CHECKPOINT
    from iotae.serialization.tree import made
    from iotae.stream.autoencoder import OnlineAutoencoder

    def model_of(data: State) -> OnlineAutoencoder | Fleet:
        check(data, CHECKPOINT)
        return (Fleet if "key" in data["model"] else OnlineAutoencoder).from_state(data["model"])

    model = made(path, "stream", state, model_of)
    source.restore(state["source"])
    return model, state["length"], state["counts"]


def _words(args: Namespace) -> dict[str, Any]:
    """What a stream is started with, by option: what its rows and scores depend on."""
    given = vars(args)
    paths = {
        name: None if given[key] is None else str(Path(given[key]).absolute()) for name, key in _FILES.items()
    }
    return paths | {f"--{key.replace('_', '-')}": given[key] for key in _OPTIONS}


def _model_of(args: Namespace) -> OnlineAutoencoder | Fleet:
    """The saved model or fleet, or a new one."""
    return stream_model(args) if args.group is None else fleet_of(args)


def stream_model(args: Namespace) -> OnlineAutoencoder:
    """The saved model, or a new one."""
    from iotae.stream.autoencoder import OnlineAutoencoder

    if args.model is None:
        return OnlineAutoencoder(seed=args.seed or 0, alpha=0.01 if args.alpha is None else args.alpha)
    model = load_model(args.model, "OnlineAutoencoder", OnlineAutoencoder.from_state)
    say(f"going on with a model of {model.n_seen + model.n_rejected} rows")
    return model
