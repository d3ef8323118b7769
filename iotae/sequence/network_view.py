"""What a network that rebuilds windows misses, whitened by what it usually misses.

Each cell is rebuilt while it is hidden, together with a quarter of the window's cells, so that the miss is
conditional on the others. The network is one of :mod:`iotae.sequence.torch_networks`; torch is imported where
it is asked for and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from iotae._typing import Float32, Float64, State
from iotae._validation.schema import refuse
from iotae.batch.whitening import Whitening
from iotae.sequence.windows import flat_windows, rows_of_windows, steps_around

__all__ = ["MOST_MISSED", "NAMES", "NetworkView", "check_network"]

NAMES = ("tcn", "lstm", "gru", "cnn-gru-bilstm")

_FIT_WINDOWS = 4000
_USUAL, _LEAST_UNIT = 0.99, 0.01
_CLIP = np.float32(6.0)
"""What a network sees and is to rebuild is at most so large; beyond it the linear view tells."""

MOST_MISSED = 1e6
"""What a network misses counts as so much at most."""

_BLOCK = 1024


def check_network(network: Any, device: str | None) -> None:
    """Refuse a name that is none, and a device that nothing would run on.

    Raises
    ------
    ValueError
    """
    if isinstance(network, str) and network not in NAMES:
        raise ValueError(
            f"Got network={network!r}, but expected one of {', '.join(map(repr, NAMES))}, a torch.nn.Module, "
            "or None."
        )
    if device is not None and network is None:
        raise ValueError(
            f"Got device={device!r} and no network, but expected a network for it: pass network='tcn', or "
            "leave the device out."
        )


def _torch_networks() -> ModuleType:
    try:
        from iotae.sequence import torch_networks
    except ModuleNotFoundError as error:
        raise ImportError(
            "Got a network for windows, but expected torch to be installed for it: pip install torch."
        ) from error
    return torch_networks


class NetworkView:
    """The whitened misses of a network, and each cell's share of them.

    Parameters
    ----------
    window : int
        Rows of a window.
    network : str or torch.nn.Module
        By name, or the caller's own, of which a copy is trained.
    seed : int
    device : str, optional
        Where torch runs.
    """

    def __init__(self, window: int, network: Any, seed: int, device: str | None) -> None:
        self.window, self.network, self.seed, self.device = window, network, seed, device
        self._module: Any = None
        self._whitening = Whitening()
        self._unit = 1.0

    def fit(self, segments: Sequence[Float32]) -> NetworkView:
        """Train on scaled segments (n_i, d), missing cells as 0."""
        engine = _torch_networks()
        d = segments[0].shape[1]
        if isinstance(self.network, str):
            self._module = engine.build(self.network, d, self.seed)
        self._module = engine.prepared(self._module or self.network, self.window, d, self.device)
        counts = [max(len(rows) - self.window, 0) + 1 for rows in segments]
        total = sum(counts)
        chosen = np.unique(np.linspace(0, total - 1, min(total, _FIT_WINDOWS)).astype(np.int64))
        found, start = [], 0
        for rows, count in zip(segments, counts, strict=True):
            mine = chosen[(chosen >= start) & (chosen < start + count)] - start
            found.append(self._windows(rows)[mine])
            start += count
        windows = np.concatenate(found)
        engine.train(self._module, windows, self.seed, self.device)
        self._whitening = Whitening().fit(self._missed(windows))
        energies = np.concatenate([self._energies(rows) for rows in segments])
        self._unit = max(float(np.quantile(energies, _USUAL)), _LEAST_UNIT)
        return self

    def _windows(self, rows: Float32) -> Float32:
        """Every window (m, steps, d) of a segment."""
        flat = flat_windows(np.clip(rows, -_CLIP, _CLIP), self.window, 1)
        return flat.reshape(len(flat), self.window, rows.shape[1])

    def _missed(self, windows: Float32) -> Float32:
        made = _torch_networks().rebuild(self._module, windows, self.device)
        # a module of the caller's own may go anywhere on rows it has not seen
        missed: Float32 = np.clip(np.nan_to_num(windows - made), -MOST_MISSED, MOST_MISSED)
        return missed.reshape(len(windows), -1)

    def _cells(self, rows: Float32) -> Iterator[Float64]:
        """Yield the squared whitened misses (m, steps, d) of a segment's windows, by blocks."""
        n = max(len(rows) - self.window, 0) + 1
        for start in range(0, n, _BLOCK):
            windows = self._windows(rows[start : start + _BLOCK + self.window - 1])
            whitened = self._whitening.transform(self._missed(windows)).astype(np.float64)
            yield np.square(whitened).reshape(windows.shape)

    def _energies(self, rows: Float32) -> Float64:
        return np.concatenate([cells.sum(axis=(1, 2)) for cells in self._cells(rows)])

    def score(self, rows: Float32) -> Float64:
        """Mean energy, in its unit, of the windows that hold each row (n,)."""
        return rows_of_windows(self._energies(rows) / self._unit, len(rows), self.window)

    def shares(self, rows: Float32) -> Float64:
        """Each column's share (n, d) of :meth:`score`."""
        by_column = np.concatenate([cells.sum(axis=1) for cells in self._cells(rows)])
        return rows_of_windows(by_column / self._unit, len(rows), self.window)

    def steps(self, rows: Float32, row: int) -> Float64:
        """Share of each step around a row, which is in the middle, in its score: (2 window - 1, d)."""
        first = max(row - self.window + 1, 0)
        last = min(row, max(len(rows) - self.window, 0))
        cells = np.concatenate(list(self._cells(rows[first : last + self.window])))
        return steps_around(cells / self._unit, first, row, len(rows))

    def to_state(self) -> State:
        """Everything, as arrays and numbers.

        Raises
        ------
        TypeError
            If the network is a module of the caller's own, which only its code can rebuild.
        """
        if not isinstance(self.network, str):
            raise TypeError(
                "Got a custom network, but expected one by name: save your module with torch.save."
            )
        return {
            "parameters": _torch_networks().block_of(self._module),
            "whitening": self._whitening.to_state(),
            "unit": self._unit,
        }

    @classmethod
    def from_state(cls, window: int, network: str, d: int, data: State) -> NetworkView:
        """Rebuild from :meth:`to_state`; it scores on the CPU, wherever it was trained.

        Raises
        ------
        iotae.serialization.StateError
            If there are not as many parameters as the network has.
        ImportError
            If torch is not installed.
        """
        view, engine = cls(window, network, 0, None), _torch_networks()
        view._module = engine.build(network, d, 0)
        if not engine.load_block(view._module, data["parameters"]):
            raise refuse(data["parameters"], "network.parameters", f"those of {network!r} for {d} features")
        view._whitening, view._unit = Whitening.from_state(data["whitening"]), data["unit"]
        return view
