"""Peers that no package offers as they are: KitNET and a torch autoencoder for River, SPOT for scores."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from river import base

from iotae.thresholds.pareto import excess_at, fit_excesses

__all__ = ["Given", "KitNET", "RiverQuantile", "Spot", "TorchAutoencoder"]


class KitNET(base.AnomalyDetector):  # type: ignore[misc]
    """KitNET of the package ``aberrant``, shown to River.

    ``aberrant`` speaks River's language but is no River estimator, so a River pipeline refuses it.
    Scores are 0 during the two grace periods, as in the paper; afterwards the ensemble is frozen.

    Parameters
    ----------
    feature_map_grace : int
        Rows that decide which features share an autoencoder.
    ad_grace : int
        Rows that train the ensemble thereafter.
    seed : int
        Seed of the weights.

    References
    ----------
    Mirsky, Doitshman, Elovici, Shabtai (2018). Kitsune. NDSS.
    """

    def __init__(self, feature_map_grace: int, ad_grace: int, seed: int) -> None:
        from aberrant.model.deep import OnlineAutoencoderEnsemble

        self.feature_map_grace = feature_map_grace
        self.ad_grace = ad_grace
        self.seed = seed
        self._model = OnlineAutoencoderEnsemble(
            feature_map_grace=feature_map_grace, ad_grace=ad_grace, seed=seed
        )

    def learn_one(self, x: dict[Any, float]) -> None:
        """Learn from one row."""
        self._model.learn_one(x)

    def score_one(self, x: dict[Any, float]) -> float:
        """Return the root mean square error of the output autoencoder, or 0 in the grace periods."""
        return float(self._model.score_one(x)) if self._model.is_ready else 0.0


class TorchAutoencoder(base.AnomalyDetector):  # type: ignore[misc]
    """A plain online autoencoder: one Adam step a row on the squared error, as deep-river takes it.

    The network is d, d / 2, d / 4, d / 2, d with tanh between; the score is the mean squared error.

    Parameters
    ----------
    learning_rate : float
        Step size of Adam.
    seed : int
        Seed of the weights.
    """

    def __init__(self, learning_rate: float = 0.005, seed: int = 0) -> None:
        self.learning_rate = learning_rate
        self.seed = seed
        self._network: Any = None
        self._optimizer: Any = None

    def _build(self, n_features: int) -> None:
        import torch

        half, quarter = math.ceil(n_features / 2), math.ceil(n_features / 4)
        sizes = (n_features, half, quarter, half, n_features)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            layers: list[Any] = []
            for fan_in, fan_out in pairwise(sizes):
                layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.Tanh()]
        self._network = torch.nn.Sequential(*layers[:-1])
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=self.learning_rate, fused=True)

    @staticmethod
    def _row(x: dict[Any, float]) -> Any:
        import torch

        return torch.from_numpy(np.fromiter(x.values(), dtype=np.float32, count=len(x)))

    def learn_one(self, x: dict[Any, float]) -> None:
        """Take one gradient step on one row."""
        if self._network is None:
            self._build(len(x))
        row = self._row(x)
        loss = (self._network(row) - row).square().mean()
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()

    def score_one(self, x: dict[Any, float]) -> float:
        """Return the mean squared error of one row; 0 before the first row is learned."""
        if self._network is None:
            return 0.0
        import torch

        with torch.inference_mode():
            row = self._row(x)
            return float((self._network(row) - row).square().mean())


class Given(base.AnomalyDetector):  # type: ignore[misc]
    """The first feature as the score: where scores are what is given."""

    def learn_one(self, x: dict[Any, float]) -> None:
        """Learn nothing."""

    def score_one(self, x: dict[Any, float]) -> float:
        """Return the first value of the row."""
        return next(iter(x.values()))


class RiverQuantile:
    """River's ``QuantileFilter`` around given scores, in the manner of our thresholds."""

    def __init__(self, alpha: float) -> None:
        from river import anomaly

        self._filter = anomaly.QuantileFilter(Given(), q=1 - alpha)
        self.classify = self._filter.classify

    def update(self, score: float) -> None:
        """Learn one score."""
        self._filter.learn_one({"score": score})


class Spot:
    """SPOT (Siffer et al., 2017, algorithm 2): 1,000 rows to start, then peaks over a fixed level.

    The level is the 98 % quantile, or ``1 - 2 alpha`` where that is lower. Alarms are forgotten and all
    peaks are kept, as published; the tail is fitted as ours is, anew when the peaks are 1 % more.
    """

    START = 1000

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self._first: list[float] = []
        self._peaks: list[float] = []
        self._n = self._due = 0
        self._level = self._cut = math.inf

    def classify(self, score: float) -> bool:
        """Return whether a score lies above the cut."""
        return score > self._cut

    def update(self, score: float) -> None:
        """Take in one score."""
        if len(self._first) < self.START:
            self._first.append(score)
            if len(self._first) == self.START:
                self._level = float(np.quantile(self._first, min(0.98, 1 - 2 * self.alpha)))
                self._peaks = [value - self._level for value in self._first if value > self._level]
                self._n = self.START
                self._refit()
        elif score <= self._cut:
            self._n += 1
            if score > self._level:
                self._peaks.append(score - self._level)
                if len(self._peaks) >= self._due:
                    self._refit()

    def _refit(self) -> None:
        shape, scale = fit_excesses(np.array(self._peaks), np.zeros(0))
        risk = self.alpha * self._n / max(len(self._peaks), 1)
        self._cut = self._level + excess_at(risk, shape, scale)
        self._due = int(1.01 * len(self._peaks)) + 1
