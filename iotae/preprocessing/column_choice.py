"""How one column of a table becomes numbers, or why it is left out."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool
from iotae.data import Table, TableError
from iotae.preprocessing.encoding import ColumnCode, learn_category, learn_time
from iotae.preprocessing.selection import MIN_ROWS_TO_TELL, is_counter, is_trend

__all__ = ["identifier_reason", "learn_column"]

_FEW_REPEATS = 5.0
"""Cells for each different text below which a column with more texts than may have features says nothing."""

_MANY_TEXTS = 20
"""Different texts from which it is asked whether they come back."""

_SHARE_NEW = 0.5
"""Share of the later cells whose text did not occur in the earlier half from which texts do not come back."""

_TREND = (
    "moves evenly from the first row to the last, so that all later rows would be odd (to keep it, select "
    "without 'trend')"
)


class _Settings(Protocol):
    select: tuple[str, ...]
    missing: Literal["keep", "fill", "drop"]
    max_categories: int | None


def learn_column(
    steps: _Settings, table: Table, name: str, normal: Bool, report: list[str]
) -> ColumnCode | None:
    """Decide how one column becomes numbers; say so in the report where it does not.

    Raises
    ------
    TableError
        If the user said that the column is a time, and no cell is one.
    """
    if table.tells_time(name):
        code, reason = _learn_time(table, name)
    elif table.kind(name) == "numeric":
        code, reason = _learn_number(steps, table, name, normal, report)
    else:
        code, reason = _learn_text(steps, table, name, normal, report)
    if reason:
        report.append(f"left out {name!r}: {reason}")
        return None
    return code


def _learn_time(table: Table, name: str) -> tuple[ColumnCode, str]:
    times, unreadable = table.times(name)
    if unreadable and np.isnat(times).all():
        raise TableError(
            f"Got the column {name!r} as a time, but not one of its cells reads as one "
            f"({str(table.texts(name)[0])[:40]!r}): say how it is written with --time-format."
        )
    code = learn_time(table, name)
    return code, "" if code.cycles else "times that do not cover a day"


def _learn_number(
    steps: _Settings, table: Table, name: str, normal: Bool, report: list[str]
) -> tuple[ColumnCode, str]:
    values, _ = table.numbers(name)
    notation = table.notation.of(name)
    if np.isnan(values).all():
        return ColumnCode(name, "numeric"), "no number in it"
    if "counter" in steps.select and is_counter(values):
        return ColumnCode(name, "numeric"), "counts the rows or tells the time"
    if "trend" in steps.select and is_trend(values[normal]):
        return ColumnCode(name, "numeric"), _TREND
    report += table.notation.remarks(name)
    return ColumnCode(name, "numeric", notation=notation), ""


def _learn_text(
    steps: _Settings, table: Table, name: str, normal: Bool, report: list[str]
) -> tuple[ColumnCode, str]:
    texts = table.texts(name)
    report += table.notation.remarks(name)
    reason = identifier_reason(texts, normal, steps.max_categories)
    if reason:
        return ColumnCode(name, "category"), reason
    code = learn_category(table, name, steps.max_categories, steps.missing, normal)
    if not code.values:
        distinct = len({*texts.tolist()} - {""})
        return code, f"{distinct} different texts, each of them rare, an identifier"
    if code.fill and "" in texts:
        report.append(f"{name!r}: {int((texts == '').sum())} empty cells take {code.fill!r}")
    return code, ""


def identifier_reason(texts: NDArray[np.object_], normal: Bool, max_categories: int | None) -> str:
    """Say why a column of text identifies its rows instead of describing them, '' where it does not.

    So it is where most texts are different, where there are more of them than features and each comes a few
    times only, and where the later rows hardly have a text of the earlier ones, as with batch numbers. Such
    texts tell nothing about rows to come, which would all look alike, or all new.

    Parameters
    ----------
    texts : ndarray of shape (n,)
        In the order of the rows; '' is missing.
    normal : ndarray of shape (n,), bool
        Rows that are not labelled anomalies, which alone tell what comes back.
    max_categories : int or None
        Features that the column may become; without a limit any text may be a category but those of the
        last kind.

    Examples
    --------
    >>> batches = np.repeat([f"batch {i}" for i in range(40)], 100).astype(object)
    >>> identifier_reason(batches, np.ones(4000, bool), 64)
    '40 different texts that do not come back, an identifier'
    >>> identifier_reason(np.tile(batches[::100], 100), np.ones(4000, bool), 64)
    ''
    """
    present = texts[texts != ""]
    distinct = len(set(present.tolist()))
    most = max(max_categories or np.inf, MIN_ROWS_TO_TELL)
    if distinct > max(most, texts.size / 2):
        return f"{distinct} different texts, an identifier"
    if distinct > most and present.size < _FEW_REPEATS * distinct:
        return f"{distinct} different texts in {present.size} cells, nearly an identifier"
    known = texts[normal & (texts != "")].tolist()
    earlier, later = set(known[: len(known) // 2]), known[len(known) // 2 :]
    if len({*earlier, *later}) > _MANY_TEXTS and len(known) >= MIN_ROWS_TO_TELL:
        new = sum(text not in earlier for text in later) / len(later)
        if new > _SHARE_NEW:
            return f"{distinct} different texts that do not come back, an identifier"
    return ""
