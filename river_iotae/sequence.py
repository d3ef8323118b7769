"""The stream's model with a window in memory: River's names in front, the core's work behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from river import base

from iotae._typing import State
from iotae._validation.schema import check
from iotae.data.frames import frame_rows
from iotae.sequence.recent_rows import RecentRows
from iotae.sequence.window_cells import own_name
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.blocks import Judged
from iotae.stream.reading import as_row
from river_iotae.figures import ModelOfAStream
from river_iotae.frames import like_frame
from river_iotae.state_schema import SEQUENCE, SLOTS_A_SENSOR

__all__ = ["SequenceIoTAE"]

_OWN = ("window", "time", "max_gap", "max_features")


class SequenceIoTAE(ModelOfAStream):
    """Online deep autoencoder that sees each row with the window before it.

    Each number of a row is joined by two of its window, the latest `window` rows: the sensor's mean, and how
    much it moves from row to row next to what is usual, as a logarithm. These are scored and learned with the
    row, by the model of `IoTAE`: so a form, a change of noise or a slow drift that no single row shows
    counts. A score is known when its row is; no later row is needed.

    A late row, older than one before it, is scored and learned and does not enter the window. A gap of more
    than `max_gap` empties the window. A model watches one device: for several, one model each.

    Parameters
    ----------
    window
        Rows of a window, the newest included.
    time
        The feature that holds a row's time, as a date or a number. By default rows follow each other. A date
        is also the clock, as in `IoTAE`.
    max_gap
        Seconds, or units of the time, after which the window is emptied. By default a gap is none.
    seed
        Random number generator seed for reproducibility.
    learning_rate
        Step size of the autoencoder's updates.
    batch_size
        Number of rows per update of the autoencoder.
    hidden_sizes
        Sizes of the hidden layers. By default they follow the number of features.
    grace_period
        Number of rows to take in before a row may be classified as anomalous.
    alpha
        The false-alarm rate asked for, in (0, 1), as in `IoTAE`.
    max_features
        Maximum number of features kept; each number takes three slots of the model.

    Attributes
    ----------
    n_late
        Number of late rows.

    Examples
    --------

    >>> import math, random
    >>> from river_iotae import SequenceIoTAE

    >>> model = SequenceIoTAE(window=16, seed=1)
    >>> rng = random.Random(0)
    >>> for i in range(2000):
    ...     model.learn_one({"level": math.sin(i / 20) + rng.gauss(0, 0.05), "flow": rng.gauss(0, 1)})
    >>> usual = model.score_one({"level": math.sin(100), "flow": 0.1})
    >>> for i in range(16):
    ...     model.learn_one({"level": math.sin(100 + i / 20) + rng.gauss(0, 1), "flow": rng.gauss(0, 1)})
    >>> model.score_one({"level": math.sin(100.8), "flow": 0.1}) > usual
    True

    """

    _KIND = "river_iotae.SequenceIoTAE"

    def __init__(
        self,
        window: int = 32,
        time: base.typing.FeatureName | None = None,
        max_gap: float | None = None,
        seed: int | None = None,
        learning_rate: float = 5e-3,
        batch_size: int = 32,
        hidden_sizes: tuple[int, ...] | None = None,
        grace_period: int = 200,
        alpha: float = 0.01,
        max_features: int = 512,
    ) -> None:
        self.window = window
        self.time = time
        self.max_gap = max_gap
        self.seed = seed
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.hidden_sizes = hidden_sizes
        self.grace_period = grace_period
        self.alpha = alpha
        self.max_features = max_features
        self._recent = RecentRows(window, time, max_gap, max_features)
        settings = {name: value for name, value in self._get_params().items() if name not in _OWN}
        self._model = OnlineAutoencoder(**settings, max_features=SLOTS_A_SENSOR * max_features)

    @property
    def n_late(self) -> int:
        """Number of rows older than one before them."""
        return self._recent.n_late

    @property
    def left_out(self) -> list[base.typing.FeatureName]:
        """Features without a slot, of the latest row learned that had more than there are slots."""
        return list(dict.fromkeys(map(own_name, self._model.left_out)))

    def learn_one(self, x: dict[base.typing.FeatureName, Any]) -> None:
        """Update the model.

        Parameters
        ----------
        x
            A dictionary of features.

        """
        row = as_row(x)
        with self._recent.held:
            self._model.learn_one(self._recent.extended(row))
            self._recent.push(row)

    def score_one(self, x: dict[base.typing.FeatureName, Any]) -> float:
        """Return an outlier score.

        Parameters
        ----------
        x
            A dictionary of features.

        Returns
        -------
        A score in [0, 1). A high score is indicative of an anomaly.

        """
        row = as_row(x)
        with self._recent.held:
            return self._model.score_one(self._recent.extended(row))

    def explain_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
        """Return each feature's share of the score, largest first; they add up to the score.

        What its window shows is part of a feature's share.
        """
        row = as_row(x)
        shares: dict[base.typing.FeatureName, float] = {}
        with self._recent.held:
            parts = self._model.explain_one(self._recent.extended(row))
        for name, part in parts.items():
            shares[own_name(name)] = shares.get(own_name(name), 0.0) + part
        return dict(sorted(shares.items(), key=lambda item: -item[1]))

    def expected_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
        """Return what the model expects of each number, given the rest and its window, in its own units."""
        row = as_row(x)
        with self._recent.held:
            expected = self._model.expected_one(self._recent.extended(row))
        return {name: value for name, value in expected.items() if own_name(name) == name}

    def score_learn_one(self, x: dict[base.typing.FeatureName, Any]) -> tuple[float, bool]:
        """Score a row, judge it and learn it in one call, with the same results.

        Parameters
        ----------
        x
            A dictionary of features.

        Returns
        -------
        The score, and whether it is anomalous by the threshold before the row moved it.

        """
        row = as_row(x)
        with self._recent.held:
            judged = self._model.score_learn_one(self._recent.extended(row))
            self._recent.push(row)
        return judged

    def learn_many(self, X: Any) -> None:
        """Update the model with the rows of a data frame or a list of dictionaries, as row by row."""
        for x in frame_rows(X):
            self.learn_one(x)

    def score_learn_many(self, X: Any) -> Judged:
        """Return `scores`, the `thresholds` that they met, and `alarms` of rows, learned one by one."""
        found = []
        for x in frame_rows(X):
            with self._recent.held:
                cut = self.threshold
                found.append((*self.score_learn_one(x), cut))
        scores, alarms, cuts = (np.array(part) for part in (zip(*found, strict=True) if found else ([],) * 3))
        return Judged(scores.astype(np.float64), cuts.astype(np.float64), alarms.astype(np.bool_))

    def score_many(self, X: Any) -> Any:
        """Return the scores of the rows of a data frame, each as the next row: nothing is learned.

        A Series for pandas and polars, else an array.
        """
        return like_frame(X, np.array([self.score_one(x) for x in frame_rows(X)], np.float64))

    def to_state(self) -> State:
        """Return everything needed to continue, as arrays, numbers and text."""
        with self._recent.held:
            return {
                "params": self._get_params(),
                "model": self._model.to_state(),
                "recent": self._recent.to_state(),
            }

    @classmethod
    def from_state(cls, data: State) -> SequenceIoTAE:
        """Rebuild from `to_state`; raises `iotae.serialization.StateError` if it is none."""
        check(data, SEQUENCE)
        restored = cls._of_params(data["params"])
        restored._recent.restore(data["recent"])
        restored._model = OnlineAutoencoder.from_state(data["model"])
        return restored

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}
        yield {"seed": 1, "window": 4, "hidden_sizes": (4, 2, 4)}
