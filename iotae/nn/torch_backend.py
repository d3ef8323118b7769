"""The same network under torch: for GPUs, for custom modules, and as the kernels' oracle.

This engine reads and writes the parameter block of :mod:`iotae.nn.architecture`, so a network
trained here scores there and the other way round. Import it only where torch is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from iotae._typing import Float32, Int64
from iotae.nn.architecture import n_parameters
from iotae.nn.kernels import Plan

__all__ = ["FlatAutoencoder", "check_module", "loss_and_gradient", "reconstruct", "resolve_device", "train"]

_ACTIVATIONS: dict[str, Any] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "leaky_relu": nn.functional.leaky_relu,
    "elu": nn.functional.elu,
}


def resolve_device(device: str | torch.device) -> torch.device:
    """Return the torch device, or say why it cannot be had.

    Raises
    ------
    ValueError
        If the name is not one of torch's, or if it names a GPU and there is none.
    """
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"Got device={device!r}, but expected a torch device such as 'cpu' or 'cuda'."
        ) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"Got device={str(device)!r}, but expected a machine whose GPU torch can use: "
            "pass device='cpu' or install a CUDA build of torch."
        )
    try:
        torch.zeros(1, device=resolved).cpu()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"Got device={str(device)!r}, but expected one that this build of torch can use: pass 'cpu'."
        ) from error
    return resolved


def check_module(module: Any, n_features: int, device: torch.device) -> None:
    """Make sure that a caller's network maps (n, d) to (n, d); it is moved to ``device``.

    Raises
    ------
    ValueError
        If it does not, or if it is no module at all.
    """
    if not isinstance(module, nn.Module):
        raise ValueError(f"Got network={module!r}, but expected a torch.nn.Module or None.")
    rows = torch.zeros(2, n_features, device=device)
    try:
        with torch.inference_mode():
            result = str(tuple(module.to(device).eval()(rows).shape))
    except (RuntimeError, IndexError) as error:
        result = str(error)
    if result != str(tuple(rows.shape)):
        raise ValueError(
            f"Got a network that makes of rows of shape {tuple(rows.shape)} this: {result}; but expected "
            f"rows of the same shape: give it {n_features} inputs and outputs."
        )


class FlatAutoencoder(nn.Module):
    """An autoencoder whose only parameter is the flat block.

    Parameters
    ----------
    parameters : ndarray of float32, shape (n_parameters(sizes),)
        The block; it is copied.
    sizes : sequence of int
        Layer sizes, input and output included.
    activation : str
        Hidden activation; the output is linear.
    """

    def __init__(self, parameters: Float32, sizes: Sequence[int], activation: str = "tanh") -> None:
        super().__init__()
        if parameters.shape != (n_parameters(sizes),):
            raise ValueError(
                f"Got a parameter block of shape {parameters.shape}, but expected ({n_parameters(sizes)},)."
            )
        self.sizes = tuple(sizes)
        self.activation = _ACTIVATIONS[activation]
        self.block = nn.Parameter(torch.from_numpy(parameters.copy()))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Reconstruct ``rows`` (n, d); missing cells must be 0 already."""
        start = 0
        last = len(self.sizes) - 2
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.sizes)):
            middle, stop = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
            weights = self.block[start:middle].view(fan_in, fan_out)
            rows = torch.addmm(self.block[middle:stop], rows, weights)
            rows = self.activation(rows) if layer < last else rows
            start = stop
        return rows


def _masked_loss(
    network: nn.Module, rows: torch.Tensor, row_weights: torch.Tensor, kept: torch.Tensor | None = None
) -> torch.Tensor:
    present = ~torch.isnan(rows)
    target = torch.nan_to_num(rows, nan=0.0)
    residual = network(target if kept is None else target * kept) - target
    weights = present * row_weights[:, None]
    loss: torch.Tensor = (weights * residual.square()).sum() / weights.sum().clamp_min(1e-12)
    return loss


def loss_and_gradient(
    parameters: Float32,
    sizes: Sequence[int],
    activation: str,
    rows: Float32,
    row_weights: Float32 | None = None,
) -> tuple[float, Float32]:
    """Masked loss of one mini-batch and its gradient by autograd: the kernels' oracle."""
    network = FlatAutoencoder(parameters, sizes, activation)
    weights = torch.ones(len(rows)) if row_weights is None else torch.from_numpy(row_weights)
    loss = _masked_loss(network, torch.from_numpy(rows), weights)
    loss.backward()
    assert network.block.grad is not None
    return float(loss.detach()), network.block.grad.numpy()


def train(
    network: nn.Module,
    rows: Float32,
    row_weights: Float32,
    orders: Iterable[Int64],
    plan: Plan,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> list[float]:
    """Train any module that maps (n, d) to (n, d) with Adam; one mean loss per entry of ``orders``.

    Parameters
    ----------
    network : torch.nn.Module
        Changed in place and left on ``device``.
    rows : ndarray of float32, shape (n, d)
        Scaled rows; NaN is missing.
    row_weights : ndarray of float32, shape (n,)
    orders : iterable of integer arrays
        Row numbers of each epoch, in the order in which they are seen.
    plan : Plan
        With a learning rate for each mini-batch of all epochs.
    seed : int
        Seed of the private generator that draws the hidden cells.
    device : str or torch.device
    """
    place = resolve_device(device)
    network.to(place).train()
    table = torch.from_numpy(rows).to(place)
    weights = torch.from_numpy(row_weights).to(place)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.0)
    generator = torch.Generator(device=place).manual_seed(seed)
    rates = iter(plan.learning_rates.tolist())
    history = []
    # a caller's module may draw from torch's own generators, e.g. in a Dropout layer
    with torch.random.fork_rng([place] if place.type == "cuda" else []):
        torch.manual_seed(seed)
        for order in orders:
            losses = []
            for chosen in torch.from_numpy(order).to(place).split(plan.batch_size):
                kept = _kept(table[chosen], plan.dropout_rate, generator)
                optimiser.param_groups[0]["lr"] = next(rates)
                optimiser.zero_grad(set_to_none=True)
                loss = _masked_loss(network, table[chosen], weights[chosen], kept)
                loss.backward()
                optimiser.step()
                losses.append(loss.detach())
            # one transfer per epoch, so that a GPU is not made to wait for each batch
            history.append(float(torch.stack(losses).mean()))
    return history


def _kept(batch: torch.Tensor, dropout_rate: float, generator: torch.Generator) -> torch.Tensor | None:
    """What the input cells are multiplied by: 0 for the hidden ones; None where none are hidden."""
    if dropout_rate == 0.0:
        return None
    draws = torch.rand(batch.shape, generator=generator, device=batch.device)
    return (draws >= dropout_rate) / (1.0 - dropout_rate)


def reconstruct(
    network: nn.Module, rows: Float32, *, device: str | torch.device = "cpu", chunk_rows: int = 1024
) -> Float32:
    """Reconstruction (n, d) of ``rows``, missing cells included.

    The last chunk is filled up with zeros: of a product of another shape a library may take the sums in
    another order.
    """
    place = resolve_device(device)
    network.to(place).eval()
    output = np.empty_like(rows)
    with torch.inference_mode():
        for start in range(0, len(rows), chunk_rows):
            part = rows[start : start + chunk_rows]
            chunk = np.zeros((chunk_rows, rows.shape[1]), np.float32)
            chunk[: len(part)] = np.where(np.isnan(part), np.float32(0.0), part)
            made = network(torch.from_numpy(chunk).to(place)).cpu().numpy()
            output[start : start + chunk_rows] = made[: len(part)]
    return output
