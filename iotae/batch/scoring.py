"""Two views of a table's rows, joined: what the network makes of them, and how near others are.

The network's view is the squared length of a row's whitened latent code and residual: a row may be
rebuilt badly, or rebuilt well from a code that no usual row has. The other view is the distance to
the nearest reference rows. Each is expressed by its tail probability over the training rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iotae._typing import Float32, Float64, State
from iotae.batch.neighbours import Neighbours
from iotae.batch.reconstruction import row_sums, squared_lengths
from iotae.batch.tail_calibration import TailCalibration, join
from iotae.batch.whitening import Whitening

__all__ = ["JoinedScore"]

_SLOPE_ROWS = 1024
"""Rows from which it is learned which inputs move which latent unit; for explanations only."""

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
    """The score of a fitted table: the network's view of a row, and its distance to the reference rows.

    A row's score is a function of the row and the model alone, bit for bit: neither the other rows of the
    table, nor its layout in memory, nor the number of threads, nor the BLAS makes a difference. Without numba
    the scores of a fitted model are the same bits for the activations ``tanh``, ``sigmoid``, ``relu`` and
    ``leaky_relu``, and the same to one part in 10,000 for ``elu``, whose exponential is the library's.

    All tables are scaled, float32 and (n, d); missing cells are NaN in rows and residuals. After a fit
    ``fitted_scores`` (n,) are those of ``everything``.
    """

    def __init__(self) -> None:
        self._references: Neighbours
        self._whitening: Whitening
        self._slopes: Float64
        self._tails: tuple[TailCalibration, TailCalibration]
        self.fitted_scores: Float64 = np.empty(0)

    def fit(
        self,
        learned: Sequence[Float32],
        everything: tuple[Float32, Float32, Float32],
        references: Float32,
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
        """
        rows, latent, residual = learned
        self._whitening = Whitening().fit(_side_by_side(latent, residual))
        self._slopes = np.abs(_slopes(rows[:_SLOPE_ROWS], latent[:_SLOPE_ROWS]))
        # copies of most of a table, which is wide where memory is short
        del learned, rows, latent, residual
        self._references = Neighbours(references)
        network, near = self._heights(*everything)
        self._tails = (TailCalibration().fit(network), TailCalibration().fit(near))
        self.fitted_scores = join([self._tails[0](network), self._tails[1](near)])
        return self

    def _heights(self, rows: Float32, latent: Float32, residual: Float32) -> tuple[Float64, Float64]:
        whitened = self._whitening.transform(_side_by_side(latent, residual))
        return squared_lengths(whitened), self._references.near(rows)

    def _tailed(self, rows: Float32, latent: Float32, residual: Float32) -> list[Float64]:
        heights = self._heights(rows, latent, residual)
        return [tail(height) for tail, height in zip(self._tails, heights, strict=True)]

    def score(self, rows: Float32, latent: Float32, residual: Float32) -> Float64:
        """Joined score (n,), >= 0."""
        return join(self._tailed(rows, latent, residual))

    def shares(self, rows: Float32, latent: Float32, residual: Float32) -> Float64:
        """Each feature's share (n, d) >= 0 of the score; a row's shares add up to it.

        A view counts by its part of the squared score. A latent unit is laid on the features that
        move it.
        """
        tailed = self._tailed(rows, latent, residual)
        whitened = self._whitening.transform(_side_by_side(latent, residual)).astype(np.float64) ** 2
        width = latent.shape[1]
        cells = np.abs(np.nan_to_num(rows, nan=0.0))
        of_network = whitened[:, width:]
        for unit, slopes in enumerate(self._slopes):
            moving = slopes * cells + 1e-12
            of_network = of_network + whitened[:, unit, None] * moving / row_sums(moving)[:, None]
        score = join(tailed)
        parts = np.zeros(rows.shape)
        for height, share in zip(tailed, (of_network, self._references.shares(rows)), strict=True):
            share = share + 1e-12
            weight = height**2 / np.maximum(score, np.finfo(np.float64).tiny)
            parts += weight[:, None] * share / row_sums(share)[:, None]
        return parts

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {
            "references": self._references.rows,
            "whitening": self._whitening.to_state(),
            "slopes": self._slopes,
            "tails": [tail.to_state() for tail in self._tails],
        }

    @classmethod
    def from_state(cls, data: State) -> JoinedScore:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls()
        restored._references = Neighbours(data["references"])
        restored._whitening = Whitening.from_state(data["whitening"])
        restored._slopes = data["slopes"]
        network, near = (TailCalibration.from_state(tail) for tail in data["tails"])
        restored._tails = (network, near)
        return restored
