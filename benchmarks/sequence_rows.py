"""The rows of the page on sequences: ours, the controls, and other detectors of series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.sequence import SequenceAutoencoder

__all__ = ["DETECTORS", "OURS", "WINDOW"]

Floats = NDArray[np.float64]
Detector = Callable[[Floats, int], Callable[[Floats], Floats]]
"""From training rows (n, d) and a seed to a function that scores test rows (m,)."""

WINDOW = 32
HELD = 0.9
LEARNED_WINDOWS = 4000
EPOCHS = 3
"""Of the recurrent and convolutional rows: more makes the page long."""

OURS = ("SequenceIoTAE, PyOD", "SequenceIoTAE, River", "IoTAE, PyOD", "IoTAE, River")


def averaged(scores: Floats) -> Floats:
    """Return the mean of the scores over a window around each row: the control of every window."""
    kernel = np.ones(WINDOW) / WINDOW
    padded = np.pad(scores, (WINDOW // 2, WINDOW - 1 - WINDOW // 2), mode="edge")
    mean: Floats = np.convolve(padded, kernel, "valid")
    return mean


def _sequence(train: Floats, seed: int) -> Callable[[Floats], Floats]:
    return SequenceAutoencoder(WINDOW, seed=seed).fit(train).score


def _point(train: Floats, seed: int) -> Callable[[Floats], Floats]:
    return BatchAutoencoder(seed=seed).fit(train).score


def _stream(train: Floats, seed: int) -> Callable[[Floats], Floats]:
    names = [f"f{j}" for j in range(train.shape[1])]
    model = OnlineAutoencoder(seed=seed)
    model.score_learn_many(train, names)
    return lambda test: model.score_learn_many(test, names).scores


def _stream_of_windows(train: Floats, seed: int) -> Callable[[Floats], Floats]:
    from river_iotae import SequenceIoTAE

    def rows(X: Floats) -> list[dict[str, float]]:
        return [{f"f{j}": value for j, value in enumerate(row)} for row in X.tolist()]

    model = SequenceIoTAE(window=WINDOW, seed=seed)
    model.learn_many(rows(train))
    return lambda test: model.score_learn_many(rows(test)).scores


def _smoothed(detector: Detector) -> Detector:
    def fitted(train: Floats, seed: int) -> Callable[[Floats], Floats]:
        score = detector(train, seed)
        return lambda test: averaged(score(test))

    return fitted


def _standard(train: Floats) -> Callable[[Floats], Floats]:
    """Return the scaling that the peers get: mean 0 and deviation 1 in training, missing cells as 0."""
    mean, deviation = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return lambda X: np.nan_to_num((X - mean) / deviation)


def _windows(X: Floats) -> Floats:
    turned = np.lib.stride_tricks.sliding_window_view(X, WINDOW, axis=0).transpose(0, 2, 1)
    return turned.reshape(len(turned), -1)


def _sub_pca(train: Floats, seed: int) -> Callable[[Floats], Floats]:
    """PCA on windows: what the components that hold nine tenths of the variance leave over."""
    scaled = _standard(train)
    windows = _windows(scaled(train))
    chosen = windows[np.linspace(0, len(windows) - 1, min(len(windows), LEARNED_WINDOWS)).astype(int)]
    mean = chosen.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((chosen - mean).T).reshape(mean.size, -1))
    share = np.cumsum(values[::-1]) / values.sum()
    kept = vectors[:, ::-1][:, : int(np.searchsorted(share, HELD)) + 1]

    def score(test: Floats) -> Floats:
        off = _windows(scaled(test)) - mean
        left = np.square(off).sum(axis=1) - np.square(off @ kept).sum(axis=1)
        total = np.concatenate([[0.0], np.cumsum(left)])
        place = np.arange(len(test))
        first, last = np.maximum(place - WINDOW + 1, 0), np.minimum(place + 1, len(left))
        mean_of_windows: Floats = (total[last] - total[first]) / (last - first)
        return mean_of_windows

    return score


def _pyod(make: Callable[[], object]) -> Detector:
    """Return a detector of PyOD's for series, on standardised rows."""

    def fitted(train: Floats, seed: int) -> Callable[[Floats], Floats]:
        import torch

        scaled = _standard(train)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = make()
            model.fit(scaled(train))  # type: ignore[attr-defined]
        return lambda test: np.asarray(
            model.decision_function(scaled(test)),  # type: ignore[attr-defined]
            np.float64,
        )

    return fitted


def _time_series_od() -> object:
    from pyod.models.ts_od import TimeSeriesOD

    return TimeSeriesOD(window_size=WINDOW)


def _lstm() -> object:
    from pyod.models.ts_lstm import LSTMAD

    return LSTMAD(window_size=WINDOW, epochs=EPOCHS, batch_size=128)


def _spectral() -> object:
    from pyod.models.ts_spectral_residual import SpectralResidual

    return SpectralResidual()


def _cnn(train: Floats, seed: int) -> Callable[[Floats], Floats]:
    """A convolutional forecaster of the next row: two layers over the window, squared misses."""
    import torch
    from torch import nn

    scaled = _standard(train)
    d = train.shape[1]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv1d(d, 32, 5, stride=2), nn.ReLU(), nn.Conv1d(32, 32, 5, stride=2), nn.ReLU(),
            nn.Flatten(), nn.LazyLinear(d),
        )  # fmt: skip
        X = torch.tensor(scaled(train), dtype=torch.float32)
        network(X[:WINDOW].T[None])
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
        windows = X.unfold(0, WINDOW, 1)[:-1]
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(windows)).split(128):
                optimiser.zero_grad()
                nn.functional.mse_loss(network(windows[rows]), X[rows + WINDOW]).backward()
                optimiser.step()

    def score(test: Floats) -> Floats:
        rows = torch.tensor(scaled(test), dtype=torch.float32)
        with torch.no_grad():
            missed = (network(rows.unfold(0, WINDOW, 1)[:-1]) - rows[WINDOW:]).square().mean(dim=1)
        return np.concatenate([np.full(WINDOW, float(missed.median())), missed.numpy()]).astype(np.float64)

    return score


DETECTORS: dict[str, Detector] = {
    "SequenceIoTAE, PyOD": _sequence,
    "SequenceIoTAE, River": _stream_of_windows,
    "IoTAE, PyOD": _point,
    "IoTAE, PyOD, averaged": _smoothed(_point),
    "IoTAE, River": _stream,
    "IoTAE, River, averaged": _smoothed(_stream),
    "Sub-PCA": _sub_pca,
    "CNN forecaster": _cnn,
    "LSTMAD": _pyod(_lstm),
    "TimeSeriesOD(IForest)": _pyod(_time_series_od),
    "SpectralResidual": _pyod(_spectral),
}
"""Every row of the page, in its order."""
