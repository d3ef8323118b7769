"""The online autoencoder: score a row before it is learned, in bounded memory, for ever."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from iotae._typing import Float64, State
from iotae.data.frames import frame_rows, numeric_columns
from iotae.stream.blocks import Judged, blocks_of
from iotae.stream.core import raw_scores
from iotae.stream.explaining import Explaining
from iotae.stream.memory import scoring_copy
from iotae.stream.reading import as_row
from iotae.stream.saving import restored, state_of
from iotae.stream.score_scale import bounded

__all__ = ["OnlineAutoencoder"]


class OnlineAutoencoder(Explaining):
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
    the stream. Cells are numbers, text (a category), times (the clock) or missing. Any number of threads
    may use one model; copies, also those of ``copy.copy``, are deep.

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
        Rows taken in, rows set aside because no cell was usable, and cells set aside (text where numbers
        were, infinities, all cells of features that have no slot as all ``max_features`` are taken; plain
        missing cells of known features are not counted).
    left_out : list
        Features of the latest row learned that had more than there are slots: those without one, in the
        order of their names. If the first row of all has some, ``RuntimeWarning`` says so.
    n_doubled : int
        Rows that repeat the row before in each cell, where that is rare: they were scored and taught nothing.
    n_refused : int
        Rows among those taken in that looked anomalous as a whole and did not teach what is usual.
    n_withheld : int
        Rows that were not learned because their kind of alarm was confirmed as an anomaly.
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

    # -- scoring ------------------------------------------------------------------------------

    def score_one(self, x: Mapping[Hashable, Any]) -> float:
        """Anomaly score of a row: a float in [0, 1), strictly monotone in the raw error; pure.

        A row without a single usable known cell scores as high as such rows are rare so far: with a share p
        of them, this one counted in, it scores just above all but a share p of the latest rows. It is 0 for a
        model that has learned nothing.
        """
        row = as_row(x)
        with self._lock:
            raw = self._raw_score(row)
            return self._score_of(row, raw) if raw >= 0.0 else self._empty_score()

    def score_many(self, frame: Any) -> Float64:
        """Scores (n,) of the rows of a data frame (pandas, polars, pyarrow, ...), as score_one's.

        A frame of numbers is scored by a copy of the model, so that threads that do so run at once.
        """
        columns = numeric_columns(frame)
        if columns is not None:
            with self._lock:
                order = None if self._confirmed else self._features.order_of(columns[0])
                memory = None if order is None else scoring_copy(self._memory)
            if memory is not None:
                rows = np.ascontiguousarray(columns[1][:, order])
                raw = raw_scores(False, rows, memory)[:, 0]
                with self._lock:
                    empty = self._empty_score()
                return np.where(raw >= 0.0, bounded(np.maximum(raw, 0.0)), empty)
        return np.array([self.score_one(x) for x in frame_rows(frame)], np.float64)

    @property
    def threshold(self) -> float:
        """The current cut; infinity during the grace period."""
        with self._lock:
            return self._cut()

    def classify(self, score: float) -> bool:
        """Whether a score is an alarm: above :attr:`threshold`."""
        return bool(score > self.threshold)

    def p_value(self, score: float) -> float:
        """Share of the latest scores, this one counted in, that are at least as high: in (0, 1]."""
        with self._lock:
            return float(self._threshold.p_value(float(score)))

    # -- learning -----------------------------------------------------------------------------

    def learn_one(self, x: Mapping[Hashable, Any]) -> None:
        """Learn one row: what is usual, the threshold, and with mini-batches of rows the networks."""
        row = as_row(x)
        with self._lock:
            self._learn_row(row, None)

    def score_learn_one(self, x: Mapping[Hashable, Any]) -> tuple[float, bool]:
        """Score a row, judge it and learn it: the score, and whether it is an alarm.

        The same as ``score_one``, ``classify`` and ``learn_one`` one after the other, for the price of
        ``learn_one`` where no cell is a text. No other thread's row comes between.
        """
        row = as_row(x)
        with self._lock:
            score, cut = self._judge_row(row)
        return score, score > cut

    def learn_many(self, frame: Any) -> None:
        """Learn the rows of a data frame in order; the same as ``learn_one`` row by row."""
        for part in blocks_of(frame, None):
            with self._lock:
                self._judge_part(part)

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
        cuts: list[float] = []
        for part in blocks_of(rows, names):
            with self._lock:
                found = self._judge_part(part)
            scores += found[0]
            cuts += found[1]
        judged = np.array([scores, cuts])
        return Judged(judged[0], judged[1], judged[0] > judged[1])

    # -- state --------------------------------------------------------------------------------

    def to_state(self) -> State:
        """Everything needed to continue bit for bit, as arrays, numbers and text."""
        with self._lock:
            return state_of(self)

    @classmethod
    def from_state(cls, data: State) -> OnlineAutoencoder:
        """Rebuild from :meth:`to_state`; a state of iotae 0.1 raises ``StateError``."""
        return restored(cls, data)
