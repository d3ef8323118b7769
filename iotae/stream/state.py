"""All that a stream's model knows about its features: named arrays, of which the kernels' memory is made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import State
from iotae.nn.leave_one_out import HIDDEN, N_BLOCKS, initial_weights, n_rows_of_block
from iotae.nn.network import Network
from iotae.stream.autocorrelation import new_context
from iotae.stream.conditional import new_moments
from iotae.stream.counters import ACCEPTED, DRAWN, DUE, N_REMEMBERED, PIVOT, REFRESH
from iotae.stream.evidence import new_calibration, new_tails
from iotae.stream.histogram import BINS, refresh
from iotae.stream.kernels import MASS, RECENT, RESIDUAL, RESIDUAL_AT_FIRST, SCORED_AT
from iotae.stream.memory import KEPT, RUNNING, WITNESS_BATCH, Memory, allocate, views_of
from iotae.stream.scaler import RunningScaler
from iotae.stream.sensor_figures import new_figures
from iotae.stream.update_gate import new_gate
from iotae.stream.witness import new_counts

__all__ = ["StreamState"]

_BY_SLOT = (
    *("counts_of_bins", "table", "running", "kinds", "moments", "sensors", "tails", "biases"),
    *("pending", "minibatch", "witness_shown", "witness_wanted", "fresh_shown", "fresh_wanted", "reservoir"),
)
"""Arrays with a column for each slot."""

_OTHERS = ("matrices", "hidden", "gate", "context", "counts", "calibration", "counters")

_SOON = 100.0
"""Accepted rows after which the covariance is inverted with a newcomer, at the latest."""


class StreamState:
    """Scale, histograms, covariance, figures, gates, counters and mini-batches, each as one array.

    Parameters
    ----------
    n_slots : int
        Features at present.
    batch_size : int
        Rows per mini-batch.
    horizon : float
        Rows after which old ones begin to fade.
    seed : int
        Seed of the network that predicts each cell from the others.
    """

    def __init__(self, n_slots: int, batch_size: int, horizon: float, seed: int) -> None:
        self.seed = seed
        self.scaler = RunningScaler(n_slots, horizon)
        self.counts_of_bins = np.zeros((BINS, n_slots))
        self.table = np.zeros((BINS, n_slots))
        self.running = np.zeros((RUNNING, n_slots))
        self.running[RESIDUAL] = RESIDUAL_AT_FIRST
        self.kinds = np.zeros((1, n_slots))
        self.moments, self.sensors, self.tails = (
            new_moments(n_slots),
            new_figures(n_slots),
            new_tails(n_slots),
        )
        self.biases = np.zeros((N_BLOCKS, n_slots), np.float32)
        self.pending = np.full((batch_size, n_slots), np.nan, np.float32)
        self.minibatch = self.pending.copy()
        self.witness_shown, self.witness_wanted, self.fresh_shown, self.fresh_wanted = np.zeros(
            (4, WITNESS_BATCH, n_slots), np.float32
        )
        self.reservoir = np.zeros((2 * KEPT, n_slots), np.int8)
        self.matrices = np.zeros((3 * n_slots, n_slots), np.float32)
        self.matrices[2 * n_slots :] = np.eye(n_slots)
        self.hidden = np.zeros((N_BLOCKS * n_rows_of_block(n_slots), HIDDEN), np.float32)
        self.hidden[: n_rows_of_block(n_slots)] = initial_weights(n_slots, seed)
        self.gate, self.context = new_gate(), new_context()
        self.counts, self.calibration = new_counts(), new_calibration()
        self.counters = np.zeros(N_REMEMBERED, np.int64)
        self.counters[[REFRESH, PIVOT, DRAWN]] = 1, -1, 1 + seed % 2147483646
        refresh(self.counts_of_bins, self.running[MASS], self.table, 1.0)

    @property
    def n_slots(self) -> int:
        """Features at present."""
        return self.scaler.n_features

    def resized(self, n_slots: int, given: list[int]) -> StreamState:
        """The same state with room for ``n_slots`` features, those in ``given`` as if never seen."""
        result = StreamState(n_slots, len(self.pending), self.scaler.horizon, self.seed)
        kept = np.setdiff1d(np.arange(self.n_slots), given)
        for name in ("stats", "head"):
            getattr(result.scaler, name)[:, kept] = getattr(self.scaler, name)[:, kept]
        for name in _BY_SLOT:
            getattr(result, name)[:, kept] = getattr(self, name)[:, kept]
        for name in ("gate", "context", "counts", "calibration", "counters"):
            setattr(result, name, getattr(self, name))
        # a newcomer's past is taken to be as odd as the usual row's, not as perfectly normal
        result.running[RECENT, given] = self.running[RECENT, kept].mean() if kept.size else 0.0
        for new, old in zip(_squares(result.matrices), _squares(self.matrices), strict=True):
            new[np.ix_(kept, kept)] = old[np.ix_(kept, kept)]
        for block in range(N_BLOCKS):
            new, old = _block(result.hidden, n_slots, block), _block(self.hidden, self.n_slots, block)
            new[kept], new[n_slots + kept], new[-1] = old[kept], old[self.n_slots + kept], old[-1]
        # an inversion of another size is given up, and one with the newcomers begins soon
        result.counters[PIVOT] = -1
        result.counts[DUE] = min(result.counts[DUE], result.counts[ACCEPTED] + _SOON)
        return result

    def move_in(self, network: Network, learning_rate: float) -> Memory:
        """Put this state and the network into one memory; both are views of its parts from then on."""
        memory = allocate(network.layers, network.code, self.n_slots, len(self.pending))
        views = views_of(memory)
        views["rates"][:] = learning_rate, 1.0 / self.scaler.horizon
        memory.counters[:N_REMEMBERED] = self.counters
        self.counters = memory.counters[:N_REMEMBERED]
        owners: tuple[tuple[Any, tuple[str, ...]], ...] = (
            (self.scaler, ("stats", "head")),
            (self, (*_BY_SLOT, *_OTHERS[:-1])),
            (network, ("parameters", "first", "second")),
        )
        for owner, names in owners:
            for name in names:
                views[name][...] = getattr(owner, name)
                setattr(owner, name, views[name])
        # no row has been scored with it yet
        views["scratch"][SCORED_AT] = -1.0
        return memory

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {
            "seed": str(self.seed),
            "scaler": self.scaler.to_state(),
            **{name: getattr(self, name).copy() for name in (*_BY_SLOT, *_OTHERS)},
        }

    @classmethod
    def from_state(cls, data: State) -> StreamState:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls(0, 1, 1.0, int(data["seed"]))
        restored.scaler = RunningScaler.from_state(data["scaler"])
        for name in (*_BY_SLOT, *_OTHERS):
            setattr(restored, name, data[name])
        return restored


def _squares(matrices: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    d = matrices.shape[1]
    return [matrices[:d], matrices[d : 2 * d], matrices[2 * d :]]


def _block(hidden: NDArray[np.float32], n_slots: int, block: int) -> NDArray[np.float32]:
    rows = n_rows_of_block(n_slots)
    return hidden[block * rows : (block + 1) * rows]
