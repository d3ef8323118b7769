"""Seeds and private generators, and their state as text and numbers; global seeds are never touched."""

from __future__ import annotations

import numpy as np

from iotae._typing import State

__all__ = ["draw_seed", "generator_from_state", "generator_to_state"]


def draw_seed(seed: int | None) -> int:
    """The seed itself, or fresh entropy of 63 bits for None."""
    if seed is not None:
        return int(seed)
    return int(np.random.default_rng().integers(2**63 - 1))


def generator_to_state(generator: np.random.Generator) -> State:
    """A PCG64 generator's state; its 128-bit numbers become text."""
    state = dict(generator.bit_generator.state)
    state["state"] = {key: str(value) for key, value in state["state"].items()}
    return state


def generator_from_state(data: State) -> np.random.Generator:
    """Rebuild from :func:`generator_to_state`."""
    generator = np.random.Generator(np.random.PCG64(0))
    generator.bit_generator.state = {
        **data,
        "state": {key: int(value) for key, value in data["state"].items()},
    }
    return generator
