"""A column of labels as booleans, whatever words the file uses for normal rows and anomalies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool
from iotae.data import Table, TableError

__all__ = ["find_normal_value", "read_labels"]

_NORMAL_WORDS = ("normal", "benign", "ok", "0", "0.0", "false")


def find_normal_value(table: Table, column: str) -> str:
    """Guess which value of a label column means 'normal': normal, benign, ok, 0 or false, in any case.

    Parameters
    ----------
    table : Table
    column : str
        Name of the label column.

    Returns
    -------
    str
        The value as it is written in the column. A column of ones only has the normal value '0'.

    Raises
    ------
    TableError
        If no value, or more than one, can be meant; the message lists the values.

    Examples
    --------
    >>> find_normal_value(Table({"attack": ["neptune", "Normal", "smurf"]}), "attack")
    'Normal'
    """
    values: list[str] = sorted(set(_label_texts(table, column).tolist()) - {""})
    if set(values) == {"1"}:
        return "0"
    found = [value for value in values if value.casefold() in _NORMAL_WORDS]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(values[:6]) + (", ..." if len(values) > 6 else "")
    raise TableError(
        f"Got label column {column!r} with the values {shown or '(none)'}, and cannot tell which one is "
        "normal: say so with normal_value (--normal-value VALUE)."
    )


def read_labels(table: Table, column: str, normal_value: str | None = None) -> Bool:
    """Return one truth value a row: True where the row is labelled an anomaly.

    Parameters
    ----------
    table : Table
    column : str
        A 0/1 or boolean column, or text in which one value means 'normal' and all others do not.
    normal_value : str, optional
        The value that means 'normal'. By default it is guessed: see :func:`find_normal_value`.

    Returns
    -------
    ndarray of shape (n,), bool

    Raises
    ------
    TableError
        If the column is not there, has empty cells, or its normal value cannot be guessed.

    Examples
    --------
    >>> read_labels(Table({"attack": [0, 1, 0]}), "attack")
    array([False,  True, False])
    >>> read_labels(Table({"attack": ["ok", "worm"]}), "attack")
    array([False,  True])
    """
    texts = _label_texts(table, column)
    empty = int(np.count_nonzero(texts == ""))
    if empty:
        raise TableError(
            f"Got label column {column!r} with {empty} empty cells, but expected a label in every row: "
            "remove these rows or fill them in."
        )
    normal = find_normal_value(table, column) if normal_value is None else normal_value.strip()
    if table.kind(column) == "numeric":  # 'False', '0' and '0.0' say the same of a column of numbers
        normal = _label_texts(Table({column: [normal]}), column)[0]
    return np.asarray(texts != normal, dtype=np.bool_)


def _label_texts(table: Table, column: str) -> NDArray[np.object_]:
    """Return the labels as stripped text; true/false and 1.0 count as the numbers they stand for."""
    if column in table and table.kind(column) == "numeric" and table.numbers(column)[1] == 0:
        numbers, _ = table.numbers(column)
        return Table({column: numbers}).texts(column)
    return np.array([text.strip() for text in table.texts(column).tolist()], dtype=object)
