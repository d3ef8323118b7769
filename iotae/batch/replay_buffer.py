"""The rows that a table's model keeps of those it has seen, so that it can go on with more."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float32, Float64, State
from iotae.batch.row_selection import LEARN_ROWS, sample

__all__ = ["ReplayBuffer"]


class ReplayBuffer:
    """A uniform sample of at most 4,096 of the rows seen so far, as they were given, and their weights.

    Parameters
    ----------
    rows, weights : ndarray, shape (n, d) and (n,)
        All rows that are at hand.
    n_seen : int
        How many rows these stand for.
    generator : numpy.random.Generator
    """

    def __init__(self, rows: Float64, weights: Float32, n_seen: int, generator: np.random.Generator) -> None:
        kept = sample(np.arange(len(rows)), LEARN_ROWS, generator)
        self.rows, self.weights, self.n_seen = rows[kept], weights[kept], n_seen

    def joined(
        self, rows: Float64, weights: Float32, most: int, generator: np.random.Generator
    ) -> tuple[Float64, Float32, int]:
        """These rows and a sample of more (n, d), each in proportion to what it stands for.

        At most ``most`` rows, their weights, and how many rows they stand for; rows of weight 0 are none.
        """
        more = np.flatnonzero(weights > 0)
        wanted = max(1, round(len(self.rows) * more.size / self.n_seen))
        if self.n_seen <= len(self.rows):
            wanted = more.size
        chosen = sample(more, min(most - len(self.rows), wanted), generator)
        joined = np.concatenate([self.rows, rows[chosen]]), np.concatenate([self.weights, weights[chosen]])
        return *joined, self.n_seen + more.size

    def to_state(self) -> State:
        """Everything, as arrays and numbers."""
        return {"rows": self.rows, "weights": self.weights, "n_seen": self.n_seen}

    @classmethod
    def from_state(cls, data: State) -> ReplayBuffer:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls.__new__(cls)
        restored.rows, restored.weights, restored.n_seen = data["rows"], data["weights"], data["n_seen"]
        return restored
