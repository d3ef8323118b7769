"""The paper's contestants: ours, PyOD's, and the supervised rows that the paper compares with.

A contestant is a function from an `Experiment`, which holds no label of a test row, to alarms on its test
rows. Defaults are left alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.detector import Detector, Task
from benchmarks.detectors import TABLES
from benchmarks.simulated import Experiment
from iotae.model_selection import GRID, tune
from iotae.pipeline import TableDetector
from iotae.thresholds import QuantileThreshold

__all__ = ["CONTESTANTS", "SUPERVISION", "windows"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEPS = 8
FOLDS = 5
HELD_OUT, FEWEST_HELD_OUT = 0.2, 20
SENSORS = ("temperature", "humidity", "light_intensity", "device_power", "network_latency")


Contestant = Callable[[Experiment], Mask]
CONTESTANTS: dict[str, Detector] = {}
SUPERVISION: dict[str, str] = {}


def _enter(name: str, supervision: str, *packages: str, ours: bool = False, recipe: str = "") -> Any:
    """Put the decorated contestant into the registry, with the word on what labels it gets."""

    def add(contestant: Contestant) -> Contestant:
        text = recipe or inspect.getsource(contestant)
        CONTESTANTS[name] = Detector(name, lambda task: contestant, packages, text, ours)
        SUPERVISION[name] = supervision
        return contestant

    return add


@_enter("iotae", "normal rows, threshold", ours=True)
def _ours(experiment: Experiment) -> Mask:
    return _tuned(experiment, experiment.labels)


@_enter("iotae, unlabelled", "none", ours=True)
def _ours_unlabelled(experiment: Experiment) -> Mask:
    return _tuned(experiment, None)


def _tuned(experiment: Experiment, labels: Mask | None) -> Mask:
    """Search with the defaults of ``iotae tune``, given the training rows alone."""
    template, rows = TableDetector(seed=experiment.seed), experiment.table.take(experiment.train)
    found = tune(template, rows, labels, test_size=None, seed=experiment.seed)
    return found.best_model.classify(found.best_model.score(experiment.table.take(experiment.test)))


def _normal_only(experiment: Experiment, name: str) -> Mask:
    """One of PyOD's detectors as ours is used: taught by normal rows, its cut chosen by F1."""
    from sklearn.metrics import f1_score
    from sklearn.model_selection import StratifiedKFold

    X, y = experiment.X[experiment.train], experiment.labels
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=experiment.seed).split(X, y)
    figures = [
        [f1_score(y[held], scores > cut, zero_division=0) for cut in cuts]
        for kept, held in splits
        for scores, cuts in [_scores_and_cuts(experiment, name, X[kept][~y[kept]], X[held])]
    ]
    scores, cuts = _scores_and_cuts(experiment, name, X[~y], experiment.X[experiment.test])
    return np.asarray(scores > cuts[int(np.mean(figures, axis=0).argmax())])


def _scores_and_cuts(
    experiment: Experiment, name: str, normal: Floats, rows: Floats
) -> tuple[Floats, list[float]]:
    """Teach a detector normal rows; return its scores of ``rows``, and its cut for each share of alarms."""
    order = np.random.default_rng(experiment.seed).permutation(len(normal))
    count = round(HELD_OUT * len(normal))
    held, kept = np.split(order, [count if count >= FEWEST_HELD_OUT else 0])
    model = TABLES[name].make(Task(experiment.seed, len(kept), normal.shape[1])).fit(normal[kept])
    calibration = model.decision_function(normal[held if held.size else kept])
    cuts = [QuantileThreshold(contamination=alpha).fit(calibration).threshold for alpha in GRID["alpha"]]
    return np.asarray(model.decision_function(rows)), cuts


for _name, _package in (("AutoEncoder", "torch"), ("IForest", "scikit-learn")):
    _enter(_name, "normal rows, threshold", "pyod", _package, recipe=inspect.getsource(_normal_only))(
        partial(_normal_only, name=_name)
    )


def _supervised(experiment: Experiment, make: Callable[[int], Any]) -> Mask:
    model = make(experiment.seed).fit(experiment.X[experiment.train], experiment.labels)
    return np.asarray(model.predict(experiment.X[experiment.test]), dtype=bool)


def _classifier(title: str, module: str, name: str, *, seeded: bool = True, **arguments: Any) -> None:
    """Enter a classifier of scikit-learn."""

    def make(seed: int) -> Any:
        from importlib import import_module

        random = {"random_state": seed} if seeded else {}
        return getattr(import_module(f"sklearn.{module}"), name)(**random, **arguments)

    _enter(title, "all", recipe=f"{module}.{name} {arguments}")(partial(_supervised, make=make))


_classifier("decision tree", "tree", "DecisionTreeClassifier")
_classifier("random forest", "ensemble", "RandomForestClassifier")
_classifier("SVM", "svm", "SVC")
_classifier("kNN", "neighbors", "KNeighborsClassifier", seeded=False)
_classifier("AdaBoost", "ensemble", "AdaBoostClassifier")
_classifier("logistic regression", "linear_model", "LogisticRegression", max_iter=1_000)
_classifier("neural network (MLP)", "neural_network", "MLPClassifier", max_iter=1_000)


def windows(experiment: Experiment, steps: int = STEPS) -> Floats:
    """Return each row with the ``steps - 1`` readings of its device before it, (n, steps, d).

    The past of a test row may hold training rows and the other way round, without their labels. Where a
    device has no past yet its first reading stands in.
    """
    devices = experiment.table.texts("device")
    past = np.empty((experiment.table.n_rows, steps), dtype=np.int64)
    for device in np.unique(devices):
        rows = np.flatnonzero(devices == device)
        place = np.arange(rows.size)[:, None] + np.arange(1 - steps, 1)
        past[rows] = rows[np.maximum(place, 0)]
    return experiment.X[past]


def _sequence(experiment: Experiment, network: str) -> Mask:
    from benchmarks import sequence_nets

    rows = windows(experiment)
    made = getattr(sequence_nets, network)
    learned = rows[experiment.train], experiment.labels
    return sequence_nets.fit_predict(made, *learned, rows[experiment.test], experiment.seed)


for _title, _network in (
    ("recurrent network (GRU)", "Recurrent"),
    ("CNN-GRU-BiLSTM", "ConvolutionalHybrid"),
):
    _enter(_title, "all", "torch", recipe=_network)(partial(_sequence, network=_network))


@_enter("packet filter", "normal rows")
def _range_filter(experiment: Experiment) -> Mask:
    """A missing cell, or one outside what the normal training rows hold, raises the alarm."""
    cells = np.column_stack([experiment.table.numbers(name)[0] for name in SENSORS])
    normal = cells[experiment.train][~experiment.labels]
    low, high = np.nanmin(normal, axis=0), np.nanmax(normal, axis=0)
    # a comparison with NaN is False: a missing cell is not inside
    return ~((cells >= low) & (cells <= high)).all(axis=1)[experiment.test]
