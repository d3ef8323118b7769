"""River anomaly filters with a stated guarantee: a threshold of the core around any detector."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

from river import base

from iotae._sharing import Locked
from iotae.thresholds import AlertBudget, ConformalThreshold, TailThreshold, Threshold

__all__ = ["AlarmFilter", "ConformalFilter"]


class AlarmFilter(Locked, base.AnomalyFilter):
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
        fitted to scores starts there.
    protect_anomaly_detector
        Indicates whether or not the anomaly detector is kept from learning rows classified as
        anomalous.

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

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from river import anomaly, preprocessing

        trees = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees()
        yield {"anomaly_detector": trees, "rule": TailThreshold(0.01)}
        yield {"anomaly_detector": trees, "rule": AlertBudget(10, 1000)}


class ConformalFilter(AlarmFilter):
    """Conformal anomaly filter.

    Each row is scored before it is learned, and its score is ranked among the latest scores: that is its
    conformal p-value. A normal row that is exchangeable with the latest rows (any order of them is
    equally likely) is classified as anomalous with probability at most `alpha`. There is no guarantee
    under drift. Every score enters the calibration, alarms included.

    Parameters
    ----------
    anomaly_detector
        An anomaly detector.
    alpha
        The share of the calibration scores that lie above the threshold: the false-alarm rate where the
        calibration rows are normal. In (0, 1). No alarm is possible before `1 / alpha - 1` rows were
        learned.
    window
        How many of the latest scores are the calibration scores; by default `20 / alpha`, at least 1,000
        and at most 100,000.
    protect_anomaly_detector
        Indicates whether or not the anomaly detector is kept from learning rows classified as
        anomalous.

    Examples
    --------

    >>> from river import anomaly, datasets, preprocessing
    >>> from river_iotae import ConformalFilter

    >>> model = ConformalFilter(
    ...     preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=42), alpha=0.05
    ... )
    >>> alarms = 0
    >>> for x, _ in datasets.Shuttle().take(2000):
    ...     alarms += model.classify(model.score_one(x))
    ...     model.learn_one(x)
    >>> alarms
    110

    References
    ----------
    [^1]: Vovk, V., Gammerman, A. and Shafer, G., 2005. Algorithmic learning in a random world. Springer.

    """

    def __init__(
        self,
        anomaly_detector: base.AnomalyDetector,
        alpha: float = 0.01,
        window: int | None = None,
        protect_anomaly_detector: bool = False,
    ) -> None:
        super().__init__(anomaly_detector, ConformalThreshold(alpha, window), protect_anomaly_detector)
        self.alpha = alpha
        self.window = window

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from river import anomaly, preprocessing

        yield {"anomaly_detector": preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees()}
