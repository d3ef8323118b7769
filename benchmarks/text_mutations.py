"""Wrong text: what a file of rows, rules or messages becomes when somebody or something damages it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["changed_text"]

TOKENS = (
    *(b"", b"nan", b"-inf", b"1e400", b"-1e308", b"1e-400", b"0x1F", b"1_000", b"\xd9\xa3", b"9" * 400),
    *(b"1" * 5000, b"-0", b"null", b"true", b"{}", b"[[]]", b'"', b'""', b'"a', b"'", b"\\", b"\\u0000"),
    *(b"\\ud800", b"\\x", b"\0", b"\r", b"\n", b"\r\n", b"\x1a", b"\x1b[31m", b"\x0b\x0c\x1c\x85", b" "),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"\xe2\x80\xae"),
    *(
        b"\xe2\x80\xa8",
        "ﬁ 5 µW".encode(),
        b",,,,",
        b";",
        b"\t",
        b"#",
        b"=1+1",
        b"@a",
        b"sep=;",
        b"..",
        b"1,5",
    ),
    *(b"2026-02-30", b"9999-12-31T23:59:59", b"0001-01-01", b"1e18", b"24:61", b"-999", b"85", b"[" * 2000),
    *(b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 960 + b"]" * 960, b'{"": {"": 1}, "a.b": 2}', b"x" * 70_000),
    *(
        b"seq",
        b"device",
        b"label",
        b"columns",
        b"least",
        b"__array__",
        b"]",
        b"= [",
        b"unit",
        b"''",
        b"1979-05-27",
    ),
)
"""What no sensor should send, and what means something to a reader."""


def _span(blob: bytes, rng: np.random.Generator, longest: int = 40) -> tuple[int, int]:
    start = int(rng.integers(len(blob) + 1))
    return start, min(start + int(rng.integers(1, longest + 1)), len(blob))


def _token(rng: np.random.Generator) -> bytes:
    return TOKENS[rng.integers(len(TOKENS))]


def _bytes_at_random(blob: bytes, rng: np.random.Generator) -> bytes:
    start, end = _span(blob, rng)
    return blob[:start] + rng.bytes(end - start) + blob[end:]


def _one_byte(blob: bytes, rng: np.random.Generator) -> bytes:
    start, _ = _span(blob, rng)
    return blob[:start] + rng.bytes(1) + blob[start + 1 :]


def _token_put_in(blob: bytes, rng: np.random.Generator) -> bytes:
    start, _ = _span(blob, rng)
    return blob[:start] + _token(rng) + blob[start:]


def _cell_replaced(blob: bytes, rng: np.random.Generator) -> bytes:
    """Replace what stands between two marks, which is most often a value or a name."""
    start, _ = _span(blob, rng)
    left = 1 + max((blob.rfind(mark, 0, start) for mark in (b",", b"\n", b":", b"=", b'"')), default=-1)
    ends = [place for mark in (b",", b"\n", b"}", b'"') if (place := blob.find(mark, start)) >= 0]
    return blob[:left] + _token(rng) + blob[min(ends, default=len(blob)) :]


def _span_gone(blob: bytes, rng: np.random.Generator) -> bytes:
    start, end = _span(blob, rng)
    return blob[:start] + blob[end:]


def _span_twice(blob: bytes, rng: np.random.Generator) -> bytes:
    start, end = _span(blob, rng, 200)
    return blob[:end] + blob[start:]


def _cut_short(blob: bytes, rng: np.random.Generator) -> bytes:
    return blob[: int(rng.integers(len(blob) + 1))]


def _lines_moved(blob: bytes, rng: np.random.Generator) -> bytes:
    lines = blob.splitlines(keepends=True)
    if len(lines) > 1:
        one, other = rng.integers(len(lines), size=2)
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _line_doubled(blob: bytes, rng: np.random.Generator) -> bytes:
    lines = blob.splitlines(keepends=True)
    place = int(rng.integers(len(lines))) if lines else 0
    return b"".join([*lines[: place + 1], *lines[place:]])


def _other_line_ends(blob: bytes, rng: np.random.Generator) -> bytes:
    return blob.replace(b"\n", (b"\r\n", b"\r", b"\n\n", b"\n \n")[rng.integers(4)])


_CHANGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    *(_bytes_at_random, _one_byte, _token_put_in, _token_put_in, _cell_replaced, _cell_replaced),
    *(_cell_replaced, _cell_replaced, _span_gone, _span_twice, _cut_short, _lines_moved, _line_doubled),
    _other_line_ends,
)


def changed_text(blob: Any, rng: np.random.Generator) -> bytes:
    """Return the bytes of a text with one to eight changes."""
    text = bytes(blob)
    for _ in range(int((1, 1, 1, 2, 3, 8)[rng.integers(6)])):
        text = _CHANGES[rng.integers(len(_CHANGES))](text, rng)
    return text
