"""Views of a table's rows, joined: what the network makes of them, how near others are, and single cells.

The network's view is the squared length of a row's whitened latent code and residual: a row may be
rebuilt badly, or rebuilt well from a code that no usual row has. The second view is the distance to
the nearest reference rows. The third and the fourth are how far the cells are from what the others make one
expect, all together and the one that is farthest off. The fifth, where the training rows may hold anomalies,
is how soon a forest cuts a row off from the others. Each is expressed by its tail probability over the
training rows, and what they join to by the distance that is as far out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iotae._typing import Float32, Float64, State
from iotae.batch.cells import CellView
from iotae.batch.distance_scale import DistanceScale, joined_distance
from iotae.batch.forest import Forest
from iotae.batch.neighbours import Neighbours
from iotae.batch.reconstruction import row_sums, squared_lengths
from iotae.batch.tail_calibration import TailCalibration, join
from iotae.batch.whitening import Whitening

__all__ = ["JoinedScore"]

_SLOPE_ROWS = 1024
"""Rows from which it is learned which inputs move which latent unit; for explanations only."""

_WEIGHTS, _CLEAN_WEIGHTS = (0.2, 2.0, 0.8, 3.0), (0.5, 3.0, 0.8, 1.0)
"""Weights of network, neighbours, cells together and the cell farthest off. Neighbours count for more where
there are no clumps of anomalies to be near to."""

_FOREST = 1.0
"""Weight of the forest, where there is one."""

_LOUDER = (3.0, 10.0, 12)
"""Beside a forest the cell farthest off has the first weight, or the more the more columns there are, one for
so many, up to the second: one cell is not to be lost among a hundred."""

_FEW_ROWS, _FEW_WEIGHTS = 400, (1.0, 2.0, 0.2, 1.0)
"""With fewer rows the network that predicts cells learns little, and counts for less."""

_SELDOM = 3.0
"""Height below which the cell farthest off says nothing, as every row has one: a twentieth of the rows."""

_EARLIER_WEIGHTS = (1.0, 1.0)
"""Of the two views of models that version 0.1 saved."""

_DISTANCE, _FARTHEST, _ROOM = 1, 3, 4
"""Which of the views is a distance, where others are squares of one, and which is the cell farthest off. The
first four measure room, which goes on without end; a row can only be cut off so soon."""

_SHORTEST = 1e-3
"""Directions of the inputs shorter than this share of the longest say nothing about it."""


def _side_by_side(latent: Float32, residual: Float32) -> Float32:
    joined = np.concatenate([latent, residual], axis=1)
    joined[np.isnan(joined)] = 0.0
    return joined


def _slopes(rows: Float32, latent: Float32) -> Float64:
    """Least-squares slopes (k, d) of each latent unit over the inputs."""
    inputs = np.nan_to_num(rows, nan=0.0).astype(np.float64)
    # products of rows or of columns have the same directions: the fewer cost the third power
    wide = inputs.shape[1] > inputs.shape[0]
    values, vectors = np.linalg.eigh(inputs @ inputs.T if wide else inputs.T @ inputs)
    inverse = np.where(values > _SHORTEST**2 * values[-1], 1.0 / np.maximum(values, 1e-300), 0.0)
    inverted = (vectors * inverse) @ vectors.T
    slopes: Float64 = latent.T @ inverted @ inputs if wide else latent.T @ inputs @ inverted
    return slopes


class JoinedScore:
    """The score of a fitted table: the network's view, the distance to reference rows, and single cells.

    A row's score is a function of the row and the model alone, bit for bit: neither the other rows of the
    table, nor its layout in memory, nor the number of threads, nor the BLAS makes a difference. Without numba
    the scores of a fitted model are the same bits for the activations ``tanh``, ``sigmoid``, ``relu`` and
    ``leaky_relu``, and the same to one part in 10,000 for ``elu``, whose exponential is the library's.

    All tables are scaled, float32 and (n, d); missing cells are NaN in rows and residuals. After a fit
    ``fitted_scores`` (n,) are those of ``everything``.

    Parameters
    ----------
    cells : CellView, optional
        A fitted one; without it there are the first two views alone, as in models of version 0.1.
    clean : bool
        The training rows are known to be normal.
    forest : Forest, optional
        A fitted one, for rows that may hold anomalies.
    """

    def __init__(
        self, cells: CellView | None = None, clean: bool = False, forest: Forest | None = None
    ) -> None:
        self._cells, self._clean, self._forest = cells, clean, forest
        self._weights: tuple[float, ...] = _EARLIER_WEIGHTS
        self._references: Neighbours
        self._whitening: Whitening
        self._slopes: Float64
        self._tails: list[TailCalibration] = []
        self._scale: DistanceScale | None = None
        self.fitted_scores: Float64 = np.empty(0)

    def fit(
        self,
        learned: Sequence[Float32],
        everything: tuple[Float32, Float32, Float32],
        references: Float32,
        column_weights: Float32 | None = None,
    ) -> JoinedScore:
        """Fit the views.

        Parameters
        ----------
        learned : (rows, latent, residual)
            Of the rows that the network learned from: the whitening is theirs.
        everything : (rows, latent, residual)
            Of all training rows: the tails are theirs.
        references : rows
            The rows to which distances are taken.
        column_weights : (d,), optional
            How much each column's whitened residual counts.
        """
        rows, latent, residual = learned
        self._references = Neighbours(references)
        counts = np.ones(rows.shape[1], np.float32) if column_weights is None else column_weights
        counts = np.concatenate([np.ones(latent.shape[1], np.float32), counts])
        self._whitening = Whitening().fit(_side_by_side(latent, residual), counts)
        self._slopes = np.abs(_slopes(rows[:_SLOPE_ROWS], latent[:_SLOPE_ROWS]))
        heights = self._heights(*everything)
        if self._cells is not None:
            usual = _CLEAN_WEIGHTS if self._clean else _WEIGHTS
            self._weights = usual if len(everything[0]) >= _FEW_ROWS else _FEW_WEIGHTS
        if self._forest is not None:
            least, most, columns = _LOUDER
            *others, farthest = self._weights
            farthest *= min(max(least, rows.shape[1] / columns), most) / least
            self._weights = (*others, farthest, _FOREST)
        self._tails = [TailCalibration().fit(height) for height in heights]
        joined = join(self._tailed(heights), self._weights)
        squares = [height if i != _DISTANCE else height * height for i, height in enumerate(heights)][:_ROOM]
        reach = float(np.sqrt(sum(self._weights[:_ROOM])))
        self._scale = DistanceScale().fit(joined, joined_distance(squares, self._weights[:_ROOM]), reach)
        self.fitted_scores = self._scale(joined)
        return self

    def _heights(self, rows: Float32, latent: Float32, residual: Float32) -> list[Float64]:
        whitened = self._whitening.transform(_side_by_side(latent, residual))
        of_cells = [] if self._cells is None else self._cells.heights(rows)
        of_forest = [] if self._forest is None else [self._forest.heights(rows)]
        return [squared_lengths(whitened), self._references.near(rows), *of_cells, *of_forest]

    def _tailed(self, heights: list[Float64]) -> list[Float64]:
        tailed = [tail(height) for tail, height in zip(self._tails, heights, strict=True)]
        if self._cells is not None:
            tailed[_FARTHEST] = np.maximum(tailed[_FARTHEST] - _SELDOM, 0.0)
        return tailed

    def score(self, rows: Float32, latent: Float32, residual: Float32) -> Float64:
        """Joined score (n,), >= 0: 1 for a usual row, 5 for one that is five times as far out."""
        joined = join(self._tailed(self._heights(rows, latent, residual)), self._weights)
        return joined if self._scale is None else self._scale(joined)

    def shares(self, rows: Float32, latent: Float32, residual: Float32) -> Float64:
        """Each feature's share (n, d) >= 0 of the score; a row's shares add up to it.

        A view counts by its part of the squared score. A latent unit is laid on the features that
        move it.
        """
        tailed = self._tailed(self._heights(rows, latent, residual))
        whitened = self._whitening.transform(_side_by_side(latent, residual)).astype(np.float64) ** 2
        width = latent.shape[1]
        cells = np.abs(np.nan_to_num(rows, nan=0.0))
        of_network = whitened[:, width:]
        for unit, slopes in enumerate(self._slopes):
            moving = slopes * cells + 1e-12
            of_network = of_network + whitened[:, unit, None] * moving / row_sums(moving)[:, None]
        joined = join(tailed, self._weights)
        score = joined if self._scale is None else self._scale(joined)
        # a view's part of the squared joined score is its part of the score
        part = score / np.maximum(joined * joined, np.finfo(np.float64).tiny)
        of_cells = [] if self._cells is None else self._cells.shares(rows)
        of_forest = [] if self._forest is None else [self._forest.shares(rows)]
        views = [of_network, self._references.shares(rows), *of_cells, *of_forest]
        parts = np.zeros(rows.shape)
        for counted, height, share in zip(self._weights, tailed, views, strict=True):
            share = share + 1e-12
            weight = counted * height**2 * part
            parts += weight[:, None] * share / row_sums(share)[:, None]
        return parts

    def expected(self, rows: Float32, output: Float32) -> Float32:
        """What each cell (n, d) should be, given the others; ``output`` where that is not predicted."""
        if self._cells is None:
            return output
        told = self._cells.expected(rows)
        return np.where(np.isnan(told), output, told)

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {
            "references": self._references.rows,
            "whitening": self._whitening.to_state(),
            "slopes": self._slopes,
            "tails": [tail.to_state() for tail in self._tails],
            "weights": list(self._weights),
            "cells": None if self._cells is None else self._cells.to_state(),
            "forest": None if self._forest is None else self._forest.to_state(),
            "scale": None if self._scale is None else self._scale.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> JoinedScore:
        """Rebuild from :meth:`to_state`."""
        cells, forest = data.get("cells"), data.get("forest")
        restored = cls(
            None if cells is None else CellView.from_state(cells),
            forest=None if forest is None else Forest.from_state(forest),
        )
        restored._weights = tuple(data.get("weights", _EARLIER_WEIGHTS))
        restored._references = Neighbours(data["references"])
        restored._whitening = Whitening.from_state(data["whitening"])
        restored._slopes = data["slopes"]
        restored._tails = [TailCalibration.from_state(tail) for tail in data["tails"]]
        scale = data.get("scale")
        restored._scale = None if scale is None else DistanceScale.from_state(scale)
        return restored
