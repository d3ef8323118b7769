"""What a search tries: a grid of settings, and an unfitted detector for each of its combinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from iotae._validation import check_count, check_share
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.pipeline import TableDetector

__all__ = ["GRID", "Grid", "Params", "candidates", "funnel"]

Params = dict[str, Any]
Grid = Mapping[str, Sequence[Any]]

GRID: Grid = {
    "layers": (1, 3, 5),
    "neurons": (8, 16, 32),
    "learning_rate": (1e-3, 3e-3),
    "alpha": (0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
}
"""What is searched by default, small before large, because the first of equal candidates is taken."""

_SIZES = ("layers", "neurons", "hidden_sizes")
_SETTINGS = ("activation", "learning_rate", "epochs", "batch_size", "dropout_rate", "scoring")


def funnel(layers: int, neurons: int) -> tuple[int, ...]:
    """Return the hidden layer sizes of a symmetrical network whose layers halve towards the middle.

    Parameters
    ----------
    layers : int
        Number of hidden layers, odd.
    neurons : int
        Size of the outermost, at least 1.

    Raises
    ------
    ValueError
        If ``layers`` is even or a number is below 1.

    Examples
    --------
    >>> funnel(1, 8), funnel(3, 16), funnel(5, 32)
    ((8,), (16, 8, 16), (32, 16, 8, 16, 32))
    """
    check_count("layers", layers)
    check_count("neurons", neurons)
    if layers % 2 == 0:
        raise ValueError(f"Got layers={layers}, but expected an odd number: one of them is the middle.")
    half = [max(1, neurons >> i) for i in range(layers // 2 + 1)]
    return (*half, *half[-2::-1])


def candidates(detector: TableDetector, grid: Grid) -> tuple[list[tuple[Params, TableDetector]], list[float]]:
    """Return every network of the grid with its parameters, and the values of ``alpha``.

    Parameters
    ----------
    detector : TableDetector
        What is not searched; it is copied.
    grid : mapping of str to sequence
        See :func:`iotae.model_selection.tune`.

    Raises
    ------
    ValueError
        If a name is unknown, names do not go together, or a value is outside its range.

    Examples
    --------
    >>> networks, alphas = candidates(TableDetector(), {"hidden_sizes": [(4,), (8, 4, 8)], "epochs": [5, 9]})
    >>> [params["epochs"] for params, _ in networks], networks[3][1].autoencoder.hidden_sizes, alphas
    ([5, 9, 5, 9], (8, 4, 8), [0.1])
    """
    known = (*_SIZES, *_SETTINGS, "alpha")
    for name, values in grid.items():
        if name not in known:
            raise ValueError(f"Got {name!r} in the grid, but expected names among {', '.join(known)}.")
        if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
            raise ValueError(f"Got {name}={values!r} in the grid, but expected a list of values.")
    sizes = {name for name in _SIZES if name in grid}
    if sizes not in (set(), {"layers", "neurons"}, {"hidden_sizes"}):
        raise ValueError(
            f"Got {', '.join(sorted(sizes))} in the grid, but expected layers and neurons, or hidden_sizes."
        )
    alphas = [
        check_share(
            "alpha", alpha, meaning="the share of calibration rows that may raise an alarm, e.g. 0.05"
        )
        for alpha in grid.get("alpha", (detector.alpha,))
    ]
    searched = [name for name in grid if name != "alpha"]
    networks = []
    for values in product(*(grid[name] for name in searched)):
        params = dict(zip(searched, values, strict=True))
        networks.append((params, detector.with_autoencoder(_autoencoder(detector.autoencoder, params))))
    return networks, alphas


def _autoencoder(template: BatchAutoencoder, params: Params) -> BatchAutoencoder:
    state = template.to_state()
    hidden_sizes = params.get("hidden_sizes", state["hidden_sizes"])
    if "layers" in params:
        hidden_sizes = funnel(params["layers"], params["neurons"])
    settings = {name: params[name] for name in _SETTINGS if name in params}
    return BatchAutoencoder(hidden_sizes=hidden_sizes, **state["settings"] | settings)
