"""One model for all devices, and of each device its own scale, gates, time memory, calibration and cut.

The shared memory is made that of the row's device before each row: its part is put in, and taken out again.
What rows teach the shared part passes the device's own gates, so a device that has gone mad is kept out by
them until it persists.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable
from typing import Any

import numpy as np

from iotae._typing import Int64, State
from iotae._validation.schema import COUNT, Array, Record, check, refuse
from iotae.fleet.heights import common_cut
from iotae.fleet.likeness import Scales, scales_in
from iotae.fleet.mode import Mode, Row
from iotae.fleet.newcomers import first_scores, weigh_as
from iotae.fleet.own_device import OwnDevice, own_device, own_state, pack_own, unpack_own
from iotae.fleet.own_parts import OwnParts, fresh_parts, own_parts, put_parts
from iotae.fleet.separate import Scale, check_settings, is_ready, shares_of, template_of
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.counters import ACCEPTED
from iotae.stream.saving import restored
from iotae.stream.scaler import STATISTICS
from iotae.stream.state_schema import MADE_WITH, check_state
from iotae.thresholds import ConformalThreshold

__all__ = ["SharedModel"]

_LATEST, _TRIMMED_FROM = 2048, 4096
"""Where more rows than the second were accepted, the shared part counts as if it had been the first: what is
a newcomer's own follows at the pace of the rows that are counted."""

_CHANGES = Record({"since": Array(np.int64, "slots", low=0), "changes": COUNT})

_GRACE = 100
"""Rows of a device before its first alarm, once others have calibrated the fleet."""


class _Common(OnlineAutoencoder):
    """A model that remembers when each slot got its present feature."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.changes = 0
        self.since: Int64 = np.zeros(0, np.int64)

    def _take_in(self, given: list[int]) -> None:
        super()._take_in(given)
        self.changes += 1
        since: Int64 = np.zeros(self._state.n_slots, np.int64)
        since[: self.since.size] = self.since
        since[given] = self.changes
        self.since = since


class SharedModel(Mode[OwnDevice]):
    """Each device has its own parts, put into one memory before each of its rows."""

    mature = 500

    def __init__(self, template: OnlineAutoencoder) -> None:
        self.template = template
        self.threshold = common_cut(template.alpha)
        settings = {name: getattr(template, name) for name in MADE_WITH}
        self.common = _Common(max_features=template.max_features, **settings)
        self._within: OwnDevice | None = None

    def _new_threshold(self) -> ConformalThreshold:
        alpha = self.template.alpha
        return ConformalThreshold(alpha, int(min(max(500.0, 5.0 / alpha), 100_000.0)))

    def newcomer(self, older: OwnDevice | None) -> OwnDevice:
        """See :class:`Mode`."""
        common, grace = self.common, self.template.grace_period
        threshold = self._new_threshold()
        if older is not None:
            threshold, grace = first_scores(older.threshold, threshold), min(grace, _GRACE)
        return OwnDevice(fresh_parts(common), threshold, grace, common.changes)

    # -- one memory for all -------------------------------------------------------------------

    def _enter(self, device: OwnDevice) -> _Common:
        """Make the shared model that of a device."""
        common = self.common
        if self._within is not device:
            self._bring_up_to_date(device)
            put_parts(device.parts, common._memory)
            common._threshold, common.grace_period = device.threshold, device.grace_period
            common.n_seen, common.n_rejected = device.n_seen, device.n_rejected
            common._confirmed, common.n_withheld = device.confirmed, device.n_withheld
            self._within = device
        return common

    def _bring_up_to_date(self, device: OwnDevice) -> None:
        """Give a device's parts the slots that there are by now, those given anew as if never seen."""
        common, known = self.common, device.parts.slots.shape[1]
        if device.at == common.changes:
            return
        parts = fresh_parts(common)
        kept = np.flatnonzero(common.since[:known] <= device.at)
        parts.slots[:, kept] = device.parts.slots[:, kept]
        device.parts, device.at = OwnParts(parts.slots, device.parts.figures), common.changes

    def _leave(self, device: OwnDevice) -> None:
        """Take the device's part out again, after a row was learned."""
        common = self.common
        device.parts, device.at = own_parts(common._memory), common.changes
        device.n_seen, device.n_rejected = common.n_seen, common.n_rejected
        device.n_withheld = common.n_withheld
        if common._views["counts"][ACCEPTED] >= _TRIMMED_FROM:
            weigh_as(common, _LATEST)

    def _empty(self) -> None:
        """Make the shared model that of no device, so that equal fleets are equal whoever spoke last."""
        self._enter(self.newcomer(None))
        self._within = None

    def score(self, device: OwnDevice, x: Row) -> float:
        """See :class:`Mode`."""
        common = self._enter(device)
        return Scale(common).of(common.score_one(x), common.alpha)

    def judge(self, device: OwnDevice, x: Row) -> float:
        """See :class:`Mode`."""
        common = self._enter(device)
        scale = Scale(common)
        try:
            return scale.of(common.score_learn_one(x)[0], common.alpha)
        finally:
            self._leave(device)

    def ready(self, device: OwnDevice) -> bool:
        """See :class:`Mode`."""
        return is_ready(self._enter(device))

    def set_aside(self, device: OwnDevice) -> tuple[int, int]:
        """See :class:`Mode`."""
        return device.n_rejected, self.common.n_unusable

    def explain(self, device: OwnDevice, x: Row) -> dict[Hashable, float]:
        """See :class:`Mode`."""
        return shares_of(self._enter(device), x)

    def expected(self, device: OwnDevice, x: Row) -> dict[Hashable, float]:
        """See :class:`Mode`."""
        return self._enter(device).expected_one(x)

    def scales(self, device: OwnDevice) -> Scales:
        """See :class:`Mode`."""
        self._bring_up_to_date(device)
        return scales_in(self.common, device.parts.slots[:STATISTICS])

    def answering(self, device: OwnDevice) -> OnlineAutoencoder:
        """See :class:`Mode`."""
        return self._enter(device)

    def answered(self, device: OwnDevice) -> None:
        """See :class:`Mode`."""
        self._leave(device)

    # -- bytes and files ----------------------------------------------------------------------

    def pack(self, device: OwnDevice) -> bytes:
        """See :class:`Mode`."""
        return pack_own(device)

    def unpack(self, blob: bytes) -> OwnDevice:
        """See :class:`Mode`."""
        return unpack_own(blob, self._new_threshold())

    def state_of(self, device: OwnDevice) -> State:
        """See :class:`Mode`."""
        self._bring_up_to_date(device)
        return own_state(device)

    def of_state(self, data: State) -> OwnDevice:
        """See :class:`Mode`."""
        common = self.common
        device = own_device(data, common._state.n_slots, self._new_threshold(), common.changes)
        # with the shared part it must be a whole model as one in a file must be
        check_state(self._enter(device).to_state())
        return device

    def to_state(self) -> State:
        """See :class:`Mode`."""
        self._empty()
        common = self.common
        return {
            "template": self.template.to_state(),
            "common": common.to_state(),
            "since": common.since.copy(),
            "changes": common.changes,
        }

    @classmethod
    def from_state(cls, data: State) -> SharedModel:
        """Rebuild from :meth:`to_state`; ``StateError`` if it is none."""
        made = cls(template_of(data))
        made.common = restored(_Common, data["common"])
        check_settings(made.common, made.template)
        common, d = made.common, made.common._state.n_slots
        # in the first files all devices were up to date
        found = {"since": data.get("since", np.zeros(d, np.int64)), "changes": data.get("changes", 0)}
        check(found, _CHANGES)
        if found["since"].size != d or found["since"].max(initial=0) > found["changes"]:
            raise refuse(found["since"], "models.since", f"of {d} slots, each at most {found['changes']}")
        common.since, common.changes = found["since"], found["changes"]
        return made

    def copied(self) -> SharedModel:
        """See :class:`Mode`."""
        self._empty()
        twin = SharedModel(copy.deepcopy(self.template))
        twin.common = copy.deepcopy(self.common)
        return twin
