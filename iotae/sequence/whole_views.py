"""The views of a window as a whole: the linear one always, a network's where one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotae._typing import Float32, Float64, State
from iotae.sequence.network_view import NetworkView
from iotae.sequence.window_view import WindowView

__all__ = ["WholeViews"]

_ENERGIES = 3.0
"""The linear view has two, a network one; their mean is the score."""


class WholeViews:
    """Joins the energies of both views.

    Parameters
    ----------
    linear : WindowView
    network : NetworkView or None
    """

    def __init__(self, linear: WindowView, network: NetworkView | None) -> None:
        self.linear, self.network = linear, network

    def fit(self, segments: Sequence[Float32]) -> WholeViews:
        """Learn from scaled segments (n_i, d), missing cells as 0."""
        self.linear.fit(segments)
        if self.network is not None:
            self.network.fit(segments)
        return self

    def _join(self, linear: Float64, name: str, *arguments: Any) -> Float64:
        if self.network is None:
            return linear
        theirs: Float64 = getattr(self.network, name)(*arguments)
        return (2.0 * linear + theirs) / _ENERGIES

    def score(self, rows: Float32) -> Float64:
        """Mean of the energies, in their units, of the windows that hold each row (n,)."""
        return self._join(self.linear.score(rows), "score", rows)

    def shares(self, rows: Float32) -> Float64:
        """Each column's share (n, d) of :meth:`score`."""
        return self._join(self.linear.shares(rows), "shares", rows)

    def steps(self, rows: Float32, row: int) -> Float64:
        """Share of each step around a row, which is in the middle, in its score: (2 window - 1, d)."""
        return self._join(self.linear.steps(rows, row), "steps", rows, row)

    def to_state(self) -> State:
        """Everything, as arrays and numbers."""
        network = None if self.network is None else self.network.to_state()
        return {"window": self.linear.to_state(), "network": network}

    @classmethod
    def from_state(cls, data: State, d: int) -> WholeViews:
        """Rebuild from the state of a model of ``d`` features, which is as the schema says."""
        settings = data["settings"]
        network, state = settings.get("network"), data.get("network")
        view = None if state is None else NetworkView.from_state(settings["window"], network, d, state)
        return cls(WindowView.from_state(settings["window"], data["window"]), view)
