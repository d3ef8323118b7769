"""Declared rules of columns, from a TOML file: ranges, units, required cells, error codes."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any, Literal

import numpy as np

from iotae.data import TableError
from iotae.quality.kernels import Limits
from iotae.quality.kinds import NUMBER, TEXT

__all__ = ["ColumnRule", "Rules", "read_rules"]


@dataclass(frozen=True)
class ColumnRule:
    """What is declared of one column; what is left out is not checked.

    Parameters
    ----------
    least, most : float, optional
        The range, ends included, in the column's unit.
    unit : str, optional
        The unit of its numbers: cells in one that can be converted are, others are impossible.
    required : bool, default=False
        Whether each row must have a value.
    kind : {'number', 'text'}, optional
        The only kind of cell allowed.
    sentinels : sequence of float
        Numbers that stand for an error, whatever the column's range.

    Raises
    ------
    ValueError
        If the range is empty, or a text has a range, a unit or sentinels.

    Examples
    --------
    >>> ColumnRule(least=0.0, most=100.0, unit="%", required=True).most
    100.0
    """

    least: float = -inf
    most: float = inf
    unit: str = ""
    required: bool = False
    kind: Literal["number", "text", "any"] = "any"
    sentinels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.least <= self.most:
            raise ValueError(
                f"Got least={self.least} and most={self.most}, but expected the smaller first: swap them."
            )
        if self.kind == "text" and (self.unit or self.sentinels or self.least > -inf or self.most < inf):
            raise ValueError(
                "Got kind='text' with a range, a unit or sentinels, but expected numbers for these."
            )


@dataclass(frozen=True)
class Rules:
    """Rules by column.

    Examples
    --------
    >>> rules = Rules({"temperature": ColumnRule(least=-40.0, most=60.0, sentinels=(85.0,))})
    >>> rules.columns["temperature"].most
    60.0
    """

    columns: dict[str, ColumnRule] = field(default_factory=dict)

    def limits(self, names: Sequence[Hashable]) -> Limits:
        """Return what is declared of some columns, in their order, as arrays."""
        rules = [self.columns.get(str(name), ColumnRule()) for name in names]
        widest = max((len(rule.sentinels) for rule in rules), default=0)
        codes = np.full((len(rules), widest), nan)
        for row, rule in zip(codes, rules, strict=True):
            row[: len(rule.sentinels)] = rule.sentinels
        kinds = [
            NUMBER if rule.unit else {"any": 0, "number": NUMBER, "text": TEXT}[rule.kind] for rule in rules
        ]
        return Limits(
            np.array([rule.least for rule in rules], np.float64),
            np.array([rule.most for rule in rules], np.float64),
            np.array([rule.required for rule in rules], np.bool_),
            np.array(kinds, np.int64),
            codes,
        )

    def to_state(self) -> list[dict[str, Any]]:
        """Return the rules as lists, numbers and text; infinite ends are None."""
        return [
            {
                "name": name,
                "least": rule.least if rule.least > -inf else None,
                "most": rule.most if rule.most < inf else None,
                "unit": rule.unit,
                "required": rule.required,
                "kind": rule.kind,
                "sentinels": list(rule.sentinels),
            }
            for name, rule in self.columns.items()
        ]

    @classmethod
    def from_state(cls, data: Sequence[dict[str, Any]]) -> Rules:
        """Rebuild from a state that was checked."""
        return cls(
            {
                one["name"]: ColumnRule(
                    -inf if one["least"] is None else float(one["least"]),
                    inf if one["most"] is None else float(one["most"]),
                    one["unit"],
                    one["required"],
                    one["kind"],
                    tuple(map(float, one["sentinels"])),
                )
                for one in data
            }
        )


def read_rules(path: str | os.PathLike[str]) -> Rules:
    r"""Read rules from a TOML file, a table ``[columns.NAME]`` for each column.

    Parameters
    ----------
    path : path
        The keys of a table are those of :class:`ColumnRule`.

    Raises
    ------
    TableError
        If there is no such file, or it holds anything else; the message says where and what was expected.
    ImportError
        If msgspec is not installed, which the extra ``rules`` brings.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "rules.toml")
    >>> _ = path.write_text("[columns.temperature]\nleast = -40\nmost = 60\nunit = '°C'\nsentinels = [85]\n")
    >>> read_rules(path).columns["temperature"].sentinels
    (85.0,)
    """
    import msgspec

    try:
        with open(path, "rb") as file:
            text = file.read()
        given = msgspec.toml.decode(text)
    except FileNotFoundError:
        raise TableError(f"There is no file {os.fspath(path)}: give the rules' own name.") from None
    except (ValueError, RecursionError) as error:
        raise TableError(f"Cannot read {os.fspath(path)} as TOML: {error}.") from None
    known = ", ".join(ColumnRule.__dataclass_fields__)
    for name, rule in (given.get("columns") or {}).items() if isinstance(given.get("columns"), dict) else ():
        unknown = (
            [key for key in rule if key not in ColumnRule.__dataclass_fields__]
            if isinstance(rule, dict)
            else []
        )
        if unknown:
            raise TableError(
                f"Got {unknown[0]!r} for the column {name!r} in {os.fspath(path)}, but expected {known}."
            )
    if set(given) != {"columns"}:
        raise TableError(
            f"Got {sorted(given)} in {os.fspath(path)}, but expected tables [columns.NAME] and no more."
        )
    try:
        return msgspec.convert(given, Rules)
    except msgspec.ValidationError as error:
        raise TableError(
            f"Got rules in {os.fspath(path)} that are none: {error}. Each may have {known}."
        ) from None
