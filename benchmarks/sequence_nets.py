"""Two classifiers of windows in torch, as papers on IoT anomalies use them: a GRU, and a CNN-GRU-BiLSTM."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["ConvolutionalHybrid", "Recurrent", "fit_predict"]

UPDATES, BATCH, RATE = 1_000, 64, 3e-3


class Recurrent(nn.Module):  # type: ignore[misc]
    """A GRU of 32 units; the last state decides."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.recurrent = nn.GRU(n_features, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, windows: Any) -> Any:
        """Return a logit (n,) for each window (n, steps, d)."""
        return self.head(self.recurrent(windows)[0][:, -1]).squeeze(1)


class ConvolutionalHybrid(nn.Module):  # type: ignore[misc]
    """A convolution over three steps, a GRU of 32 units, a bidirectional LSTM of 16, then as above."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(n_features, 32, 3, padding=1)
        self.recurrent = nn.GRU(32, 32, batch_first=True)
        self.both_ways = nn.LSTM(32, 16, batch_first=True, bidirectional=True)
        self.head = nn.Linear(32, 1)

    def forward(self, windows: Any) -> Any:
        """Return a logit (n,) for each window (n, steps, d)."""
        seen = torch.relu(self.convolution(windows.transpose(1, 2))).transpose(1, 2)
        return self.head(self.both_ways(self.recurrent(seen)[0])[0][:, -1]).squeeze(1)


def fit_predict(
    network: type[Recurrent | ConvolutionalHybrid],
    windows: NDArray[np.float64],
    labels: NDArray[np.bool_],
    unseen: NDArray[np.float64],
    seed: int,
    updates: int = UPDATES,
) -> NDArray[np.bool_]:
    """Train by Adam on the cross-entropy, and say which of the unseen windows (m, steps, d) are anomalies."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = network(windows.shape[2])
        rows, truth = torch.tensor(windows, dtype=torch.float32), torch.tensor(labels, dtype=torch.float32)
        optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
        loss_of = nn.BCEWithLogitsLoss()
        for _ in range(updates):
            batch = torch.randint(len(rows), (BATCH,))
            optimiser.zero_grad()
            loss_of(model(rows[batch]), truth[batch]).backward()
            optimiser.step()
        with torch.no_grad():
            return np.asarray(model(torch.tensor(unseen, dtype=torch.float32)) > 0)
