"""A broker's message to a row of a device: bounded, and set aside with a reason where it is none."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from iotae.data.cells import read_text
from iotae.io.jsonl import flat

__all__ = ["LONGEST_NAME", "LONGEST_PAYLOAD", "MOST_CELLS", "Message", "Naming", "message_of", "record_of"]

LONGEST_PAYLOAD, LONGEST_NAME, MOST_CELLS = 65_536, 256, 2048
"""Bytes of a message, letters of a topic or of a cell's name, and cells of a row, at most."""

_LARGEST_SEQ = 2**63 - 1


class Message(NamedTuple):
    """What a message says.

    Attributes
    ----------
    device : str
    seq : int
        Its number, which only rises: the producer's own, or the offset in its partition.
    row : dict
        Numbers, times, texts, and NaN for missing.
    aside : str
        Why it is no row, '' where it is one.
    handle : tuple
        What the broker needs to take it for done.
    part : int
        What ``seq`` is counted in: the boot of a device, 0 where it names none, or the partition of a topic.
    n : int
        How many messages it stands for: one, those that are gone, or none, where it only says how far a
        partition was read.
    """

    device: str
    seq: int
    row: dict[Hashable, Any]
    aside: str
    handle: tuple[int, int]
    part: int = 0
    n: int = 1


class Naming(NamedTuple):
    """Which cells and which part of the topic say whose message it is, and which one of its messages.

    Attributes
    ----------
    seq : str
        The cell that is the producer's own number of the message, a whole number from 0.
    epoch : str, optional
        The cell that is the number of the device's boot, a whole number from 0, which only rises; ``seq``
        begins anew with each. None of the two is among the row's cells.
    level : int, optional
        Which part of the topic, counted from 0, is the device; by default all of it.
    """

    seq: str = "seq"
    epoch: str | None = None
    level: int | None = None


def message_of(topic: str, payload: bytes, naming: Naming, handle: tuple[int, int]) -> Message:
    """Read a message of a topic: a JSON object of at most 64 KiB with a sequence number.

    Parameters
    ----------
    topic : str
    payload : bytes
    naming : Naming
    handle : tuple
        Kept as it is.

    Examples
    --------
    >>> naming = Naming("seq", level=1)
    >>> message_of("plant/press7", b'{"seq": 3, "watts": 5.5, "at": {"x": 1}}', naming, (1, 1))
    Message(device='press7', seq=3, row={'watts': 5.5, 'at.x': 1.0}, aside='', handle=(1, 1), part=0, n=1)
    >>> message_of("plant/press7", b"[5]", naming, (1, 1)).aside
    'messages that are no JSON object'
    """
    device, aside = _device_of(topic, naming.level)
    cells: dict[str, str] = {}
    if not aside:
        cells, aside = _cells_of(payload)
    numbers = [0, -1]
    for place, name in enumerate((naming.epoch, naming.seq)):
        if name is not None:
            numbers[place] = _whole(cells.pop(name, ""))
            if numbers[place] < 0 and not aside:
                aside = f"messages without a whole number {name!r}"
    part, seq = numbers
    return Message(device, seq, {} if aside else _row_of(cells), aside, handle, part)


def record_of(key: bytes | None, payload: bytes | None, part: int, offset: int, field: str | None) -> Message:
    """Read a message of a partition: a JSON object of at most 64 KiB, told by its place.

    Parameters
    ----------
    key, payload : bytes or None
    part, offset : int
        The partition, and the place of the message in it.
    field : str or None
        The cell that names the device, which is not among the row's cells then; None for the key.

    Examples
    --------
    >>> record_of(b"press7", b'{"watts": 5.5}', 2, 40, None)
    Message(device='press7', seq=40, row={'watts': 5.5}, aside='', handle=(0, 0), part=2, n=1)
    >>> record_of(None, b'{"watts": 5.5, "id": "fan 3"}', 2, 41, "id").device
    'fan 3'
    """
    cells, aside = _cells_of(payload or b"")
    device = (key or b"").decode("utf-8", "backslashreplace") if field is None else cells.pop(field, "")
    if len(device) > LONGEST_NAME and not aside:
        aside = f"messages whose device has more than {LONGEST_NAME} letters"
    return Message("" if aside else device, offset, {} if aside else _row_of(cells), aside, (0, 0), part)


def _row_of(cells: dict[str, str]) -> dict[Hashable, Any]:
    return {name: read_text(text) for name, text in cells.items()}


def _whole(text: str) -> int:
    """A whole number from 0 that SQLite can hold, else -1."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    return value if value <= _LARGEST_SEQ else -1


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
    longest = max(map(len, cells), default=0)
    if len(cells) > MOST_CELLS or longest > LONGEST_NAME:
        return (
            {},
            f"messages of more than {MOST_CELLS} cells, or with a name of more than {LONGEST_NAME} letters",
        )
    # the name of a nested object comes before each of its cells, so that a row can be far larger than its
    # message, and an alarm about it larger than a broker takes
    if 4 * longest * len(cells) > LONGEST_PAYLOAD and _bytes_of(cells) > LONGEST_PAYLOAD:
        return {}, f"messages whose cells have names of more than {LONGEST_PAYLOAD} bytes together"
    return cells, ""


def _bytes_of(names: Iterable[str]) -> int:
    return sum(len(name.encode("utf-8", "surrogatepass")) for name in names)
