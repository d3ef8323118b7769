"""From a raw score, in nats per feature, to a score in [0, 1), also of a row without a usable cell."""

from __future__ import annotations

from math import log
from typing import TypeVar

from iotae._typing import Float64, State
from iotae._validation.schema import Record, refuse
from iotae.thresholds import ConformalThreshold

__all__ = ["CUT", "bounded", "empty_row_score", "unbounded"]

_HALFWAY = 8.0
"""Raw score, in nats per feature, that is scored one half: usual rows lie near 3."""

_HIGHEST = 1.0 - 2.0**-53

Raw = TypeVar("Raw", float, Float64)


def _check_scores(data: State, place: str) -> None:
    scores = data["window"]["ring"]
    outside = (scores < 0.0) | (scores > _HIGHEST)
    if outside.any():
        raise refuse(float(scores[outside][0]), f"{place}.window.ring", "scores of at least 0 and below 1")


CUT = Record(ConformalThreshold.SCHEMA.fields, (*ConformalThreshold.SCHEMA.rules, _check_scores))
"""The state of a threshold of such scores."""


def bounded(raw: Raw) -> Raw:
    """Raw scores in [0, infinity) as scores in [0, 1), strictly monotone."""
    return raw / (_HALFWAY + raw)


def unbounded(score: float) -> float:
    """The raw score that :func:`bounded` was given; infinity for 1."""
    return _HALFWAY * score / (1.0 - score) if score < 1.0 else float("inf")


def empty_row_score(cut: ConformalThreshold, n_empty: int, n_seen: int) -> float:
    """The score of a row without a usable cell: as high as such rows are rare.

    With a share p of empty rows, this one counted in, its score is the lowest that at most a share p of
    the latest scores reach. So it is an alarm where empty rows are rarer than the rate of alarms asked for.
    Before any scores count, it is that of a surprise of ``-log(p)`` nats.

    Parameters
    ----------
    cut : ConformalThreshold
        Holds the latest scores.
    n_empty, n_seen : int
        Rows before that had no usable cell, and the others.

    Examples
    --------
    >>> cut = ConformalThreshold(0.05).fit([i / 100 for i in range(100)])
    >>> [round(empty_row_score(cut, n_empty, 400), 2) for n_empty in (0, 40, 400)]
    [0.99, 0.91, 0.5]
    >>> empty_row_score(ConformalThreshold(0.05), n_empty=0, n_seen=0)
    0.0
    """
    p = (n_empty + 1) / (n_empty + n_seen + 1)
    score = cut.score_of(p)
    return bounded(log(1.0 / p)) if score != score else min(max(score, 0.0), _HIGHEST)
