"""How a table's network is trained and run: the schedule, and which engine does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from iotae._typing import Float32, Float64, Int64
from iotae.nn.network import Network

__all__ = ["check_engine", "propagate_rows", "schedule", "train_network"]

_WARM_UP = 20
"""Updates over which the learning rate rises."""

_FINAL_RATE = 0.1
"""Share of the learning rate that is left at the end of its linear fall."""


def schedule(updates: int, learning_rate: float) -> Float64:
    """Learning rate of each update (updates,): up over the first twenty, then linearly down to a tenth.

    Examples
    --------
    >>> schedule(100, 1.0)[[0, 19, 59, 99]].round(3)
    array([0.05, 0.82, 0.46, 0.1 ])
    """
    steps = np.arange(1, updates + 1)
    rates: Float64 = learning_rate * np.minimum(1.0, steps / _WARM_UP)
    return rates * (1.0 - (1.0 - _FINAL_RATE) * steps / updates)


def _by_kernels(device: str | None, module: Any) -> bool:
    return module is None and device in (None, "cpu")


def check_engine(device: str | None, module: Any, n_features: int) -> None:
    """Make sure that the engine asked for can be had, before anything is changed.

    Raises
    ------
    ValueError
        If the device is unknown or not there, or if the module is no network for so many features.
    ImportError
        If torch is wanted and not installed.
    """
    if _by_kernels(device, module):
        return
    try:
        from iotae.nn.torch_backend import check_module, resolve_device
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Got device={device!r} or a network of your own, but expected torch to be installed for it: "
            "pip install torch."
        ) from error
    place = resolve_device(device or "cpu")
    if module is not None:
        check_module(module, n_features, place)


def train_network(
    network: Network,
    rows: Float32,
    weights: Float32,
    *,
    epochs: int | None,
    updates: int,
    batch_size: int,
    learning_rate: float,
    dropout_rate: float,
    device: str | None = None,
    module: Any = None,
    progress: bool = False,
) -> list[float]:
    """Train on scaled rows (n, d), and return the mean loss of each pass over them.

    Parameters
    ----------
    network : Network
        Changed in place, also where the torch engine does the work.
    rows, weights : ndarray of float32, shape (n, d) and (n,)
    epochs : int or None
        Passes; None for as many as make ``updates``, the last of them cut short.
    device : str or None
        None and ``'cpu'`` for the kernels, anything else for torch.
    module : torch.nn.Module or None
        The caller's own network, trained instead.
    progress : bool
        A bar on standard error.
    """
    per_pass = -(-len(rows) // batch_size)
    if epochs is not None:
        updates = epochs * per_pass
    rates = schedule(updates, learning_rate)
    orders: list[Int64] = []
    for start in range(0, updates, per_pass):
        order = network.generator.permutation(len(rows))
        orders.append(order[: min(per_pass, updates - start) * batch_size])
    shown = _shown(orders, progress)
    if _by_kernels(device, module):
        history = []
        for number, order in enumerate(shown):
            now = rates[number * per_pass : (number + 1) * per_pass]
            history.append(network.train(rows, order, batch_size, now, dropout_rate, weights))
        return history

    from iotae.nn import torch_backend

    trained = module if module is not None else _as_module(network)
    history = torch_backend.train(
        trained,
        rows,
        weights,
        shown,
        batch_size,
        rates.tolist(),
        dropout_rate=dropout_rate,
        seed=int(network.generator.integers(2**31)),
        device=device or "cpu",
    )
    if module is None:
        network.parameters[:] = trained.block.detach().cpu().numpy()
    return history


def propagate_rows(
    network: Network, rows: Float32, *, device: str | None = None, module: Any = None
) -> tuple[Float32, Float32]:
    """Latent code (n, k) and reconstruction (n, d) of scaled rows, by the engine that trained."""
    if _by_kernels(device, module):
        return network.propagate(rows)

    from iotae.nn import torch_backend

    trained = module if module is not None else _as_module(network)
    return torch_backend.propagate(trained, rows, device=device or "cpu")


def _as_module(network: Network) -> Any:
    from iotae.nn.torch_backend import FlatAutoencoder

    return FlatAutoencoder(network.parameters, network.sizes, network.activation)


def _shown(orders: list[Int64], progress: bool) -> Sequence[Int64]:
    if not progress:
        return orders
    from tqdm import tqdm

    bar: Sequence[Int64] = tqdm(orders, desc="training", unit="pass")
    return bar
