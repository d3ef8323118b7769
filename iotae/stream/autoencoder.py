"""The online autoencoder: score a row before it is learned, in bounded memory, for ever."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from iotae._random import draw_seed
from iotae._typing import Float64, State
from iotae._validation import check_count, check_share
from iotae.data.frames import frame_rows, numeric_columns
from iotae.nn.architecture import validate_hidden_sizes
from iotae.nn.network import Network, check_network_settings
from iotae.serialization import StateError
from iotae.stream.blocks import Judged, in_blocks
from iotae.stream.calls import run
from iotae.stream.counters import REFUSED
from iotae.stream.explanation import expected_values, shares
from iotae.stream.features import SENSOR, Features, slot_label
from iotae.stream.memory import views_of
from iotae.stream.reading import Reading
from iotae.stream.score_scale import bounded, empty_row_score
from iotae.stream.state import StreamState
from iotae.stream.update_gate import adopting
from iotae.thresholds import ConformalThreshold

__all__ = ["OnlineAutoencoder"]


class OnlineAutoencoder:
    """A deep autoencoder that scores and learns one row (a dict) at a time.

    The score joins two answers. *Is the row odd as a whole?* Each feature contributes how rare its
    value is, how far out it lies, and how badly an autoencoder rebuilds it next to how it usually
    does; their mean is the row's surprise, which leans on the recent rows where anomalies come in
    runs. *Is one sensor not what the others say?* A running covariance and a network predict each
    cell from all others. How far the readings miss that, now and lately, and how the sensors move,
    is compared by rarity, and the rarest is joined to the surprise. A time in the row is compared
    with the hour that the sensors tell.

    Rows that look anomalous are scored but teach nothing, unless they persist. The networks are
    updated with mini-batches of the rows learned, so results never depend on how a caller slices
    the stream. Cells are numbers, text (a category), times (the clock) or missing.

    Parameters
    ----------
    hidden_sizes : sequence of int, optional
        Hidden layer sizes; by default they follow the number of features.
    activation : {'tanh', 'relu', 'sigmoid', 'leaky_relu', 'elu'}
        Hidden activation.
    learning_rate : float, positive
        Adam's step size.
    batch_size : int, at least 1
        Rows per update of the autoencoder.
    horizon : float, at least 2
        Rows after which the running statistics begin to forget.
    grace_period : int, at least 0
        Rows to take in before the first alarm may be raised; the scores of the first half of them do
        not count for the cut.
    alpha : float, in (0, 1)
        False-alarm rate asked for: a row is an alarm where at most this share of the latest scores that
        count, its own included, is as high. Rows far out do not count until they persist, so that a fault
        does not hide the rest of itself. The rate is kept nearly, not guaranteed, and drift breaks it.
    max_features : int, at least 1
        Slots for features at most; see :mod:`iotae.stream.features` for who leaves.
    seed : int, optional
        Seed of the weights; None draws one.

    Attributes
    ----------
    threshold : float
        The cut on the score's scale; infinity during the grace period, and as long as fewer than
        ``1 / alpha - 1`` scores count.
    n_seen, n_rejected, n_unusable : int
        Rows taken in, rows set aside because no cell was usable, and cells set aside (text where
        numbers were, infinities; plain missing cells are not counted).
    n_refused : int
        Rows among those taken in that looked anomalous as a whole and did not teach what is usual.
    drift_detected : bool
        Whether such rows have become so many that they are being adopted as a changed world.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = OnlineAutoencoder(seed=0)
    >>> for load in rng.normal(size=500):
    ...     model.learn_one({"power": 50 + 5 * load, "latency": 20 + 3 * load})
    >>> usual, odd = {"power": 55.0, "latency": 23.0}, {"power": 55.0, "latency": -10.0}
    >>> model.score_one(usual) < model.threshold < model.score_one(odd)
    True
    """

    def __init__(
        self,
        hidden_sizes: Sequence[int] | None = None,
        activation: str = "tanh",
        learning_rate: float = 5e-3,
        batch_size: int = 32,
        horizon: float = 100_000.0,
        grace_period: int = 200,
        alpha: float = 0.01,
        max_features: int = 512,
        seed: int | None = None,
    ) -> None:
        self.hidden_sizes = validate_hidden_sizes(hidden_sizes)
        check_network_settings(activation, learning_rate, batch_size, seed)
        if not horizon >= 2.0:
            raise ValueError(f"Got horizon={horizon!r}, but expected a number of rows of at least 2.")
        check_count("grace_period", grace_period, 0)
        check_share("alpha", alpha, meaning="the alarm rate you can live with, e.g. alpha=0.01")
        self.activation = activation
        self.learning_rate = float(learning_rate)
        self.batch_size = int(batch_size)
        self.horizon = float(horizon)
        self.grace_period = int(grace_period)
        self.alpha = float(alpha)
        self.seed = seed
        self._result = np.zeros((1, 2))
        self.n_seen = 0
        self.n_rejected = 0
        self.n_unusable = 0
        self._features = Features(max_features)
        self._threshold = ConformalThreshold(alpha)
        self._network = Network(1, self.hidden_sizes, activation, draw_seed(seed))
        self._state = StreamState(0, self.batch_size, self.horizon, self._network.seed)
        self._move_in()

    def _move_in(self) -> None:
        self._memory = self._state.move_in(self._network, self.learning_rate)
        self._views = views_of(self._memory)
        self._rows = self._views["row"]
        self._row = self._rows[0]

    def _take_in(self, given: list[int]) -> None:
        """Make room for new slots, and forget what a slot's former feature left behind."""
        names = [slot_label(slot) for slot in self._features.slots]
        if self._state.n_slots:
            self._network = self._network.resized(names, given)
        else:
            network = self._network
            self._network = Network(len(names), self.hidden_sizes, network.activation, network.seed, names)
        self._state = self._state.resized(len(names), given)
        self._state.kinds[0] = self._features.roles()
        self._move_in()

    def _run(self, learns: bool) -> float:
        """Raw score of the row in memory, which is then learned if asked for; -1 if that cannot be."""
        run(learns, self._rows, self._result, *self._memory)
        return float(self._result[0, 0])

    def _run_many(self, learns: bool, rows: Float64) -> Float64:
        """Raw scores of rows (n, d) and whether each counts for the threshold: (n, 2)."""
        results = np.empty((len(rows), 2))
        run(learns, rows, results, *self._memory)
        return results

    # -- scoring ------------------------------------------------------------------------------

    def _raw_score(self, x: Mapping[Hashable, Any]) -> float:
        self._features.encode(x, self._row)
        return self._run(False) if self._features.slots else -1.0

    def _empty_score(self, counted: int = 0) -> float:
        """The score of a row without a usable cell, which may have been ``counted`` among such rows."""
        return empty_row_score(self._threshold, self.n_rejected - counted, self.n_seen)

    def score_one(self, x: Mapping[Hashable, Any]) -> float:
        """Anomaly score of a row: a float in [0, 1), strictly monotone in the raw error; pure.

        A row without a single usable known cell scores as high as such rows are rare so far: with a share p
        of them, this one counted in, it scores just above all but a share p of the latest rows. It is 0 for a
        model that has learned nothing.
        """
        raw = self._raw_score(x)
        return bounded(raw) if raw >= 0.0 else self._empty_score()

    def explain_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """Each known feature's share of the score, largest first; the shares add up to the score.

        Where the score comes from one sensor, that sensor has most of it; where the row is odd all over, each
        feature has what it adds to the mean surprise. A row without a usable cell has its score from all its
        known features alike, and from all features there are if it names none.
        """
        raw = self._raw_score(x)
        if raw < 0.0:
            names = [name for name in self._features.names if name in x] or self._features.names
            return {name: self._empty_score() / len(names) for name in names}
        score = bounded(raw)
        parts: dict[Hashable, float] = {}
        for (name, _), part in zip(self._features.slots, shares(self._views).tolist(), strict=True):
            if name in x:
                parts[name] = parts.get(name, 0.0) + part * score
        return dict(sorted(parts.items(), key=lambda item: -item[1]))

    def expected_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """What the model expects of each known number, given the row's other cells: feature -> value.

        In the feature's own units. Also of a feature that the row lacks; not of text and times. Before a
        feature has been seen eight times its centre is expected.
        """
        self.score_one(x)
        values = expected_values(self._views).tolist()
        numbers = zip(self._features.slots, self._features.kinds, values, strict=True)
        return {name: value for (name, _), kind, value in numbers if kind == SENSOR}

    def score_many(self, frame: Any) -> Float64:
        """Scores (n,) of the rows of a data frame (pandas, polars, pyarrow, ...), as score_one's."""
        columns = numeric_columns(frame)
        order = None if columns is None else self._features.order_of(columns[0])
        if columns is None or order is None:
            return np.array([self.score_one(x) for x in frame_rows(frame)], np.float64)
        rows = np.ascontiguousarray(columns[1][:, order])
        raw = self._run_many(False, rows)[:, 0]
        return np.where(raw >= 0.0, bounded(np.maximum(raw, 0.0)), self._empty_score())

    @property
    def threshold(self) -> float:
        """The current cut; infinity during the grace period."""
        return self._threshold.threshold if self.n_seen >= self.grace_period else float("inf")

    def classify(self, score: float) -> bool:
        """Whether a score is an alarm: above :attr:`threshold`."""
        return bool(score > self.threshold)

    def p_value(self, score: float) -> float:
        """Share of the latest scores, this one counted in, that are at least as high: in (0, 1]."""
        return float(self._threshold.p_value(float(score)))

    # -- learning -----------------------------------------------------------------------------

    def learn_one(self, x: Mapping[Hashable, Any]) -> None:
        """Learn one row: what is usual, the threshold, and with mini-batches of rows the networks."""
        self._learn_row(x, None)

    def _learn_row(self, x: Mapping[Hashable, Any], read: Reading | None) -> float:
        """Learn a row, which may have been read already; its raw score, -1 if nothing in it is usable."""
        features = self._features
        given, n_unusable, _ = features.learn(x, self._row, read)
        if given:
            self._take_in(given)
            features.encode(x, self._row)
        self.n_unusable += n_unusable
        if features.slots:
            return self._learn()
        self.n_rejected += 1
        return -1.0

    def _learn(self) -> float:
        """Learn the row in memory; its raw score before."""
        raw = self._run(True)
        if raw < 0.0:
            self.n_rejected += 1
        else:
            self._count(raw, self._result[0, 1] > 0.0)
        return raw

    def score_learn_one(self, x: Mapping[Hashable, Any]) -> tuple[float, bool]:
        """Score a row, judge it and learn it: the score, and whether it is an alarm.

        The same as ``score_one``, ``classify`` and ``learn_one`` one after the other, for the price of
        ``learn_one`` where no cell is a text.
        """
        threshold = self.threshold
        if self._features.encode_plain(x, self._row):
            self._features.note_plain(1)
            score = bounded(max(self._learn(), 0.0))
            return score, score > threshold
        read = self._features.read(x, self._row)
        if read.strangers or read.texts:
            # learning may give slots to what is new, and the score is that of the slots there were
            raw = self._run(False) if self._features.slots else -1.0
            score = bounded(raw) if raw >= 0.0 else self._empty_score()
            self._learn_row(x, read)
        else:
            raw = self._learn_row(x, read)
            score = bounded(raw) if raw >= 0.0 else self._empty_score(counted=1)
        return score, score > threshold

    def _count(self, raw: float, counted: bool) -> None:
        self.n_seen += 1
        if counted and 2 * self.n_seen > self.grace_period:
            # scores of a model that knows nothing yet are high, and would hold the cut up for long
            self._threshold.update(bounded(raw))

    def learn_many(self, frame: Any) -> None:
        """Learn the rows of a data frame in order; the same as ``learn_one`` row by row."""
        for part in in_blocks(frame, None, self._features):
            if isinstance(part, dict):
                self.learn_one(part)
            else:
                self._learn_block(part)

    def score_learn_many(self, rows: Any, names: Sequence[Hashable] | None = None) -> Judged:
        """Score, judge and learn rows in order; the same as ``score_learn_one`` row by row, but faster.

        Rows that have every known feature as a number are scored and learned in one compiled call.

        Parameters
        ----------
        rows : data frame, list of dicts, or array of shape (n, d)
        names : sequence, length d, optional
            The features of an array's columns.

        Returns
        -------
        Judged
            ``scores``, the ``thresholds`` that they were compared with, and ``alarms``, each (n,).

        Raises
        ------
        ValueError
            If an array has not as many columns as there are names, or two names are equal.

        Examples
        --------
        >>> model = OnlineAutoencoder(seed=0)
        >>> judged = model.score_learn_many([[50.0, 20.0], [55.0, 23.0]], ["power", "latency"])
        >>> judged.scores.shape, judged.thresholds, judged.alarms
        ((2,), array([inf, inf]), array([False, False]))
        """
        scores: list[float] = []
        thresholds: list[float] = []
        for part in in_blocks(rows, names, self._features):
            if isinstance(part, dict):
                thresholds.append(self.threshold)
                scores.append(self.score_learn_one(part)[0])
            else:
                block_scores, block_thresholds = self._learn_block(part)
                scores += block_scores.tolist()
                thresholds += block_thresholds.tolist()
        judged = np.array([scores, thresholds])
        return Judged(judged[0], judged[1], judged[0] > judged[1])

    def _learn_block(self, block: Float64) -> tuple[Float64, Float64]:
        """Learn rows (n, n_slots) that lack nothing; their scores before, and the cuts they meet."""
        results = self._run_many(True, block)
        self._features.note_plain(len(block))
        scores = bounded(np.maximum(results[:, 0], 0.0))
        seen = self.n_seen + np.arange(len(block))
        counted = (results[:, 1] > 0.0) & (2 * (seen + 1) > self.grace_period)
        cuts = self._threshold.update_many(scores[counted])
        self.n_seen += len(block)
        return scores, np.where(seen >= self.grace_period, cuts[np.cumsum(counted) - counted], np.inf)

    @property
    def n_refused(self) -> int:
        """Rows that were scored but taught nothing, because they looked anomalous."""
        return int(self._state.counters[REFUSED])

    @property
    def identifiers(self) -> list[Hashable]:
        """Text features that are ignored, because nearly each row has a value that was never seen."""
        return list(self._features.identifiers)

    @property
    def drift_detected(self) -> bool:
        """Whether rows that look anomalous have become so many that they are being adopted."""
        return bool(adopting(self._state.gate))

    # -- state --------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        # the state and the network are the model; the memory that they live in is made anew
        memory = ("_memory", "_views", "_rows", "_row")
        return {key: value for key, value in self.__dict__.items() if key not in memory}

    def __copy__(self) -> OnlineAutoencoder:
        # a copy that shared arrays would learn what the original learns
        return copy.deepcopy(self)

    def __setstate__(self, data: dict[str, Any]) -> None:
        self.__dict__.update(data)
        self._move_in()

    _SETTINGS = ("activation", "learning_rate", "batch_size", "grace_period", "alpha", "seed")
    _COUNTERS = ("n_seen", "n_rejected", "n_unusable")

    def to_state(self) -> State:
        """Everything needed to continue bit for bit, as arrays, numbers and text."""
        return {
            "settings": {name: getattr(self, name) for name in self._SETTINGS},
            "hidden_sizes": None if self.hidden_sizes is None else list(self.hidden_sizes),
            "horizon": np.array(self.horizon),
            "counters": {name: getattr(self, name) for name in self._COUNTERS},
            "features": self._features.to_state(),
            "cut": self._threshold.to_state(),
            "network": self._network.to_state(),
            "stream": self._state.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> OnlineAutoencoder:
        """Rebuild from :meth:`to_state`; a state of iotae 0.1 raises ``StateError``."""
        if "schema" in data and "features" not in data:
            raise StateError(
                "saved by iotae 0.1, whose stream model kept other figures, so that it cannot go on; "
                "make a new model and let it learn anew"
            )
        restored = cls(
            hidden_sizes=data["hidden_sizes"],
            horizon=float(data["horizon"]),
            max_features=data["features"]["registry"]["table"]["max_features"],
            **data["settings"],
        )
        for name, value in data["counters"].items():
            setattr(restored, name, value)
        restored._features = Features.from_state(data["features"])
        restored._threshold = ConformalThreshold.from_state(data["cut"])
        restored._network = Network.from_state(data["network"])
        restored._state = StreamState.from_state(data["stream"])
        restored._move_in()
        return restored
