"""All that a stream's model knows about its features, in arrays with one entry per slot."""

from __future__ import annotations

import numpy as np

from iotae._typing import State
from iotae.nn.network import Network
from iotae.stream.autocorrelation import new_context
from iotae.stream.counters import N_REMEMBERED, REFRESH
from iotae.stream.histogram import BINS, refresh
from iotae.stream.kernels import JUDGED, MASS, RECENT, RESIDUAL, RESIDUAL_AT_FIRST
from iotae.stream.memory import RUNNING, Memory, Parts, allocate, parts_of
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
        self.counts = np.zeros((BINS, n_slots))
        self.table = np.zeros((BINS, n_slots))
        self.running = np.zeros((RUNNING, n_slots))
        self.running[RESIDUAL] = RESIDUAL_AT_FIRST
        self.pending = np.full((batch_size, n_slots), np.nan, np.float32)
        self.minibatch = self.pending.copy()
        self.gate = new_gate()
        self.context = new_context()
        self.counters = np.zeros(N_REMEMBERED, np.int64)
        self.counters[REFRESH] = 1
        refresh(self.counts, self.running[MASS], self.table, 1.0)

    @property
    def n_slots(self) -> int:
        """Features at present."""
        return self.scaler.n_features

    def resized(self, n_slots: int, given: list[int]) -> StreamState:
        """The same state with room for ``n_slots`` features, those in ``given`` as if never seen."""
        batch_size = len(self.pending)
        result = StreamState(n_slots, batch_size, self.scaler.horizon)
        kept = np.setdiff1d(np.arange(self.n_slots), given)
        for name in ("stats", "head"):
            getattr(result.scaler, name)[:, kept] = getattr(self.scaler, name)[:, kept]
        result.counts[:, kept], result.table[:, kept] = self.counts[:, kept], self.table[:, kept]
        result.running[:, kept] = self.running[:, kept]
        result.pending[:, kept], result.minibatch[:, kept] = self.pending[:, kept], self.minibatch[:, kept]
        result.gate, result.context, result.counters = self.gate, self.context, self.counters
        # a newcomer's past is taken to be as odd as the usual row's, not as perfectly normal
        result.running[RECENT, given] = self.running[RECENT, kept].mean() if kept.size else 0.0
        return result

    def move_in(self, network: Network, learning_rate: float) -> tuple[Memory, Parts]:
        """Put this state and the network into one memory; both are views of its parts from then on."""
        memory = allocate(network.layers, network.code, self.n_slots, len(self.pending))
        parts = Parts(*parts_of(*memory))
        parts.rates[:] = learning_rate, 1.0 / self.scaler.horizon
        parts.counters[:N_REMEMBERED] = self.counters
        self.counters = parts.counters[:N_REMEMBERED]
        for owner, names in (
            (self.scaler, ("stats", "head")),
            (self, ("counts", "table", "running", "gate", "context", "pending", "minibatch")),
            (network, ("parameters", "first", "second")),
        ):
            for name in names:
                place = getattr(parts, name)
                place[...] = getattr(owner, name)
                setattr(owner, name, place)
        # no row has been scored with it yet
        parts.scratch[JUDGED] = -1.0
        return memory, parts

    _OWN = ("pending", "gate", "context", "counters")

    def to_state(self) -> State:
        """Everything, as arrays; their names and shapes are those of version 0.1."""
        return {
            "scaler": self.scaler.to_state(),
            **{name: getattr(self, name).copy() for name in self._OWN},
            "counts": self.counts.T.copy(),
            "table": self.table.T.copy(),
            "figures": self.running.copy(),
            "lesson": self.minibatch.copy(),
        }

    @classmethod
    def from_state(cls, data: State) -> StreamState:
        """Rebuild from :meth:`to_state`."""
        restored = cls(0, 1, 1.0)
        restored.scaler = RunningScaler.from_state(data["scaler"])
        for name in cls._OWN:
            setattr(restored, name, data[name])
        restored.counts, restored.table = data["counts"].T, data["table"].T
        restored.running, restored.minibatch = data["figures"], data["lesson"]
        return restored
