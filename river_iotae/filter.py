"""A River anomaly filter whose false-alarm rate is stated: conformal p-values around any detector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from river import base

from iotae.thresholds import ConformalThreshold

__all__ = ["ConformalFilter"]


class ConformalFilter(base.AnomalyFilter):
    """Conformal anomaly filter.

    Each row is scored before it is learned, and its score is ranked among the latest scores. An
    exchangeable normal row is classified as anomalous with probability at most `alpha`. Nothing is
    promised under drift. Every score enters the calibration, alarms included.

    Parameters
    ----------
    anomaly_detector
        An anomaly detector.
    alpha
        The false-alarm rate, in (0, 1). No alarm is possible before `1 / alpha - 1` rows were learned.
    window
        How many of the latest scores make up the calibration; by default at least 1,000, and twenty
        for each alarm that they should allow.
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
        super().__init__(anomaly_detector=anomaly_detector, protect_anomaly_detector=protect_anomaly_detector)
        self.alpha = alpha
        self.window = window
        self._cut = ConformalThreshold(alpha, window)

    @property
    def threshold(self) -> float:
        """The current cut on the detector's scores; infinity while no alarm is possible."""
        return self._cut.threshold

    def classify(self, score: float) -> bool:
        """Whether a score's conformal p-value is at most `alpha`."""
        return bool(self._cut.classify(float(score)))

    def p_value(self, score: float) -> float:
        """The conformal p-value of a score among the latest scores, in (0, 1]."""
        return float(self._cut.p_value(float(score)))

    def learn_one(self, *args: Any, **learn_kwargs: Any) -> None:
        """Take the row's score into the calibration, then let the detector learn the row."""
        score = self.score_one(*args, **learn_kwargs)
        spared = self.protect_anomaly_detector and self.classify(score)
        self._cut.update(score)
        if not spared:
            self.anomaly_detector.learn_one(*args, **learn_kwargs)

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from river import anomaly, preprocessing

        yield {"anomaly_detector": preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees()}
