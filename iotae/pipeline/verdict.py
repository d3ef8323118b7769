"""What a detector for tables says of rows: scores, alarms and their explanations."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from iotae._typing import Bool, Float64

__all__ = ["Verdict"]


class Verdict(NamedTuple):
    """What a detector says of n rows, k of which are alarms over c columns.

    Scores (n,), alarms (n,), the columns' shares of each alarm's score (k, c), and counts, by sentence, of
    what could not be used. What the model expected of the alarms' numbers (k, c) is in the columns' own
    units, NaN for categories and times. It and the shares are None unless they were asked for.

    Examples
    --------
    >>> from iotae.data import Table
    >>> from iotae.pipeline import TableDetector
    >>> table = Table({"a": [0.1, 0.2, 0.3, 9.0], "b": [1.0, 2.0, 3.0, 4.0]})
    >>> verdict = TableDetector(alpha=0.3, seed=0).fit(table).judge(table, explain=True)
    >>> verdict.alarms.sum() == len(verdict.shares), verdict.shares.shape[1]
    (np.True_, 2)
    """

    scores: Float64
    alarms: Bool
    shares: Float64 | None
    expected: Float64 | None
    notes: Counter[str]
