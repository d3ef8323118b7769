"""The core's fleet that a River fleet asks, and what it says of devices and rows."""

from __future__ import annotations

from typing import Any

from river import base

from iotae._validation import check_choice, check_share
from iotae.fleet import Device, Fleet, Silence
from iotae.fleet.core import FleetOf
from iotae.stream.blocks import Judged
from iotae.stream.confirmed import Confirmed
from iotae.thresholds import AlertBudget
from river_iotae.copies import Copies
from river_iotae.detector import IoTAE
from river_iotae.frames import like_frame

__all__ = ["ModelOfDevices"]


class ModelOfDevices:
    """A River detector whose work is done by a fleet of the core, with that fleet's figures."""

    model: base.AnomalyDetector
    key: base.typing.FeatureName
    mode: str
    time: base.typing.FeatureName | None
    alpha: float | None
    warm_start: bool
    max_in_memory: int
    store: str | None
    max_devices: int
    budget: AlertBudget | None
    _fleet: FleetOf[Any]

    def _made(self) -> FleetOf[Any]:
        check_choice("mode", self.mode, ("separate", "shared"))
        if self.alpha is not None:
            check_share("alpha", self.alpha, meaning="the alarm rate you can live with, e.g. alpha=0.01")
        # River calls a pipeline an instance of its last step
        if issubclass(type(self.model), IoTAE):
            template = self.model._model
            if self.alpha is not None and not template.n_seen + template.n_rejected:
                template = IoTAE(**{**self.model._get_params(), "alpha": self.alpha})._model
            return Fleet(
                template,
                self.key,
                self.mode,
                time=self.time,
                warm_start=self.warm_start,
                max_in_memory=self.max_in_memory,
                store=self.store,
                max_devices=self.max_devices,
                budget=self.budget,
            )
        if self.mode == "shared":
            raise ValueError(
                f"Got mode='shared' with {type(self.model).__name__}, but expected river_iotae.IoTAE: of "
                "other detectors each device has its own copy, mode='separate'."
            )
        copies = Copies(self.model, 0.01 if self.alpha is None else self.alpha)
        in_memory, store = self.max_in_memory, self.store
        return FleetOf(copies, self.key, self.time, False, in_memory, store, self.max_devices, self.budget)

    def explain_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
        """Return each feature's share of the score, where the detector explains its scores."""
        return self._fleet.explain_one(x)

    def expected_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
        """Return what the row's device expects of each number, where the detector says so."""
        return self._fleet.expected_one(x)

    def confirm_one(self, x: dict[base.typing.FeatureName, Any], label: bool | int | str) -> str:
        """Take an operator's answer to an alarm of the row's device, and return the kind in words.

        Parameters
        ----------
        x
            The row that was the alarm, with its key, before it is learned.
        label
            What it was: 0 or 'normal', so that such rows of the device raise no alarm any more, or 1 or
            'anomaly', so that such rows are never learned. Only `IoTAE` takes answers.

        """
        return self._fleet.confirm_one(x, label)

    def confirmed(self) -> dict[base.typing.FeatureName, list[Confirmed]]:
        """Return the kinds of alarm that were confirmed, of each device that was answered."""
        return self._fleet.confirmed()

    def forget_confirmed(self, key: base.typing.FeatureName, number: int) -> None:
        """Forget a device's kind of alarm, by its number in `confirmed`."""
        self._fleet.forget_confirmed(key, number)

    def score_many(self, X: Any) -> Any:
        """Return the scores of the rows of a data frame: a Series for pandas and polars, else an array."""
        return like_frame(X, self._fleet.score_many(X))

    def score_learn_many(self, X: Any) -> Judged:
        """Score, judge and learn the rows of a data frame in order, the same as row by row.

        Parameters
        ----------
        X
            A data frame of any library that narwhals knows, or a list of dictionaries.

        Returns
        -------
        Three arrays, one value for each row: `scores`, the `thresholds` that they were compared with, and
        `alarms`.

        """
        return self._fleet.score_learn_many(X)

    @property
    def threshold(self) -> float:
        """The cut of all devices; it never moves but for a budget."""
        return self._fleet.threshold

    @property
    def n_devices(self) -> int:
        """Number of devices of which a row was learned."""
        return self._fleet.n_devices

    @property
    def n_forgotten(self) -> int:
        """Number of devices that were forgotten, as there were more than `max_devices`."""
        return self._fleet.n_forgotten

    @property
    def n_over_budget(self) -> int:
        """Number of rows above the fleet's cut that raised no alarm because of the budget."""
        return self._fleet.n_over_budget

    @property
    def n_in_memory(self) -> int:
        """Number of devices in memory; the others are set aside."""
        return self._fleet.n_in_memory

    @property
    def n_keyless(self) -> int:
        """Number of rows learned without a key."""
        return self._fleet.n_keyless

    @property
    def n_timeless(self) -> int:
        """Number of rows learned without a readable time."""
        return self._fleet.n_timeless

    def devices(self) -> list[Device]:
        """Return each device's key, rows, alarms and the time of its latest row, in the order they came."""
        return self._fleet.devices()

    def silent(self, now: Any, times: float = 10.0) -> list[Silence]:
        """Return the devices that have been silent for more than `times` their usual pause.

        Parameters
        ----------
        now
            The time: a datetime, ISO text or a number of seconds since 1970.
        times
            How many usual pauses are too many.

        """
        return self._fleet.silent(now, times)
