"""Peers that no package offers to River 0.26 as they are: KitNET and a plain online autoencoder in torch."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from river import base

__all__ = ["KitNET", "TorchAutoencoder"]


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
