"""Many devices in one stream, as one River detector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from river import base

from iotae._sharing import Unshared
from iotae._typing import State
from iotae._validation.schema import check, refuse
from iotae.fleet import Fleet as FleetOfModels
from iotae.serialization.saved import Saved
from iotae.thresholds import AlertBudget
from river_iotae.detector import IoTAE
from river_iotae.fleet_figures import ModelOfDevices
from river_iotae.state_schema import FLEET

__all__ = ["Fleet"]


class Fleet(ModelOfDevices, Saved, Unshared, base.Wrapper, base.AnomalyDetector):
    """Models for many devices in one stream, in bounded memory.

    A row names its device in the feature `key`, which no model sees. Scores are measured by the device's own
    latest scores, so they compare across devices: `threshold` is one number that never moves, and a row above
    it is an alarm by its own device's cut. Rows without a key (missing, None, NaN, blank) are of one more
    device, None.

    Only the devices seen last are in memory; the others are set aside in a private SQLite file and come back
    bit for bit. Any number of threads may use one fleet. Copies are deep.

    Parameters
    ----------
    model
        An anomaly detector that has learned nothing. Of `IoTAE` the settings are used; of any other detector
        or pipeline each device gets a clone.
    key
        The feature that names the device.
    mode
        `'separate'`, one model a device, or `'shared'`, which only `IoTAE` can: one network, histogram and
        covariance of scaled readings for all, with scale, gates, calibration and cut for each device.
    time
        The feature that is a row's time, for `silent`. It stays a feature.
    alpha
        The false-alarm rate asked for, in (0, 1); by default that of `IoTAE`, and 0.01 for others.
    warm_start
        Whether a new device takes over what an older one with the same features has learned on scaled
        readings. Only `IoTAE` can.
    max_in_memory
        Devices in memory at most.
    store
        The file for the others, removed at the end. An existing file is left alone: a number is added to the
        name. By default a temporary file.
    max_devices
        Devices that are known at most: the one not seen for longest is forgotten, and begins anew later.
    budget
        A budget of all devices together: at most so many alarms in a day (which needs `time`) or in so many
        rows, those above the fleet's cut that are rarest. One device has half at most: `score_learn_one`
        keeps to that, but `classify` does not know of which device a score is.

    Attributes
    ----------
    threshold
        The cut of all devices.
    n_devices
        Devices of which a row was learned.
    n_in_memory
        How many of them are in memory.
    n_forgotten
        Number of devices that were forgotten.
    n_over_budget
        Number of rows above the fleet's cut that raised no alarm because of the budget.
    n_keyless
        Number of rows learned without a key.
    n_timeless
        Number of rows learned without a readable time, where `time` is given.

    Examples
    --------

    >>> import random
    >>> from river_iotae import Fleet, IoTAE

    >>> rng = random.Random(42)
    >>> model = Fleet(IoTAE(seed=42), key="device")
    >>> for _ in range(500):
    ...     load = rng.gauss(0, 1)
    ...     model.learn_one({"device": "pump", "power": 50 + 5 * load, "latency": 20 + 3 * load})
    ...     model.learn_one({"device": "fan", "power": 0.5 + 0.1 * load, "latency": 9 - load})
    >>> x = {"device": "fan", "power": 0.6, "latency": 8.0}
    >>> model.classify(model.score_one(x)), model.classify(model.score_one(x | {"device": "pump"}))
    (False, True)
    >>> model.n_devices
    2

    References
    ----------
    [^1]: Vovk, V., Gammerman, A. and Shafer, G., 2005. Algorithmic learning in a random world. Springer.

    """

    _KIND = "river_iotae.Fleet"

    def __init__(
        self,
        model: base.AnomalyDetector,
        key: base.typing.FeatureName = "device",
        mode: str = "separate",
        time: base.typing.FeatureName | None = None,
        alpha: float | None = None,
        warm_start: bool = False,
        max_in_memory: int = 500,
        store: str | None = None,
        max_devices: int = 100_000,
        budget: AlertBudget | None = None,
    ) -> None:
        self.model = model
        self.key = key
        self.mode = mode
        self.time = time
        self.alpha = alpha
        self.warm_start = warm_start
        self.max_in_memory = max_in_memory
        self.store = store
        self.max_devices = max_devices
        self.budget = budget
        self._fleet = self._made()

    @property
    def _wrapped_model(self) -> Any:
        return self.model

    def learn_one(self, x: dict[base.typing.FeatureName, Any], **kwargs: Any) -> None:
        """Update the model of the row's device.

        Parameters
        ----------
        x
            A dictionary of features.
        kwargs
            None: River asks wrappers to name them.

        """
        _refuse(kwargs)
        self._fleet.learn_one(x)

    def score_one(self, x: dict[base.typing.FeatureName, Any], **kwargs: Any) -> float:
        """Return an outlier score.

        Parameters
        ----------
        x
            A dictionary of features.
        kwargs
            None: River asks wrappers to name them.

        Returns
        -------
        A score in [0, 1), measured by the latest scores of the row's device.

        """
        _refuse(kwargs)
        return self._fleet.score_one(x)

    def score_learn_one(self, x: dict[base.typing.FeatureName, Any]) -> tuple[float, bool]:
        """Score a row, judge it and learn it in one call, with the same results.

        Parameters
        ----------
        x
            A dictionary of features.

        Returns
        -------
        The score, and whether it is anomalous.

        """
        return self._fleet.score_learn_one(x)

    def classify(self, score: float) -> bool:
        """Whether a score is anomalous on its own device."""
        return self._fleet.classify(score)

    def learn_many(self, X: Any, **kwargs: Any) -> None:
        """Update with the rows of a data frame or a list of dictionaries, the same as row by row."""
        _refuse(kwargs)
        self._fleet.learn_many(X)

    def to_state(self) -> State:
        """Return everything needed to continue, as arrays, numbers and text.

        Raises
        ------
        TypeError
            If the detector is not `river_iotae.IoTAE`, as only code could rebuild it.

        """
        # a fleet of other detectors refuses
        self._fleet._mode.to_state()
        fleet: FleetOfModels = self._fleet  # type: ignore[assignment]
        state = {"alpha": self.alpha, "fleet": fleet.to_state(), "model": self.model.to_state()}
        return state if self.budget is None else {**state, "budget": self.budget.to_state()}

    @classmethod
    def from_state(cls, data: State) -> Fleet:
        """Rebuild from `to_state`; raises `iotae.serialization.StateError` if it is none."""
        check({name: part for name, part in data.items() if name != "fleet"}, FLEET)
        model, fleet = IoTAE.from_state(data["model"]), FleetOfModels.from_state(data["fleet"])
        if model.n_seen or model.n_rejected:
            raise refuse(model.n_seen, "model", "a model that has learned nothing")
        restored = cls(
            model,
            fleet.key,
            fleet.mode,
            fleet.time,
            data["alpha"],
            fleet.warm_start,
            fleet.max_in_memory,
            max_devices=fleet.max_devices,
            budget=AlertBudget.from_state(data["budget"]) if "budget" in data else None,
        )
        if fleet._mode.threshold != restored._fleet._mode.threshold:
            raise refuse(data["alpha"], "alpha", "the rate of the fleet's models")
        restored._fleet = fleet
        return restored

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from river import anomaly, preprocessing

        yield {"model": IoTAE(seed=1)}
        yield {"model": IoTAE(seed=1), "mode": "shared", "max_in_memory": 1}
        yield {"model": preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=1)}


def _refuse(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise TypeError(
            f"Got {', '.join(kwargs)}, but expected a row alone: a fleet's detectors take no more."
        )
