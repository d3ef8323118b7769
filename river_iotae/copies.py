"""A fleet of any River detector: one copy a device, and of each copy the latest scores."""

from __future__ import annotations

import math
import pickle
from collections.abc import Hashable
from typing import Any

from river import base

from iotae._typing import State
from iotae.fleet.heights import common_cut, height, points_of
from iotae.fleet.mode import Mode, Row
from iotae.stream.score_scale import bounded
from iotae.thresholds import ConformalThreshold
from iotae.thresholds.window import ScoreWindow
from river_iotae.wrapped import explained

__all__ = ["Copies", "Copy"]

_HIGHEST = 1.0 - 2.0**-53


class Copy:
    """One device's detector, and its latest scores."""

    def __init__(self, detector: Any, window: ScoreWindow) -> None:
        self.detector, self.window = detector, window

    def scale(self, raw: float, alpha: float) -> float:
        """A score of this copy in [0, 1), as one that compares across devices."""
        points = points_of(self.window, alpha, least=2)
        if points is None or math.isnan(raw):
            return 0.0
        if math.isinf(raw):
            return _HIGHEST if raw > 0.0 else 0.0
        # scores on any scale: a distance is small beside the scores themselves
        least = 1e-9 * max(abs(points.middle), abs(points.high), 1e-9)
        nats, limit = min(height(raw, points, least), 1e15), -math.log(alpha)
        return bounded(nats if points.top <= alpha else limit * nats / (limit + nats))


class Copies(Mode[Copy]):
    """Each device has a new copy of a detector; nothing is taken over from older ones."""

    mature = 2**62

    def __init__(self, detector: base.AnomalyDetector, alpha: float) -> None:
        self.detector, self.alpha = detector, alpha
        self.threshold = common_cut(alpha)

    def newcomer(self, older: Copy | None) -> Copy:
        """See :class:`iotae.fleet.mode.Mode`."""
        return Copy(self.detector.clone(), ScoreWindow(ConformalThreshold(self.alpha).window))

    def score(self, device: Copy, x: Row) -> float:
        """See :class:`iotae.fleet.mode.Mode`."""
        return device.scale(float(device.detector.score_one(x)), self.alpha)

    def judge(self, device: Copy, x: Row) -> float:
        """See :class:`iotae.fleet.mode.Mode`."""
        raw = float(device.detector.score_one(x))
        score = device.scale(raw, self.alpha)
        device.detector.learn_one(x)
        if math.isfinite(raw):
            device.window.push(raw)
        return score

    def explain(self, device: Copy, x: Row) -> dict[Hashable, float]:
        """See :class:`iotae.fleet.mode.Mode`."""
        parts: dict[Hashable, float] = {**explained(device.detector, x)}
        total = sum(parts.values())
        share = self.score(device, x) / total if total > 0.0 else 0.0
        return {name: part * share for name, part in parts.items()}

    def expected(self, device: Copy, x: Row) -> dict[Hashable, float]:
        """See :class:`iotae.fleet.mode.Mode`."""
        if not hasattr(device.detector, "expected_one"):
            raise AttributeError(
                f"Got the detector {type(device.detector).__name__}, which does not say what it expects, but "
                "expected one with expected_one, e.g. river_iotae.IoTAE."
            )
        values: dict[Hashable, float] = device.detector.expected_one(x)
        return values

    def pack(self, device: Copy) -> bytes:
        """See :class:`iotae.fleet.mode.Mode`; the store's seal lets nothing else be unpickled."""
        return pickle.dumps(device, pickle.HIGHEST_PROTOCOL)

    def unpack(self, blob: bytes) -> Copy:
        """See :class:`iotae.fleet.mode.Mode`."""
        device: Copy = pickle.loads(blob)
        return device

    def state_of(self, device: Copy) -> State:
        """See :class:`iotae.fleet.mode.Mode`; :meth:`to_state` refuses before."""
        return self.to_state()

    def of_state(self, data: State) -> Copy:
        """See :class:`iotae.fleet.mode.Mode`."""
        raise TypeError("Got the state of another detector, but expected one of iotae's models.")
