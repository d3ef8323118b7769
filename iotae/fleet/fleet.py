"""The fleet that callers make: of the core's models, one a device or one for all, saved as one file."""

from __future__ import annotations

import copy
import os
from collections.abc import Hashable
from typing import Any, Self

from iotae._typing import State
from iotae._validation import check_choice
from iotae.fleet.core import FleetOf
from iotae.fleet.mode import Mode
from iotae.fleet.saving import check_fleet, fill, state_of
from iotae.fleet.separate import SeparateModels
from iotae.fleet.shared import SharedModel
from iotae.serialization.saved import Saved
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.names import unpacked_name
from iotae.thresholds import AlertBudget

__all__ = ["MODES", "Fleet", "mode_of"]

MODES: dict[str, Any] = {"separate": SeparateModels, "shared": SharedModel}
"""How devices are modelled, by the name that a caller gives."""


def mode_of(model: OnlineAutoencoder, mode: str) -> Mode[Any]:
    """The way of modelling devices, with a copy of a model of which no row was learned."""
    check_choice("mode", mode, MODES)
    if model.n_seen or model.n_rejected:
        raise ValueError(
            f"Got a model that has learned {model.n_seen + model.n_rejected} rows, but expected a new one: "
            "each device begins with a copy of it."
        )
    made: Mode[Any] = MODES[mode](copy.deepcopy(model))
    return made


class Fleet(Saved, FleetOf[Any]):
    """Models for many devices in one stream, in bounded memory.

    A row names its device in the cell ``key``. Its score is measured by its own device's latest scores, so
    scores compare across devices: one cut or one budget serves all, and no device takes all the alarms. Rows
    whose key is missing, None, NaN or blank are of one more device, None; :attr:`n_keyless` counts them.

    Only the devices seen last are in memory. The others are set aside in a private SQLite file, and come back
    bit for bit. Any number of threads may use one fleet; a lock lets in one at a time. Copies are deep.

    Parameters
    ----------
    model : OnlineAutoencoder, optional
        The settings, as a model that has learned nothing. It is copied.
    key : hashable
        The feature that names the device; it is no feature of the models.
    mode : {'separate', 'shared'}
        ``'separate'``: one model a device. What one device does changes nothing of another's. ``'shared'``:
        one network, histogram and covariance of scaled readings for all, and for each device its own scale,
        gates, time memory, calibration and cut: a tenth of the memory, for devices that are alike.
    time : hashable, optional
        The feature that is a row's time, for :meth:`silent`; it stays a feature of the models.
    warm_start : bool
        Whether a new device takes over what an older one with the same features has learned on scaled
        readings.
    max_in_memory : int, at least 1
        Devices in memory at most.
    max_devices : int, at least 1
        Devices that are known at most; the one not seen for longest is forgotten, counted, and begins anew
        when it comes again. A device that is known takes some 500 bytes, and a place in the store.
    budget : AlertBudget, optional
        At most so many alarms of all devices in a day (which needs ``time``) or in so many rows: those above
        the fleet's cut that are rarest. One device has half of them at most.
    store : path, optional
        The file for the others, made when the first is set aside and removed at the end. An existing file is
        left alone: a number is added to the name. By default it is in SQLite's folder for temporary files.

    Attributes
    ----------
    threshold : float
        The cut of all devices, always the same but for a budget.
    n_devices, n_in_memory, n_forgotten : int
        Devices that are known, those of them in memory, and those that were forgotten.
    n_over_budget : int
        Rows above the fleet's cut that raised no alarm because of the budget.
    n_keyless, n_timeless : int
        Rows learned without a key, and without a readable time where ``time`` is given.
    n_rejected, n_unusable : int
        Rows without a usable cell, which no device has learned, and cells that could not be used.

    Examples
    --------
    >>> import numpy as np
    >>> from iotae import OnlineAutoencoder
    >>> rng = np.random.default_rng(0)
    >>> fleet = Fleet(OnlineAutoencoder(seed=0), key="device")
    >>> for load in rng.normal(size=400):
    ...     fleet.learn_one({"device": "pump", "power": 50 + 5 * load, "latency": 20 + 3 * load})
    ...     fleet.learn_one({"device": "fan", "power": 0.5 + 0.1 * load, "latency": 9 - load})
    >>> usual = {"device": "fan", "power": 0.6, "latency": 8.0}
    >>> fleet.score_one(usual) < fleet.threshold < fleet.score_one(usual | {"device": "pump"})
    True
    """

    _KIND = "Fleet"

    def __init__(
        self,
        model: OnlineAutoencoder | None = None,
        key: Hashable = "device",
        mode: str = "separate",
        *,
        time: Hashable | None = None,
        warm_start: bool = False,
        max_in_memory: int = 500,
        store: str | os.PathLike[str] | None = None,
        max_devices: int = 100_000,
        budget: AlertBudget | None = None,
    ) -> None:
        made = mode_of(OnlineAutoencoder() if model is None else model, mode)
        super().__init__(made, key, time, warm_start, max_in_memory, store, max_devices, budget)
        self.mode = mode

    # -- files --------------------------------------------------------------------------------

    def to_state(self) -> State:
        """Everything needed to continue bit for bit, as arrays, numbers and text."""
        return {"mode": self.mode, **state_of(self)}

    @classmethod
    def from_state(cls, data: State) -> Self:
        """Rebuild from :meth:`to_state`; ``StateError`` if it is none. The store is a temporary file."""
        check_fleet(data)
        fleet = cls(
            key=unpacked_name(data["key"]),
            time=unpacked_name(data["time"]),
            warm_start=data["warm_start"],
            max_in_memory=data["max_in_memory"],
            max_devices=data.get("max_devices", max(100_000, len(data["keys"]))),
        )
        fleet.mode = data["mode"]
        fleet._mode = MODES[fleet.mode].from_state(data["models"])
        fill(fleet, data)
        return fleet
