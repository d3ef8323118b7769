"""Whether the devices of a fleet look alike: how far their levels and spreads are from each other's.

It reads what each device's scaler holds already, so it costs nothing while rows come. It looks at levels and
spreads alone, and not at how sensors move together.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from iotae.stream.core import StreamCore
from iotae.stream.features import SENSOR
from iotae.stream.scaler import CENTRE, COUNT, SPREAD

__all__ = ["LEAST_ROWS", "Likeness", "Scales", "likeness_of", "scales_in"]

Scales = Mapping[Hashable, tuple[float, float]]
"""A device's centre and spread of each number."""

LEAST_ROWS = 300
"""Rows of a device before its scale is known well enough."""

_LEAST_DEVICES = 3

_ALIKE_LEVELS, _ALIKE_SPREADS = 0.5, 0.25
_UNLIKE_LEVELS, _UNLIKE_SPREADS = 2.0, 0.7
"""Between these nothing is said. Twelve servers of one kind have 0.1 and 0.05, four captures of unlike
devices spreads of 1.4 and more."""

_LEAST_SHARE = 1e-3
"""A sensor that one device holds still counts as if its spread were this part of the others'."""


class Likeness(NamedTuple):
    """How far devices are from each other."""

    n_devices: int
    """Devices that were looked at."""
    levels: float
    """How far a device's usual value is from the others', in its own spreads: the median over the sensors."""
    spreads: float
    """How far its spread is from the others', as a logarithm of their ratio."""

    @property
    def alike(self) -> bool | None:
        """Whether they look alike; None where that is not clear."""
        if self.levels < _ALIKE_LEVELS and self.spreads < _ALIKE_SPREADS:
            return True
        return False if self.levels > _UNLIKE_LEVELS or self.spreads > _UNLIKE_SPREADS else None


def scales_in(model: StreamCore, stats: np.ndarray) -> dict[Hashable, tuple[float, float]]:
    """The centre and spread of each number of a model, where the statistics of its slots are these."""
    found: dict[Hashable, tuple[float, float]] = {}
    slots = zip(model._features.slots, model._features.kinds, stats.T.tolist(), strict=False)
    for (name, _), kind, figures in slots:
        if kind == SENSOR and figures[COUNT] > 0.0:
            found[name] = figures[CENTRE], figures[SPREAD]
    return found


def likeness_of(devices: Sequence[Scales]) -> Likeness | None:
    """How far devices are from each other; None where they are too few, or have no moving sensor in common.

    Examples
    --------
    >>> same = [{"power": (50.0 + k, 5.0)} for k in range(3)]
    >>> likeness_of(same).alike, likeness_of([*same, {"power": (9.0, 0.1)}, {"power": (9e3, 400.0)}]).alike
    (True, False)
    """
    if len(devices) < _LEAST_DEVICES:
        return None
    levels, spreads = [], []
    for name in dict.fromkeys(name for scales in devices for name in scales):
        had = np.array([scales[name] for scales in devices if name in scales])
        usual = float(np.median(had[:, 1]))
        if len(had) < _LEAST_DEVICES or usual <= 0.0:
            continue
        levels.append(float(np.mean(np.abs(had[:, 0] - np.median(had[:, 0])))) / usual)
        spreads.append(float(np.mean(np.abs(np.log(np.maximum(had[:, 1] / usual, _LEAST_SHARE))))))
    return Likeness(len(devices), float(np.median(levels)), float(np.median(spreads))) if levels else None
