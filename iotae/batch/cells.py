"""What each cell of a row should be, given the others: how far they are off, together and alone.

A network predicts every cell from the other cells of its row, so a cell cannot speak for itself. Where an
autoencoder's residual is spread over a row, one broken sensor is one large miss here.
"""

from __future__ import annotations

import numpy as np

from iotae._typing import Bool, Float32, Float64, Int64, State
from iotae.batch.reconstruction import squared_lengths
from iotae.batch.whitening import Whitening
from iotae.nn.leave_one_out_rows import predict_rows, train_rows
from iotae.nn.training import schedule

__all__ = ["CellView"]

_UPDATES, _CLEAN_UPDATES = 200, 400
"""Updates; more of them learn the anomalies too, if there are any."""

_RATE, _CLEAN_RATE = 2.5e-3, 5e-3
"""Adam's largest step."""

_BATCH = 32
"""Rows an update; each of them teaches as many problems as it has cells."""

_CLIP = np.float32(6.0)
"""A cell enters the network clipped here, so that a broken one does not spoil what is said of the others."""

_FAR_OFF, _MOST_IN_ORDER = 16.0, 0.95
"""A row is out of order with a cell four of its deviations off, unless that is so of too many rows."""

_MOST_PUT_RIGHT = 3
"""Cells of a row that are put right before the others are asked what they should be."""

_LEAST_VARIANCE = 1e-2
"""Least variance of a cell's miss, as a share of the mean over the columns."""


class CellView:
    """How far the cells of a row are from what the others make one expect.

    A column that stands for one value of a category is seen by the network and not predicted: the other
    values' columns would give it away. A category counts by its rarity, one cell of unit 1.

    Parameters
    ----------
    categories : ndarray of int64, shape (d,), optional
        See :meth:`iotae.batch.autoencoder.BatchAutoencoder.fit`; by default all columns are numbers.
    """

    def __init__(self, n_features: int, categories: Int64 | None = None) -> None:
        kinds = np.zeros(n_features, np.int64) if categories is None else categories
        self._predicted, self._rarities = np.flatnonzero(kinds == 0), np.flatnonzero(kinds < 0)
        self._network: tuple[Float32, Float32]
        self._whitening = Whitening()
        self._scale: Float32 = np.zeros(n_features, np.float32)

    def fit(self, rows: Float32, weights: Float32, clean: bool, seed: int) -> CellView:
        """Learn from scaled rows (n, d), NaN for missing, drawn in proportion to ``weights`` (n,)."""
        # of its own, so that the engine that trains the autoencoder makes no difference here
        generator = np.random.default_rng((seed, 4))
        cells, updates = _as_input(rows), _CLEAN_UPDATES if clean else _UPDATES
        target = np.clip(rows, -_CLIP, _CLIP)
        unpredicted = np.ones(rows.shape[1], np.bool_)
        unpredicted[self._predicted] = False
        target[:, unpredicted] = np.nan
        shares = weights.astype(np.float64)
        batches = generator.choice(len(rows), (updates, _BATCH), p=shares / shares.sum())
        rates = schedule(updates, _CLEAN_RATE if clean else _RATE)
        self._network = train_rows(cells, target, batches, rates, seed)
        missed = self._missed(rows)
        if self._predicted.size:
            numbers = missed[:, self._predicted]
            self._whitening.fit(numbers)
            variance = numbers.var(axis=0, dtype=np.float64)
            variance += _LEAST_VARIANCE * max(float(variance.mean()), 1e-9)
            self._scale[self._predicted] = 1.0 / np.sqrt(variance)
        self._scale[self._rarities] = 1.0
        return self

    def _foretold(self, cells: Float32) -> Float32:
        """What is to be expected of each cell (n, d), given the others as the network takes them."""
        expected = np.zeros_like(cells)
        predict_rows(cells, *self._network, self._predicted, expected)
        return expected

    def _missed(self, rows: Float32) -> Float32:
        """Scaled rows less what was to be expected (n, d); 0 where a cell is missing."""
        missed = rows - self._foretold(_as_input(rows))
        missed[np.isnan(missed)] = 0.0
        return missed

    def expected(self, rows: Float32) -> Float32:
        """What each cell of scaled rows (n, d) should be, given the others; NaN where that is not predicted.

        A cell that is far off has no say in what is expected of the others: the one that is farthest off is
        put right, what is expected now is asked again, and so on with the next, a few times.
        """
        told = np.full_like(rows, np.nan)
        told[:, self._predicted] = self._put_right(rows)[:, self._predicted]
        return told

    def _put_right(self, rows: Float32) -> Float32:
        """What is to be expected of each cell (n, d), 0 where it is not predicted; see :meth:`expected`."""
        cells = _as_input(rows)
        expected = self._foretold(cells)
        scale = np.zeros_like(self._scale)
        scale[self._predicted] = self._scale[self._predicted]
        every = np.arange(len(rows))
        for _ in range(min(_MOST_PUT_RIGHT, self._predicted.size - 1)):
            off = np.abs(cells - expected) * scale
            worst = off.argmax(axis=1)
            # a cell that was put right is as expected, and is not asked again
            wrong = np.flatnonzero(off[every, worst] > np.sqrt(np.float32(_FAR_OFF)))
            if not wrong.size:
                break
            cells[wrong, worst[wrong]] = np.clip(expected[wrong, worst[wrong]], -_CLIP, _CLIP)
            expected[wrong] = self._foretold(np.ascontiguousarray(cells[wrong]))
        return expected

    def _whitened(self, missed: Float32) -> Float32:
        everything = self._predicted.size == missed.shape[1]
        return self._whitening.transform(missed if everything else missed[:, self._predicted])

    def heights(self, rows: Float32) -> tuple[Float64, Float64]:
        """How far the cells are off together (n,), and how far the one that is farthest off (n,), squared."""
        missed = self._missed(rows)
        together = np.zeros(len(missed))
        if self._rarities.size:
            together += squared_lengths(np.ascontiguousarray(missed[:, self._rarities]))
        if self._predicted.size:
            together += squared_lengths(self._whitened(missed))
        missed *= self._scale
        farthest = np.maximum(missed.max(axis=1), -missed.min(axis=1)).astype(np.float64)
        return together, farthest * farthest

    def in_order(self, rows: Float32) -> Bool:
        """Which rows (n,) have no cell far off, so that no row is usual for being near them.

        At most a twentieth of the rows are said to be out of order.
        """
        height = self.heights(rows)[1]
        return np.asarray(height <= max(_FAR_OFF, float(np.quantile(height, _MOST_IN_ORDER))))

    def shares(self, rows: Float32) -> tuple[Float64, Float64]:
        """How far off each cell is (n, d) >= 0, squared; and 1 for the cell that is farthest off, else 0.

        Each cell is judged by the others with those that are far off put right, so that two broken cells do
        not blame a third.
        """
        missed = rows - self._put_right(rows)
        missed[np.isnan(missed)] = 0.0
        together, largest = np.square((missed * self._scale).astype(np.float64)), np.zeros(missed.shape)
        largest[np.arange(len(rows)), together.argmax(axis=1)] = 1.0
        return together, largest

    def to_state(self) -> State:
        """Everything, as arrays."""
        weights, bias = self._network
        return {
            "predicted": self._predicted,
            "rarities": self._rarities,
            "weights": weights,
            "bias": bias,
            "whitening": self._whitening.to_state(),
            "scale": self._scale,
        }

    @classmethod
    def from_state(cls, data: State) -> CellView:
        """Rebuild from :meth:`to_state`."""
        restored = cls(data["scale"].size)
        restored._predicted, restored._rarities = data["predicted"], data["rarities"]
        restored._network = data["weights"], data["bias"]
        restored._whitening = Whitening.from_state(data["whitening"])
        restored._scale = data["scale"]
        return restored


def _as_input(rows: Float32) -> Float32:
    """Rows as the network takes them: clipped, 0 for missing, laid out row by row."""
    cells = np.ascontiguousarray(np.clip(rows, -_CLIP, _CLIP), np.float32)
    cells[np.isnan(cells)] = 0.0
    return cells
