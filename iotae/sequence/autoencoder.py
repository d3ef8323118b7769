"""The model of a series: fit a table of rows in order of time, score each row by its windows, explain it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._random import draw_seed
from iotae._sharing import Unshared
from iotae._typing import Float32, Float64, State
from iotae._validation import NotFittedError, check_count, check_seed, check_table
from iotae.batch.scaler import TableScaler
from iotae.data.frames import check_columns, column_names, to_matrix
from iotae.sequence.clock import fitted_clock
from iotae.sequence.network_view import NetworkView, check_network
from iotae.sequence.segments import Clocked, Segment, check_as_fitted, clocked, seconds_of, segments_of
from iotae.sequence.sensor_view import SensorView
from iotae.sequence.single_views import Part, SingleViews
from iotae.sequence.state_schema import SEQUENCE_SETTINGS, check_sequence
from iotae.sequence.whole_views import WholeViews
from iotae.sequence.window_view import WindowView

__all__ = ["SequenceAutoencoder"]

_GAP = 0.5
"""A gap of more than so many windows starts a new segment."""


class SequenceAutoencoder(Unshared):
    """Scores each row of a series by the windows around it.

    The score joins views. The *window as a whole*: its distance, whitened, from what windows usually are, and
    what a linear autoencoder leaves of it. *Each sensor*: a network says what it should read given the other
    sensors and the past; its misses over a window, its steps, and how long it repeats itself. *The clock*:
    whether the rows are those of their phase of the period. The oddest of the latter, by rarity, is added to
    the former.

    A row's score is that of the windows around it, so it needs the rows that come after: for a stream see
    ``river_iotae.SequenceIoTAE``. Windows never reach across devices, nor across a gap in time of more than
    half a window. Rows are put in order of time; a missing cell counts as usual.

    Parameters
    ----------
    window : int, at least 4
        Rows of a window.
    period : int, optional
        Rows of the period, such as those of a day. By default it is found, where at least three periods are
        seen; 0 for none.
    seed : int, optional
        Seed of the networks; None draws one at each fit.
    network : {'tcn', 'lstm', 'gru', 'cnn-gru-bilstm'} or torch.nn.Module, optional
        A network under torch that rebuilds windows joins the view of the window as a whole: a temporal
        convolution, an LSTM encoder-decoder, a GRU, a hybrid, or your own module from (n, window, d) to the
        same, of which a copy is trained. By default none, and no torch.
    device : str, optional
        Where torch trains and scores, such as ``'cuda'``; a model that was loaded scores on the CPU.

    Attributes
    ----------
    fitted_scores : ndarray of float64, shape (n,)
        Scores of the rows of the fit.
    found_period : int or None
        The period in rows.

    Examples
    --------
    >>> time = np.arange(1200)
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=(1200, 2))
    >>> X = np.stack([np.sin(time / 16), np.cos(time / 16)], axis=1) + noise
    >>> model = SequenceAutoencoder(window=16, seed=0).fit(X[:800])
    >>> X[1000:1030, 0] = X[1000, 0]
    >>> score = model.score(X[800:])
    >>> bool(score[200:230].min() > np.delete(score, range(180, 250)).max())
    True
    """

    def __init__(
        self,
        window: int = 32,
        period: int | None = None,
        seed: int | None = None,
        network: Any = None,
        device: str | None = None,
    ) -> None:
        check_network(network, device)
        self.window = check_count("window", window, 4)
        self.period = None if period is None else check_count("period", period, 0)
        self.seed = check_seed(seed)
        self.network, self.device = network, device
        self.feature_names: list[str] | None = None
        self.fitted_scores: Float64 = np.empty(0)
        self._single: SingleViews | None = None

    # -- fitting ------------------------------------------------------------------------------

    def fit(
        self, X: Any, times: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> SequenceAutoencoder:
        """Fit to rows in order of time, most of them normal.

        Parameters
        ----------
        X : array or data frame of numbers, shape (n, d)
            At least two windows of rows; NaN is missing.
        times : array, shape (n,), optional
            Dates or numbers. By default rows are one interval apart.
        groups : array, shape (n,), optional
            The device of each row.

        Raises
        ------
        ValueError
            If there are too few rows, or times or groups do not fit them.
        TypeError
            If a column holds no numbers.
        """
        table = to_matrix(X)
        n = check_table(table)
        if n < 2 * self.window:
            least = f"{2 * self.window}, two windows: pass more rows or a smaller window."
            raise ValueError(f"Got {n} rows, but expected at least {least}")
        clock = None if times is None else clocked(times, None if groups is None else np.asarray(groups), n)
        segments = segments_of(n, groups, clock, _GAP * self.window)
        # what fails on the way leaves an earlier fit as it was
        model = SequenceAutoencoder(self.window, self.period, self.seed, self.network, self.device)
        model._learn(table, segments, clock)
        model.feature_names = column_names(X)
        model.fitted_scores = model.score(X, times, groups)
        self.__dict__ = model.__dict__
        return self

    def _learn(self, table: Float64, segments: list[Segment], clock: Clocked | None) -> None:
        seed = draw_seed(self.seed)
        self._network_seed = seed
        self._origin = (0.0, 0.0) if clock is None else (clock.origin, clock.interval)
        self._scaler = TableScaler().fit(table)
        parts = [self._part(table, one, np.arange(len(one.rows), dtype=np.float64)) for one in segments]
        network = None if self.network is None else NetworkView(self.window, self.network, seed, self.device)
        self._whole = WholeViews(WindowView(self.window), network).fit([part.rows for part in parts])
        sensors = SensorView(self.window, seed).fit([(part.rows, part.raw) for part in parts])
        profile = fitted_clock([(part.rows, part.places) for part in parts], self.window, self.period)
        self._single = SingleViews(sensors, profile).fit(parts)

    def _part(self, table: Float64, segment: Segment, places: Float64 | None) -> Part:
        """Scale a segment; ``places`` stand for the times that it lacks, by default those that fit best."""
        raw = table[segment.rows]
        rows: Float32 = np.nan_to_num(self._scaler.transform(raw))
        if segment.places is not None:
            places = segment.places
        if places is None:
            clock = self._fitted().clock
            places = np.zeros(len(rows)) if clock is None else clock.aligned(rows)
        return Part(rows, raw, places)

    def _fitted(self) -> SingleViews:
        if self._single is None:
            raise NotFittedError(
                "Got a model that is not fitted, but expected one that is: call fit(X) first."
            )
        return self._single

    # -- scoring ------------------------------------------------------------------------------

    @property
    def found_period(self) -> int | None:
        """The period in rows; None if there is none, or before the fit."""
        clock = None if self._single is None else self._single.clock
        return None if clock is None else int(clock.period)

    def _parts(
        self, X: Any, times: ArrayLike | None, groups: ArrayLike | None
    ) -> Iterator[tuple[Segment, Part]]:
        self._fitted()
        table = to_matrix(X)
        origin, interval = self._origin
        check_as_fitted(table, self._scaler.n_features, times, interval > 0.0)
        check_columns(X, self.feature_names)
        clock = None if times is None else Clocked(seconds_of(times, len(table)), origin, interval)
        for segment in segments_of(len(table), groups, clock, _GAP * self.window) if len(table) else ():
            yield segment, self._part(table, segment, None)

    def score(self, X: Any, times: ArrayLike | None = None, groups: ArrayLike | None = None) -> Float64:
        """Anomaly score of each row: (n,), >= 0, in the order given, higher is odder.

        Without times, the phase of a series is where the profile fits the larger part of it best.
        """
        result = np.empty(len(to_matrix(X)))
        for segment, part in self._parts(X, times, groups):
            result[segment.rows] = self._whole.score(part.rows) + self._fitted().score(part)
        return result

    def explain(self, X: Any, times: ArrayLike | None = None, groups: ArrayLike | None = None) -> Float64:
        """Each feature's share (n, d) >= 0 of the score; a row's shares add up to its score."""
        result = np.empty(to_matrix(X).shape)
        for segment, part in self._parts(X, times, groups):
            result[segment.rows] = self._whole.shares(part.rows) + self._fitted().shares(part)
        return result

    def explain_row(
        self, X: Any, row: int, times: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Float64:
        """Share of each step and feature in the score of one row: (2 window - 1, d), the row in the middle.

        What is known of a sensor over a window belongs to the steps of that window alike.
        """
        n = len(to_matrix(X))
        if not 0 <= check_count("row", row, 0) < n:
            raise ValueError(f"Got row={row!r}, but expected one of the {n} rows, counted from 0.")
        for segment, part in self._parts(X, times, groups):
            for at in np.flatnonzero(segment.rows == row).tolist():
                return self._whole.steps(part.rows, at) + self._fitted().steps(part, at, self.window)
        raise AssertionError("every row is in one segment")

    # -- state --------------------------------------------------------------------------------

    def to_state(self) -> State:
        """Everything needed to score, as arrays, numbers and text.

        Raises
        ------
        TypeError
            If the network is a module of the caller's own, which only its code can rebuild.
        """
        views = self._fitted().to_state()
        return {
            "settings": {name: getattr(self, name) for name in SEQUENCE_SETTINGS.fields},
            "feature_names": self.feature_names,
            "network_seed": str(self._network_seed),
            "origin": list(self._origin),
            "scaler": self._scaler.to_state(),
            **self._whole.to_state(),
            **views,
            "fitted_scores": self.fitted_scores,
        }

    @classmethod
    def from_state(cls, data: State) -> SequenceAutoencoder:
        """Rebuild from :meth:`to_state`; a state that is not as a model's raises ``StateError``."""
        check_sequence(data)
        model = cls(**data["settings"])
        model.feature_names, model.fitted_scores = data["feature_names"], data["fitted_scores"]
        model._network_seed, model._origin = int(data["network_seed"]), (data["origin"][0], data["origin"][1])
        model._scaler = TableScaler.from_state(data["scaler"])
        model._whole = WholeViews.from_state(data, data["sensors"]["middle"].size)
        model._single = SingleViews.from_state(model.window, model._network_seed, data)
        return model
