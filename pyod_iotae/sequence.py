"""The model of a series as a PyOD detector, after PyOD's conventions for time series."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from iotae._random import draw_seed
from iotae._sharing import Unshared
from iotae._typing import Float64, State
from iotae._validation.schema import check
from iotae.data.foreign import as_frame
from iotae.data.frames import is_frame, to_matrix
from iotae.sequence import SequenceAutoencoder
from pyod_iotae import alarms
from pyod_iotae.labels import LabellingDetector
from pyod_iotae.state_schema import SEQUENCE
from pyod_iotae.tables import like

__all__ = ["SequenceIoTAE"]


class _Series(NamedTuple):
    """What a caller's X holds."""

    values: Any
    """The numbers, a frame if X is one."""

    times: Any
    groups: Any


class SequenceIoTAE(Unshared, LabellingDetector):
    """Anomalies of a time series, scored row by row by the windows around each row.

    For what single rows do not show: a wrong hour, a stuck or noisy sensor, a slow drift, an unusual form. As
    PyOD's ``TimeSeriesOD`` it takes a series of one or more channels in order of time and gives one score a
    time stamp. See :class:`iotae.sequence.SequenceAutoencoder`.

    Parameters
    ----------
    contamination : float in (0, 0.5], 'auto', or a PyThresh object
        Share of outliers in the training rows, which sets ``threshold_``.
    window_size : int, at least 4
        Rows of a window.
    period : int, optional
        Rows of the period, such as those of a day. By default it is found; 0 for none.
    time : str, optional
        Column of a data frame that holds the time of each row. Rows are then put in order, windows do not
        reach across gaps, and the clock is exact. By default rows follow each other at one interval.
    group : str, optional
        Column of a data frame that holds the device of each row; windows do not reach across devices.
    random_state : int, RandomState or None
        Seed of the networks.
    network : {'tcn', 'lstm', 'gru', 'cnn-gru-bilstm'} or torch.nn.Module, optional
        A network under torch that rebuilds windows: a temporal convolution, an LSTM encoder-decoder, a GRU, a
        hybrid, or your own module from (n, window_size, n_channels) to the same, of which a copy is trained.
        By default none, and no torch.
    device : str, optional
        Where torch trains and scores, such as ``'cuda'``; a detector that was loaded scores on the CPU.

    Attributes
    ----------
    decision_scores_ : ndarray of shape (n_timestamps,)
        Outlier scores of the training rows, higher is more anomalous.
    threshold_ : float
        Scores above it are outliers.
    labels_ : ndarray of shape (n_timestamps,)
        0 for inliers and 1 for outliers of the training rows.
    model_ : SequenceAutoencoder
        The fitted core.
    n_features_in_ : int
        Channels of the series.

    Examples
    --------
    >>> time = np.arange(1000)
    >>> X = np.sin(time / 10) + np.random.default_rng(0).normal(scale=0.1, size=1000)
    >>> X[700:730] = X[700]
    >>> clf = SequenceIoTAE(contamination=0.05, window_size=16, random_state=0).fit(X)
    >>> clf.decision_scores_.shape, bool(clf.labels_[700:730].all())
    ((1000,), True)
    """

    _KIND = "pyod_iotae.SequenceIoTAE"

    def __init__(
        self,
        contamination: Any = 0.1,
        window_size: int = 32,
        period: int | None = None,
        time: str | None = None,
        group: str | None = None,
        random_state: Any = None,
        network: Any = None,
        device: str | None = None,
    ) -> None:
        super().__init__(contamination=contamination, threshold="contamination", alpha=None)
        self.window_size = window_size
        self.period = period
        self.time = time
        self.group = group
        self.random_state = random_state
        self.network = network
        self.device = device

    model_: SequenceAutoencoder
    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> SequenceIoTAE:
        """Fit to a series without labels.

        Parameters
        ----------
        X : array or data frame, shape (n_timestamps,) or (n_timestamps, n_channels)
            In order of time, or with a column ``time``; NaN is missing.
        y : ignored

        Returns
        -------
        self
        """
        alarms.check_threshold("contamination", self.contamination, None)
        series = self._series(X)
        random = self.random_state
        if isinstance(random, (np.random.RandomState, np.random.Generator)):
            draw = random.randint if isinstance(random, np.random.RandomState) else random.integers
            random = int(draw(2**31 - 1))
        seed = draw_seed(None if random is None else int(random))
        core = SequenceAutoencoder(self.window_size, self.period, seed, self.network, self.device)
        core.fit(*series)
        self.model_, self.n_features_in_ = core, to_matrix(series.values).shape[1]
        self._set_n_classes(None)
        every = np.ones(len(core.fitted_scores), bool)
        self._label(core.fitted_scores, alarms.TrainingRows(None, every, ~every))
        return self

    def _series(self, X: Any) -> _Series:
        """Take the columns of times and devices out of X, and make a series of one channel a table.

        Raises
        ------
        ValueError
            If a column that was named is not there, or X has infinities.
        """
        wanted = [name for name in (self.time, self.group) if name is not None]
        if not is_frame(X):
            if wanted:
                raise ValueError(
                    f"Got a {type(X).__name__}, but expected a data frame with the columns {wanted}."
                )
            values: Any = to_matrix(X)
            values = values[:, None] if values.ndim == 1 else values
            if values.ndim != 2:
                raise ValueError(
                    f"Got X of shape {values.shape}, but expected (n_timestamps,) or "
                    "(n_timestamps, n_channels)."
                )
            return _Series(_finite(values), None, None)
        frame = as_frame(X)
        absent = [name for name in wanted if name not in frame.columns]
        if absent:
            raise ValueError(f"Got the columns {frame.columns}, but expected {absent} among them.")
        taken = [None if name is None else frame[name].to_numpy() for name in (self.time, self.group)]
        values = frame.drop(wanted).to_native()
        _finite(to_matrix(values))
        return _Series(values, *taken)

    def decision_function(self, X: Any) -> Float64:
        """Outlier score of each time stamp (n_timestamps,), higher is more anomalous."""
        self._check_fitted()
        return self.model_.score(*self._series(X))

    def explain(self, X: Any) -> Any:
        """Each channel's share (n_timestamps, n_channels) >= 0 of the score; rows add up to their score.

        A data frame gives a frame of the same library, without the columns of times and devices.
        """
        self._check_fitted()
        series = self._series(X)
        return like(series.values, self.model_.explain(*series))

    def explain_row(self, X: Any, row: int) -> Float64:
        """Share of each step and channel in the score of one row: (2 window_size - 1, n_channels).

        The row itself is in the middle; shares add up to its score.
        """
        self._check_fitted()
        values, times, groups = self._series(X)
        return self.model_.explain_row(values, row, times, groups)

    def to_state(self) -> State:
        """Return everything that a fitted detector needs to score, as arrays, numbers and text.

        Raises
        ------
        TypeError
            If ``contamination`` is a PyThresh object, ``random_state`` a generator or ``network`` a module.
        """
        self._check_fitted()
        return {
            "params": self.get_params(deep=False),
            "model": self.model_.to_state(),
            "threshold": float(self.threshold_),
            "labels": self.labels_,
        }

    @classmethod
    def from_state(cls, data: State) -> SequenceIoTAE:
        """Rebuild from :meth:`to_state`; a state that is not as a detector's raises ``StateError``."""
        check(data, SEQUENCE)
        restored = cls(**data["params"])
        restored.model_ = SequenceAutoencoder.from_state(data["model"])
        restored.n_features_in_ = data["model"]["sensors"]["middle"].size
        scores = restored.model_.fitted_scores
        restored._restore_labels(
            {**data, "decision_scores": scores, "row_weights": None, "cut": None},
        )
        return restored


def _finite(values: Float64) -> Float64:
    """The values, if none is infinite."""
    if np.isinf(values).any():
        raise ValueError("Got infinity in X, but expected finite numbers, or NaN where one is missing.")
    return values
