"""One detector against each of the others: sets won, tied and lost, and whether that could be chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import render
from iotae.evaluation.comparison import holm, signed_rank_p

__all__ = ["TEXT", "against"]

_TIE = 5e-4
"""Figures closer than this are printed alike or nearly so, and count as tied."""

TEXT = (
    "Sets that {ours} won, tied (closer than 0.0005) and lost, and the two-sided p-value of Wilcoxon's "
    "signed-rank test over the {n} sets, exact, with Holm's correction for the number of detectors compared. "
    "Where it is above 0.05, the difference may be chance."
)


def against(records: list[dict[str, Any]], ours: str, figures: dict[str, str]) -> str:
    """Return the text and one row for each other detector, or nothing where there is nobody to meet.

    Parameters
    ----------
    records : list of dict
        Results of one protocol, from `runner.run`; several seeds of a set count as their mean, and a failure
        as a random score.
    ours : str
        The detector that meets all others.
    figures : dict of str to str
        Key in a record (higher is better) to its title.

    Returns
    -------
    str
        Markdown, peers in the order in which they come; p is 1 where all sets are equal.
    """
    columns: list[list[str]] = []
    others: list[str] = []
    n_sets = 0
    for key in figures:
        names, sets, values = render.grid(records, key)
        if ours not in names or len(names) < 2:
            return ""
        others, n_sets = [name for name in names if not render.is_ours(name)], len(sets)
        leads = [values[names.index(ours)] - values[names.index(name)] for name in others]
        adjusted = holm([signed_rank_p(np.where(np.abs(lead) < _TIE, 0.0, lead)) for lead in leads])
        columns.append([_counts(lead) for lead in leads])
        columns.append([f"{p:.2g}" for p in adjusted])
    header = ["detector"]
    for title in figures.values():
        header += [f"{title}: won, tied, lost", "p"]
    return (
        TEXT.format(ours=ours, n=n_sets)
        + "\n\n"
        + render.markdown(header, zip(others, *columns, strict=True))
    )


def _counts(lead: Any) -> str:
    won, lost = int((lead >= _TIE).sum()), int((lead <= -_TIE).sum())
    return f"{won}, {lead.size - won - lost}, {lost}"
