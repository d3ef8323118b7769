"""A stream's model that says why a row scored as it did: shares, expected values, and reasons in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from iotae.data.reasons import Known, reasons_of
from iotae.stream.confirming import Confirming
from iotae.stream.explanation import expected_values, remarks, shares
from iotae.stream.features import CLOCK, INDICATOR, SENSOR
from iotae.stream.grounds import presence, usual_ranges
from iotae.stream.reading import as_row

__all__ = ["Explaining"]


class Explaining(Confirming):
    """The part of :class:`iotae.OnlineAutoencoder` that explains; each method changes nothing."""

    def explain_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """Each known feature's share of the score, largest first; the shares add up to the score.

        Where the score comes from one sensor, that sensor has most of it; where the row is odd all over, each
        feature has what it adds to the mean surprise. A row without a usable cell has its score from all its
        known features alike, and from all features there are if it names none.
        """
        row = as_row(x)
        parts: dict[Hashable, float] = {}
        with self._lock:
            raw = self._raw_score(row)
            if raw < 0.0:
                names = [name for name in self._features.names if name in row] or self._features.names
                return {name: self._empty_score() / len(names) for name in names}
            score = self._score_of(row, raw)
            for (name, _), part in zip(self._features.slots, shares(self._views).tolist(), strict=True):
                if name in row:
                    parts[name] = parts.get(name, 0.0) + part * score
        return dict(sorted(parts.items(), key=lambda item: -item[1]))

    def expected_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """What the model expects of each known number, given the row's other cells: feature -> value.

        In the feature's own units. Also of a feature that the row lacks; not of text and times. Before a
        feature has been seen eight times its centre is expected.
        """
        row = as_row(x)
        with self._lock:
            self._raw_score(row)
            values = expected_values(self._views).tolist()
            numbers = zip(self._features.slots, self._features.kinds, values, strict=True)
            return {name: value for (name, _), kind, value in numbers if kind == SENSOR}

    def reasons_one(self, x: Mapping[Hashable, Any]) -> list[str]:
        """The reasons of a row's score in words: the three features that most of it comes from at most.

        A number is told with what was expected of it and where nineteen in twenty of its values lie, all in
        the feature's own units, and with its share of the score. Where the rows before are why, that is said:
        a sensor has not moved, or has been off for a while. A cell that is missing although nine in ten rows
        have it is the last reason. A model that has learned nothing gives none.

        Examples
        --------
        >>> import numpy as np
        >>> from iotae import OnlineAutoencoder
        >>> rng = np.random.default_rng(0)
        >>> model = OnlineAutoencoder(seed=0)
        >>> for load in rng.normal(size=500):
        ...     model.learn_one({"power": round(50 + 5 * load, 1), "latency": round(20 + 3 * load, 1)})
        >>> model.reasons_one({"power": 55.0, "latency": -10.0})[0]
        'latency -10, expected about 23, usual ... to ... (... %)'
        """
        row = as_row(x)
        with self._lock:
            return reasons_of(self.explain_one(row), row, self._known(row))

    def _known(self, row: Mapping[Hashable, Any]) -> Known:
        """What the model knows of a row beside the shares of its score."""
        expected = self.expected_one(row)
        usual: dict[Hashable, tuple[float, float]] = {}
        told: dict[Hashable, str] = {}
        present: dict[Hashable, float] = {}
        views = self._views
        slots = zip(
            self._features.slots,
            self._features.kinds,
            usual_ranges(views).T.tolist(),
            remarks(views),
            presence(views).tolist(),
            strict=True,
        )
        for (name, _), kind, (low, high), remark, share in slots:
            if kind == SENSOR:
                usual[name] = (low, high)
                if remark is not None:
                    told[name] = remark
            if kind not in (INDICATOR, CLOCK) and share == share:
                present[name] = max(share, present.get(name, 0.0))
        return Known(expected, usual, told, present)
