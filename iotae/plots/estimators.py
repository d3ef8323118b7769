"""What a figure needs of a PyOD or River model: scores, thresholds, alarms and p-values of given rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from iotae._typing import Bool, Float64
from iotae.data.frames import frame_rows, is_frame
from iotae.evaluation.adapters import last_step

__all__ = ["Judged", "judge", "judge_alarms", "judge_p_values", "rows_of"]


class Judged(NamedTuple):
    """A model's scores of n rows, and its thresholds, alarms and p-values (n,) where it has them."""

    scores: Float64
    thresholds: Float64 | None
    alarms: Bool | None
    p_values: Float64 | None


def judge(estimator: Any, X: Any, *, p_values: bool = False) -> Judged:
    """Let a model judge rows.

    Parameters
    ----------
    estimator : object
        A fitted PyOD model, which scores the table; or any model with ``score_one`` and ``learn_one``, such
        as River's, which runs along the rows: each is scored, judged and then learned, so the model changes.
    X : table, or iterable of dict
        What the model takes; a data frame goes to a model of the second kind row by row, as dicts.
    p_values : bool
        Ask for p-values too; a model may have the method, but no p-values with its kind of threshold.

    Returns
    -------
    Judged
        Thresholds from ``threshold_`` or ``threshold``, alarms from ``classify``, p-values from
        ``predict_pvalue`` or ``p_value``; None for what the model lacks or was not asked for.

    Raises
    ------
    TypeError
        If the model is of neither kind.
    """
    if hasattr(estimator, "score_one") and hasattr(estimator, "learn_one"):
        return _along(estimator, X, ["threshold", "classify", *["p_value"] * p_values])
    # scikit-learn's detectors have a decision_function too, but a low value is anomalous there
    if hasattr(estimator, "decision_function") and hasattr(estimator, "threshold_"):
        scores = np.asarray(estimator.decision_function(X), dtype=np.float64).ravel()
        asked = p_values and hasattr(estimator, "predict_pvalue")
        return Judged(
            scores,
            np.full(scores.size, float(estimator.threshold_)),
            np.asarray(scores > estimator.threshold_),
            np.asarray(estimator.predict_pvalue(X), dtype=np.float64).ravel() if asked else None,
        )
    raise TypeError(
        f"Got a {type(estimator).__name__}, but expected a fitted PyOD model or a model with score_one and "
        "learn_one: use from_predictions for others."
    )


def judge_alarms(estimator: Any, X: Any) -> Bool:
    """Return a model's alarms on rows X (n,), or raise a TypeError that says what it lacks."""
    alarms = judge(estimator, X).alarms
    if alarms is None:
        raise TypeError(
            f"Got a {type(estimator).__name__} without classify, but expected a model that raises alarms: "
            "wrap it in a filter, such as river_iotae.ConformalFilter."
        )
    return alarms


def judge_p_values(estimator: Any, X: Any) -> Float64:
    """Return a model's p-values of rows X (n,), or raise a TypeError that says what it lacks."""
    p_values = judge(estimator, X, p_values=True).p_values
    if p_values is None:
        raise TypeError(
            f"Got a {type(estimator).__name__} without p_value or predict_pvalue, but expected p-values: use "
            "a conformal threshold, such as river_iotae.ConformalFilter."
        )
    return p_values


def rows_of(X: Any) -> Iterable[Any]:
    """Return the rows of a data frame as dicts, and any other iterable as it is."""
    return frame_rows(X) if is_frame(X) else X


def _along(model: Any, rows: Any, asked: list[str]) -> Judged:
    judging = last_step(model)
    scores: list[float] = []
    found: dict[str, list[Any]] = {name: [] for name in asked if hasattr(judging, name)}
    for x in rows_of(rows):
        score = float(model.score_one(x))
        scores.append(score)
        for name, column in found.items():
            part = getattr(judging, name)
            column.append(part if name == "threshold" else part(score))
        model.learn_one(x)
    if not scores:
        raise ValueError("Got no rows, but expected at least one: an iterator can be read only once.")
    thresholds, alarms, p_values = (found.get(name) for name in ("threshold", "classify", "p_value"))
    return Judged(
        np.array(scores),
        None if thresholds is None else np.array(thresholds, dtype=np.float64),
        None if alarms is None else np.array(alarms, dtype=np.bool_),
        None if p_values is None else np.array(p_values, dtype=np.float64),
    )
