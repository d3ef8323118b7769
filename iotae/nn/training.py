"""How a table's network is trained and run: the schedule, and which engine does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from iotae._progress import shown
from iotae._typing import Float32, Float64, Int64
from iotae.nn.kernels import Plan
from iotae.nn.network import Network

__all__ = ["KERNELS", "Engine", "Training", "check_engine", "propagate_rows", "schedule", "train_network"]

_WARM_UP = 20
"""Updates over which the learning rate rises."""

_FINAL_RATE = 0.1
"""Share of the learning rate that is left at the end of its linear fall."""


class Engine(NamedTuple):
    """What trains a network: the kernels for None and ``'cpu'``, otherwise torch on ``device``.

    A ``module`` (torch.nn.Module) is the caller's own network, trained instead.
    """

    device: str | None = None
    module: Any = None

    @property
    def is_kernels(self) -> bool:
        """Whether the kernels do the work."""
        return self.module is None and self.device in (None, "cpu")


KERNELS = Engine()


class Training(NamedTuple):
    """How long and how a network is trained; ``epochs`` None for as many passes as make ``updates``."""

    epochs: int | None
    updates: int
    batch_size: int
    learning_rate: float
    dropout_rate: float


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


def check_engine(engine: Engine, n_features: int) -> None:
    """Make sure that the engine asked for can be had, before anything is changed.

    Raises
    ------
    ValueError
        If the device is unknown or not there, or if the module is no network for so many features.
    ImportError
        If torch is wanted and not installed.
    """
    if engine.is_kernels:
        return
    device, module = engine
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
    training: Training,
    engine: Engine = KERNELS,
    progress: bool = False,
) -> list[float]:
    """Train on scaled rows (n, d), and return the mean loss of each pass over them.

    Parameters
    ----------
    network : Network
        Changed in place, also where the torch engine does the work.
    rows, weights : ndarray of float32, shape (n, d) and (n,)
    training : Training
        The last pass is cut short where ``updates`` are given.
    engine : Engine
    progress : bool
        A bar on standard error.
    """
    batch_size = training.batch_size
    per_pass = -(-len(rows) // batch_size)
    updates = training.updates if training.epochs is None else training.epochs * per_pass
    rates = schedule(updates, training.learning_rate)
    orders: list[Int64] = []
    for start in range(0, updates, per_pass):
        order = network.generator.permutation(len(rows))
        orders.append(order[: min(per_pass, updates - start) * batch_size])
    watched = _shown(orders, progress)
    if not engine.is_kernels:
        plan = Plan(batch_size, rates, training.dropout_rate, network.step)
        return _train_by_torch(network, rows, weights, watched, plan, engine)
    history = []
    for number, order in enumerate(watched):
        now = rates[number * per_pass : (number + 1) * per_pass]
        history.append(network.train(rows, order, batch_size, now, training.dropout_rate, weights))
    return history


def _train_by_torch(
    network: Network, rows: Float32, weights: Float32, orders: Iterable[Int64], plan: Plan, engine: Engine
) -> list[float]:
    from iotae.nn import torch_backend

    module, device = engine.module, engine.device or "cpu"
    if module is None:
        module = torch_backend.FlatAutoencoder(network.parameters, network.sizes, network.activation)
    seed = int(network.generator.integers(2**31))
    history = torch_backend.train(module, rows, weights, orders, plan, seed=seed, device=device)
    if engine.module is None:
        network.parameters[:] = module.block.detach().cpu().numpy()
    return history


def propagate_rows(network: Network, rows: Float32, engine: Engine = KERNELS) -> tuple[Float32, Float32]:
    """Latent code (n, k) and reconstruction (n, d) of scaled rows.

    Whatever engine trained it, the built-in network is run by the kernels, so that a row's score is the same
    on every device. A module of the caller's own has no code that is known here: k is 0.
    """
    if engine.module is None:
        return network.propagate(rows)

    from iotae.nn import torch_backend

    return rows[:, :0], torch_backend.reconstruct(engine.module, rows, device=engine.device or "cpu")


def _shown(orders: list[Int64], progress: bool) -> Iterable[Int64]:
    return shown(orders, "training", "passes", len(orders)) if progress else orders
