"""``iotae tune``: a search over a file, its table and figure, and the best models for score and stream."""

from __future__ import annotations

from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from iotae.cli.learning import preprocessor_of, read_labelled, scaling_after
from iotae.cli.models import save_model
from iotae.cli.paths import check_output
from iotae.cli.rows import row_dicts
from iotae.cli.terminal import announce_compiler, say, shows_bars
from iotae.data import Table, TableError
from iotae.io.writer import write_table

if TYPE_CHECKING:
    from iotae.model_selection import Tuning
    from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["run"]

_SHOWN = 5
_FILES = ("search.csv", "model.iotae", "stream.iotae", "search.png")


def run(args: Namespace) -> int:
    """Search, print what was found and write ``search.csv``, ``search.png`` and the two models."""
    announce_compiler()
    from iotae.batch.autoencoder import BatchAutoencoder
    from iotae.model_selection import GRID, tune
    from iotae.pipeline import TableDetector

    if args.label is not None and args.anomaly_share is not None:
        raise TableError("Got --anomaly-share with --label: the labels say it, leave it out.")
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise TableError(f"Got the file {folder} as output, but expected a folder, or a name for one.")
    for name in _FILES if folder.exists() else ():
        check_output(str(folder / name), args.train)
    preprocessor = preprocessor_of(args)
    table, y, normal_value = read_labelled(args)
    detector = TableDetector(
        preprocessor,
        BatchAutoencoder(scaling=scaling_after(preprocessor), seed=args.seed),
        seed=args.seed,
        label=args.label,
        normal_value=normal_value,
        ignore=args.drop,
    )
    # before the search, which may be long
    folder.mkdir(parents=True, exist_ok=True)
    found = tune(
        detector,
        table,
        y,
        grid={name: getattr(args, name) or values for name, values in GRID.items()},
        n_splits=args.folds,
        test_size=args.test_size,
        anomaly_share=args.anomaly_share or 0.05,
        n_jobs=args.jobs,
        seed=args.seed,
        progress=shows_bars(),
    )
    written = _write(folder, found, table, args)
    _tell(found)
    say(f"written to {folder}: {', '.join(written)}")
    return 0


def _write(folder: Path, found: Tuning, table: Table, args: Namespace) -> list[str]:
    """Write the table, the models and the figure, and return the names of the files."""
    # as text, so that a whole number stays one
    columns = {name: [str(row[name]) for row in found.table] for name in found.table[0]}
    write_table(folder / "search.csv", Table(columns))
    save_model(found.best_model, str(folder / "model.iotae"), [args.train])
    save_model(_stream_model(found, table, args.seed), str(folder / "stream.iotae"), [args.train])
    *written, picture = _FILES
    several = any(len({row[name] for row in found.table}) > 1 for name in found.best_params)
    if several and find_spec("matplotlib") is not None:
        from iotae.plots import TuningDisplay

        TuningDisplay.from_results(found.table).plot().save(folder / picture)
        written.append(picture)
    return written


def _stream_model(found: Tuning, table: Table, seed: int) -> OnlineAutoencoder:
    """The same network for ``iotae stream``, which has learned the training rows in file order.

    A stream is calibrated on all rows, anomalies included. So its alpha is the share of all training rows
    that are alarms of the best model, not the share of the normal rows that the best model's own alpha is.
    """
    from iotae.stream.autoencoder import OnlineAutoencoder

    best = found.best_model
    rows = table.take(found.train_index)
    raised = float(best.classify(best.score_with_notes(rows, strict=False)[0]).mean())
    model = OnlineAutoencoder(
        hidden_sizes=best.autoencoder.hidden_sizes,
        learning_rate=best.autoencoder.learning_rate,
        alpha=min(max(raised, best.alpha), 0.5),
        seed=seed,
    )
    ignored = [*best.ignore, *([] if best.label is None else [best.label])]
    for row in row_dicts(rows, ignored):
        model.learn_one(row)
    return model


def _tell(found: Tuning) -> None:
    """Print the best candidates, and how the chosen one did on the rows that the search never saw."""
    names = [*found.best_params, "f1_mean", "f1_sd"]
    source = "labels" if found.criterion == "labels" else "swapped cells"
    print(
        f"{len(found.table)} candidates, {found.train_index.size} rows, F1 from {source}; the best of them:"
    )
    print(f"{'rank':>4}", *(f"{name:>13}" for name in names))
    for row in found.table[:_SHOWN]:
        figures = (f"{row[name]:13.3f}" if name.startswith("f1") else f"{row[name]:>13}" for name in names)
        print(f"{row['rank']:>4}", *figures)
    if found.test is None:
        return
    print(f"\non the {found.test_index.size} test rows, which the search did not see:")
    print(found.test)
