"""Packets that cannot be true: found without a schema, with every reason, by device and column."""

from __future__ import annotations

from iotae.quality.checker import PacketChecker
from iotae.quality.reasons import CANNOT_BE_TRUE, MEANINGS, REASONS
from iotae.quality.rules import ColumnRule, Rules, read_rules
from iotae.quality.verdicts import Checked, RowVerdict

__all__ = [
    "CANNOT_BE_TRUE",
    "MEANINGS",
    "REASONS",
    "Checked",
    "ColumnRule",
    "PacketChecker",
    "RowVerdict",
    "Rules",
    "read_rules",
]
