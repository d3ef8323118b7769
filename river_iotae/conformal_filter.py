"""The filter that most people want: a false-alarm rate from conformal p-values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from river import base

from iotae._typing import State
from iotae.thresholds import ConformalThreshold, Threshold
from river_iotae.detector import IoTAE
from river_iotae.filter import AlarmFilter

__all__ = ["ConformalFilter"]


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
        anomalous. By default it is not, unlike in River's own filters: a detector that never learns
        what it alarms on goes on to alarm after a lasting change. `IoTAE` keeps out such rows itself
        until they persist.

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

    _KIND = "river_iotae.ConformalFilter"

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
    def _made(cls, detector: IoTAE, rule: Threshold, settings: State) -> Self:
        # its rule is made from alpha and the window
        return cls(detector, **settings)

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from river import anomaly, preprocessing

        yield {"anomaly_detector": preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees()}
