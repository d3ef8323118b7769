"""The prequential run: a detector meets a stream, each row scored before it is learned."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from iotae.evaluation.metrics import Evaluation, evaluate

__all__ = ["Prequential", "StreamDetector", "prequential"]


class StreamDetector(Protocol):
    """What :func:`prequential` asks of a detector: River's two methods; ``classify(score)`` if it has it."""

    def score_one(self, x: Any, /) -> float:
        """Return the row's anomaly score and change nothing."""

    def learn_one(self, x: Any, /) -> object:
        """Learn from the row."""


@dataclass(frozen=True, eq=False)
class Prequential:
    """Every row's outcome in a prequential run; see :func:`prequential`.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        Each row's score, given before the row was learned.
    labels : ndarray of int64, shape (n,)
        1 for an anomaly, 0 for a normal row.
    predicted : ndarray of bool, shape (n,), or None
        The model's own alarms; None if it has no ``classify``.
    score_seconds, learn_seconds : ndarray of float64, shape (n,)
        Time each row took in ``score_one`` and in ``learn_one``.
    warm_up : int
        Rows left out of :attr:`after_warm_up`.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.bool_] | None
    score_seconds: NDArray[np.float64]
    learn_seconds: NDArray[np.float64]
    warm_up: int

    @property
    def evaluation(self) -> Evaluation:
        """Evaluation over all rows."""
        return evaluate(self.labels, self.scores, predicted=self.predicted)

    @property
    def after_warm_up(self) -> Evaluation | None:
        """Evaluation over the rows after the warm-up; None if the stream ended within it."""
        rest = slice(self.warm_up, None)
        if self.labels[rest].size == 0:
            return None
        predicted = None if self.predicted is None else self.predicted[rest]
        return evaluate(self.labels[rest], self.scores[rest], predicted=predicted)

    @property
    def microseconds(self) -> dict[str, float]:
        """Median and 99.9th percentile of the microseconds a row took to score and to learn."""
        figures: dict[str, float] = {}
        for name, seconds in (("score", self.score_seconds), ("learn", self.learn_seconds)):
            median, tail = np.quantile(seconds, [0.5, 0.999]) * 1e6
            figures |= {f"{name}_median": float(median), f"{name}_p99.9": float(tail)}
        return figures

    def __str__(self) -> str:
        """Return the evaluation and the times as one aligned table."""
        times = self.microseconds
        lines = [
            str(self.evaluation),
            f"{'':<18}{'median':>10}{'99.9 %':>10}",
            f"{'score, µs a row':<18}{times['score_median']:>10.1f}{times['score_p99.9']:>10.1f}",
            f"{'learn, µs a row':<18}{times['learn_median']:>10.1f}{times['learn_p99.9']:>10.1f}",
        ]
        if self.warm_up:
            lines += [f"after {self.warm_up:,} rows", str(self.after_warm_up or "no row left")]
        return "\n".join(lines)


def prequential(
    model: StreamDetector,
    stream: Iterable[tuple[Mapping[Any, Any], Any]],
    *,
    warm_up: int = 0,
    progress: bool = False,
) -> Prequential:
    """Run a detector along a labelled stream: score each row, then learn it, and never show it a label.

    The alarm is the model's ``classify`` of the score, asked before the row is learned, so that no row has a
    say in the threshold it is judged by. Its time is counted in neither column.

    Parameters
    ----------
    model : object with score_one and learn_one
        Any River anomaly detector, filter or pipeline; it is trained in place.
    stream : iterable of (dict, label)
        Labels are 0 or 1, False or True.
    warm_up : int
        Rows at the start that :attr:`Prequential.after_warm_up` leaves out; they are scored and kept too.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    Prequential

    Raises
    ------
    TypeError
        If the model lacks ``score_one`` or ``learn_one``.
    ValueError
        If the stream is empty, a label is neither 0 nor 1 (the row is not learned), a score is NaN, or
        ``warm_up`` is negative.
    ImportError
        If ``progress`` is asked for and tqdm is not installed.

    Notes
    -----
    Dawid (1984) named the protocol; Gama, Sebastião and Rodrigues (2013) set it out for streams.

    Examples
    --------
    >>> class Distance:
    ...     mean, n = 0.0, 0
    ...     def score_one(self, x):
    ...         return abs(x["a"] - self.mean)
    ...     def learn_one(self, x):
    ...         self.n += 1
    ...         self.mean += (x["a"] - self.mean) / self.n
    >>> run = prequential(Distance(), [({"a": 1.0}, 0), ({"a": 1.0}, 0), ({"a": 5.0}, 1)], warm_up=1)
    >>> run.scores.tolist(), run.after_warm_up.roc_auc
    ([1.0, 0.0, 4.0], 1.0)
    """
    for method in ("score_one", "learn_one"):
        if not hasattr(model, method):
            raise TypeError(
                f"Got a {type(model).__name__} without {method}, but expected a stream detector: "
                "pass an object with River's score_one and learn_one."
            )
    if warm_up < 0:
        raise ValueError(f"Got warm_up={warm_up}, but expected a number of rows >= 0.")
    classify = getattr(model, "classify", None)
    scores, labels, alarms = array("d"), array("b"), array("b")
    score_ns, learn_ns = array("q"), array("q")
    for row, (x, y) in enumerate(_with_progress(stream) if progress else stream):
        if y not in (0, 1):
            raise ValueError(
                f"Got label {y!r} in row {row}, but expected 0 or 1: map anomalies to 1, the rest to 0."
            )
        start = perf_counter_ns()
        score = model.score_one(x)
        scored = perf_counter_ns()
        if math.isnan(score):
            raise ValueError(
                f"Got a NaN score from {type(model).__name__} in row {row}, but expected a number."
            )
        if classify is not None:
            alarms.append(bool(classify(score)))
        begin = perf_counter_ns()
        model.learn_one(x)
        learned = perf_counter_ns()
        scores.append(score)
        labels.append(bool(y))
        score_ns.append(scored - start)
        learn_ns.append(learned - begin)
    if not scores:
        raise ValueError(
            "Got an empty stream, but expected at least one row: an iterator can be read only once."
        )
    return Prequential(
        scores=np.array(scores),
        labels=np.array(labels, dtype=np.int64),
        predicted=None if classify is None else np.array(alarms, dtype=np.bool_),
        score_seconds=np.array(score_ns) * 1e-9,
        learn_seconds=np.array(learn_ns) * 1e-9,
        warm_up=warm_up,
    )


def _with_progress(stream: Iterable[Any]) -> Iterable[Any]:
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError(
            "Got progress=True, but tqdm is not installed: `pip install tqdm`, or pass progress=False."
        ) from error
    total = len(stream) if isinstance(stream, Sized) else getattr(stream, "n_samples", None)
    bar: Iterable[Any] = tqdm(stream, total=total, unit=" rows", dynamic_ncols=True)
    return bar
