"""What a cell can be, as a number that kernels read."""

from __future__ import annotations

__all__ = ["LARGEST", "MISSING", "NUMBER", "OTHER_UNIT", "TEXT", "UNUSABLE"]

MISSING, NUMBER, TEXT, OTHER_UNIT, UNUSABLE = 0, 1, 2, 3, 4
"""Nothing; a number; text or a time; a number in a unit that is not the column's; infinite or no value."""

LARGEST = 1e30
"""A number beyond this is unusable: steps between such numbers would not be finite."""
