"""``iotae fit``: a detector fitted to a file and saved."""

from __future__ import annotations

import re
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext

from iotae._validation import TableError
from iotae.cli.learning import must_have, preprocessor_of, read_labelled, scaling_after
from iotae.cli.models import save_model
from iotae.cli.paths import check_model_output
from iotae.cli.terminal import announce_compiler, counted, said_warnings, say, shows_bars

__all__ = ["run"]

_OPTION = re.compile(r"\b(hidden_sizes|epochs|batch_size|learning_rate|device|seed)=")
"""How an error names a setting that has an option of its own."""


def run(args: Namespace) -> int:
    """Fit a detector to a file and save it."""
    check_model_output(args.output, args.train)
    if args.jobs is not None and args.group is None:
        raise TableError("Got --jobs without --group: name the column of the device, --group COLUMN.")
    announce_compiler()
    from iotae.batch.autoencoder import BatchAutoencoder
    from iotae.pipeline import TableDetector

    preprocessor = preprocessor_of(args)
    network = {
        name: getattr(args, name)
        for name in ("hidden_sizes", "epochs", "batch_size", "learning_rate", "device")
        if getattr(args, name) is not None
    }
    try:
        autoencoder = BatchAutoencoder(
            scaling=scaling_after(preprocessor), seed=args.seed, progress=shows_bars(), **network
        )
    except ValueError as error:
        raise ValueError(_OPTION.sub(lambda found: f"--{found[1].replace('_', '-')} ", str(error))) from error
    if shows_bars():
        say(f"reading {args.train}")
    table, y, normal_value = read_labelled(args)
    must_have(table, [] if args.group is None else [args.group], "--group")
    if shows_bars():
        say(f"learning from {counted(table.n_rows, 'row')}")
    detector = TableDetector(
        preprocessor,
        autoencoder,
        alpha=args.alpha,
        seed=args.seed,
        label=args.label,
        normal_value=normal_value,
        ignore=args.drop,
        group=args.group,
    )
    with said_warnings(), _jobs(args):
        detector.fit(table, y)
    save_model(detector, args.output, [args.train])
    for line in detector.preprocessor.report():
        say(line)
    rows = "row" if y is None else "normal row"
    say(
        f"learned from {detector.n_learned} of {counted(table.n_rows, 'row')}; alarms above "
        f"{detector.threshold:.6g}, the {1 - args.alpha:.1%} quantile of the scores of "
        f"{counted(detector.n_calibrated, rows)}; model in {args.output}"
    )
    return 0


def _jobs(args: Namespace) -> AbstractContextManager[object]:
    """Where the devices are learned."""
    if args.jobs is None:
        return nullcontext()
    from joblib import parallel_config

    jobs: AbstractContextManager[object] = parallel_config(n_jobs=args.jobs)
    return jobs
