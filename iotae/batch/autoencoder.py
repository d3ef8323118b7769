"""The batch autoencoder: fit a table, score its rows, explain the scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._random import draw_seed
from iotae._sharing import Unshared
from iotae._typing import Float32, Float64, State
from iotae._validation import (
    NotFittedError,
    check_choice,
    check_count,
    check_row_weights,
    check_seed,
    check_share,
    check_table,
)
from iotae._validation.schema import check
from iotae.batch.categories import check_categories
from iotae.batch.learning import CLEAN_UPDATES, UPDATES, Rows, learn_views
from iotae.batch.reconstruction import distance, shares
from iotae.batch.replay_buffer import ReplayBuffer
from iotae.batch.scaler import TableScaler, learn_scale
from iotae.batch.scoring import JoinedScore
from iotae.batch.state_schema import BATCH_AUTOENCODER, SETTINGS
from iotae.data.frames import check_columns, column_names, to_matrix
from iotae.data.sampling import FIT_ROWS, Sample, gather, sample_rows
from iotae.nn.architecture import validate_hidden_sizes
from iotae.nn.network import Network, check_network_settings
from iotae.nn.training import Engine, Training, check_engine, propagate_rows

__all__ = ["BatchAutoencoder", "NotFittedError"]

_SCORE_ROWS = 4096
"""Rows scored at a time: memory is bounded, and they stay in the cache from one step to the next."""

SCALINGS = ("standard", "none")
SCORINGS = ("joined", "reconstruction")


class BatchAutoencoder(Unshared):
    """A deep autoencoder for tables, joined with the distance to reference rows.

    Columns are scaled by :class:`iotae.batch.scaler.TableScaler`. Rows that form clumps away from the
    bulk become neither training rows of the network nor reference rows. A row's score joins views of it
    (:mod:`iotae.batch.scoring`): what the network makes of it, whitened, and how far the nearest reference
    rows are. The score is a function of the row and the model alone, bit for bit, in any number of threads.

    Parameters
    ----------
    hidden_sizes : sequence of int, optional
        Hidden layer sizes; by default they follow the number of features.
    activation : {'tanh', 'relu', 'sigmoid', 'leaky_relu', 'elu'}
        Hidden activation.
    learning_rate : float, positive
        Adam's largest step size.
    epochs : int, optional
        Passes over the rows that the network learns from; by default as many as make 100 updates.
    batch_size : int, at least 1
        Rows per update.
    dropout_rate : float, in [0, 1)
        Share of the input cells hidden from the encoder while training (a denoising autoencoder).
    scaling : {'standard', 'none'}
        Scale the columns, or take them as they are where the caller has scaled already.
    scoring : {'joined', 'reconstruction'}
        Both views, or the reconstruction error ||x - x^||_2 alone.
    clean : bool
        The rows are known to be normal: all of them become training and reference rows,
        and training is longer.
    seed : int, optional
        Seed of the weights and of every sample; None draws one at each fit.
    device : str, optional
        None or ``'cpu'`` to train by the compiled kernels, ``'cuda'`` by torch on a GPU. Scores are the
        kernels' either way.
    network : torch.nn.Module, optional
        A network of your own that maps (n, d) to (n, d); trained in place by the torch engine.
    progress : bool
        A progress bar over the passes on standard error.

    Attributes
    ----------
    history : list of float
        Mean training loss of each pass.
    fitted_scores : ndarray of float64, shape (n,)
        Scores of the rows given to the last fit, which the model has learned from.
    n_features : int
    feature_names : list of str or None

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> load = rng.normal(size=(500, 1))
    >>> X = load @ [[5.0, 3.0, 1.0]] + rng.normal(scale=0.1, size=(500, 3))
    >>> model = BatchAutoencoder(seed=0).fit(X)
    >>> usual, odd = model.score([[5.0, 3.0, 1.0], [5.0, -3.0, 1.0]])
    >>> bool(odd > 2 * usual)
    True
    """

    def __init__(
        self,
        hidden_sizes: Sequence[int] | None = None,
        activation: str = "tanh",
        learning_rate: float = 3e-3,
        epochs: int | None = None,
        batch_size: int = 256,
        dropout_rate: float = 0.0,
        scaling: str = "standard",
        scoring: str = "joined",
        clean: bool = False,
        seed: int | None = None,
        device: str | None = None,
        network: Any = None,
        progress: bool = False,
    ) -> None:
        self.hidden_sizes = validate_hidden_sizes(hidden_sizes)
        check_network_settings(activation, learning_rate, batch_size)
        check_share("dropout_rate", dropout_rate, zero=True, meaning="a share of the cells, e.g. 0.1")
        check_choice("scaling", scaling, SCALINGS)
        check_choice("scoring", scoring, SCORINGS)
        self.activation = activation
        self.learning_rate = float(learning_rate)
        self.epochs = None if epochs is None else check_count("epochs", epochs)
        self.batch_size = int(batch_size)
        self.dropout_rate = float(dropout_rate)
        self.scaling = scaling
        self.scoring = scoring
        self.clean = bool(clean)
        self.seed = check_seed(seed)
        self.device = device
        self.network = network
        self.progress = progress
        self.history: list[float] = []
        self.feature_names: list[str] | None = None
        self.fitted_scores: Float64 = np.empty(0)
        self._network: Network | None = None

    # -- fitting ------------------------------------------------------------------------------

    def fit(
        self, X: Any, sample_weight: ArrayLike | None = None, categories: ArrayLike | None = None
    ) -> BatchAutoencoder:
        """Fit to a table from scratch.

        Parameters
        ----------
        X : array or data frame of numbers, shape (n, d)
            NaN is missing.
        sample_weight : array, shape (n,), optional
            How much each row counts in the network's loss; 0 leaves a row out altogether.
        categories : array of int, shape (d,), optional
            Which columns are one category, which then is one source of surprise: 0 for a number, k > 0 for a
            value of the k-th category, -k for how rare its value is. By default all are numbers.

        Raises
        ------
        ValueError
            If the table is empty or not two-dimensional, or if weights or categories do not fit it.
        TypeError
            If a column holds no numbers.
        """
        table = to_matrix(X)
        weights = check_row_weights(check_table(table), sample_weight)
        check_engine(self._engine(), table.shape[1])
        rows = np.flatnonzero(weights > 0)
        seed = draw_seed(self.seed)
        self._begin(table.shape[1], column_names(X), seed, categories)
        n_seen, rows = rows.size, sample_rows(rows, FIT_ROWS, seed)
        # where all rows are learned there is nothing to copy, and their scores are known already
        every = rows.size == len(table)
        scores = self._learn(table if every else table[rows], weights[rows], n_seen)
        self.fitted_scores = scores if every else self.score(table)
        return self

    def fit_chunks(self, chunks: Iterable[Any], categories: ArrayLike | None = None) -> BatchAutoencoder:
        """Fit from scratch to a table that comes in chunks and is never held as a whole.

        The model is the one that :meth:`fit` makes of the whole table, however it is cut;
        ``fitted_scores`` are those of the at most 20,000 rows that were drawn.

        Parameters
        ----------
        chunks : iterable of arrays or data frames of numbers, shape (n, d) each
            Read once; errors as in :meth:`fit`, and if a chunk has other columns than the first.
        categories : array of int, shape (d,), optional
            As in :meth:`fit`.
        """
        return self.fit_sample(gather(chunks, FIT_ROWS, draw_seed(self.seed)), categories)

    def fit_sample(self, sample: Sample, categories: ArrayLike | None = None) -> BatchAutoencoder:
        """Fit from scratch to rows that were drawn elsewhere as :meth:`fit_chunks` draws them."""
        table = sample.table
        check_engine(self._engine(), table.shape[1])
        weights = check_row_weights(check_table(table), None)
        self._begin(table.shape[1], sample.names, sample.seed, categories)
        self.fitted_scores = self._learn(table, weights, sample.n_seen)
        return self

    def _begin(
        self, n_features: int, names: list[str] | None, seed: int, categories: ArrayLike | None
    ) -> None:
        self._categories = check_categories(categories, n_features)
        self._network = Network(n_features, self.hidden_sizes, self.activation, seed, names)
        self.feature_names, self.history = names, []

    def partial_fit(self, X: Any, sample_weight: ArrayLike | None = None) -> BatchAutoencoder:
        """Go on with more rows of the same data; the first call is a :meth:`fit`.

        A uniform sample of the rows seen so far is kept and counts in proportion to what it stands
        for; the network goes on from where it is.
        """
        if self._network is None:
            return self.fit(X, sample_weight)
        table = self._table(X)
        weights = check_row_weights(check_table(table), sample_weight)
        self._learn(*self._kept.joined(table, weights, FIT_ROWS, self._network.generator))
        self.fitted_scores = self.score(table)
        return self

    def _learn(self, table: Float64, weights: Float32, n_seen: int) -> Float64:
        """Learn everything from at most ``FIT_ROWS`` rows, which stand for ``n_seen``; their scores."""
        network = self._fitted()
        self._scaler, rows = learn_scale(table, self.scaling == "none", self._categories)
        updates = CLEAN_UPDATES if self.clean else UPDATES
        how = Training(self.epochs, updates, self.batch_size, self.learning_rate, self.dropout_rate)
        given = Rows(rows, weights, self._categories, self.clean)
        learned = learn_views(network, given, how, self._engine(), self.progress)
        self.history += learned.history
        self._views = learned.views
        self._kept = ReplayBuffer(table, weights, n_seen, network.generator)
        if self.scoring == "reconstruction":
            return distance(rows, learned.output)
        return self._views.fitted_scores

    def _engine(self) -> Engine:
        return Engine(self.device, self.network)

    def _propagate(self, rows: Float32) -> tuple[Float32, Float32]:
        return propagate_rows(self._fitted(), rows, self._engine())

    # -- scoring ------------------------------------------------------------------------------

    def _fitted(self) -> Network:
        if self._network is None:
            raise NotFittedError(
                "Got a model that is not fitted, but expected one that is: call fit(X) first."
            )
        return self._network

    @property
    def n_features(self) -> int:
        """Number of features of the fitted table."""
        return self._fitted().sizes[0]

    def _table(self, X: Any) -> Float64:
        table, expected = to_matrix(X), self.n_features
        if table.ndim != 2 or table.shape[1] != expected:
            raise ValueError(
                f"Got a table of shape {table.shape}, but expected (n, {expected}), as it was fitted on."
            )
        check_columns(X, self.feature_names)
        return table

    def _by_blocks(self, X: Any, made_of: Callable[..., Float64], *width: int) -> Float64:
        """What is made of scaled rows, code and reconstruction, block by block: memory stays bounded."""
        table = self._table(X)
        result = np.empty((len(table), *width))
        for start in range(0, len(table), _SCORE_ROWS):
            place = slice(start, start + _SCORE_ROWS)
            rows = self._scaler.transform(table[place])
            result[place] = made_of(rows, *self._propagate(rows))
        return result

    def score(self, X: Any) -> Float64:
        """Anomaly score of each row: (n,), >= 0, higher is odder."""
        if self.scoring == "reconstruction":
            return self.reconstruction_error(X)
        return self._by_blocks(X, lambda rows, code, output: self._views.score(rows, code, rows - output))

    def reconstruction_error(self, X: Any) -> Float64:
        """The paper's ||x - x^||_2 of each scaled row: (n,), >= 0."""
        return self._by_blocks(X, lambda rows, _, output: distance(rows, output))

    def errors(self, X: Any) -> Float64:
        """Each feature's share (n, d) >= 0 of the score; a row's shares add up to its score."""
        if self.scoring == "reconstruction":
            return self._by_blocks(X, lambda rows, _, output: shares(rows, output), self.n_features)
        return self._by_blocks(X, lambda x, code, y: self._views.shares(x, code, x - y), self.n_features)

    def reconstruct(self, X: Any) -> Float64:
        """What the network makes of the rows (n, d), in their own units; missing cells filled."""
        return self._by_blocks(
            X, lambda _, __, output: self._scaler.inverse_transform(output), self.n_features
        )

    def expected(self, X: Any) -> Float64:
        """What each cell (n, d) should be in its own unit, given the others; those far off have no say."""
        width = self.n_features
        given_others, unscaled = self._views.expected, self._scaler.inverse_transform
        return self._by_blocks(X, lambda rows, _, made: unscaled(given_others(rows, made)), width)

    # -- state --------------------------------------------------------------------------------

    _SETTINGS = tuple(SETTINGS.fields)

    def to_state(self) -> State:
        """Everything needed to score and to go on, as arrays, numbers and text.

        Raises
        ------
        TypeError
            If the network is a module of the caller's own, which only its code can rebuild.
        """
        if self.network is not None:
            raise TypeError(
                "Got a custom network, but expected the built-in one: save your module with torch.save."
            )
        data: State = {
            "settings": {name: getattr(self, name) for name in self._SETTINGS},
            "hidden_sizes": None if self.hidden_sizes is None else list(self.hidden_sizes),
            "history": list(self.history),
            "feature_names": self.feature_names,
        }
        if self._network is not None:
            data["network"] = self._network.to_state()
            data["scaler"] = self._scaler.to_state()
            data["views"] = self._views.to_state()
            data["kept"] = self._kept.to_state()
            data["categories"] = self._categories
        return data

    @classmethod
    def from_state(cls, data: State) -> BatchAutoencoder:
        """Rebuild from :meth:`to_state`; a state that is not as a model's raises ``StateError``."""
        check(data, BATCH_AUTOENCODER)
        restored = cls(hidden_sizes=data["hidden_sizes"], **data["settings"])
        restored.history, restored.feature_names = list(data["history"]), data["feature_names"]
        if "network" in data:
            restored._network = Network.from_state(data["network"])
            restored._scaler = TableScaler.from_state(data["scaler"])
            restored._categories = data.get("categories")
            restored._views = JoinedScore.from_state(data["views"])
            restored._kept = ReplayBuffer.from_state(data["kept"])
        return restored
