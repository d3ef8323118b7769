"""A River anomaly filter with a stated guarantee: a threshold of the core around any detector."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from river import base

from iotae._sharing import Locked
from iotae._typing import State
from iotae.data.frames import frame_rows
from iotae.serialization.saved import Saved
from iotae.thresholds import AlertBudget, TailThreshold, Threshold
from river_iotae.detector import IoTAE
from river_iotae.frames import like_frame
from river_iotae.state_schema import check_filter
from river_iotae.wrapped import explained, filter_state, parts_of_state

__all__ = ["AlarmFilter"]


class AlarmFilter(Saved, Locked, base.AnomalyFilter):
    """Anomaly filter with any threshold of `iotae.thresholds`.

    Each row is scored before it is learned; its score then moves the threshold. The threshold decides
    what an alarm means: a false-alarm rate from the fitted tail of the scores (`TailThreshold`) or from
    conformal p-values (`ConformalThreshold`), a limited number of alarms whatever the data do
    (`AlertBudget`), or a share of false alarms among the alarms (`OnlineFDR`). Classify a row first and
    learn it afterwards, because learning moves the threshold. Inside a River pipeline a filter learns a
    row before it classifies it. There, a row that spends the last of a budget is not an alarm. With
    `protect_anomaly_detector`, rows are learned while the budget is spent, because none is an alarm.

    Any number of threads may use one filter: a lock lets in one at a time, to the detector too. Copies, also
    those of `copy.copy`, are deep.

    Parameters
    ----------
    anomaly_detector
        An anomaly detector.
    rule
        The threshold that turns its scores into alarms. It is copied, never changed, so one that was
        fitted to scores starts there. A budget `per_day` needs times, which a filter does not have.
    protect_anomaly_detector
        Indicates whether or not the anomaly detector is kept from learning rows classified as
        anomalous. By default it is not, unlike in River's own filters: a detector that never learns
        what it alarms on goes on to alarm after a lasting change. `IoTAE` keeps out such rows itself
        until they persist.

    Attributes
    ----------
    n_rejected
        Number of scores ignored because they were not finite.

    Examples
    --------

    >>> from iotae.thresholds import AlertBudget
    >>> from river import anomaly, datasets, preprocessing
    >>> from river_iotae import AlarmFilter

    >>> model = AlarmFilter(
    ...     preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=42),
    ...     rule=AlertBudget(alerts=5, rows=500),
    ... )
    >>> alarms = 0
    >>> for x, _ in datasets.Shuttle().take(2000):
    ...     alarms += model.classify(model.score_one(x))
    ...     model.learn_one(x)
    >>> alarms
    13

    References
    ----------
    [^1]: Siffer, A., Fouque, P.A., Termier, A. and Largouet, C., 2017. Anomaly detection in streams
          with extreme value theory. KDD.
    [^2]: Gibbs, I. and Candès, E., 2021. Adaptive conformal inference under distribution shift. NeurIPS.

    """

    _KIND = "river_iotae.AlarmFilter"

    def __init__(
        self,
        anomaly_detector: base.AnomalyDetector,
        rule: Threshold,
        protect_anomaly_detector: bool = False,
    ) -> None:
        Locked.__init__(self)
        base.AnomalyFilter.__init__(self, anomaly_detector, protect_anomaly_detector)
        if not isinstance(rule, Threshold):
            raise ValueError(
                f"Got rule={rule!r}, but expected a threshold of iotae.thresholds, e.g. TailThreshold(0.001)."
            )
        if isinstance(rule, AlertBudget) and rule.per_day is not None:
            raise ValueError(
                f"Got rule={rule!r}, but expected a budget of rows: River gives a filter no time of a row. "
                "Take AlertBudget(alerts, rows), or call the budget's own classify and update with at."
            )
        self.rule = rule
        self.n_rejected = 0
        self._threshold = copy.deepcopy(rule)

    @property
    def threshold(self) -> float:
        """The current threshold on the detector's scores; infinity while no alarm is possible."""
        with self._lock:
            return self._threshold.threshold

    def classify(self, score: float) -> bool:
        """Whether a score lies above the current threshold."""
        with self._lock:
            return bool(self._threshold.classify(float(score)))

    def p_value(self, score: float) -> float:
        """Probability of a score at least as high among the calibration scores, in (0, 1]."""
        with self._lock:
            return float(self._threshold.p_value(float(score)))

    def score_one(self, *args: Any, **kwargs: Any) -> Any:
        """Return the detector's score."""
        with self._lock:
            return super().score_one(*args, **kwargs)

    def learn_one(self, *args: Any, **learn_kwargs: Any) -> None:
        """Move the threshold by the row's score, then let the detector learn the row."""
        with self._lock:
            score = self.score_one(*args, **learn_kwargs)
            spared = self.protect_anomaly_detector and self.classify(score)
            if math.isfinite(score):
                self._threshold.update(score)
            else:
                self.n_rejected += 1
            if not spared:
                self.anomaly_detector.learn_one(*args, **learn_kwargs)

    def score_many(self, X: Any) -> Any:
        """Return the scores of the rows of a data frame: a Series for pandas and polars, else an array."""
        scores = [self.score_one(x) for x in frame_rows(X)]
        return like_frame(X, np.array(scores, np.float64))

    def learn_many(self, X: Any, **learn_kwargs: Any) -> None:
        """Learn the rows of a data frame or a list of dictionaries in order, the same as row by row."""
        for x in frame_rows(X):
            self.learn_one(x, **learn_kwargs)

    def explain_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
        """Return each feature's share of the score, largest first, where the detector explains its scores.

        Raises
        ------
        AttributeError
            If the detector has no `explain_one`.

        """
        return explained(self.anomaly_detector, x)

    @property
    def _mutable_attributes(self) -> set[str]:
        return {"anomaly_detector", "protect_anomaly_detector"}

    def to_state(self) -> State:
        """Return everything needed to continue, as arrays, numbers and text.

        Raises
        ------
        TypeError
            If the detector is not `river_iotae.IoTAE`, as only code could rebuild it.

        """
        with self._lock:
            state = filter_state(self.anomaly_detector, self.rule, self._threshold)
            settings = {k: v for k, v in self._get_params().items() if k not in ("anomaly_detector", "rule")}
            return {**state, "n_rejected": self.n_rejected, "settings": settings}

    @classmethod
    def from_state(cls, data: State) -> Self:
        """Rebuild from `to_state`; raises `iotae.serialization.StateError` if it is none."""
        check_filter(data, cls._KIND)
        detector, rule, threshold = parts_of_state(data)
        restored = cls._made(detector, rule, data["settings"])
        restored._threshold, restored.n_rejected = threshold, data["n_rejected"]
        return restored

    @classmethod
    def _made(cls, detector: IoTAE, rule: Threshold, settings: State) -> Self:
        return cls(detector, rule, **settings)

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from river import anomaly, preprocessing

        trees = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees()
        yield {"anomaly_detector": trees, "rule": TailThreshold(0.01)}
        yield {"anomaly_detector": trees, "rule": AlertBudget(10, 1000)}
