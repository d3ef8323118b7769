"""A seeded sample of rows that come in chunks: the same rows however the table is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64, Int64
from iotae.data.frames import column_names, is_frame, to_matrix

__all__ = ["FIT_ROWS", "Sample", "gather", "sample_chunks", "sample_places", "sample_rows"]

T = TypeVar("T")

FIT_ROWS = 20_000
"""Rows, seeded, that a fit of a table sees at most: its cost is bounded."""

_PIECE = 2**20
"""Places that are numbered at a time."""


def sample_chunks(
    chunks: Iterable[T],
    most: int,
    generator: np.random.Generator,
    size: Callable[[T], int],
    take: Callable[[T, NDArray[Any]], T],
) -> list[T]:
    """Draw at most ``most`` rows, all equally likely, without replacement, in one pass.

    Each row draws a random number, and the rows with the smallest numbers are kept, in their order. At most
    ``1.25 * most`` rows and two chunks are in memory at a time.

    Parameters
    ----------
    chunks : iterable
        Pieces of a table, of any type.
    most : int, at least 1
    generator : numpy.random.Generator
        One number is drawn for each row.
    size : callable
        The number of rows of a chunk.
    take : callable
        The rows of a chunk where a boolean mask is true, as a copy.

    Returns
    -------
    list
        Pieces of the sample in order; only the first may be empty.

    Examples
    --------
    >>> rows = np.arange(1000)
    >>> draw = lambda chunks: sample_chunks(chunks, 5, np.random.default_rng(0), len, lambda c, m: c[m])
    >>> whole, cut = draw([rows]), draw([rows[:300], rows[300:301], rows[301:]])
    >>> bool((np.concatenate(whole) == np.concatenate(cut)).all()), len(np.concatenate(cut))
    (True, 5)
    """
    kept: list[tuple[T, Float64]] = []
    bound, held = np.inf, 0
    for chunk in chunks:
        keys = generator.random(size(chunk))
        below = keys < bound
        if below.any() or not kept:
            kept.append((take(chunk, below), keys[below]))
            held += int(below.sum())
        if held > most + most // 4:
            kept, bound = _pruned(kept, most, take)
            held = most
    return [piece for piece, _ in _pruned(kept, most, take)[0]]


def _pruned(
    kept: list[tuple[T, Float64]], most: int, take: Callable[[T, NDArray[Any]], T]
) -> tuple[list[tuple[T, Float64]], float]:
    """The pieces with the rows of the ``most`` smallest keys, and the smallest key left out."""
    keys = np.concatenate([np.empty(0), *(keys for _, keys in kept)])
    if keys.size <= most:
        return kept, np.inf
    bound = float(np.partition(keys, most)[most])
    left = [(take(piece, keys < bound), keys[keys < bound]) for piece, keys in kept]
    return left[:1] + [pair for pair in left[1:] if pair[1].size], bound


class Sample(NamedTuple):
    """Rows that stand for a table: the rows drawn, their columns' names, how many there were, the seed."""

    table: Float64
    names: list[str] | None
    n_seen: int
    seed: int


def gather(chunks: Iterable[Any], most: int, seed: int) -> Sample:
    """At most ``most`` rows of a table of numbers in chunks.

    Raises
    ------
    TypeError
        If a column holds no numbers.
    ValueError
        If a chunk has other columns than the first.
    """
    if is_frame(chunks):
        raise TypeError("Got a data frame, but expected an iterable of them: pass [frame], or fit(frame).")
    names: list[str] | None = None
    width, n_rows = -1, 0

    def matrices() -> Iterator[Float64]:
        nonlocal names, width, n_rows
        for chunk in chunks:
            matrix = to_matrix(chunk)
            if width < 0:
                names, width = column_names(chunk), matrix.shape[-1]
            if matrix.ndim != 2 or matrix.shape[1] != width or column_names(chunk) != names:
                raise ValueError(
                    f"Got a chunk of shape {matrix.shape} and columns {column_names(chunk)} at row {n_rows}, "
                    f"but expected (n, {width}) and {names}, as in the first chunk."
                )
            n_rows += len(matrix)
            yield matrix

    pieces = sample_chunks(matrices(), most, _row_generator(seed), len, lambda rows, chosen: rows[chosen])
    return Sample(np.concatenate(pieces or [np.empty((0, 0))]), names, n_rows, seed)


def _row_generator(seed: int) -> np.random.Generator:
    """The generator that draws rows; the network has its own, which this sample must not advance."""
    return np.random.default_rng((seed, 1))


def sample_rows(rows: Int64, most: int, seed: int) -> Int64:
    """Those of the row numbers ``rows`` that :func:`gather` would draw, in one piece or many."""
    return sample_chunks([rows], most, _row_generator(seed), len, lambda numbers, chosen: numbers[chosen])[0]


def sample_places(n_rows: int, most: int, seed: int) -> Int64:
    """The places, from 0 and rising, of the rows that :func:`gather` would draw of a table of ``n_rows``.

    They are known without the table, so the rows can be fetched from wherever they lie. A billion rows take
    some seconds and no more memory than a million.
    """
    numbers = (np.arange(start, min(start + _PIECE, n_rows)) for start in range(0, n_rows, _PIECE))
    drawn = sample_chunks(numbers, most, _row_generator(seed), len, lambda piece, chosen: piece[chosen])
    return np.concatenate([np.arange(0), *drawn])
