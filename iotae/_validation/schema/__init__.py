"""What a saved state must look like, declared: names, types, shapes that agree, and ranges.

A schema says what each part of a state is; :func:`check` holds a whole state against it before anything is
made of it. So nothing that is allocated, looped over or divided by comes from a file unchecked.
"""

from __future__ import annotations

from iotae._validation.schema.base import Schema, Sizes, check, refuse
from iotae._validation.schema.containers import GENERATOR, ListOf, MapOf, Maybe, Record, Row
from iotae._validation.schema.values import (
    COUNT,
    MOST,
    Array,
    Choice,
    Digits,
    Flag,
    Nothing,
    Number,
    Text,
    Whole,
)

__all__ = [
    "COUNT",
    "GENERATOR",
    "MOST",
    "Array",
    "Choice",
    "Digits",
    "Flag",
    "ListOf",
    "MapOf",
    "Maybe",
    "Nothing",
    "Number",
    "Record",
    "Row",
    "Schema",
    "Sizes",
    "Text",
    "Whole",
    "check",
    "refuse",
]
