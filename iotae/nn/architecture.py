"""The network's shape, and the one float32 vector that holds all its weights.

A network is a tuple of layer sizes and a *parameter block*: layer after layer, the weights
``(fan_in, fan_out)`` row by row and then the biases ``(fan_out,)``. Copying, saving or
shipping a network is copying that vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from iotae._typing import Float32

__all__ = [
    "default_hidden_sizes",
    "initial_parameters",
    "layer_sizes",
    "layer_views",
    "n_parameters",
    "resized_parameters",
    "validate_hidden_sizes",
]

_WIDEST = 32
_NARROWEST = 8
_BOTTLENECK = 8


def default_hidden_sizes(n_features: int) -> tuple[int, ...]:
    """Hidden layer sizes for ``n_features`` features.

    A symmetrical funnel: between 8 and 32 units, then half the features and at most 8, and back.
    The bottleneck is always narrower than an input of two features or more, because an autoencoder
    as wide as its input learns the identity.

    Parameters
    ----------
    n_features : int
        Number of input features, at least 1.

    Returns
    -------
    tuple of int
        The sizes of the hidden layers.

    Examples
    --------
    >>> default_hidden_sizes(20)
    (20, 8, 20)
    >>> default_hidden_sizes(1)
    (8, 1, 8)
    """
    outer = min(max(n_features, _NARROWEST), _WIDEST)
    inner = min(-(-n_features // 2), _BOTTLENECK)
    return (outer, min(inner, outer - 1), outer)


def validate_hidden_sizes(hidden_sizes: Sequence[int] | None) -> tuple[int, ...] | None:
    """Return ``hidden_sizes`` as a tuple of positive integers, or None for the default.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or if there is none.
    """
    if hidden_sizes is None:
        return None
    sizes = (
        tuple(hidden_sizes)
        if isinstance(hidden_sizes, Iterable) and not isinstance(hidden_sizes, str)
        else ()
    )
    good = all(isinstance(s, (int, np.integer)) and not isinstance(s, bool) and s >= 1 for s in sizes)
    if not sizes or not good:
        raise ValueError(
            f"Got hidden_sizes={hidden_sizes!r}, but expected positive integers, one per hidden layer, "
            "e.g. (16, 8, 16), or None for sizes that follow the number of features."
        )
    return tuple(int(s) for s in sizes)


def layer_sizes(n_features: int, hidden_sizes: Sequence[int] | None = None) -> tuple[int, ...]:
    """All layer sizes of an autoencoder, input and output included.

    Examples
    --------
    >>> layer_sizes(20, (16, 8, 16))
    (20, 16, 8, 16, 20)
    """
    hidden = default_hidden_sizes(n_features) if hidden_sizes is None else tuple(hidden_sizes)
    return (n_features, *hidden, n_features)


def n_parameters(sizes: Sequence[int]) -> int:
    """Length of the parameter block of a network with these layer sizes.

    Examples
    --------
    >>> n_parameters((20, 16, 8, 16, 20))
    956
    """
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))


def layer_views(parameters: Float32, sizes: Sequence[int]) -> list[tuple[Float32, Float32]]:
    """Weights ``(fan_in, fan_out)`` and biases ``(fan_out,)`` of each layer, as views.

    Raises
    ------
    ValueError
        If the block's length does not belong to these sizes.
    """
    if parameters.shape != (n_parameters(sizes),):
        raise ValueError(
            f"Got a parameter block of shape {parameters.shape}, but expected ({n_parameters(sizes)},) "
            f"for layers of sizes {tuple(sizes)}."
        )
    views = []
    start = 0
    for fan_in, fan_out in pairwise(sizes):
        middle = start + fan_in * fan_out
        stop = middle + fan_out
        views.append((parameters[start:middle].reshape(fan_in, fan_out), parameters[middle:stop]))
        start = stop
    return views


def _generator(seed: int, name: str) -> np.random.Generator:
    # names may hold bytes that were no UTF-8, carried as surrogates
    digest = blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])


def initial_parameters(sizes: Sequence[int], seed: int, names: Sequence[str] | None = None) -> Float32:
    """Draw a parameter block: Glorot and Bengio's (2010) uniform weights, biases zero.

    The weights that belong to an input or output feature are drawn from a generator of that
    feature's *name*, so a network does not depend on the order in which features came.

    Parameters
    ----------
    sizes : sequence of int
        Layer sizes, input and output included.
    seed : int
        Non-negative seed.
    names : sequence of str, optional
        One name for each feature; by default the column's number.

    Returns
    -------
    ndarray of float32, shape (n_parameters(sizes),)

    Examples
    --------
    >>> block = initial_parameters((2, 1, 2), seed=0, names=["a", "b"])
    >>> turned = initial_parameters((2, 1, 2), seed=0, names=["b", "a"])
    >>> bool(block[0] == turned[1])
    True
    """
    labels = [str(i) for i in range(sizes[0])] if names is None else list(names)
    block = np.zeros(n_parameters(sizes), np.float32)
    views = layer_views(block, sizes)
    last = len(views) - 1
    for depth, (weights, _) in enumerate(views):
        limit = np.sqrt(6.0 / (weights.shape[0] + weights.shape[1]))
        if depth == 0:
            for row, label in zip(weights, labels, strict=True):
                row[:] = _generator(seed, f"in:{label}").uniform(-limit, limit, row.size)
        elif depth == last:
            for column, label in zip(weights.T, labels, strict=True):
                column[:] = _generator(seed, f"out:{label}").uniform(-limit, limit, column.size)
        else:
            weights[:] = _generator(seed, f"layer:{depth}").uniform(-limit, limit, weights.shape)
    return block


def resized_parameters(
    parameters: Float32, sizes: Sequence[int], new_sizes: Sequence[int], fresh: Float32
) -> Float32:
    """Carry a network over to other layer sizes of the same depth.

    What both networks have keeps its weight; what is new is taken from ``fresh``, a block of the
    new sizes.

    Raises
    ------
    ValueError
        If the two networks differ in depth.
    """
    if len(sizes) != len(new_sizes):
        raise ValueError(f"Got new layer sizes {tuple(new_sizes)}, but expected as many as in {sizes}.")
    block = fresh.copy()
    new_views = layer_views(block, new_sizes)
    for (old_w, old_b), (new_w, new_b) in zip(layer_views(parameters, sizes), new_views, strict=True):
        rows, columns = (min(a, b) for a, b in zip(old_w.shape, new_w.shape, strict=True))
        new_w[:rows, :columns] = old_w[:rows, :columns]
        new_b[:columns] = old_b[:columns]
    return block
