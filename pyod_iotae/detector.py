"""The batch autoencoder as a PyOD detector: names and checks are PyOD's, the computation is the core's."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from iotae._sharing import Unshared
from iotae._typing import Float64, State
from iotae._validation.schema import check
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.grouped import GroupedAutoencoder
from iotae.pipeline.scoring import model_from_state
from iotae.preprocessing import Preprocessor
from pyod_iotae import alarms
from pyod_iotae.core import core_of
from pyod_iotae.groups import features_of
from pyod_iotae.labels import LabellingDetector
from pyod_iotae.reasons import reasons_of_rows
from pyod_iotae.state_schema import DETECTOR
from pyod_iotae.tables import like, to_rows

__all__ = ["IoTAE"]


class IoTAE(Unshared, LabellingDetector):
    """Deep autoencoder for IoT tables, joined with the distance to the nearest trusted rows.

    Columns are scaled whatever their tails. Missing cells are masked. Text, categories and times of a data
    frame are encoded. Clusters of rows away from the bulk neither train the network nor count as trusted. Any
    number of threads may score with one detector. See :class:`iotae.BatchAutoencoder`.

    Parameters
    ----------
    contamination : float in (0, 0.5], 'auto', or a PyThresh object
        Share of outliers in the training rows, which sets ``threshold_``. With ``'auto'`` the threshold lies
        three robust deviations above the median of the training scores, so that the share follows
        the table. A PyThresh object finds the threshold itself; it is copied, never changed.
    preprocessing : bool
        Scale each feature robustly first. Turn it off only for rows that are scaled already.
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
        The training rows are known to be normal, so that all of them train the network and count as trusted.
    device : str, optional
        ``'cuda'`` trains and scores on a GPU through torch; None and ``'cpu'`` use compiled kernels.
    network : torch.nn.Module, optional
        A network of your own that maps (n, d) to (n, d), instead of the hidden layers above. Each fit
        trains a copy; the rows it sees are scaled, with 0 for missing.
    random_state : int, RandomState or None
        Seed; the same seed gives the same scores bit for bit on one machine.
    verbose : int
        1 shows a progress bar over the epochs, 2 prints a line for each when all are done.
    threshold : {'contamination', 'conformal', 'tail'}
        With the other two, a fifth of the rows, at most 10,000, are held out from training, and the threshold
        comes from their scores: by conformal p-values (ranks among those scores) or by a fitted tail.
        Then ``alpha`` counts, and ``contamination`` does not. Outliers among them make fewer alarms, not
        more.
    alpha : float in (0, 1), optional
        With ``'conformal'`` or ``'tail'``: the share of the calibration scores that lie above the threshold,
        which is the false-alarm rate where the calibration rows are normal; 0.1 by default.
        ``contamination`` still stands for it, with a ``FutureWarning``.
    groups : str, optional
        A column of the data frame that names the group of each row, such as its device; it is no feature.
        Each group of at least 100 rows has a model of its own, whose scores compare with those of the others:
        see :class:`iotae.batch.grouped.GroupedAutoencoder`.

    Attributes
    ----------
    decision_scores_ : ndarray of shape (n_samples,)
        Outlier scores of the training rows, higher is more anomalous. The model has learned from these
        rows.
    threshold_ : float
        Scores above it are outliers.
    labels_ : ndarray of shape (n_samples,)
        0 for inliers and 1 for outliers of the training rows.
    cut_ : iotae.thresholds.Threshold or None
        The threshold calibrated on the rows held out; None with ``threshold='contamination'``.
    history_ : list of float
        Mean training loss of each epoch.
    encoder_ : Preprocessor or None
        The encoder of a data frame's text, categories and times; None where all columns were numbers.
    model : BatchAutoencoder or GroupedAutoencoder
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

    _KIND = "pyod_iotae.IoTAE"

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
        network: Any = None,
        random_state: Any = None,
        verbose: int = 0,
        threshold: str = "contamination",
        alpha: float | None = None,
        groups: str | None = None,
    ) -> None:
        super().__init__(contamination=contamination, threshold=threshold, alpha=alpha)
        self.preprocessing = preprocessing
        self.lr = lr
        self.epoch_num = epoch_num
        self.batch_size = batch_size
        self.hidden_neuron_list = hidden_neuron_list
        self.hidden_activation_name = hidden_activation_name
        self.dropout_rate = dropout_rate
        self.clean = clean
        self.device = device
        self.network = network
        self.random_state = random_state
        self.verbose = verbose
        self.groups = groups

    model_: BatchAutoencoder | GroupedAutoencoder
    encoder_: Preprocessor | None
    n_features_in_: int
    feature_names_in_: Any

    @property
    def model(self) -> BatchAutoencoder | GroupedAutoencoder:
        """The fitted core, under the name that PyOD's deep detectors give theirs."""
        check_is_fitted(self, "model_")
        return self.model_

    @property
    def history_(self) -> list[float]:
        """Mean training loss of each epoch; :meth:`partial_fit` appends to it."""
        return list(self.model.history)

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> IoTAE:
        """Fit to rows without labels.

        Parameters
        ----------
        X : array or data frame, shape (n_samples, n_features)
            NaN is missing. Text, categories and times of a data frame are encoded.
        y : ignored
        sample_weight : array, shape (n_samples,), optional
            How much a row counts in the network's loss and in a ``threshold_`` by contamination; a row of
            weight 0 gets a score and has no influence.

        Returns
        -------
        self
        """
        alarms.check_threshold(self.threshold, self.contamination, self.alpha)
        # what fails on the way leaves an earlier fit as it was
        model = type(self).__new__(type(self))
        model.__dict__.update(self.__dict__)
        core = core_of(self)

        @functools.cache
        def split(n_rows: int) -> alarms.TrainingRows:
            return self._split(n_rows, sample_weight, core.seed)

        table = to_rows(model, X, reset=True, learned=lambda n_rows: split(n_rows).learned)
        model._set_n_classes(None)
        rows = split(len(table))
        categories = None if model.encoder_ is None else model.encoder_.learned.feature_categories
        model._take(core.fit(table, rows.learning_weights, categories), rows)
        self.__dict__ = model.__dict__
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> IoTAE:
        """Continue training with more rows of the same data; the first call is a :meth:`fit`.

        ``decision_scores_``, ``threshold_`` and ``labels_`` are then those of the rows given last, and
        so are the rows held out.
        """
        if not hasattr(self, "model_"):
            return self.fit(X, y, sample_weight)
        before = len(self.model_.history)
        table = to_rows(self, X, reset=False)
        rows = self._split(len(table), sample_weight, self.model_.seed)
        self._take(self.model_.partial_fit(table, rows.learning_weights), rows, before)
        return self

    def _split(self, n_rows: int, sample_weight: ArrayLike | None, seed: int | None) -> alarms.TrainingRows:
        return alarms.split_rows(n_rows, sample_weight, self.threshold, self._rate, seed)

    def _take(
        self, model: BatchAutoencoder | GroupedAutoencoder, rows: alarms.TrainingRows, before: int = 0
    ) -> None:
        """Take the fitted core, tell its losses since the ``before``-th pass, and label its rows."""
        self.model_ = model
        if self.verbose == 2:
            for number, loss in enumerate(model.history[before:], 1):
                print(f"epoch {number}: loss {loss:.4f}")
        self._label(model.fitted_scores, rows)

    def decision_function(self, X: ArrayLike) -> Float64:
        """Outlier scores (n_samples,) of rows, higher is more anomalous."""
        self._check_fitted()
        return self.model_.score(to_rows(self, X, reset=False))

    def explain(self, X: Any) -> Any:
        """Each feature's share (n_samples, n_features) >= 0 of the score; rows add up to their score.

        A data frame gives a frame of the same library with its columns, and its index if it has one.
        """
        self._check_fitted()
        parts = self.model_.errors(to_rows(self, X, reset=False))
        if self.encoder_ is not None:
            parts = self.encoder_.shares_by_column(parts, self.feature_names_in_)
        return like(features_of(X, self.groups), parts)

    def expected(self, X: Any) -> Any:
        """What each cell (n_samples, n_features) should be, given the others, in the column's own units.

        A cell far from it is one that the other cells do not account for; such a cell has no say in what is
        expected of the others. Missing cells are filled. A data
        frame gives a frame of the same library with its columns, and its index if it has one; columns that
        were encoded (text, categories, times) or left out are NaN.
        """
        self._check_fitted()
        made = self.model_.expected(to_rows(self, X, reset=False))
        if self.encoder_ is not None:
            made = self.encoder_.numbers_by_column(made, self.feature_names_in_)
        return like(features_of(X, self.groups), made)

    def reasons(self, X: Any) -> list[list[str]]:
        """The reasons of each row's score in words: the three columns that most of it comes from at most.

        A number is told with what was expected of it, ``watts 71, expected about 35 (82 %)``; columns of an
        array are named ``x0``, ``x1`` and so on. They are made one row at a time, so give the rows that are
        alarms, not the whole table.
        """
        return reasons_of_rows(features_of(X, self.groups), self.explain(X), self.expected(X))

    def to_state(self) -> State:
        """Return everything that a fitted detector needs to score and to go on, as arrays, numbers and text.

        Raises
        ------
        TypeError
            If ``contamination`` is a PyThresh object, ``random_state`` a generator or ``network`` a module:
            only arrays, numbers and text can be saved.
        """
        self._check_fitted()
        names = getattr(self, "feature_names_in_", None)
        return {
            "params": self.get_params(deep=False),
            "model": self.model_.to_state(),
            "encoder": None if self.encoder_ is None else self.encoder_.to_state(),
            **self._labels_to_state(),
            "n_features": self.n_features_in_,
            "feature_names": None if names is None else [str(name) for name in names],
        }

    @classmethod
    def from_state(cls, data: State) -> IoTAE:
        """Rebuild from :meth:`to_state`; a state that is not as a detector's raises ``StateError``."""
        check(data, DETECTOR)
        restored = cls(**data["params"])
        restored.model_ = model_from_state(data["model"])
        restored.encoder_ = None if data["encoder"] is None else Preprocessor.from_state(data["encoder"])
        restored.n_features_in_ = data["n_features"]
        if data["feature_names"] is not None:
            restored.feature_names_in_ = np.array(data["feature_names"], dtype=object)
        restored._restore_labels(data)
        return restored

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
