"""What scores and learns a broker's rows: one model for all devices, or a fleet of models."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from math import isinf
from typing import Any

import numpy as np

from iotae._typing import State
from iotae.data.reasons import Known, reason_of
from iotae.fleet.fleet import Fleet
from iotae.fleet.saving import frame_of, pieces_of
from iotae.runner.ledger import Judgement
from iotae.runner.messages import Message
from iotae.serialization import StateError
from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["DEVICE", "FleetJudge", "ModelJudge"]

DEVICE = ("device",)
"""Where a fleet finds a row's device: under a name that no cell of a message can have."""


class ModelJudge:
    """One model for the rows of all devices.

    Parameters
    ----------
    model : OnlineAutoencoder
    drop : collection of str
        Cells that are no features.
    explain : bool
        Whether alarms get their reason.
    """

    def __init__(self, model: OnlineAutoencoder, drop: Collection[str] = (), explain: bool = False) -> None:
        self.model, self._drop, self._explain = model, frozenset(drop), explain

    def judge(self, message: Message) -> Judgement:
        """Score and judge a row, and learn it; its reason is asked for before."""
        model, row = self.model, _without(message.row, self._drop)
        cut, reason = model.threshold, ""
        if self._explain:
            score = model.score_one(row)
            if score > cut:
                reason = "; ".join(model.reasons_one(row))
            model.learn_one(row)
        else:
            score, _ = model.score_learn_one(row)
        return Judgement(score, score > cut, None if isinf(cut) else cut, reason)

    def to_state(self) -> State:
        """All that was learned."""
        return self.model.to_state()

    def parts(self) -> dict[int, bytes]:
        """Nothing: the model is kept whole."""
        return {}


class FleetJudge:
    """A model for each device, or one with a scale of each, of which only what has changed is put down.

    Parameters are those of :class:`ModelJudge`, with a fleet whose key is :data:`DEVICE`.
    """

    def __init__(self, fleet: Fleet, drop: Collection[str] = (), explain: bool = False) -> None:
        self.model, self._drop, self._explain = fleet, frozenset(drop), explain
        self._changed: set[Hashable] = set()

    @classmethod
    def of_state(
        cls, state: State, parts: Iterable[tuple[int, bytes]], drop: Collection[str], explain: bool
    ) -> FleetJudge:
        """Go on with what :meth:`to_state` and :meth:`parts` have given.

        Raises
        ------
        iotae.serialization.StateError
            If they are damaged, or do not belong together.
        """
        held, came = dict(parts), state.get("came")
        if not isinstance(came, np.ndarray) or not set(came.ravel().tolist()) <= held.keys():
            raise StateError("Got models of some devices alone, but expected one of each that is named")
        devices = [np.frombuffer(held[number], np.uint8) for number in came.ravel().tolist()]
        return cls(Fleet.from_state({**state, "devices": devices}), drop, explain)

    def judge(self, message: Message) -> Judgement:
        """Score and judge a row by its own device, and learn it; its reason is asked for before."""
        fleet, cells = self.model, _without(message.row, self._drop)
        row = {**cells, DEVICE: message.device}
        cut, reason = fleet.threshold_of(row), ""
        if self._explain and fleet.classify(fleet.score_one(row)):
            reason = reason_of(fleet.explain_one(row), cells, Known(fleet.expected_one(row)))
        score, alarm = fleet.score_learn_one(row)
        self._changed.add(message.device)
        return Judgement(score, alarm, None if isinf(cut) else cut, reason)

    def to_state(self) -> State:
        """What is learned of all devices together, and which devices there are."""
        return {"mode": self.model.mode, **frame_of(self.model)}

    def parts(self) -> dict[int, bytes]:
        """The devices that have learned a row since this was asked last."""
        changed, self._changed = self._changed, set()
        return pieces_of(self.model, changed)


def _without(row: dict[Hashable, Any], names: Collection[str]) -> dict[Hashable, Any]:
    return {name: cell for name, cell in row.items() if name not in names} if names else row
