"""The online autoencoder as a River anomaly detector: names are River's, the work is the core's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from river import base

from iotae._typing import State
from iotae._validation.schema import check
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.blocks import Judged
from river_iotae.figures import ModelOfAStream
from river_iotae.frames import like_frame
from river_iotae.state_schema import DETECTOR

__all__ = ["IoTAE"]


class IoTAE(ModelOfAStream):
    """Online deep autoencoder for IoT streams.

    The score joins two answers. Is the row odd as a whole? Each feature is scored by how rare its
    value is, how far out it lies, and how badly a small autoencoder rebuilds it next to how it
    usually does. Is one sensor not what the others say it should be? A running covariance and a
    network predict each cell from all others, and the sensor that misses its prediction most, by
    rarity, now or lately, can raise the score. The model scales its own input, so no scaler is needed
    in front. Missing, new and vanished features are masked out of scores and updates. Text that spells
    a number is that number and other text a category; a time is the hour of the day. A row without a
    usable cell scores as high as such rows are rare, and is counted and set aside. Rows that look
    anomalous are scored but not learned; when they persist, they are adopted as a changed world.

    Scores lie in [0, 1) and `score_one` changes nothing. The networks are updated with mini-batches
    of the rows learned, so `learn_many` and `learn_one` row by row give the same model. Any number of
    threads may use one model; copies, also those of `copy.copy`, are deep.

    Parameters
    ----------
    seed
        Random number generator seed for reproducibility.
    learning_rate
        Step size of the autoencoder's updates.
    batch_size
        Number of rows per update of the autoencoder.
    hidden_sizes
        Sizes of the hidden layers, for instance `(16, 8, 16)`. By default they follow the number of
        features.
    grace_period
        Number of rows to take in before a row may be classified as anomalous.
    alpha
        The false-alarm rate asked for, in (0, 1): a row is classified as anomalous where at most this share
        of the latest scores that count, its own included, is as high. Rows far out do not count until
        they persist.
    max_features
        Maximum number of features kept. The one that was not seen for longest leaves.

    Attributes
    ----------
    threshold
        The current cut on the scores; infinity during the grace period.
    n_seen
        Number of rows taken in.
    n_rejected
        Number of rows set aside because no cell was usable.
    n_unusable
        Number of cells set aside: text where numbers were, infinities, what is no number, text or time, and
        features without a slot.
    left_out
        Features of the latest row learned that had more than there are slots: those without one.
    n_doubled
        Number of rows that repeat the row before in each cell, where that is rare; they taught nothing.
    n_refused
        Number of rows taken in that looked anomalous as a whole and did not teach what is usual.
    drift_detected
        Whether such rows have become so many that they are being adopted as a changed world.

    Examples
    --------

    >>> from river import datasets, metrics
    >>> from river_iotae import IoTAE

    >>> model = IoTAE(seed=42)
    >>> auc = metrics.ROCAUC()
    >>> for x, y in datasets.Shuttle().take(5000):
    ...     auc.update(y, model.score_one(x))
    ...     model.learn_one(x)
    >>> bool(auc.get() > 0.95)
    True

    A row's score is shared out among its features:

    >>> shares = model.explain_one(x)
    >>> round(abs(sum(shares.values()) - model.score_one(x)), 9)
    0.0

    References
    ----------
    [^1]: Hinton, G.E. and Salakhutdinov, R.R., 2006. Reducing the dimensionality of data with neural
          networks. Science, 313(5786), pp.504-507.
    [^2]: Yin, J., Qiao, Y., Zhou, Z., Wang, X. and Yang, J., 2024. MCM: masked cell modeling for anomaly
          detection in tabular data. ICLR.
    [^3]: Mirsky, Y., Doitshman, T., Elovici, Y. and Shabtai, A., 2018. Kitsune: an ensemble of
          autoencoders for online network intrusion detection. NDSS.

    """

    _KIND = "river_iotae.IoTAE"

    def __init__(
        self,
        seed: int | None = None,
        learning_rate: float = 5e-3,
        batch_size: int = 32,
        hidden_sizes: tuple[int, ...] | None = None,
        grace_period: int = 200,
        alpha: float = 0.01,
        max_features: int = 512,
    ) -> None:
        self.seed = seed
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.hidden_sizes = hidden_sizes
        self.grace_period = grace_period
        self.alpha = alpha
        self.max_features = max_features
        self._model = OnlineAutoencoder(**self._get_params())

    def learn_one(self, x: dict[base.typing.FeatureName, Any]) -> None:
        """Update the model.

        Parameters
        ----------
        x
            A dictionary of features.

        """
        self._model.learn_one(x)

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
        return self._model.score_one(x)

    def explain_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
        """Return each feature's share of the score, largest first; they add up to the score."""
        return self._model.explain_one(x)

    def expected_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, float]:
        """Return what the model expects of each number, given the row's other cells, in its own units."""
        return self._model.expected_one(x)

    def reasons_one(self, x: dict[base.typing.FeatureName, Any]) -> list[str]:
        """Return the reasons of the row's score in words: `watts 71, expected about 35`."""
        return self._model.reasons_one(x)

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
        return self._model.score_learn_one(x)

    def learn_many(self, X: Any) -> None:
        """Update the model with the rows of a data frame, the same as row by row.

        Parameters
        ----------
        X
            A data frame of any library that narwhals knows, or a list of dictionaries.

        """
        self._model.learn_many(X)

    def score_learn_many(self, X: Any) -> Judged:
        """Score, judge and learn the rows of a data frame in order, the same as row by row.

        Parameters
        ----------
        X
            A data frame of any library that narwhals knows, or a list of dictionaries.

        Returns
        -------
        Three arrays, one value for each row: `scores`, the `thresholds` that they were compared with, and
        `alarms`.

        """
        return self._model.score_learn_many(X)

    def score_many(self, X: Any) -> Any:
        """Return the scores of the rows of a data frame: a Series for pandas and polars, else an array."""
        return like_frame(X, self._model.score_many(X))

    def to_state(self) -> State:
        """Return everything needed to continue, as arrays, numbers and text."""
        return {"params": self._get_params(), "model": self._model.to_state()}

    @classmethod
    def from_state(cls, data: State) -> IoTAE:
        """Rebuild from `to_state`; raises `iotae.serialization.StateError` if it is none."""
        check(data, DETECTOR)
        restored = cls._of_params(data["params"])
        restored._model = OnlineAutoencoder.from_state(data["model"])
        return restored

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}
        yield {"seed": 1, "hidden_sizes": (4, 2, 4)}
