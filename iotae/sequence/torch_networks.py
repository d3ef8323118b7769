"""Networks that rebuild windows (n, steps, d), under torch: by name, or a module of the caller's own.

Import it only where torch is wanted. They are trained masked: of each window a stretch of time of every
sensor is hidden, and some sensors as a whole, and what was hidden is to be rebuilt. So a miss is conditional:
what a sensor should show given the others and what is around it.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import nn

from iotae._typing import Bool, Float32
from iotae.nn.torch_backend import resolve_device
from iotae.nn.training import schedule
from iotae.sequence.windows import QUARTERS, hidden_parts

__all__ = ["NETWORKS", "block_of", "build", "load_block", "prepared", "rebuild", "train"]

_UNITS = 32
_PASSES, _FEWEST_UPDATES, _MOST_UPDATES = 12, 50, 800
_BATCH, _RATE = 64, 3e-3
_HIDDEN_SENSORS = 0.15
_STEEPEST = 1.0
_CHUNK = 256


class _Convolutional(nn.Module):
    """Temporal convolution: three residual blocks whose steps are 1, 2 and 4 apart, seeing both sides."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(d, _UNITS, 1)
        self.blocks = nn.ModuleList(
            nn.Conv1d(_UNITS, _UNITS, 3, padding=apart, dilation=apart) for apart in (1, 2, 4)
        )
        self.last = nn.Conv1d(_UNITS, d, 1)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Rebuild (n, steps, d)."""
        seen = self.first(windows.transpose(1, 2))
        for block in self.blocks:
            seen = seen + torch.relu(block(seen))
        made: torch.Tensor = self.last(seen).transpose(1, 2)
        return made


class _EncoderDecoder(nn.Module):
    """LSTM encoder-decoder: the last state of one LSTM is all that the other rebuilds the window from."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.encoder = nn.LSTM(d, _UNITS, batch_first=True)
        self.decoder = nn.LSTM(_UNITS, _UNITS, batch_first=True)
        self.last = nn.Linear(_UNITS, d)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Rebuild (n, steps, d)."""
        code = self.encoder(windows)[1][0][-1]
        repeated = code[:, None].expand(-1, windows.shape[1], -1)
        made: torch.Tensor = self.last(self.decoder(repeated)[0])
        return made


class _Gated(nn.Module):
    """A GRU in both directions; each step is rebuilt from its own two states."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.recurrent = nn.GRU(d, _UNITS, batch_first=True, bidirectional=True)
        self.last = nn.Linear(2 * _UNITS, d)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Rebuild (n, steps, d)."""
        made: torch.Tensor = self.last(self.recurrent(windows)[0])
        return made


class _Hybrid(nn.Module):
    """A convolution over three steps, a GRU, and an LSTM in both directions."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(d, _UNITS, 3, padding=1)
        self.recurrent = nn.GRU(_UNITS, _UNITS, batch_first=True)
        self.both_ways = nn.LSTM(_UNITS, _UNITS // 2, batch_first=True, bidirectional=True)
        self.last = nn.Linear(_UNITS, d)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Rebuild (n, steps, d)."""
        seen = torch.relu(self.convolution(windows.transpose(1, 2))).transpose(1, 2)
        made: torch.Tensor = self.last(self.both_ways(self.recurrent(seen)[0])[0])
        return made


NETWORKS: dict[str, type[nn.Module]] = {
    "tcn": _Convolutional,
    "lstm": _EncoderDecoder,
    "gru": _Gated,
    "cnn-gru-bilstm": _Hybrid,
}


def build(name: str, d: int, seed: int) -> nn.Module:
    """Make a network for windows of ``d`` features, drawn from a generator of its own."""
    # on the device "meta" nothing is drawn, so that torch's own generator stays as it was
    with torch.device("meta"):
        network = NETWORKS[name](d)
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(_of_64_bits(seed))
    with torch.no_grad():
        for block in network.parameters():
            if block.ndim == 1:
                block.zero_()
            else:
                reach = (block.numel() / block.shape[0]) ** -0.5
                block.uniform_(-reach, reach, generator=generator)
    return network


def prepared(network: Any, window: int, d: int, device: str | None) -> nn.Module:
    """Return a copy of a caller's module, on the device, after a look at what it makes of windows.

    Raises
    ------
    ValueError
        If it is no module, or does not map (n, window, d) to the same shape.
    """
    place = resolve_device(device or "cpu")
    if not isinstance(network, nn.Module):
        raise ValueError(
            f"Got network={network!r}, but expected one of {', '.join(map(repr, NETWORKS))}, a "
            "torch.nn.Module, or None."
        )
    network = copy.deepcopy(network).to(place)
    shape = (2, window, d)
    try:
        with torch.inference_mode():
            result = str(tuple(network.eval()(torch.zeros(shape, device=place)).shape))
    except (RuntimeError, IndexError, ValueError) as error:
        result = str(error)
    if result != str(shape):
        raise ValueError(
            f"Got a network that makes of windows of shape {shape} this: {result}; but expected windows of "
            "the same shape: (n, steps, features)."
        )
    return network


def _of_64_bits(seed: int) -> int:
    """The seed as torch takes it."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _hidden(shape: tuple[int, int, int], generator: torch.Generator) -> torch.Tensor:
    """Which cells of a batch (n, steps, d) are hidden: a quarter of the time, and some whole sensors.

    In half of the windows the same stretch is hidden from all sensors, in the others each has its own.
    """
    n, steps, d = shape
    stretch = -(-steps // QUARTERS)
    starts = torch.randint(steps - stretch + 1, (n, d), generator=generator)
    alike = torch.rand((n, 1), generator=generator) < 0.5
    starts = torch.where(alike, starts[:, :1], starts)[:, None]
    place = torch.arange(steps)[None, :, None]
    hidden = (place >= starts) & (place < starts + stretch)
    whole = torch.rand((n, 1, d), generator=generator) < _HIDDEN_SENSORS
    return hidden | whole if d > 1 else hidden


def train(network: nn.Module, windows: Float32, seed: int, device: str | None) -> None:
    """Train in place by Adam to rebuild what is hidden of the windows (n, steps, d).

    Raises
    ------
    ValueError
        If the loss leaves the finite numbers.
    """
    place = resolve_device(device or "cpu")
    network.to(place).train()
    rows = torch.from_numpy(windows).to(place)
    updates = int(np.clip(_PASSES * len(rows) // _BATCH, _FEWEST_UPDATES, _MOST_UPDATES))
    generator = torch.Generator().manual_seed(_of_64_bits(seed + 1))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.0)
    loss = torch.zeros(())
    # a caller's module may draw from torch's own generators, e.g. in a Dropout layer
    with torch.random.fork_rng([place] if place.type == "cuda" else []):
        torch.manual_seed(_of_64_bits(seed))
        for rate in schedule(updates, _RATE).tolist():
            batch = rows[torch.randint(len(rows), (_BATCH,), generator=generator).to(place)]
            hidden = _hidden(tuple(batch.shape), generator).to(place)
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
            missed = network(batch.masked_fill(hidden, 0.0)) - batch
            loss = (missed.square() * hidden).sum() / hidden.sum()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), _STEEPEST)
            optimiser.step()
    last = float(loss.detach())
    if not math.isfinite(last):
        raise ValueError(
            f"Got a network whose loss became {last}, but expected one that stays finite: bound its "
            "outputs, or take one by name."
        )


def rebuild(network: nn.Module, windows: Float32, device: str | None) -> Float32:
    """What each cell of the windows (n, steps, d) should be, hidden together with a quarter of the others.

    The last chunk is filled up with zeros, so that a window's result does not depend on its company.
    """
    place = resolve_device(device or "cpu")
    network.to(place).eval()
    made = np.empty_like(windows)
    parts: Bool = hidden_parts(*windows.shape[1:])
    masks = torch.from_numpy(parts).to(place)
    with torch.inference_mode():
        for start in range(0, len(windows), _CHUNK):
            part = windows[start : start + _CHUNK]
            chunk = np.zeros((_CHUNK, *windows.shape[1:]), np.float32)
            chunk[: len(part)] = part
            rows = torch.from_numpy(chunk).to(place)
            whole = torch.zeros_like(rows)
            for hidden in masks:
                whole = torch.where(hidden, network(rows.masked_fill(hidden, 0.0)), whole)
            made[start : start + _CHUNK] = whole.cpu().numpy()[: len(part)]
    return made


def block_of(network: nn.Module) -> Float32:
    """All parameters as one flat array."""
    block: Float32 = nn.utils.parameters_to_vector(network.parameters()).detach().cpu().numpy()
    return block


def load_block(network: nn.Module, block: Float32) -> bool:
    """Set all parameters; False, and nothing set, where their number is another."""
    if sum(part.numel() for part in network.parameters()) != block.size:
        return False
    with torch.no_grad():
        nn.utils.vector_to_parameters(torch.from_numpy(block.copy()), network.parameters())
    return True
