"""Every check of what a caller hands in: arguments, labels, scores, times and tables.

A check returns its value in the form that the package works with, or raises an error that names the value
got, the value expected and what to do. Each public function calls it once, before anything changes.
"""

from __future__ import annotations

from iotae._validation.arguments import (
    NotFittedError,
    TableError,
    check_alpha,
    check_choice,
    check_count,
    check_seed,
    check_share,
)
from iotae._validation.tables import check_row_weights, check_table
from iotae._validation.times import check_times
from iotae._validation.vectors import (
    check_finite_score,
    check_finite_scores,
    check_labels,
    check_p_values,
    check_row_labels,
    check_same_length,
    check_scores,
    check_vector,
)

__all__ = [
    "NotFittedError",
    "TableError",
    "check_alpha",
    "check_choice",
    "check_count",
    "check_finite_score",
    "check_finite_scores",
    "check_labels",
    "check_p_values",
    "check_row_labels",
    "check_row_weights",
    "check_same_length",
    "check_scores",
    "check_seed",
    "check_share",
    "check_table",
    "check_times",
    "check_vector",
]
