"""``iotae demo``: the paper's experiment from end to end on simulated data, with its figures."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iotae._typing import Bool, Float64, Int64
from iotae.cli.terminal import announce_compiler
from iotae.data import Table
from iotae.evaluation import Evaluation, evaluate, stratified_split
from iotae.preprocessing import Preprocessor
from iotae.simulator import ANOMALY_KINDS, Simulation, simulate

if TYPE_CHECKING:
    from iotae.pipeline import TableDetector

__all__ = ["PAPER", "experiment", "run"]

PAPER = {"accuracy": 0.900, "precision": 0.818, "recall": 0.900, "f1": 0.857}
"""The paper's Figure 3: TP 9, FP 2, FN 1, TN 18 on the 30 test rows of 100."""

_ALPHA = 0.005
_INTERVAL = 600

_SUFFIXES = (".png", ".pdf", ".svg")
"""A picture to look at, and two to print and to edit."""


def run(args: Namespace) -> int:
    """Run the experiment, with its figures in the folder asked for."""
    announce_compiler()
    experiment(args.output, args.seed)
    return 0


def experiment(output: str | os.PathLike[str], seed: int = 0, n_rows: int = 10_000) -> None:
    """Run the experiment, print what it found and save its figures as PNG, PDF and SVG.

    The detector learns from the normal rows of a stratified 70 % and takes its threshold from normal rows
    held out of those. The other 30 % are judged once, for the figures printed.

    Parameters
    ----------
    output : path
        Folder for the figures; made if it is not there.
    seed : int
        Of the simulator, the split and the network.
    n_rows : int
        Rows to simulate.
    """
    from iotae.batch.autoencoder import BatchAutoencoder
    from iotae.pipeline import TableDetector

    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    simulation = simulate(n_rows, interval=_INTERVAL, seed=seed)
    names = [name for name in simulation.columns if name not in ("label", "kind")]
    table = Table({name: simulation.columns[name] for name in names})
    labels = simulation.label.astype(bool)
    train, test = stratified_split(labels, test_size=0.3, seed=seed)

    detector = TableDetector(
        Preprocessor.paper(), BatchAutoencoder(scaling="none", seed=seed), alpha=_ALPHA, seed=seed
    )
    detector.fit(table.take(train), labels[train])
    scores = detector.score(table.take(test))
    alarms = detector.classify(scores)
    result = evaluate(labels[test], scores, predicted=alarms)

    print(
        f"simulated {n_rows} readings of {len(np.unique(simulation.columns['device']))} devices, seed {seed}"
    )
    _tell(detector, result, train.size, test.size)
    print("\nshare of each kind of anomaly that was found, test rows:")
    for kind in ANOMALY_KINDS:
        of_kind = simulation.kind[test] == kind
        print(f"  {kind:12}{alarms[of_kind].mean():6.2f}  of {int(of_kind.sum())}")
    _figures(folder, simulation, test, labels, scores, alarms, detector.threshold)
    drawn = ", ".join(sorted(path.stem for path in folder.glob("*.png")))
    print(f"\nfigures in {folder}/, each as PNG, PDF and SVG: {drawn}")


def _tell(detector: TableDetector, result: Evaluation, n_train: int, n_test: int) -> None:
    """Print what preprocessing did, and the result beside the paper's."""
    assert result.confusion is not None
    print(*(f"  {line}" for line in detector.preprocessor.report()), sep="\n")
    print(f"  split: {n_train} rows to learn from, {n_test} to test on")
    print(f"\n[[TP, FP], [FN, TN]] = {result.confusion.matrix.tolist()}   (test rows)\n")
    print(f"{'':12}{'iotae':>8}{'paper':>8}")
    for metric, published in PAPER.items():
        print(f"{metric:12}{getattr(result.confusion, metric):8.3f}{published:8.3f}")
    print(f"{'ROC AUC':12}{result.roc_auc:8.3f}{'-':>8}")
    print(f"{'avg. prec.':12}{result.average_precision:8.3f}{'-':>8}")


def _figures(
    folder: Path,
    simulation: Simulation,
    test: Int64,
    labels: Bool,
    scores: Float64,
    alarms: Bool,
    threshold: float,
) -> None:
    from iotae.plots import ConfusionDisplay, FeaturesDisplay, MetricsDisplay, RankingDisplay, ScoreDisplay

    truth, time = labels[test], simulation.columns["timestamp"][test]
    displays = {
        "features": FeaturesDisplay.from_simulation(simulation, test_index=test).plot(),
        "confusion": ConfusionDisplay.from_predictions(truth, alarms).plot(),
        "metrics": MetricsDisplay.from_predictions(truth, alarms).plot(),
        "score": ScoreDisplay.from_predictions(truth, scores, threshold, time=time).plot(),
        "ranking": RankingDisplay.from_predictions(truth, scores).plot(rate_axis="log"),
    }
    for name, display in displays.items():
        for suffix in _SUFFIXES:
            display.save(folder / f"{name}{suffix}")
