"""The batch autoencoder: fit a table, score its rows, explain the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae.architecture import Float32, validate_hidden_sizes
from iotae.frames import column_names, to_matrix
from iotae.kernels import Int64
from iotae.network import Network, draw_seed
from iotae.parameters import check_choice, check_count, check_network_settings, check_share
from iotae.residuals import distance, shares
from iotae.scaling import Float64, RunningScaler
from iotae.state import State

__all__ = ["BatchAutoencoder", "NotFittedError"]

SCALINGS = ("standard", "none")


class NotFittedError(ValueError, AttributeError):
    """The model was asked for something that only a fitted one can give."""


class BatchAutoencoder:
    """A deep autoencoder for tables: rows that it reconstructs badly are anomalous.

    Parameters
    ----------
    hidden_sizes : sequence of int, optional
        Hidden layer sizes; by default they follow the number of features.
    activation : {'tanh', 'relu', 'sigmoid', 'leaky_relu', 'elu'}
        Hidden activation.
    learning_rate : float, positive
        Adam's step size.
    epochs : int, optional
        Passes over the rows; by default as many as ``max_updates`` mini-batches allow, 100 at most.
    batch_size : int, at least 1
        Rows per update.
    max_updates : int, at least 1
        Updates at most where ``epochs`` is None, so that the cost of training does not grow with
        the table.
    dropout_rate : float, in [0, 1)
        Share of the input cells hidden from the encoder while training (a denoising autoencoder).
    scaling : {'standard', 'none'}
        Robust standardisation of each feature, or none where the caller has scaled already.
    seed : int, optional
        Seed of the weights and the order of rows; None draws one at each fit.
    device : str, optional
        None or ``'cpu'`` for the compiled kernels, ``'cuda'`` for torch on a GPU.
    network : torch.nn.Module, optional
        A network of your own that maps (n, d) to (n, d); trained in place by the torch engine.
    progress : bool
        A progress bar over the epochs on standard error.

    Attributes
    ----------
    history : list of float
        Mean training loss of each epoch.
    n_features : int
    feature_names : list of str or None

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> load = rng.normal(size=(500, 1))
    >>> X = load @ [[5.0, 3.0, 1.0]] + rng.normal(scale=0.1, size=(500, 3))
    >>> model = BatchAutoencoder(seed=0).fit(X)
    >>> usual, odd = model.score([[5.0, 3.0, 1.0], [5.0, -3.0, 1.0]])
    >>> bool(odd > 5 * usual)
    True
    """

    def __init__(
        self,
        hidden_sizes: Sequence[int] | None = None,
        activation: str = "tanh",
        learning_rate: float = 5e-3,
        epochs: int | None = None,
        batch_size: int = 128,
        max_updates: int = 1500,
        dropout_rate: float = 0.0,
        scaling: str = "standard",
        seed: int | None = None,
        device: str | None = None,
        network: Any = None,
        progress: bool = False,
    ) -> None:
        self.hidden_sizes = validate_hidden_sizes(hidden_sizes)
        check_network_settings(activation, learning_rate, batch_size, seed)
        if epochs is not None:
            check_count("epochs", epochs)
        check_count("max_updates", max_updates)
        check_share("dropout_rate", dropout_rate, zero=True, meaning="a share of the cells, e.g. 0.1")
        check_choice("scaling", scaling, SCALINGS)
        self.activation = activation
        self.learning_rate = float(learning_rate)
        self.epochs = epochs
        self.batch_size = int(batch_size)
        self.max_updates = int(max_updates)
        self.dropout_rate = float(dropout_rate)
        self.scaling = scaling
        self.seed = seed
        self.device = device
        self.network = network
        self.progress = progress
        self.history: list[float] = []
        self.feature_names: list[str] | None = None
        self._scaler: RunningScaler | None = None

    # -- fitting ------------------------------------------------------------------------------

    def fit(self, X: Any, sample_weight: ArrayLike | None = None) -> BatchAutoencoder:
        """Fit to a table from scratch.

        Parameters
        ----------
        X : array or data frame of numbers, shape (n, d)
            NaN is missing.
        sample_weight : array, shape (n,), optional
            How much each row counts; 0 leaves it out.

        Raises
        ------
        ValueError
            If the table is empty or not two-dimensional, or if weights do not fit it.
        TypeError
            If a column holds no numbers.
        """
        table = to_matrix(X)
        weights = _row_weights(table, sample_weight)
        self.feature_names = column_names(X)
        if self.scaling == "standard":
            scaler = RunningScaler(table.shape[1], horizon=float("inf")).fit(table[weights > 0])
        else:
            scaler = RunningScaler.identity(table.shape[1])
        self._scaler = scaler
        self._network = Network(
            table.shape[1], self.hidden_sizes, self.activation, draw_seed(self.seed), self.feature_names
        )
        self.history = []
        self._train(self._scaled(table), weights)
        return self

    def partial_fit(self, X: Any, sample_weight: ArrayLike | None = None) -> BatchAutoencoder:
        """Go on with more rows of the same data: the scale takes them in, training continues.

        The first call is a :meth:`fit`.
        """
        if self._scaler is None:
            return self.fit(X, sample_weight)
        table = self._table(X)
        weights = _row_weights(table, sample_weight)
        if self.scaling == "standard":
            more = RunningScaler(table.shape[1], horizon=float("inf"))
            self._scaler.merge(more.fit(table[weights > 0]))
        self._train(self._scaled(table), weights)
        return self

    def _train(self, rows: Float32, weights: Float32) -> None:
        chosen = np.flatnonzero(weights > 0)
        orders = self._orders(chosen)
        if self.network is not None or self.device not in (None, "cpu"):
            self.history += self._train_with_torch(rows, weights, orders)
            return
        for order in _with_progress(orders, self.progress):
            loss = self._network.train(
                rows, order, self.batch_size, self.learning_rate, self.dropout_rate, weights
            )
            self.history.append(loss)

    def _orders(self, chosen: Int64) -> list[Int64]:
        """Which rows each epoch sees, in which order."""
        permutation = self._network.generator.permutation
        if self.epochs is not None:
            return [permutation(chosen) for _ in range(self.epochs)]
        per_epoch = -(-chosen.size // self.batch_size)
        if per_epoch >= self.max_updates:
            return [permutation(chosen)[: self.max_updates * self.batch_size]]
        return [permutation(chosen) for _ in range(min(100, self.max_updates // per_epoch))]

    def _torch_network(self) -> Any:
        from iotae.torch_engine import FlatAutoencoder

        if self.network is not None:
            return self.network
        return FlatAutoencoder(self._network.parameters, self._network.sizes, self.activation)

    def _train_with_torch(self, rows: Float32, weights: Float32, orders: list[Int64]) -> list[float]:
        from iotae import torch_engine

        network = self._torch_network()
        history = torch_engine.train(
            network,
            rows,
            weights,
            orders,
            self.batch_size,
            self.learning_rate,
            dropout_rate=self.dropout_rate,
            seed=int(self._network.generator.integers(2**31)),
            device=self.device or "cpu",
        )
        if self.network is None:
            self._network.parameters[:] = network.block.detach().cpu().numpy()
        return history

    # -- scoring ------------------------------------------------------------------------------

    def _fitted(self) -> RunningScaler:
        if self._scaler is None:
            raise NotFittedError(
                "Got a model that is not fitted, but expected a fitted one: call fit(X) first."
            )
        return self._scaler

    def _table(self, X: Any) -> Float64:
        scaler = self._fitted()
        table = to_matrix(X)
        if table.ndim != 2 or table.shape[1] != scaler.n_features:
            raise ValueError(
                f"Got a table of shape {table.shape}, but expected (n, {scaler.n_features}): "
                "pass the features that the model was fitted on."
            )
        return table

    @property
    def n_features(self) -> int:
        """Number of features of the fitted table."""
        return self._fitted().n_features

    def _scaled(self, table: Float64) -> Float32:
        return self._fitted().transform(table)

    def _reconstructed(self, rows: Float32) -> Float32:
        if self.network is not None or self.device not in (None, "cpu"):
            from iotae import torch_engine

            return torch_engine.reconstruct(self._torch_network(), rows, device=self.device or "cpu")
        return self._network.reconstruct(rows)

    def score(self, X: Any) -> Float64:
        """Reconstruction error ||x - x^||_2 of the scaled rows: (n,), >= 0, higher is odder."""
        rows = self._scaled(self._table(X))
        return distance(rows, self._reconstructed(rows))

    def errors(self, X: Any) -> Float64:
        """Each feature's share (n, d) >= 0 of the score; a row's shares add up to its score."""
        rows = self._scaled(self._table(X))
        return shares(rows, self._reconstructed(rows))

    def reconstruct(self, X: Any) -> Float64:
        """What the network makes of the rows (n, d), in their own units; missing cells filled."""
        rows = self._scaled(self._table(X))
        return self._fitted().inverse_transform(self._reconstructed(rows))

    # -- state --------------------------------------------------------------------------------

    _SETTINGS = (
        "activation",
        "learning_rate",
        "epochs",
        "batch_size",
        "max_updates",
        "dropout_rate",
        "scaling",
        "seed",
        "device",
    )

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
        state: State = {
            "settings": {name: getattr(self, name) for name in self._SETTINGS},
            "hidden_sizes": None if self.hidden_sizes is None else list(self.hidden_sizes),
            "history": list(self.history),
            "feature_names": self.feature_names,
        }
        if self._scaler is not None:
            state |= {"scaler": self._scaler.to_state(), "network": self._network.to_state()}
        return state

    @classmethod
    def from_state(cls, data: State) -> BatchAutoencoder:
        """Rebuild from :meth:`to_state`."""
        made = cls(hidden_sizes=data["hidden_sizes"], **data["settings"])
        made.history = list(data["history"])
        made.feature_names = data["feature_names"]
        if "scaler" in data:
            made._scaler = RunningScaler.from_state(data["scaler"])
            made._network = Network.from_state(data["network"])
        return made


def _row_weights(table: Float64, sample_weight: ArrayLike | None) -> Float32:
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(
            f"Got a table of shape {table.shape}, but expected (n, d) with at least one row and one column."
        )
    if sample_weight is None:
        return np.ones(len(table), np.float32)
    weights = np.asarray(sample_weight, np.float32)
    if weights.shape != (len(table),) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"Got sample_weight of shape {weights.shape}, but expected ({len(table)},), finite and >= 0."
        )
    if not (weights > 0).any():
        raise ValueError("Got sample_weight all 0, but expected at least one row that counts.")
    return weights


def _with_progress(orders: Sequence[Any], wanted: bool) -> Any:
    if not wanted:
        return orders
    from tqdm import tqdm

    return tqdm(orders, desc="training", unit="epoch")
