"""What a filter asks of the detector that it wraps: to explain a score, and to be saved and rebuilt."""

from __future__ import annotations

from typing import Any

from river import base, compose

from iotae._typing import State
from iotae.thresholds import Threshold
from river_iotae.detector import IoTAE
from river_iotae.state_schema import RULES

__all__ = ["explained", "filter_state", "parts_of_state"]


def explained(detector: Any, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
    """Each feature's share of a row's score, from a detector or the last step of a pipeline.

    Raises
    ------
    AttributeError
        If it does not explain its scores.
    """
    if isinstance(detector, compose.Pipeline):
        *before, detector = detector.steps.values()
        for step in before:
            x = step.transform_one(x)
    if not hasattr(detector, "explain_one"):
        raise AttributeError(
            f"Got the detector {type(detector).__name__}, which does not explain its scores, but expected "
            "one with explain_one, e.g. river_iotae.IoTAE."
        )
    shares: dict[base.typing.FeatureName, float] = detector.explain_one(x)
    return shares


def filter_state(detector: Any, rule: Threshold, threshold: Threshold) -> State:
    """The detector, the rule as it was given and the threshold as it is now, as arrays, numbers and text.

    Raises
    ------
    TypeError
        If the detector or the rule could only be rebuilt by code of their own.
    """
    if not issubclass(type(detector), IoTAE) or type(rule).__name__ not in RULES:
        other = rule if issubclass(type(detector), IoTAE) else detector
        raise TypeError(
            f"Got a {type(other).__name__}, but expected river_iotae.IoTAE with a threshold of "
            "iotae.thresholds: others can only be rebuilt by their code, e.g. with pickle."
        )
    return {
        "detector": detector.to_state(),
        "rule": {type(rule).__name__: rule.to_state()},
        "threshold": threshold.to_state(),
    }


def parts_of_state(data: State) -> tuple[IoTAE, Threshold, Threshold]:
    """What :func:`filter_state` was given."""
    ((name, rule),) = data["rule"].items()
    kind = RULES[name]
    return IoTAE.from_state(data["detector"]), kind.from_state(rule), kind.from_state(data["threshold"])
