"""The batch autoencoder as a PyOD detector: names and checks are PyOD's, the work is the core's."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyod.models.base import BaseDetector
from scipy.special import erf
from sklearn.utils.validation import check_is_fitted, validate_data

from iotae import state
from iotae.batch import BatchAutoencoder
from iotae.scaling import Float64
from pyod_iotae import alarms

__all__ = ["IoTAE"]

_KIND = "pyod_iotae.IoTAE"


class IoTAE(alarms.Alarms, BaseDetector):
    """Deep autoencoder for IoT tables, joined with the distance to rows that can be trusted.

    Columns are scaled whatever their tails, missing cells are masked, and clumps of rows away from the
    bulk neither train the network nor vouch for others. See :class:`iotae.BatchAutoencoder`.

    Parameters
    ----------
    contamination : float in (0, 0.5], or a PyThresh object
        Share of outliers in the training rows; sets ``threshold_``. A PyThresh object finds the cut
        itself; it is copied, never changed.
    preprocessing : bool
        Standardise each feature robustly first. Turn it off only for rows that are scaled already.
    lr : float
        Learning rate.
    epoch_num : int, optional
        Passes over the rows; by default as many as a fixed number of updates allows.
    batch_size : int
        Rows per update.
    hidden_neuron_list : list of int, optional
        All hidden layers from input to output, e.g. ``[16, 8, 16]``; by default they follow the
        number of features.
    hidden_activation_name : {'tanh', 'relu', 'sigmoid', 'leaky_relu', 'elu'}
    dropout_rate : float in [0, 1)
        Share of the input cells hidden from the encoder in training.
    clean : bool
        The training rows are known to be normal: none of them is suspected of being an outlier.
    device : str, optional
        ``'cuda'`` trains and scores on a GPU through torch; None and ``'cpu'`` use the kernels.
    random_state : int, RandomState or None
        Seed; the same seed gives the same scores bit for bit on one machine.
    verbose : int
        1 shows a progress bar over the epochs.
    threshold : {'contamination', 'conformal', 'tail'}
        The other two hold out a fifth of the rows, at most 10,000, which then teach nothing, and make
        ``contamination`` the false-alarm rate: the cut comes from their scores, by conformal p-values
        or by a fitted tail. Outliers among them make fewer alarms, not more.

    Attributes
    ----------
    decision_scores_ : ndarray of shape (n_samples,)
        Outlier scores of the training rows, higher is odder. They are scores of what the model was
        fitted to.
    threshold_ : float
        The cut on the scores.
    labels_ : ndarray of shape (n_samples,)
        0 for inliers and 1 for outliers of the training rows.
    cut_ : iotae.thresholds.Threshold or None
        What was calibrated on the rows held out.
    model : BatchAutoencoder
        The fitted core; also ``model_``.

    Examples
    --------
    >>> from pyod.utils.data import generate_data
    >>> X, _, y, _ = generate_data(n_train=500, n_features=5, contamination=0.1, random_state=0)
    >>> clf = IoTAE(contamination=0.1, random_state=0).fit(X)
    >>> bool(clf.decision_scores_[y == 1].mean() > 2 * clf.decision_scores_[y == 0].mean())
    True
    >>> int(clf.labels_.sum())
    50
    """

    def __init__(
        self,
        contamination: Any = 0.1,
        preprocessing: bool = True,
        lr: float = 3e-3,
        epoch_num: int | None = None,
        batch_size: int = 256,
        hidden_neuron_list: list[int] | None = None,
        hidden_activation_name: str = "tanh",
        dropout_rate: float = 0.0,
        clean: bool = False,
        device: str | None = None,
        random_state: Any = None,
        verbose: int = 0,
        threshold: str = "contamination",
    ) -> None:
        super().__init__(contamination=contamination)
        self.preprocessing = preprocessing
        self.lr = lr
        self.epoch_num = epoch_num
        self.batch_size = batch_size
        self.hidden_neuron_list = hidden_neuron_list
        self.hidden_activation_name = hidden_activation_name
        self.dropout_rate = dropout_rate
        self.clean = clean
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.threshold = threshold

    @property
    def model(self) -> BatchAutoencoder:
        """The fitted core, under the name that PyOD's deep detectors give theirs."""
        check_is_fitted(self, "model_")
        return self.model_

    def _core(self) -> BatchAutoencoder:
        random = self.random_state
        if isinstance(random, (np.random.RandomState, np.random.Generator)):
            draw = random.randint if isinstance(random, np.random.RandomState) else random.integers
            random = int(draw(2**31 - 1))
        return BatchAutoencoder(
            hidden_sizes=self.hidden_neuron_list,
            activation=self.hidden_activation_name,
            learning_rate=self.lr,
            epochs=self.epoch_num,
            batch_size=self.batch_size,
            dropout_rate=self.dropout_rate,
            scaling="standard" if self.preprocessing else "none",
            clean=self.clean,
            seed=None if random is None else int(random),
            device=self.device,
            progress=bool(self.verbose),
        )

    def _validated(self, X: Any, *, reset: bool) -> Float64:
        table: Float64 = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_2d=True
        )
        return table

    def fit(self, X: ArrayLike, y: Any = None) -> IoTAE:
        """Fit to rows without labels.

        Parameters
        ----------
        X : array or data frame, shape (n_samples, n_features)
            NaN is missing.
        y : ignored

        Returns
        -------
        self
        """
        self._check_alarms()
        core = self._core()
        table = self._validated(X, reset=True)
        held = alarms.held_out(len(table), self.threshold, self.contamination, core.seed)
        self._set_n_classes(None)
        self.model_ = core.fit(table, alarms.without(held))
        return self._judged(held)

    def partial_fit(self, X: ArrayLike, y: Any = None) -> IoTAE:
        """Go on training with more rows of the same data; the first call is a :meth:`fit`.

        ``decision_scores_``, ``threshold_`` and ``labels_`` are then those of the rows given last, and
        so are the rows held out.
        """
        if not hasattr(self, "model_"):
            return self.fit(X, y)
        table = self._validated(X, reset=False)
        held = alarms.held_out(len(table), self.threshold, self.contamination, self.model_.seed)
        self.model_.partial_fit(table, alarms.without(held))
        return self._judged(held)

    def _judged(self, held: NDArray[np.bool_]) -> IoTAE:
        self.decision_scores_ = self.model_.fitted_scores
        self.cut_ = alarms.calibrated(self.threshold, self.contamination, self.decision_scores_[held])
        self._process_decision_scores()
        return self

    def decision_function(self, X: ArrayLike) -> Float64:
        """Outlier scores (n_samples,) of rows, higher is odder."""
        check_is_fitted(self, alarms.FITTED)
        return self.model_.score(self._validated(X, reset=False))

    def predict(self, X: ArrayLike, return_confidence: bool = False) -> Any:
        """0 for inliers and 1 for outliers (n_samples,); with their confidence if asked for."""
        check_is_fitted(self, alarms.FITTED)
        labels = (self.decision_function(X) > self.threshold_).astype(int)
        return (labels, self.predict_confidence(X)) if return_confidence else labels

    def predict_proba(self, X: ArrayLike, method: str = "linear", return_confidence: bool = False) -> Any:
        """Probabilities (n_samples, 2) of being an inlier and an outlier.

        Parameters
        ----------
        X : array or data frame, shape (n_samples, n_features)
        method : {'linear', 'unify'}
            Min-max scaling by the training scores, or Kriegel et al.'s (2011) unifying scores.
        return_confidence : bool
            Also return the confidence of :meth:`predict`.
        """
        check_is_fitted(self, alarms.FITTED)
        if method not in ("linear", "unify"):
            raise ValueError(f"Got method={method!r}, but expected 'linear' or 'unify'.")
        scores = self.decision_function(X)
        if method == "linear":
            low, high = self.decision_scores_.min(), self.decision_scores_.max()
            outlying = (scores - low) / (high - low if high > low else 1.0)
        else:
            outlying = erf((scores - self._mu) / (max(self._sigma, np.finfo(float).tiny) * np.sqrt(2)))
        outlying = outlying.clip(0, 1)
        probabilities = np.column_stack([1 - outlying, outlying])
        return (probabilities, self.predict_confidence(X)) if return_confidence else probabilities

    def explain(self, X: Any) -> Any:
        """Each feature's share (n_samples, n_features) >= 0 of the score; rows add up to their score.

        A pandas frame gives a pandas frame with its columns and index.
        """
        check_is_fitted(self, alarms.FITTED)
        parts: NDArray[np.float64] = self.model_.errors(self._validated(X, reset=False))
        if type(X).__module__.startswith("pandas"):
            return type(X)(parts, index=X.index, columns=X.columns)
        return parts

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted detector to a file that :meth:`load` reads without executing code.

        Raises
        ------
        TypeError
            If ``contamination`` is a PyThresh object or ``random_state`` a generator: only numbers
            can be saved.
        """
        check_is_fitted(self, alarms.FITTED)
        names = getattr(self, "feature_names_in_", None)
        state.write(
            path,
            _KIND,
            {
                "params": self.get_params(deep=False),
                "model": self.model_.to_state(),
                "decision_scores": self.decision_scores_,
                "threshold": float(self.threshold_),
                "labels": self.labels_,
                "cut": alarms.saved(self.cut_),
                "feature_names": None if names is None else [str(name) for name in names],
            },
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> IoTAE:
        """Read a detector back.

        Raises
        ------
        iotae.state.StateError
            If the file is damaged, foreign, or holds something else.
        """
        return state.restore(path, _KIND, cls._from_state)

    @classmethod
    def _from_state(cls, data: state.State) -> IoTAE:
        made = cls(**data["params"])
        made._set_n_classes(None)
        made.model_ = BatchAutoencoder.from_state(data["model"])
        made.n_features_in_ = made.model_.n_features
        if data["feature_names"] is not None:
            made.feature_names_in_ = np.array(data["feature_names"], dtype=object)
        made.decision_scores_ = data["decision_scores"]
        made.threshold_ = data["threshold"]
        made.labels_ = data["labels"]
        made.cut_ = alarms.restored(data.get("cut"))
        made._mu, made._sigma = np.mean(made.decision_scores_), np.std(made.decision_scores_)
        return made

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
