"""All that a stream's model knows about its features, in arrays with one entry per slot."""

from __future__ import annotations

import numpy as np

from iotae.architecture import Float32
from iotae.context import new_context
from iotae.density import BINS, refresh
from iotae.gate import new_gate
from iotae.network import Network
from iotae.scaling import Float64, RunningScaler
from iotae.state import State
from iotae.stream_kernels import MASS, N_COUNTERS, N_SCRATCH, RECENT, REFRESH, RESIDUAL, RESIDUAL_AT_FIRST

__all__ = ["StreamState"]


class StreamState:
    """Scale, histograms, figures, gate, context, counters and pending rows of a stream.

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
        made = StreamState(n_slots, batch_size, self.scaler.horizon)
        kept = np.setdiff1d(np.arange(self.n_slots), given)
        made.scaler.stats[kept], made.scaler.head[kept] = self.scaler.stats[kept], self.scaler.head[kept]
        made.counts[kept], made.table[kept] = self.counts[kept], self.table[kept]
        made.figures[:, kept] = self.figures[:, kept]
        made.pending[:, kept] = self.pending[:, kept]
        made.gate, made.context, made.counters = self.gate, self.context, self.counters
        # a newcomer's past is taken to be as odd as the usual row's, not as perfectly normal
        made.figures[RECENT, given] = self.figures[RECENT, kept].mean() if kept.size else 0.0
        return made

    def scratch(self, network: Network) -> tuple[Float64, Float32, Float64]:
        """Room for one row's vector, its units and its figures: used, never remembered."""
        scratch = np.full((N_SCRATCH, self.n_slots), -1.0)
        return np.empty(self.n_slots), np.empty(sum(network.sizes), np.float32), scratch

    _ARRAYS = ("counts", "table", "figures", "pending", "gate", "context", "counters")

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {
            "scaler": self.scaler.to_state(),
            **{name: getattr(self, name).copy() for name in self._ARRAYS},
        }

    @classmethod
    def from_state(cls, data: State) -> StreamState:
        """Rebuild from :meth:`to_state`."""
        made = cls(0, 1, 1.0)
        made.scaler = RunningScaler.from_state(data["scaler"])
        for name in cls._ARRAYS:
            setattr(made, name, data[name])
        return made
