"""A broker's message to a row of a device: bounded, and set aside with a reason where it is none."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any, NamedTuple

from iotae.data.cells import read_text
from iotae.io.jsonl import flat

__all__ = ["LONGEST_NAME", "LONGEST_PAYLOAD", "MOST_CELLS", "Message", "message_of"]

LONGEST_PAYLOAD, LONGEST_NAME, MOST_CELLS = 65_536, 256, 2048
"""Bytes of a message, letters of a topic or of a cell's name, and cells of a row, at most."""

_LARGEST_SEQ = 2**63 - 1


class Message(NamedTuple):
    """What a message says.

    Attributes
    ----------
    device : str
    seq : int
        The producer's own number of the message, which only rises.
    row : dict
        Numbers, times, texts, and NaN for missing.
    aside : str
        Why it is no row, '' where it is one.
    handle : tuple
        What the broker needs to take it for done.
    """

    device: str
    seq: int
    row: dict[Hashable, Any]
    aside: str
    handle: tuple[int, int]


def message_of(
    topic: str, payload: bytes, seq_name: str, handle: tuple[int, int], level: int | None = None
) -> Message:
    """Read one message: a JSON object of at most 64 KiB with a sequence number.

    Parameters
    ----------
    topic : str
    payload : bytes
    seq_name : str
        The name of the sequence number, a whole number from 0; it is not among the row's cells.
    handle : tuple
        Kept as it is.
    level : int, optional
        Which part of the topic, counted from 0, is the device; by default all of it.

    Examples
    --------
    >>> message_of("plant/press7", b'{"seq": 3, "watts": 5.5, "at": {"x": 1}}', "seq", (1, 1), level=1)
    Message(device='press7', seq=3, row={'watts': 5.5, 'at.x': 1.0}, aside='', handle=(1, 1))
    >>> message_of("plant/press7", b"[5]", "seq", (1, 1)).aside
    'messages that are no JSON object'
    """
    device, aside = _device_of(topic, level)
    cells: dict[str, str] = {}
    if not aside:
        cells, aside = _cells_of(payload)
    written = cells.pop(seq_name, "")
    seq = int(written) if written.isascii() and written.isdigit() and len(written) < 20 else -1
    if not aside and not 0 <= seq <= _LARGEST_SEQ:
        aside = f"messages without a whole number {seq_name!r}"
    row: dict[Hashable, Any] = {} if aside else {name: read_text(text) for name, text in cells.items()}
    return Message(device, seq, row, aside, handle)


def _device_of(topic: str, level: int | None) -> tuple[str, str]:
    if len(topic) > LONGEST_NAME:
        return "", f"messages whose topic has more than {LONGEST_NAME} letters"
    parts = topic.split("/")
    if level is None:
        return topic, ""
    return (
        (parts[level], "") if level < len(parts) else ("", "messages whose topic has no level for a device")
    )


def _cells_of(payload: bytes) -> tuple[dict[str, str], str]:
    """The cells of a payload as texts, and why it has none."""
    if len(payload) > LONGEST_PAYLOAD:
        return {}, f"messages of more than {LONGEST_PAYLOAD} bytes"
    try:
        value = json.loads(payload, parse_float=str, parse_int=str, parse_constant=str)
        cells = dict(flat(value)) if isinstance(value, dict) else None
    except (ValueError, RecursionError):
        cells = None
    if cells is None:
        return {}, "messages that are no JSON object"
    if len(cells) > MOST_CELLS or max(map(len, cells), default=0) > LONGEST_NAME:
        return (
            {},
            f"messages of more than {MOST_CELLS} cells, or with a name of more than {LONGEST_NAME} letters",
        )
    return cells, ""
