"""How soon a forest cuts a row off from the others: shallow trees, each split where the values part best.

A forest that splits at random places finds rows that are far out. One that splits where a column parts into
two tight groups also finds small groups among the others. Distances to neighbours do not, as the rows of a
group are near to each other (Cortes, 2021, "Revisiting randomized choices in isolation forests").
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled_or
from iotae._typing import Float32, Float64, Int32, State
from iotae.batch.tree_growth import Trees, grow

__all__ = ["LEVELS", "TREES", "Forest"]

TREES, LEVELS = 100, 6
_ROWS = 256
"""Rows that a tree is grown from. Trees of eight levels say the same for more time."""

_TRIES = 4
"""Columns that are drawn for a node, of which the first that varies there is split."""

_TOGETHER = 64
"""Rows that stay in the cache while they pass through all trees, none waiting for another."""

_EULER = 0.5772156649015329


def _further(sizes: Int32) -> Float64:
    """Mean depth below a leaf of so many rows, if it were split on at random (Liu et al., 2008)."""
    n = np.maximum(sizes.astype(np.float64), 3.0)
    deep = 2.0 * (np.log(n - 1.0) + _EULER) - 2.0 * (n - 1.0) / n
    return np.where(sizes < 2, 0.0, np.where(sizes == 2, 1.0, deep))


def _depths_arrays(rows: Float32, columns: Int32, cuts: Float32, leaves: Float32, depths: Float64) -> None:
    every = np.arange(len(rows))
    for column, cut, leaf in zip(columns, cuts, leaves, strict=True):
        node = np.zeros(len(rows), np.int64)
        for _ in range(LEVELS):
            node = 2 * node + 1 + (rows[every, column[node]] > cut[node])
        depths += leaf[node - cut.size]


@compiled_or(_depths_arrays)
def _depths(rows: Float32, columns: Int32, cuts: Float32, leaves: Float32, depths: Float64) -> None:
    """Add up the depths (n,) at which rows (n, d) come to a leaf of each tree."""
    n_inner, n_rows = cuts.shape[1], rows.shape[0]
    nodes = np.empty(_TOGETHER, np.int64)
    for start in range(0, n_rows, _TOGETHER):
        own = min(_TOGETHER, n_rows - start)
        for tree in range(cuts.shape[0]):
            column, cut, leaf = columns[tree], cuts[tree], leaves[tree]
            nodes[:] = 0
            for _ in range(LEVELS):
                for i in range(own):
                    node = nodes[i]
                    nodes[i] = 2 * node + 1 + (1 if rows[start + i, column[node]] > cut[node] else 0)
            for i in range(own):
                depths[start + i] += leaf[nodes[i] - n_inner]


class Forest:
    """An isolation forest whose trees split a column where the two sides spread least.

    Rows are scaled, float32 and (n, d); a missing cell is taken for a usual one, 0.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    >>> rows[:10] = 3.0 + 0.01 * rows[:10]
    >>> heights = Forest().fit(rows, seed=0).heights(rows)
    >>> bool(heights[:10].min() > np.quantile(heights[10:], 0.99))
    True
    """

    def __init__(self) -> None:
        self._trees: Trees
        self._leaves: Float32

    def fit(self, rows: Float32, seed: int) -> Forest:
        """Grow the trees of rows (n, d)."""
        # of its own, so that nothing that is drawn elsewhere changes
        generator = np.random.default_rng((seed, 5))
        own, d = min(_ROWS, len(rows)), rows.shape[1]
        sample = np.stack([generator.choice(len(rows), own, replace=False) for _ in range(TREES)])
        # by shares, which draws the columns of the models that there are
        tried = generator.choice(d, (TREES, 2**LEVELS - 1, _TRIES), p=np.full(d, 1.0 / d))
        return self._take(grow(np.nan_to_num(rows, nan=0.0), sample, tried.astype(np.int32)))

    def _take(self, trees: Trees) -> Forest:
        splits = np.zeros((len(trees.cuts), 1))
        for level in range(LEVELS):
            here = np.isfinite(trees.cuts[:, 2**level - 1 : 2 ** (level + 1) - 1])
            splits = np.repeat(splits + here, 2, axis=1)
        further = _further(trees.sizes[:, 2**LEVELS - 1 :])
        self._trees, self._leaves = trees, (splits + further).astype(np.float32)
        return self

    def heights(self, rows: Float32) -> Float64:
        """How soon rows (n, d) are cut off (n,), in (0, 1]: 2^-(mean depth / mean depth of all rows)."""
        depths = np.zeros(len(rows))
        filled = np.ascontiguousarray(np.nan_to_num(rows, nan=0.0))
        _depths(filled, self._trees.columns, self._trees.cuts, self._leaves, depths)
        usual = float(_further(self._trees.sizes[:1, 0])[0]) or 1.0
        heights: Float64 = np.exp2(-depths / (TREES * usual))
        return heights

    def shares(self, rows: Float32) -> Float64:
        """What each column did to cut rows off (n, d), >= 0: how few rows went their way, in nats."""
        shares, every = np.zeros(rows.shape), np.arange(len(rows))
        filled = np.nan_to_num(rows, nan=0.0)
        for columns, cuts, sizes in zip(*self._trees, strict=True):
            node = np.zeros(len(rows), np.int64)
            for _ in range(LEVELS):
                column, above = columns[node], node
                node = 2 * node + 1 + (filled[every, column] > cuts[node])
                shares[every, column] += np.log(np.maximum(sizes[above], 1) / np.maximum(sizes[node], 1))
        return shares

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {name: part.copy() for name, part in self._trees._asdict().items()}

    @classmethod
    def from_state(cls, data: State) -> Forest:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        return cls()._take(Trees(data["columns"], data["cuts"], data["sizes"]))
