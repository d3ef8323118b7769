"""Which rows of a table become reference rows, and which become training rows of the network.

Rows that form a clump away from the bulk would be near each other if they were references, and a network that
has learned from them rebuilds them well.
"""

from __future__ import annotations

import numpy as np

from iotae._typing import Bool, Float32, Float64, Int64
from iotae.batch.neighbours import FINE_GROUPS, Neighbours

__all__ = ["LEARN_ROWS", "choose_rows", "far_and_near", "sample", "trusted"]

LEARN_ROWS = 4096
"""Rows that the network learns from: 100 updates of 256 see each about six times."""

_REFERENCES = 1024
"""Rows that distances are taken to. More bring clusters of anomalies close to themselves."""

_CLEAN_REFERENCES = 4096
"""Clean rows hold no clusters of anomalies: a larger sample only makes distances more exact."""

_REFERENCE_STRICTNESS, _LEARNING_STRICTNESS = 1.0, 0.0
"""By how many deviations a row's neighbours must be too near before it may not be a reference, and before it
may not be a training row: of these there are enough to be stricter."""

_LEAST_TRUSTED = 0.5
"""Share of the references with one value of a category; below it that value itself makes them a clump."""

_GROUP = 16
"""Neighbours per group of the far distance: only a cluster of more than a sixteenth of the rows escapes."""


def sample(rows: Int64, most: int, generator: np.random.Generator) -> Int64:
    """At most ``most`` of ``rows``, drawn without replacement, in random order."""
    return generator.permutation(rows)[:most]


def choose_rows(
    rows: Float32, clean: bool, generator: np.random.Generator, categories: Int64 | None = None
) -> tuple[Int64, Int64]:
    """Numbers of the scaled rows (n, d) that become references, and of those that become training rows.

    Clean rows are all trusted. Of others a sample is drawn and its suspect rows are left out, unless
    hardly any would remain. Where most rows with one value of a category are suspect, they are the clump that
    the category names, such as a rare state of a machine, and are trusted.
    """
    everyone = np.arange(len(rows))
    if clean:
        return sample(everyone, _CLEAN_REFERENCES, generator), everyone
    references = sample(everyone, _REFERENCES, generator)
    training = sample(everyone, LEARN_ROWS, generator)
    usual, theirs = far_and_near(rows[references], [rows[references], rows[training]])
    good_references = trusted(usual, usual, _REFERENCE_STRICTNESS)
    good_training = trusted(theirs, usual, _LEARNING_STRICTNESS)
    for column in np.flatnonzero(categories > 0) if categories is not None else ():
        # a column of one value is above its mean where a row has this value
        named = rows[references, column] > 0
        if named.any() and good_references[named].mean() < _LEAST_TRUSTED:
            good_references |= named
            good_training |= rows[training, column] > 0
    if min(good_references.sum(), good_training.sum()) < 2:
        return references, training
    return references[good_references], training[good_training]


def _far(squares: Float32, bound: Float32, groups: int) -> Float64:
    coarse = np.sqrt(squares.reshape(-1, groups, squares.shape[1]).min(axis=0))
    lowest, total = coarse.min(axis=0), coarse.sum(axis=0, dtype=np.float64)
    twin = (lowest <= bound) & (groups > 1)
    far: Float64 = np.where(twin, (total - lowest) / max(groups - 1, 1), total / groups)
    return far


def far_and_near(sample: Float32, rows: list[Float32]) -> list[tuple[Float64, Float64]]:
    """Far and near distances to a sample, for each table of scaled rows."""
    size = int(np.clip(len(sample) // 8, 1, _GROUP))
    coarse = max(1, len(sample) // size)
    references = Neighbours(sample, coarse * max(1, min(size, FINE_GROUPS // coarse)))
    distances = []
    for table in rows:
        far, near = np.empty(len(table)), np.empty(len(table))
        for place, nearby, squares, bound in references.pieces(table):
            far[place], near[place] = _far(squares, bound, coarse), nearby
        distances.append((far, near))
    return distances


def trusted(distances: tuple[Float64, Float64], usual: tuple[Float64, Float64], strictness: float) -> Bool:
    """Which rows are no part of a clump away from the bulk.

    A row is suspect that is farther from everything than half of the sample and whose own neighbours are
    closer, relative to that, than the usual by ``strictness`` median absolute deviations. As references such
    rows would make each other look usual. A lone far row is not suspect: no other is near it.

    Parameters
    ----------
    distances, usual : (far, near)
        Of the rows, and of the sample itself.
    strictness : float
    """
    sample_company = _company(*usual)
    middle = np.median(sample_company)
    spread = np.median(np.abs(sample_company - middle))
    far = distances[0]
    suspect: Bool = (far > np.median(usual[0])) & (_company(*distances) < middle - strictness * spread)
    return ~suspect


def _company(far: Float64, near: Float64) -> Float64:
    company: Float64 = np.log(np.maximum(near, 1e-9) / np.maximum(far, 1e-9))
    return company
