"""A stream's model for one caller at a time: its parts, and what scoring and learning a row do to them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from iotae._random import draw_seed
from iotae._sharing import Locked
from iotae._typing import Float64
from iotae._validation import check_count, check_seed, check_share
from iotae.nn.architecture import validate_hidden_sizes
from iotae.nn.network import Network, check_network_settings
from iotae.stream.blocks import Block, parts_of
from iotae.stream.calls import run
from iotae.stream.confirmed import ConfirmedKinds
from iotae.stream.counters import DOUBLED, REFUSED
from iotae.stream.features import Features, slot_label
from iotae.stream.memory import Memory, views_of
from iotae.stream.reading import Reading
from iotae.stream.score_scale import bounded, empty_row_score
from iotae.stream.sensor_figures import EPISODES
from iotae.stream.slots import roles_of
from iotae.stream.state import StreamState
from iotae.stream.update_gate import adopting
from iotae.thresholds import ConformalThreshold

__all__ = ["StreamCore", "raw_scores"]


def raw_scores(learns: bool, rows: Float64, memory: Memory) -> Float64:
    """Raw scores of rows (n, n_slots) and whether each counts for the threshold: (n, 2)."""
    results = np.empty((len(rows), 2))
    run(learns, rows, results, *memory)
    return results


class StreamCore(Locked):
    """Settings, features, networks, statistics and threshold of one stream.

    The parameters are those of :class:`iotae.OnlineAutoencoder`, which is what callers see and which holds
    the lock around each method here.
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
        super().__init__()
        self.hidden_sizes = validate_hidden_sizes(hidden_sizes)
        check_network_settings(activation, learning_rate, batch_size)
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
        self.seed = check_seed(seed)
        self._result = np.zeros((1, 2))
        self.n_seen = 0
        self.n_rejected = 0
        self.n_unusable = 0
        self.n_withheld = 0
        self._confirmed = ConfirmedKinds()
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
        self._state.kinds[0] = roles_of(self._features.slots, self._features.kinds)
        self._move_in()

    def _run(self, learns: bool) -> float:
        """Raw score of the row in memory, which is then learned if asked for; -1 if that cannot be."""
        run(learns, self._rows, self._result, *self._memory)
        return float(self._result[0, 0])

    def _cut(self) -> float:
        """The current cut; infinity during the grace period."""
        return self._threshold.threshold if self.n_seen >= self.grace_period else float("inf")

    def _raw_score(self, x: Mapping[Hashable, Any]) -> float:
        self._features.encode(x, self._row)
        return self._run(False) if self._features.slots else -1.0

    def _empty_score(self, counted: int = 0) -> float:
        """The score of a row without a usable cell, which may have been ``counted`` among such rows."""
        return empty_row_score(self._threshold, self.n_rejected - counted, self.n_seen)

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

    def _judge_row(self, x: Mapping[Hashable, Any]) -> tuple[float, float]:
        """Score a row and learn it: its score, and the cut that it met."""
        cut = self._cut()
        if self._features.encode_plain(x, self._row):
            self.n_unusable += self._features.note_plain(1, x)
            return bounded(max(self._learn(), 0.0)), cut
        read = self._features.read(x, self._row)
        if read.strangers or read.texts:
            # learning may give slots to what is new, and the score is that of the slots there were
            raw = self._run(False) if self._features.slots else -1.0
            score = bounded(raw) if raw >= 0.0 else self._empty_score()
            self._learn_row(x, read)
            return score, cut
        raw = self._learn_row(x, read)
        return (bounded(raw) if raw >= 0.0 else self._empty_score(counted=1)), cut

    def _learn(self) -> float:
        """Learn the row in memory; its raw score before."""
        raw = self._run(True)
        if raw < 0.0:
            self.n_rejected += 1
        else:
            self._count(raw, self._result[0, 1] > 0.0)
        return raw

    def _count(self, raw: float, counted: bool) -> None:
        self.n_seen += 1
        if counted and 2 * self.n_seen > self.grace_period:
            # scores of a model that knows nothing yet are high, and would hold the cut up for long
            self._threshold.update(bounded(raw))

    def _judge_part(self, rows: Block | dict[Hashable, Any]) -> tuple[list[float], list[float]]:
        """Score and learn a row, or a block of rows: their scores, and the cuts they met."""
        scores: list[float] = []
        cuts: list[float] = []
        if isinstance(rows, dict):
            score, cut = self._judge_row(rows)
            return [score], [cut]
        for part in parts_of(rows, self._features):
            if isinstance(part, dict):
                score, cut = self._judge_row(part)
                scores.append(score)
                cuts.append(cut)
            else:
                part_scores, part_cuts = self._judge_whole_rows(part)
                self.n_unusable += self._features.note_plain(len(part), rows.names)
                scores += part_scores.tolist()
                cuts += part_cuts.tolist()
        return scores, cuts

    def _judge_whole_rows(self, block: Float64) -> tuple[Float64, Float64]:
        """Score and learn rows (n, n_slots) that lack nothing: their scores, and the cuts they met."""
        results = raw_scores(True, block, self._memory)
        scores = bounded(np.maximum(results[:, 0], 0.0))
        seen = self.n_seen + np.arange(len(block))
        counted = (results[:, 1] > 0.0) & (2 * (seen + 1) > self.grace_period)
        cuts = self._threshold.update_many(scores[counted])
        self.n_seen += len(block)
        return scores, np.where(seen >= self.grace_period, cuts[np.cumsum(counted) - counted], np.inf)

    def _forget_habit(self, name: Hashable) -> None:
        """Let a feature have no habit of being far out, so that its next far row is one."""
        for j, (owner, _) in enumerate(self._features.slots):
            if owner == name:
                self._views["sensors"][EPISODES, j] = 0.0

    # -- what is told -------------------------------------------------------------------------

    @property
    def n_doubled(self) -> int:
        """Rows that were scored but taught nothing, because they repeat the row before in each cell."""
        return int(self._state.counters[DOUBLED])

    @property
    def n_refused(self) -> int:
        """Rows that were scored but taught nothing, because they looked anomalous."""
        return int(self._state.counters[REFUSED])

    @property
    def identifiers(self) -> list[Hashable]:
        """Text features that are ignored, because nearly each row has a value that was never seen."""
        with self._lock:
            return list(self._features.identifiers)

    @property
    def drift_detected(self) -> bool:
        """Whether rows that look anomalous have become so many that they are being adopted."""
        with self._lock:
            return bool(adopting(self._state.gate))

    @property
    def max_features(self) -> int:
        """Slots for features at most."""
        return self._features.max_features

    @property
    def left_out(self) -> list[Hashable]:
        """Features of the latest row learned that had more than there are slots: those without one."""
        with self._lock:
            return self._features.left_out

    # -- copies -------------------------------------------------------------------------------

    # the state and the network are the model; the memory that they live in is made anew
    _NOT_COPIED = ("_memory", "_views", "_rows", "_row")

    def __setstate__(self, data: dict[str, Any]) -> None:
        super().__setstate__(data)
        self._move_in()
