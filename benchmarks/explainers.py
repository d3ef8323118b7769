"""What says which cell of a row is wrong, and what it should be: ours, and what people use for that.

An explainer is a function from training rows (n, d) and a seed to an object with ``shares(X)`` (n, d), higher
for cells that are more suspect, and ``expected(X)`` (n, d) in the columns' own units, or None where it has no
opinion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXPLAINERS", "Explainer"]

Floats = NDArray[np.float64]


class Explainer(Protocol):
    """What `EXPLAINERS` make."""

    def shares(self, X: Floats) -> Floats:
        """Return how suspect each cell is, shape (n, d)."""

    def expected(self, X: Floats) -> Floats | None:
        """Return what each cell should be, shape (n, d), or None."""


class _Ours:
    def __init__(self, train: Floats, seed: int) -> None:
        from pyod_iotae import IoTAE

        self._model = IoTAE(random_state=seed).fit(train)

    def shares(self, X: Floats) -> Floats:
        return np.asarray(self._model.explain(X))

    def expected(self, X: Floats) -> Floats | None:
        return np.asarray(self._model.expected(X))


class _Standardised:
    """Columns to mean 0 and deviation 1, as the training rows have them."""

    def __init__(self, train: Floats) -> None:
        self._mean, self._deviation = train.mean(axis=0), train.std(axis=0)
        self._deviation[self._deviation == 0] = 1.0

    def _scaled(self, X: Floats) -> Floats:
        return np.asarray((X - self._mean) / self._deviation)

    def _unscaled(self, Z: Floats) -> Floats:
        return np.asarray(Z * self._deviation + self._mean)


class _ZScores(_Standardised):
    def __init__(self, train: Floats, seed: int) -> None:
        super().__init__(train)

    def shares(self, X: Floats) -> Floats:
        return np.abs(self._scaled(X))

    def expected(self, X: Floats) -> Floats | None:
        return np.broadcast_to(self._mean, X.shape)


class _Ecod:
    """The columns' own scores, which ECOD adds up."""

    def __init__(self, train: Floats, seed: int) -> None:
        from pyod.models.ecod import ECOD

        self._model = ECOD().fit(train)

    def shares(self, X: Floats) -> Floats:
        self._model.decision_function(X)
        return np.asarray(self._model.O[-len(X) :])

    def expected(self, X: Floats) -> Floats | None:
        return None


class _Pca(_Standardised):
    """Squared residuals of the components that hold nine tenths of the variance."""

    def __init__(self, train: Floats, seed: int) -> None:
        super().__init__(train)
        _, lengths, directions = np.linalg.svd(self._scaled(train), full_matrices=False)
        held = np.cumsum(lengths**2) / np.sum(lengths**2)
        self._directions = directions[: int(np.searchsorted(held, 0.9)) + 1]

    def _rebuilt(self, Z: Floats) -> Floats:
        return np.asarray(Z @ self._directions.T @ self._directions)

    def shares(self, X: Floats) -> Floats:
        Z = self._scaled(X)
        return np.square(Z - self._rebuilt(Z))

    def expected(self, X: Floats) -> Floats | None:
        return self._unscaled(self._rebuilt(self._scaled(X)))


class _Masked(_Standardised):
    """A network of three layers of 64 that is taught to fill in hidden cells; each cell is hidden in turn.

    Its input is the cells times a mask, and the mask; 10 to 60 % of a row's cells are hidden in training.
    """

    def __init__(self, train: Floats, seed: int, updates: int = 800) -> None:
        import torch

        super().__init__(train)
        d = train.shape[1]
        rng = np.random.default_rng(seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            layers: list[Any] = []
            for width in (2 * d, 64, 64):
                layers += [torch.nn.Linear(width, 64), torch.nn.Tanh()]
            self._network = torch.nn.Sequential(*layers, torch.nn.Linear(64, d))
        Z = np.clip(self._scaled(train), -6, 6)
        optimiser = torch.optim.Adam(self._network.parameters(), 8e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, updates)
        for _ in range(updates):
            rows = torch.tensor(Z[rng.integers(0, len(Z), 64)], dtype=torch.float32)
            shown = torch.tensor(rng.random((64, d)) > rng.uniform(0.1, 0.6, (64, 1)), dtype=torch.float32)
            filled = self._network(torch.cat([rows * shown, shown], 1))
            loss = (torch.square(filled - rows) * (1 - shown)).sum() / (1 - shown).sum().clamp(min=1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        self._usual = (self._scaled(train) - self._filled(self._scaled(train))).std(axis=0) + 0.05

    def _filled(self, Z: Floats) -> Floats:
        import torch

        cells = torch.tensor(np.clip(Z, -6, 6), dtype=torch.float32)
        filled = np.empty(Z.shape)
        with torch.no_grad():
            for j in range(Z.shape[1]):
                shown = torch.ones_like(cells)
                shown[:, j] = 0
                filled[:, j] = self._network(torch.cat([cells * shown, shown], 1))[:, j].numpy()
        return filled

    def shares(self, X: Floats) -> Floats:
        Z = self._scaled(X)
        return np.abs(Z - self._filled(Z)) / self._usual

    def expected(self, X: Floats) -> Floats | None:
        return self._unscaled(self._filled(self._scaled(X)))


EXPLAINERS: dict[str, Callable[[Floats, int], Explainer]] = {
    "iotae": _Ours,
    "z-scores, column's mean": _ZScores,
    "ECOD, by column": _Ecod,
    "PCA, 90 % of the variance": _Pca,
    "masked network, 3 × 64": _Masked,
}
"""Explainers by the name of the page; each is told the training rows and a seed."""
