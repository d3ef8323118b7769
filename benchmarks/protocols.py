"""The protocols: how a detector meets a data set, and what is measured. One function each.

Every function takes a set and a detector and returns plain numbers, so that a result can be stored.
Labels are used by the two figures alone (ROC AUC and average precision, by scikit-learn), and in
`table_clean` to choose training rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.dataset import Dataset
from benchmarks.detector import Detector, Task

__all__ = [
    "KINDS",
    "PROTOCOLS",
    "prequential",
    "ranking",
    "rows_as_dicts",
    "stream",
    "subsample",
    "table_clean",
    "table_unlabelled",
]

TABLE_ROWS = 10_000
WARM_UP_SHARE = 0.1
CHUNK = 2_000


def ranking(y: NDArray[Any], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Return ROC AUC and average precision.

    Raises
    ------
    ValueError
        Where a score is not finite, or where the labels hold only one class.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    if not np.isfinite(scores).all():
        raise ValueError(f"Got {np.sum(~np.isfinite(scores))} scores that are not finite, but expected none.")
    if y.min() == y.max():
        raise ValueError("Got labels of one class, but expected normal and anomalous rows: take more rows.")
    return float(roc_auc_score(y, scores)), float(average_precision_score(y, scores))


def subsample(data: Dataset, max_rows: int, rng: np.random.Generator) -> Dataset:
    """Return at most ``max_rows`` rows (0: all of them), drawn without replacement, in file order."""
    if not max_rows or len(data.y) <= max_rows:
        return data
    return data.take(np.sort(rng.choice(len(data.y), max_rows, replace=False)))


def _size(scored: Dataset) -> dict[str, float]:
    """Return the number of rows scored, of features, and the share of anomalies in those rows."""
    return {"n": scored.X.shape[0], "d": scored.X.shape[1], "anomalies": float(scored.y.mean())}


def _fit_and_score(
    detector: Detector, train: NDArray[np.float64], test: NDArray[np.float64] | None, seed: int
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Return the scores of ``test`` (None: of the training rows, as PyOD keeps them) and the seconds."""
    model = detector.make(Task(seed, *train.shape))
    start = perf_counter()
    model.fit(train)
    fitted = perf_counter()
    scores = model.decision_scores_ if test is None else model.decision_function(test)
    seconds = {"fit_s": fitted - start, "score_s": perf_counter() - fitted}
    return np.asarray(scores, dtype=np.float64).ravel(), seconds


def table_unlabelled(data: Dataset, detector: Detector, seed: int, max_rows: int | None) -> dict[str, float]:
    """Fit on all rows without labels and score the same rows (transductive).

    Parameters
    ----------
    data : Dataset
        The table; more than ``max_rows`` rows are subsampled with the seed.
    detector : Detector
        An entry with PyOD's interface.
    seed : int
        Decides the subsample and the detector's own randomness.
    max_rows : int or None
        None means 10,000; 0 means all.

    Returns
    -------
    dict
        auc, ap in [0, 1]; fit_s, score_s in seconds; n, d, anomalies of the rows scored.
    """
    data = subsample(data, TABLE_ROWS if max_rows is None else max_rows, np.random.default_rng(seed))
    scores, seconds = _fit_and_score(detector, data.X, None, seed)
    auc, ap = ranking(data.y, scores)
    return {"auc": auc, "ap": ap, **seconds, **_size(data)}


def table_clean(data: Dataset, detector: Detector, seed: int, max_rows: int | None) -> dict[str, float]:
    """Train on a seeded half of the normal rows and score all the rest.

    Parameters and result as in `table_unlabelled`.
    """
    rng = np.random.default_rng(seed)
    data = subsample(data, TABLE_ROWS if max_rows is None else max_rows, rng)
    normal = rng.permutation(np.flatnonzero(data.y == 0))
    train = np.zeros(len(data.y), dtype=bool)
    train[normal[: len(normal) // 2]] = True
    scores, seconds = _fit_and_score(detector, data.X[train], data.X[~train], seed)
    test = data.take(~train)
    auc, ap = ranking(test.y, scores)
    return {"auc": auc, "ap": ap, **seconds, **_size(test)}


def rows_as_dicts(data: Dataset) -> Iterator[list[dict[str, float]]]:
    """Yield the rows as dicts of Python floats, some thousand at a time to bound the memory."""
    for start in range(0, len(data.y), CHUNK):
        yield [
            dict(zip(data.feature_names, row, strict=True)) for row in data.X[start : start + CHUNK].tolist()
        ]


def prequential(data: Dataset, model: Any) -> tuple[NDArray[np.float64], float]:
    """Score each row before learning it; return the scores and the seconds spent in the model.

    A model with ``score_stream`` does that by itself, in a process of its own.
    """
    if hasattr(model, "score_stream"):
        scored: tuple[NDArray[np.float64], float] = model.score_stream(data.X)
        return scored
    scores: list[float] = []
    seconds = 0.0
    for rows in rows_as_dicts(data):
        start = perf_counter()
        for x in rows:
            scores.append(model.score_one(x))
            model.learn_one(x)
        seconds += perf_counter() - start
    return np.array(scores, dtype=np.float64), seconds


def stream(data: Dataset, detector: Detector, seed: int, max_rows: int | None) -> dict[str, float]:
    """Run a detector over a stream: score, then learn, no labels, a fresh model for each group.

    A set whose order is not time is shuffled with the seed. The scores of all groups are pooled. The
    warm-up rows are those that the set marks as training part, else the first tenth of each group.

    Parameters
    ----------
    data : Dataset
        The stream.
    detector : Detector
        An entry with River's interface.
    seed : int
        Decides the shuffle and the detector's own randomness.
    max_rows : int or None
        Take the first rows only, after shuffling; None or 0 means all.

    Returns
    -------
    dict
        auc, ap over every row; auc_warm, ap_warm without the warm-up rows; us_per_row (score + learn);
        n, d, anomalies of the rows scored.
    """
    if not data.ordered:
        data = data.take(np.random.default_rng(seed).permutation(len(data.y)))
    if max_rows:
        data = data.take(np.arange(min(max_rows, len(data.y))))
    group = np.zeros(len(data.y), dtype=np.int64) if data.group is None else data.group
    scores = np.empty(len(data.y))
    warm = np.ones(len(data.y), dtype=bool) if data.is_test is None else data.is_test == 1
    seconds = 0.0
    for label in dict.fromkeys(group.tolist()):
        rows = np.flatnonzero(group == label)
        part = data.take(rows)
        scores[rows], spent = prequential(part, detector.make(Task(seed, *part.X.shape)))
        seconds += spent
        if data.is_test is None:
            warm[rows[: int(len(rows) * WARM_UP_SHARE)]] = False
    auc, ap = ranking(data.y, scores)
    result = {"auc": auc, "ap": ap, "us_per_row": seconds / len(scores) * 1e6}
    result["auc_warm"], result["ap_warm"] = ranking(data.y[warm], scores[warm])
    return {**result, **_size(data)}


PROTOCOLS = {"table_unlabelled": table_unlabelled, "table_clean": table_clean, "stream": stream}
KINDS = {"table_unlabelled": "table", "table_clean": "table", "stream": "stream", "alarms": "normal"}
