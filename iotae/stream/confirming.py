"""A stream's model that an operator may answer: an alarm was normal, or it was an anomaly."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any

from iotae.stream import alarm_kinds as _kinds
from iotae.stream.alarm_kinds import Alarm, Trait
from iotae.stream.blocks import Block
from iotae.stream.categories import value_key
from iotae.stream.confirmed import Confirmed
from iotae.stream.core import StreamCore
from iotae.stream.explanation import causes, expected_values, shares
from iotae.stream.features import SENSOR
from iotae.stream.grounds import usual_ranges
from iotae.stream.reading import Reading, as_row
from iotae.stream.scaler import CENTRE, LARGEST, SPREAD
from iotae.stream.score_scale import bounded
from iotae.stream.sensor_figures import TO_DEVIATION

__all__ = ["Confirming"]

_MOST_TRAITS = 3
_LEAST_SHARE = 0.1
"""Share of the score from which on a feature belongs to a kind, beside the first."""

_NEAR, _NEAR_BY_SIZE = 2.0, 0.25
"""A value is alike within two deviations of the feature, or a quarter of how far out it is."""

_ANSWERS = {"normal": False, "anomaly": True, 0: False, 1: True}


class Confirming(StreamCore):
    """The part of :class:`iotae.OnlineAutoencoder` that takes an operator's answers."""

    def confirm_one(self, x: Mapping[Hashable, Any], label: bool | int | str) -> str:
        """Take an operator's answer to an alarm, best before the row is learned; the kind of alarm in words.

        Rows of a kind that was normal score no higher than :attr:`threshold` from now on, so they raise no
        alarm. Rows of a kind that was an anomaly are never learned while they would be alarms, nor do they
        become a habit. Two alarms are of one kind where the features that most of the score comes from stand
        out for the same reason, on the same side, at similar values, and the score is not much higher. The
        latest answer counts. 64 kinds are remembered; the one met least lately gives way. With kinds to
        compare, frames are taken row by row, which is slower.

        Parameters
        ----------
        x : mapping
            The row that was the alarm.
        label : {0, 1}, bool, or {'normal', 'anomaly'}
            What it was: 0, False and 'normal' are the same.

        Raises
        ------
        ValueError
            If the label is another, or the row has no cell that the model knows.

        Examples
        --------
        >>> import numpy as np
        >>> from iotae import OnlineAutoencoder
        >>> rng = np.random.default_rng(0)
        >>> model = OnlineAutoencoder(seed=0)
        >>> for load in rng.normal(size=500):
        ...     model.learn_one({"power": 50 + 5 * load, "latency": 20 + 3 * load})
        >>> cleaning = {"power": 50.0, "latency": 60.0}
        >>> model.classify(model.score_one(cleaning))
        True
        >>> model.confirm_one(cleaning, "normal")
        'latency 60 above what is expected'
        >>> model.classify(model.score_one(cleaning)), model.classify(model.score_one({"latency": -60.0}))
        (False, True)
        >>> model.forget_confirmed(model.confirmed[0].number)
        >>> model.classify(model.score_one(cleaning))
        True
        """
        if not isinstance(label, (bool, int, str)) or label not in _ANSWERS:
            raise ValueError(f"Got label={label!r}, but expected 0 or 'normal', 1 or 'anomaly'.")
        row, anomaly = as_row(x), _ANSWERS[label]
        with self._lock:
            raw = self._raw_score(row)
            if raw < 0.0:
                raise ValueError(
                    "Got a row without a cell that the model knows, but expected one that it has scored."
                )
            alarm = self._alarm(row, raw)
            if anomaly:
                self._forget_habit(alarm.traits[0][0].name)
            return self._confirmed.confirm(alarm, anomaly, self.n_seen)

    @property
    def confirmed(self) -> list[Confirmed]:
        """The kinds of alarm that were confirmed, the first one first."""
        with self._lock:
            return self._confirmed.listed()

    def forget_confirmed(self, number: int) -> None:
        """Forget a kind of alarm, by its number in :attr:`confirmed`; ``ValueError`` if there is none."""
        with self._lock:
            self._confirmed.forget(number)

    def _alarm(self, row: Mapping[Hashable, Any], raw: float) -> Alarm:
        """What the score of the row scored last is made of."""
        views, features = self._views, self._features
        parts: dict[Hashable, float] = {}
        first: dict[Hashable, int] = {}
        for j, ((name, _), part) in enumerate(zip(features.slots, shares(views).tolist(), strict=True)):
            if name in row:
                parts[name] = parts.get(name, 0.0) + part
                first.setdefault(name, j)
        reasons = causes(views)
        usual, expected = usual_ranges(views), expected_values(views)
        width = usual[1] - usual[0]
        far = (self._row > usual[1] + width) | (self._row < usual[0] - width)
        for name, j in first.items():
            if far[j] and features.kinds[j] == SENSOR:
                # it bends what is expected of the others, and may so have less of the score than they
                parts[name] += 1.0
        ranked = sorted(parts, key=lambda name: -parts[name])[:_MOST_TRAITS]
        named = [name for i, name in enumerate(ranked) if i == 0 or parts[name] >= _LEAST_SHARE]
        traits = []
        for name in named:
            cell, j = row[name], first[name]
            if features.kinds[j] == SENSOR and self._row[j] == self._row[j]:
                value, inside = float(self._row[j]), bool(usual[0, j] <= self._row[j] <= usual[1, j])
                trait = self._number_trait(name, j, reasons[j], inside, value > expected[j])
            elif isinstance(cell, datetime):
                hour = cell.hour + cell.minute / 60.0
                trait = Trait(name, _kinds.CLOCK, 0, hour, hour, 1.0)
            else:
                # not the text itself where it is long: what is remembered has to be bounded
                word = value_key(cell) if isinstance(cell, str) else ""
                trait = Trait(name, _kinds.WORD, 0, 0.0, 0.0, 0.0, word)
            traits.append((trait, parts[name]))
        if parts[named[0]] > 1.0:
            # what is usual by itself, and only not what the others say, is bent by what is far out
            bent = (_kinds.OFF, _kinds.AFTER)
            traits = [one for one in traits if one[1] > 1.0 or one[0].cause not in bent]
        return Alarm(traits, raw)

    def _number_trait(self, name: Hashable, j: int, cause: str, inside: bool, above: bool) -> Trait:
        """Why a number stands out; a value out of what is usual does so whatever the rows before were."""
        value, stats = min(max(float(self._row[j]), -LARGEST), LARGEST), self._views["stats"]
        centre, deviation = float(stats[CENTRE, j]), TO_DEVIATION * float(stats[SPREAD, j])
        if cause != _kinds.STILL and not inside:
            cause, above = _kinds.OUT, value > centre
        reach = max(_NEAR * deviation, _NEAR_BY_SIZE * abs(value - centre))
        side = 0 if cause in (_kinds.STILL, _kinds.AFTER) else 1 if above else -1
        return Trait(name, cause, side, value, value, min(reach, LARGEST))

    # -- what the answers change --------------------------------------------------------------

    def _score_of(self, row: Mapping[Hashable, Any], raw: float) -> float:
        """The score of the row scored last: at most the cut where its kind of alarm was normal."""
        score = bounded(raw)
        if not self._confirmed:
            return score
        cut = self._cut()
        if score > cut and self._confirmed.find(self._alarm(row, raw), False) is not None:
            return cut
        return score

    def _learn_row(self, x: Mapping[Hashable, Any], read: Reading | None) -> float:
        if not self._confirmed:
            return super()._learn_row(x, read)
        raw = self._raw_score(x)
        if raw >= 0.0 and bounded(raw) > self._cut():
            alarm = self._alarm(x, raw)
            self._confirmed.meets(alarm, False, self.n_seen)
            if self._confirmed.has(True) and self._confirmed.meets(alarm, True, self.n_seen):
                self.n_withheld += 1
                return raw
        return super()._learn_row(x, None)

    def _judge_row(self, x: Mapping[Hashable, Any]) -> tuple[float, float]:
        if not self._confirmed:
            return super()._judge_row(x)
        cut, raw = self._cut(), self._raw_score(x)
        score = self._score_of(x, raw) if raw >= 0.0 else self._empty_score()
        self._learn_row(x, None)
        return score, cut

    def _judge_part(self, rows: Block | dict[Hashable, Any]) -> tuple[list[float], list[float]]:
        if isinstance(rows, dict) or not self._confirmed:
            return super()._judge_part(rows)
        found = [self._judge_row(dict(zip(rows.names, row, strict=True))) for row in rows.values.tolist()]
        return [score for score, _ in found], [cut for _, cut in found]
