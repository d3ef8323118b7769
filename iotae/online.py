"""The online autoencoder: score a row before it is learned, in bounded memory, for ever."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from iotae.architecture import validate_hidden_sizes
from iotae.frames import frame_rows
from iotae.network import Network, draw_seed
from iotae.parameters import check_count, check_network_settings, check_share
from iotae.scaling import HEAD, LARGEST, Float64
from iotae.schema import FeatureSchema, slot_label
from iotae.state import State
from iotae.stream_kernels import learn_row, score_row
from iotae.thresholds import QuantileThreshold

__all__ = ["OnlineAutoencoder"]

_TRUSTED_AFTER = 20
"""Mini-batches after which the network's reconstruction counts in full; before, in proportion."""


class OnlineAutoencoder:
    """A deep autoencoder that scores and learns one row (a dict) at a time.

    Rows are scaled by running statistics, reconstructed, and scored by each feature's residual
    relative to that feature's usual residual. The network is updated once for every ``batch_size``
    rows learned, so results never depend on how a caller slices the stream.

    Parameters
    ----------
    hidden_sizes : sequence of int, optional
        Hidden layer sizes; by default they follow the number of features.
    activation : {'tanh', 'relu', 'sigmoid', 'leaky_relu', 'elu'}
        Hidden activation.
    learning_rate : float, positive
        Adam's step size.
    batch_size : int, at least 1
        Rows per update of the network.
    horizon : float, at least 1
        Rows after which the running statistics begin to forget.
    grace_period : int, at least 0
        Rows to learn before the first alarm may be raised.
    alpha : float, in (0, 1)
        Share of rows that may be alarms: the cut is this quantile of the latest 1,000 scores.
    max_features : int, at least 1
        Slots for features at most; see :mod:`iotae.schema` for who leaves.
    seed : int, optional
        Seed of the weights and of the order of updates; None draws one.

    Attributes
    ----------
    threshold : float
        The cut on the score's scale; infinity during the grace period.
    n_seen, n_rejected, n_unusable : int
        Rows learned, rows set aside because no cell was usable, and cells set aside (text where
        numbers were, infinities, values beyond 1e100; plain missing cells are not counted).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = OnlineAutoencoder(seed=0)
    >>> for load in rng.normal(size=500):
    ...     model.learn_one({"power": 50 + 5 * load, "latency": 20 + 3 * load})
    >>> usual, odd = {"power": 55.0, "latency": 23.0}, {"power": 55.0, "latency": 10.0}
    >>> model.score_one(usual) < model.threshold < model.score_one(odd)
    True
    """

    def __init__(
        self,
        hidden_sizes: Sequence[int] | None = None,
        activation: str = "tanh",
        learning_rate: float = 3e-3,
        batch_size: int = 32,
        horizon: float = 10_000.0,
        grace_period: int = 200,
        alpha: float = 0.01,
        max_features: int = 512,
        seed: int | None = None,
    ) -> None:
        self.hidden_sizes = validate_hidden_sizes(hidden_sizes)
        check_network_settings(activation, learning_rate, batch_size, seed)
        if not horizon >= 1.0:
            raise ValueError(f"Got horizon={horizon!r}, but expected a number of rows of at least 1.")
        check_count("grace_period", grace_period, 0)
        check_share("alpha", alpha, meaning="the alarm rate you can live with, e.g. alpha=0.01")
        self.activation = activation
        self.learning_rate = float(learning_rate)
        self.batch_size = int(batch_size)
        self.horizon = float(horizon)
        self.grace_period = int(grace_period)
        self.alpha = float(alpha)
        self.seed = seed
        self.n_seen = 0
        self.n_rejected = 0
        self.n_unusable = 0
        self._schema = FeatureSchema(max_features)
        self._cut = QuantileThreshold(alpha)
        self._network = Network(1, self.hidden_sizes, activation, draw_seed(seed))
        self._n_pending = 0
        self._make_slots(0)
        self._make_scratch()

    # -- the shape of things: everything with one entry per slot ------------------------------

    def _make_slots(self, width: int) -> None:
        self._count = np.zeros(width)
        self._centre = np.zeros(width)
        self._variance = np.zeros(width)
        self._head = np.zeros((width, HEAD))
        self._residual_power = np.ones(width)
        self._pending = np.full((self.batch_size, width), np.nan, np.float32)

    def _make_scratch(self) -> None:
        width = len(self._schema.slots)
        self._tape = np.zeros(sum(self._network.sizes), np.float32)
        self._row = np.empty(width)
        self._scaled = np.empty(width, np.float32)
        self._residual = np.empty(width)
        self._contribution = np.empty(width)

    def _take_in(self, given: list[int]) -> None:
        """Make room for new slots, and forget what a slot's former feature left behind."""
        old = {name: getattr(self, name) for name in self._SLOTTED}
        width, known = len(self._schema.slots), old["_count"].size
        self._make_slots(width)
        for name, array in old.items():
            getattr(self, name)[..., :known] = array[..., :known] if name != "_head" else 0.0
        self._head[:known] = old["_head"]
        names = [slot_label(slot) for slot in self._schema.slots]
        if known:
            self._network = self._network.resized(width, names)
        else:
            self._network = Network(width, self.hidden_sizes, self.activation, self._network.seed, names)
        for place in given:
            self._count[place] = self._centre[place] = self._variance[place] = 0.0
            self._residual_power[place] = 1.0
            self._pending[:, place] = np.nan
        self._make_scratch()

    # -- scoring ------------------------------------------------------------------------------

    def _raw_score(self, x: Mapping[Hashable, Any]) -> float:
        if not self._schema.slots:
            return 0.0
        self._schema.encode(x, self._row)
        return score_row(
            self._row,
            self._centre,
            self._variance,
            self._network.parameters,
            self._network.layers,
            self._network.code,
            min(1.0, self._network.step / _TRUSTED_AFTER),
            self._residual_power,
            self._tape,
            self._scaled,
            self._residual,
            self._contribution,
        )

    def score_one(self, x: Mapping[Hashable, Any]) -> float:
        """Anomaly score of a row: a float in [0, 1), strictly monotone in the raw error; pure.

        A row without a single usable known cell scores 0.
        """
        raw = self._raw_score(x)
        return raw / (1.0 + raw)

    def explain_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """Each known feature's share of the score, largest first; the shares add up to the score."""
        raw = self._raw_score(x)
        parts: dict[Hashable, float] = {}
        for (name, _), part in zip(self._schema.slots, self._contribution.tolist(), strict=True):
            if name in x:
                parts[name] = parts.get(name, 0.0) + part / (1.0 + raw)
        return dict(sorted(parts.items(), key=lambda item: -item[1]))

    def score_many(self, frame: Any) -> Float64:
        """Scores (n,) of the rows of a data frame (pandas, polars, pyarrow, ...), as score_one's."""
        return np.array([self.score_one(x) for x in frame_rows(frame)], np.float64)

    @property
    def threshold(self) -> float:
        """The current cut; infinity during the grace period."""
        return self._cut.threshold if self.n_seen >= self.grace_period else float("inf")

    def classify(self, score: float) -> bool:
        """Whether a score is an alarm: above :attr:`threshold`."""
        return bool(score > self.threshold)

    # -- learning -----------------------------------------------------------------------------

    def learn_one(self, x: Mapping[Hashable, Any]) -> None:
        """Learn one row: scale, threshold, and with every ``batch_size``-th row the network."""
        given = self._schema.admit(x)
        if given:
            self._take_in(given)
        raw = self._raw_score(x)
        if not np.isfinite(self._row).all():
            self.n_unusable += self._schema.count_unusable(x, self._row, LARGEST)
            if not (np.abs(self._row) <= LARGEST).any():
                self.n_rejected += 1
                return
        elif not self._row.size:
            self.n_rejected += 1
            return
        self.n_seen += 1
        self._cut.update(raw / (1.0 + raw))
        learn_row(
            self._row,
            self._count,
            self._centre,
            self._variance,
            self._head,
            self.horizon,
            self._residual_power,
            self._scaled,
            self._residual,
        )
        self._pending[self._n_pending] = self._scaled
        self._n_pending += 1
        if self._n_pending == self.batch_size:
            self._update_network()

    def learn_many(self, frame: Any) -> None:
        """Learn the rows of a data frame in order; the same as ``learn_one`` row by row."""
        for x in frame_rows(frame):
            self.learn_one(x)

    def _update_network(self) -> None:
        self._network.train(self._pending, np.arange(self.batch_size), self.batch_size, self.learning_rate)
        self._n_pending = 0
        self._pending[:] = np.nan

    # -- state --------------------------------------------------------------------------------

    _SETTINGS = ("activation", "learning_rate", "batch_size", "grace_period", "alpha", "seed")
    _COUNTERS = ("n_seen", "n_rejected", "n_unusable", "_n_pending")
    _SLOTTED = ("_count", "_centre", "_variance", "_head", "_residual_power", "_pending")

    def to_state(self) -> State:
        """Everything needed to continue bit for bit, as arrays, numbers and text."""
        return {
            "settings": {name: getattr(self, name) for name in self._SETTINGS},
            "hidden_sizes": None if self.hidden_sizes is None else list(self.hidden_sizes),
            "horizon": np.array(self.horizon),
            "counters": {name: getattr(self, name) for name in self._COUNTERS},
            "schema": self._schema.to_state(),
            "cut": self._cut.to_state(),
            "network": self._network.to_state(),
            "arrays": {name: getattr(self, name).copy() for name in self._SLOTTED},
        }

    @classmethod
    def from_state(cls, data: State) -> OnlineAutoencoder:
        """Rebuild from :meth:`to_state`."""
        made = cls(
            hidden_sizes=data["hidden_sizes"],
            horizon=float(data["horizon"]),
            max_features=data["schema"]["max_features"],
            **data["settings"],
        )
        for name, value in data["counters"].items():
            setattr(made, name, value)
        made._schema = FeatureSchema.from_state(data["schema"])
        made._cut = QuantileThreshold.from_state(data["cut"])
        made._network = Network.from_state(data["network"])
        for name in cls._SLOTTED:
            setattr(made, name, data["arrays"][name])
        made._make_scratch()
        return made
