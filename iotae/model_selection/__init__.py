"""The paper's tuning: grid search and cross-validation over a detector's network and threshold.

A test part is split off before anything else, and the search sees only the other rows. The test part is
scored once, after the choice, for the figures that are reported.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iotae._fan_out import fan_out
from iotae._progress import shown
from iotae._typing import Bool, Float64, Int64
from iotae._validation import check_count, check_row_labels, check_share
from iotae.data import Table
from iotae.evaluation import Evaluation, confusion, evaluate, stratified_split
from iotae.model_selection.grid import GRID, Grid, Params, candidates, funnel
from iotae.model_selection.synthetic_anomalies import f1_at_share, swap_cells, swap_f1
from iotae.pipeline import TableDetector

__all__ = ["GRID", "Tuning", "funnel", "swap_cells", "swap_f1", "tune"]


@dataclass(frozen=True, eq=False)
class Tuning:
    """The results of a search; see :func:`tune`.

    Parameters
    ----------
    table : list of dict
        One record for each candidate, best first: ``rank`` (equal candidates share one), the parameters
        searched, ``f1_mean`` and ``f1_sd`` (standard deviation) over the folds, ``f1_fold_1`` and so on.
    best_params : dict
        The parameters searched, of the first record.
    best_model : TableDetector
        With these parameters, fitted to the whole training part.
    criterion : {'labels', 'swaps'}
        Whether F1 was taken from labels, or from swapped cells
        (:mod:`iotae.model_selection.synthetic_anomalies`).
    train_index, test_index : ndarray of int64
        Rows that the search saw, and the rows of the test part.
    test : Evaluation or None
        The best model on the test part; None without labels or without a test part.
    """

    table: list[Params]
    best_params: Params
    best_model: TableDetector
    criterion: str
    train_index: Int64
    test_index: Int64
    test: Evaluation | None


def tune(
    detector: TableDetector,
    table: Table,
    y: ArrayLike | None = None,
    *,
    grid: Grid | None = None,
    n_splits: int = 5,
    test_size: float | None = 0.3,
    anomaly_share: float = 0.05,
    n_jobs: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Tuning:
    """Search a grid by cross-validation on the training part, and refit the best.

    With labels a candidate is judged by its F1 on each fold that it did not learn from, without labels by
    its F1 at telling the fold's rows from copies with one swapped cell: see
    :mod:`iotae.model_selection.synthetic_anomalies`.
    The mean over the folds decides; of equal candidates, the first in the grid is taken.

    Parameters
    ----------
    detector : TableDetector
        What is not searched: preprocessing, seeds, and the network's other settings. It is copied.
    table : Table
    y : array-like of shape (n,), optional
        True or 1 for anomalies.
    grid : mapping of str to sequence, optional
        Values of ``layers`` and ``neurons`` (:func:`funnel`) or of ``hidden_sizes``, of ``alpha``, and of
        ``learning_rate``, ``epochs``, ``batch_size``, ``dropout_rate``, ``activation``, ``scoring``.
        By default :data:`GRID`. One fit serves all values of ``alpha``.
    n_splits : int, at least 2
        Folds; each holds every class in the same proportion.
    test_size : float in (0, 1) or None
        Share of the rows in the test part; the paper's is 0.3. None if you keep test rows yourself.
    anomaly_share : float, in (0, 1)
        Without labels, the share of anomalies that you expect. It decides which ``alpha`` is best: if you
        know how many alarms you can look at, give that ``alpha`` alone in the grid.
    n_jobs : int, optional
        Fits at a time; -1 for one a core. By default what ``joblib.parallel_config`` says, and one without
        it. The backend that is set there (processes, Dask, Ray) does the work; the result is the same.
    seed : int
        Of the split, the folds and the swaps.
    progress : bool
        A bar on standard error.

    Returns
    -------
    Tuning

    Raises
    ------
    ValueError
        If a parameter is unknown, a value is outside its range, or there are too few rows for the folds.
        Nothing has been fitted then.
    TypeError
        If the detector's network is a module of the caller's own.

    Examples
    --------
    >>> from iotae.simulator import simulate
    >>> stream = simulate(600, anomaly_rate=0.1, seed=1)
    >>> columns = {name: stream.columns[name] for name in stream.columns if name not in ("label", "kind")}
    >>> grid = {"hidden_sizes": [(2,), (8, 4, 8)], "alpha": [0.01, 0.1]}
    >>> found = tune(TableDetector(seed=0), Table(columns), stream.label, grid=grid, n_splits=3)
    >>> len(found.table), len(found.test_index), found.best_params["alpha"], found.table[0]["rank"]
    (4, 180, 0.01, 1)
    """
    grid = GRID if grid is None else grid
    networks, alphas = candidates(detector, grid)
    check_count("n_splits", n_splits, 2)
    check_count("seed", seed, 0)
    check_share("anomaly_share", anomaly_share, meaning="the anomalies you expect, e.g. 0.05")
    labels = check_row_labels(y, table.n_rows)
    classes = np.zeros(table.n_rows, dtype=bool) if labels is None else labels
    train, test = np.arange(table.n_rows), np.arange(0)
    if test_size is not None:
        train, test = stratified_split(classes, test_size, seed)
    fold = _folds(classes[train], n_splits, seed, labelled=labels is not None)

    table = table.without([*detector.ignore, *([] if detector.label is None else [detector.label])])
    search = _Search(
        table.take(train), None if labels is None else labels[train], fold, alphas, anomaly_share, seed
    )
    judged = search.run([result for _, result in networks], n_jobs, progress)
    records = _records([params for params, _ in networks], alphas, grid, judged)
    place = int(np.argmax([record["f1_mean"] for record in records]))
    best = copy.deepcopy(networks[place // len(alphas)][1])
    best.alpha = alphas[place % len(alphas)]
    best.fit(search.table, search.labels)
    return Tuning(
        table=sorted(records, key=lambda record: record["rank"]),
        best_params={name: records[place][name] for name in grid},
        best_model=best,
        criterion="swaps" if labels is None else "labels",
        train_index=train,
        test_index=test,
        test=None if labels is None or not test.size else _judge(best, table.take(test), labels[test]),
    )


def _records(networks: list[Params], alphas: list[float], grid: Grid, judged: Float64) -> list[Params]:
    """One record for each network and alpha, with its F1 on each fold (networks, folds, alphas)."""
    records = [
        {"rank": 0} | {name: ({**params, "alpha": alpha})[name] for name in grid} | _summary(judged[i, :, j])
        for i, params in enumerate(networks)
        for j, alpha in enumerate(alphas)
    ]
    for record in records:
        record["rank"] = 1 + sum(other["f1_mean"] > record["f1_mean"] for other in records)
    return records


def _folds(classes: Bool, n_splits: int, seed: int, *, labelled: bool) -> Int64:
    """Assign the rows to folds, class by class, and return each row's fold."""
    anomalies = int(classes.sum())
    normal = classes.size - anomalies
    if normal < 2 * n_splits or (labelled and anomalies < n_splits):
        raise ValueError(
            f"Got {normal} rows without and {anomalies} with an anomaly to search with, but expected "
            f"{2 * n_splits} and {n_splits if labelled else 0} at least for {n_splits} folds: take fewer "
            "folds, give more rows, or leave the labels out."
        )
    shuffled = np.random.default_rng(seed).permutation(classes.size)
    fold = np.empty(classes.size, dtype=np.int64)
    fold[shuffled[np.argsort(classes[shuffled], kind="stable")]] = np.arange(classes.size) % n_splits
    return fold


@dataclass(frozen=True, eq=False)
class _Search:
    """All that a search sees: the training part, its folds, and what candidates are judged by."""

    table: Table
    labels: Bool | None
    fold: Int64
    alphas: list[float]
    anomaly_share: float
    seed: int

    def run(self, detectors: list[TableDetector], n_jobs: int | None, progress: bool) -> Float64:
        """Return F1, (detectors, folds, alphas)."""
        from joblib import delayed

        numbers = range(int(self.fold.max()) + 1)
        jobs = [delayed(self.judge)(detector, number) for detector in detectors for number in numbers]
        figures = fan_out(jobs, n_jobs)
        if progress:
            figures = shown(figures, "searching", "fits", len(jobs))
        return np.array(list(figures)).reshape(len(detectors), len(numbers), len(self.alphas))

    def judge(self, detector: TableDetector, number: int) -> list[float]:
        """Fit to the other folds, and return F1 on this one for each alpha."""
        held = self.fold == number
        fitted = copy.deepcopy(detector)
        fitted.fit(self.table.take(~held), None if self.labels is None else self.labels[~held])
        rows = self.table.take(held)
        scores = _scores(fitted, rows)
        if self.labels is not None:
            truth = self.labels[held]
            return [confusion(truth, fitted.recut(alpha).classify(scores)).f1 for alpha in self.alphas]
        # the same swaps for every candidate
        swapped = _scores(fitted, swap_cells(rows, np.random.default_rng((self.seed, number))))
        figures = []
        for alpha in self.alphas:
            fitted.recut(alpha)
            found, false_alarms = (float(fitted.classify(part).mean()) for part in (swapped, scores))
            figures.append(f1_at_share(found, false_alarms, self.anomaly_share))
        return figures


def _scores(detector: TableDetector, table: Table) -> Float64:
    return detector.score_with_notes(table, strict=False)[0]


def _summary(figures: Float64) -> Params:
    folds = {f"f1_fold_{k}": float(figure) for k, figure in enumerate(figures, start=1)}
    return {"f1_mean": float(figures.mean()), "f1_sd": float(figures.std(ddof=1)), **folds}


def _judge(detector: TableDetector, table: Table, labels: Bool) -> Evaluation:
    scores = _scores(detector, table)
    return evaluate(labels, scores, predicted=detector.classify(scores))
