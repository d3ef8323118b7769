"""All that a stream's model knows about its features, in arrays with one entry per slot."""

from __future__ import annotations

import numpy as np

from iotae._typing import State
from iotae.nn.network import Network
from iotae.stream.autocorrelation import new_context
from iotae.stream.histogram import BINS, refresh
from iotae.stream.kernels import MASS, N_COUNTERS, RECENT, REFRESH, RESIDUAL, RESIDUAL_AT_FIRST
from iotae.stream.memory import Memory, allocate, float_parts, network_parts, row_parts
from iotae.stream.scaler import RunningScaler
from iotae.stream.update_gate import new_gate

__all__ = ["StreamState"]


class StreamState:
    """Scale, histograms, figures, gate, context, counters, pending rows and the mini-batch in training.

    Parameters
    ----------
    n_slots : int
        Features at present.
    batch_size : int
        Rows per mini-batch.
    horizon : float
        Rows after which old ones begin to fade.
    """

    def __init__(self, n_slots: int, batch_size: int, horizon: float) -> None:
        self.scaler = RunningScaler(n_slots, horizon)
        self.counts = np.zeros((n_slots, BINS))
        self.table = np.zeros((n_slots, BINS))
        self.figures = np.zeros((3, n_slots))
        self.figures[RESIDUAL] = RESIDUAL_AT_FIRST
        self.pending = np.full((batch_size, n_slots), np.nan, np.float32)
        self.lesson = self.pending.copy()
        self.gate = new_gate()
        self.context = new_context()
        self.counters = np.zeros(N_COUNTERS, np.int64)
        self.counters[REFRESH] = 1
        refresh(self.counts, self.figures[MASS], self.table, 1.0)

    @property
    def n_slots(self) -> int:
        """Features at present."""
        return self.scaler.n_features

    def resized(self, n_slots: int, given: list[int]) -> StreamState:
        """The same state with room for ``n_slots`` features, those in ``given`` as if never seen."""
        batch_size = len(self.pending)
        result = StreamState(n_slots, batch_size, self.scaler.horizon)
        kept = np.setdiff1d(np.arange(self.n_slots), given)
        result.scaler.stats[kept], result.scaler.head[kept] = self.scaler.stats[kept], self.scaler.head[kept]
        result.counts[kept], result.table[kept] = self.counts[kept], self.table[kept]
        result.figures[:, kept] = self.figures[:, kept]
        result.pending[:, kept], result.lesson[:, kept] = self.pending[:, kept], self.lesson[:, kept]
        result.gate, result.context, result.counters = self.gate, self.context, self.counters
        # a newcomer's past is taken to be as odd as the usual row's, not as perfectly normal
        result.figures[RECENT, given] = self.figures[RECENT, kept].mean() if kept.size else 0.0
        return result

    def move_in(self, network: Network, learning_rate: float) -> Memory:
        """Put this state and the network into one memory; both are views of it from then on."""
        memory = allocate(network.layers, network.code, self.n_slots, len(self.pending))
        floats, singles, whole = memory
        own = (self.scaler.stats, self.scaler.head, self.counts, self.table, self.figures)
        rates = np.array([learning_rate, 1.0 / self.scaler.horizon])
        places = float_parts(floats, self.n_slots)
        for place, array in zip(places, (*own, self.gate, self.context, rates), strict=True):
            place[...] = array
        self.scaler.stats, self.scaler.head = places[:2]
        self.counts, self.table, self.figures, self.gate, self.context = places[2:7]
        parameters, first, second, _, pending, lesson, _ = network_parts(singles, whole)
        parameters[:], first[:], second[:] = network.parameters, network.first, network.second
        network.parameters, network.first, network.second = parameters, first, second
        pending[:], lesson[:] = self.pending, self.lesson
        self.pending, self.lesson = pending, lesson
        whole[:N_COUNTERS] = self.counters
        self.counters = whole[:N_COUNTERS]
        # no row has been scored with it yet
        row_parts(floats, self.n_slots)[1].fill(-1.0)
        return memory

    _ARRAYS = ("counts", "table", "figures", "pending", "lesson", "gate", "context", "counters")

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {
            "scaler": self.scaler.to_state(),
            **{name: getattr(self, name).copy() for name in self._ARRAYS},
        }

    @classmethod
    def from_state(cls, data: State) -> StreamState:
        """Rebuild from :meth:`to_state`."""
        restored = cls(0, 1, 1.0)
        restored.scaler = RunningScaler.from_state(data["scaler"])
        for name in cls._ARRAYS:
            setattr(restored, name, data[name])
        return restored
