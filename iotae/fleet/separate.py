"""One model a device: what one device does changes nothing of another's."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from math import log

from iotae._typing import State
from iotae._validation.schema import refuse
from iotae.fleet.heights import LEAST_SCORES, Points, common_cut, height, points_of
from iotae.fleet.likeness import Scales, scales_in
from iotae.fleet.mode import Mode, Row
from iotae.fleet.newcomers import MATURE, begin_as_newcomer
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.compact import pack, unpack
from iotae.stream.score_scale import bounded, unbounded
from iotae.stream.state_schema import MADE_WITH

__all__ = ["Scale", "SeparateModels", "check_settings", "shares_of", "template_of"]

_LEAST_REACH = 0.05
"""Nats between two points at least."""

_AT_FIRST = Points(3.0, 4.5, 7.0, 0.01)
"""Raw scores that stand for the three points while a device has hardly any scores."""


def is_ready(model: OnlineAutoencoder) -> bool:
    """Whether a model has rows and scores enough to raise an alarm."""
    n_scores = len(model._threshold._window)
    return model.n_seen >= model.grace_period and (
        n_scores < LEAST_SCORES or 1.0 / (n_scores + 1) <= model.alpha
    )


class Scale:
    """How a model's scores are measured now, before it learns another row."""

    __slots__ = ("_points", "_ready")

    def __init__(self, model: OnlineAutoencoder) -> None:
        points = points_of(model._threshold._window, model.alpha)
        if points is None:
            self._points = _AT_FIRST._replace(top=model.alpha)
        else:
            self._points = Points(
                unbounded(points.middle), unbounded(points.low), unbounded(points.high), points.top
            )
        self._ready = is_ready(model)

    def of(self, score: float, alpha: float) -> float:
        """A model's score as one that compares across devices; below the cut while none is an alarm."""
        nats, limit = height(unbounded(score), self._points, _LEAST_REACH), -log(alpha)
        return bounded(nats if self._ready else limit * nats / (limit + nats))


def shares_of(model: OnlineAutoencoder, x: Row) -> dict[Hashable, float]:
    """Each feature's share of the score that compares across devices, largest first."""
    parts = model.explain_one(x)
    total = sum(parts.values())
    share = Scale(model).of(model.score_one(x), model.alpha) / total if total > 0.0 else 0.0
    return {name: part * share for name, part in parts.items()}


class SeparateModels(Mode[OnlineAutoencoder]):
    """Each device has a copy of the template, or what an older device with the same features has learned."""

    mature = MATURE

    def __init__(self, template: OnlineAutoencoder) -> None:
        self.template = template
        self.threshold = common_cut(template.alpha)

    def newcomer(self, older: OnlineAutoencoder | None) -> OnlineAutoencoder:
        """See :class:`Mode`."""
        if older is None:
            return copy.deepcopy(self.template)
        model = self.unpack(self.pack(older))
        model.grace_period = self.template.grace_period
        begin_as_newcomer(model)
        return model

    def score(self, device: OnlineAutoencoder, x: Row) -> float:
        """See :class:`Mode`."""
        return Scale(device).of(device.score_one(x), device.alpha)

    def judge(self, device: OnlineAutoencoder, x: Row) -> float:
        """See :class:`Mode`."""
        scale = Scale(device)
        return scale.of(device.score_learn_one(x)[0], device.alpha)

    def ready(self, device: OnlineAutoencoder) -> bool:
        """See :class:`Mode`."""
        return is_ready(device)

    def set_aside(self, device: OnlineAutoencoder) -> tuple[int, int]:
        """See :class:`Mode`."""
        return device.n_rejected, device.n_unusable

    def explain(self, device: OnlineAutoencoder, x: Row) -> dict[Hashable, float]:
        """See :class:`Mode`."""
        return shares_of(device, x)

    def expected(self, device: OnlineAutoencoder, x: Row) -> dict[Hashable, float]:
        """See :class:`Mode`."""
        return device.expected_one(x)

    def scales(self, device: OnlineAutoencoder) -> Scales:
        """See :class:`Mode`."""
        return scales_in(device, device._views["stats"])

    def answering(self, device: OnlineAutoencoder) -> OnlineAutoencoder:
        """See :class:`Mode`."""
        return device

    def pack(self, device: OnlineAutoencoder) -> bytes:
        """See :class:`Mode`."""
        return pack(device)

    def unpack(self, blob: bytes) -> OnlineAutoencoder:
        """See :class:`Mode`."""
        return unpack(blob, self.template)

    def state_of(self, device: OnlineAutoencoder) -> State:
        """See :class:`Mode`."""
        return device.to_state()

    def of_state(self, data: State) -> OnlineAutoencoder:
        """See :class:`Mode`."""
        model = OnlineAutoencoder.from_state(data)
        check_settings(model, self.template)
        return model

    def to_state(self) -> State:
        """See :class:`Mode`."""
        return {"template": self.template.to_state()}

    @classmethod
    def from_state(cls, data: State) -> SeparateModels:
        """Rebuild from :meth:`to_state`; ``StateError`` if it is none."""
        return cls(template_of(data))


def check_settings(model: OnlineAutoencoder, template: OnlineAutoencoder) -> None:
    """Refuse a model that has not the template's settings; how long it waits before an alarm may differ."""
    for name in (*MADE_WITH, "max_features"):
        found, wanted = getattr(model, name), getattr(template, name)
        if name != "grace_period" and found != wanted:
            raise refuse(found, f"device.{name}", f"the fleet's {wanted!r}")


def template_of(data: State) -> OnlineAutoencoder:
    """The model that new devices begin with, from a fleet's file."""
    template = OnlineAutoencoder.from_state(data["template"])
    if template.n_seen or template.n_rejected:
        raise refuse(template.n_seen, "template", "a model that has learned nothing")
    return template
