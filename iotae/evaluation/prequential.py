"""The prequential run of a detector along a stream: each row is scored first, and then learned."""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Iterable, Mapping, Sized
from copy import deepcopy
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._progress import shown
from iotae._validation import check_count
from iotae.evaluation.adapters import SlidingFit, last_step
from iotae.evaluation.runs import Prequential, StreamDetector

__all__ = ["prequential"]


def prequential(
    model: Any,
    stream: Iterable[tuple[Mapping[Any, Any], Any]],
    *,
    warm_up: int = 0,
    group: Hashable | None = None,
    progress: bool = False,
) -> Prequential:
    """Run a detector along a labelled stream: score each row, then learn it, and never pass it a label.

    Such a run is called prequential: each row is test data first, and training data afterwards. The alarm is
    ``classify(score)``, called before the row is learned, so that no row moves the threshold that judges it.
    Its time is not measured.

    Parameters
    ----------
    model : object with score_one and learn_one, or with fit and decision_function
        Any River anomaly detector, filter or pipeline, or any PyOD model; it is trained in place. A PyOD
        model runs in :class:`~iotae.evaluation.SlidingFit`. Put a River detector that scores a target into
        :class:`~iotae.evaluation.WithTarget` first.
    stream : iterable of (dict, label)
        Labels are 0 or 1, False or True.
    warm_up : int
        Rows at the start that :attr:`Prequential.after_warm_up` leaves out; they are scored like the rest.
    group : hashable, optional
        The feature that says which group a row belongs to, such as the device's name. Each group has a model
        of its own, a copy of ``model`` that never sees this feature; ``model`` itself is left untrained.
    progress : bool
        Show on standard error how far the run has come.

    Returns
    -------
    Prequential

    Raises
    ------
    TypeError
        If the model is of neither kind.
    ValueError
        If the stream is empty, a label is neither 0 nor 1 or the group is missing (the row is not learned), a
        score is NaN, or ``warm_up`` is negative.

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
    model = _as_stream_detector(model)
    check_count("warm_up", warm_up, 0)
    models: dict[Hashable, StreamDetector] = {} if group is not None else {None: model}
    classifies = hasattr(last_step(model), "classify")
    names: list[Hashable] = []
    labels, alarms = array("b"), array("b")
    scores, score_ns, learn_ns = array("d"), array("q"), array("q")
    for row, (x, y) in enumerate(_with_progress(stream) if progress else stream):
        if y not in (0, 1):
            raise ValueError(
                f"Got label {y!r} in row {row}, but expected 0 or 1: map anomalies to 1, the rest to 0."
            )
        name: Hashable = None
        if group is not None:
            x = dict(x)
            name = _taken_out(x, group, row)
            names.append(name)
            if name not in models:
                models[name] = deepcopy(model)
        score, to_score, to_learn, alarm = _step(models[name], x, row, classifies)
        scores.append(score)
        score_ns.append(to_score)
        learn_ns.append(to_learn)
        labels.append(bool(y))
        if classifies:
            alarms.append(alarm)
    if not labels:
        raise ValueError(
            "Got an empty stream, but expected at least one row: an iterator can be read only once."
        )
    return Prequential(
        scores=np.array(scores),
        labels=np.array(labels, dtype=np.int64),
        predicted=np.array(alarms, dtype=np.bool_) if classifies else None,
        score_seconds=np.array(score_ns) * 1e-9,
        learn_seconds=np.array(learn_ns) * 1e-9,
        warm_up=warm_up,
        models=models,
        groups=None if group is None else _as_objects(names),
    )


def _as_objects(names: list[Hashable]) -> NDArray[np.object_]:
    objects = np.empty(len(names), dtype=np.object_)
    objects[:] = names
    return objects


def _step(detector: Any, x: Any, row: int, classifies: bool) -> tuple[float, int, int, bool]:
    """Score a row, classify its score and learn it: score, nanoseconds to score and to learn, alarm."""
    start = perf_counter_ns()
    score = detector.score_one(x)
    scored = perf_counter_ns()
    if math.isnan(score):
        raise ValueError(
            f"Got a NaN score from {type(detector).__name__} in row {row}, but expected a number."
        )
    alarm = classifies and bool(last_step(detector).classify(score))
    begin = perf_counter_ns()
    detector.learn_one(x)
    return score, scored - start, perf_counter_ns() - begin, alarm


def _as_stream_detector(model: Any) -> StreamDetector:
    if hasattr(model, "decision_function") and not hasattr(model, "score_one"):
        return SlidingFit(model)
    for method in ("score_one", "learn_one"):
        if not hasattr(model, method):
            raise TypeError(
                f"Got a {type(model).__name__} without {method}, but expected a stream detector: "
                "pass an object with River's score_one and learn_one, or a PyOD model."
            )
    detector: StreamDetector = model
    return detector


def _taken_out(x: dict[Any, Any], group: Hashable, row: int) -> Hashable:
    if group not in x:
        raise ValueError(
            f"Got row {row} with {list(x)}, but expected the group's feature {group!r} in each row."
        )
    name: Hashable = x.pop(group)
    return name


def _with_progress(stream: Iterable[Any]) -> Iterable[Any]:
    total = len(stream) if isinstance(stream, Sized) else getattr(stream, "n_samples", None)
    return shown(stream, "running", "rows", total)
