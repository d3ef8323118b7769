"""Kinds of files of the fuzz benchmark: what the command reads.

Of what it takes, all rows must come out again or be told of.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.fuzz_calls import csv_text, json_text, rows_of, run, scratch, text_kind
from benchmarks.fuzz_kinds import N_ROWS, Kind, demand, finite
from benchmarks.fuzz_ledgers import taken_in
from iotae.io.jsonl import looks_like_json

__all__ = ["INPUTS", "filtered"]

_NO_ROW = re.compile(r"iotae: note: (\d+) .*set aside")
_BEGINNING = 4096
"""Bytes of a file that its reader surely has before it decides what ends a line."""

_DONE = re.compile(r"iotae: (\d+) rows?(?: scored and learned|: )")


def _n_given(text: bytes, as_json: bool) -> int | None:
    """How many rows a text has, by its lines; None where these need not be rows."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    # with a line feed far down alone, it depends on the buffer which of the two ends a line
    if b"\r" in text[:_BEGINNING] and text.find(b"\n") >= _BEGINNING - 3:
        return None
    end = b"\r" if b"\n" not in text and b"\r" in text[:-1] else b"\n"
    lines = text.split(end)
    shown = [line.decode("utf-8", "surrogateescape").strip() for line in lines]
    # of another first line the reader makes a header, whatever the file is called
    if as_json and looks_like_json(next(filter(None, shown), "")):
        return sum(1 for line in shown if line)
    if b'"' in text or b"#" in text or b"sep=" in text.lower():
        return None
    begin = next((i for i, line in enumerate(shown) if line), 0)
    # one column alone may be empty
    if not any(mark in lines[begin] for mark in (b",", b";", b"\t", b"|")):
        return None
    return sum(1 for line in lines[begin + 1 :] if line.strip(b"\r"))


def _number(pattern: re.Pattern[str], said: list[str]) -> int:
    return sum(int(found[1]) for line in said if (found := pattern.match(line)))


def _streamed(path: Path, *options: str) -> list[str]:
    out = scratch() / "out.csv"
    said = run("stream", path, "-o", out, "--explain", *options)
    rows = rows_of(out)
    done, given = _number(_DONE, said), _n_given(path.read_bytes(), path.suffix == ".jsonl")
    demand(len(rows) == done, f"{done} rows said to be learned and {len(rows)} in the output")
    aside = _number(_NO_ROW, said)
    demand(given in (None, done + aside), f"{given} rows, but {done} came out and {aside} were set aside")
    finite([float(row[-4]) for row in rows], "scores")
    return said


def filtered(path: Path, *options: Any) -> list[str]:
    """What ``iotae filter`` says of a file, of which each row must be in one of its outputs."""
    out, rejected = scratch() / "valid.csv", scratch() / "rejected.csv"
    said = run("filter", path, "-o", out, "--rejected", rejected, *options)
    done, given = _number(_DONE, said), _n_given(path.read_bytes(), path.suffix == ".jsonl")
    n_rows = len(rows_of(out)) + len(rows_of(rejected))
    demand(n_rows == done, f"{done} rows said to be judged and {n_rows} in the outputs")
    demand(given in (None, done), f"{given} rows, but {done} came out")
    return said


def _input(name: str, right: bytes, load: Callable[[Path], Any]) -> Kind:
    return text_kind(name, right, load, lambda said: None)


INPUTS: dict[str, Kind] = {
    "iotae stream, CSV": _input("rows.csv", csv_text(N_ROWS), _streamed),
    "iotae stream, JSON lines": _input("rows.jsonl", json_text(N_ROWS), _streamed),
    "iotae stream --group": _input(
        "rows.csv", csv_text(N_ROWS), lambda path: _streamed(path, "--group", "device")
    ),
    "iotae filter, CSV": _input(
        "rows.csv", csv_text(N_ROWS), lambda path: filtered(path, "--group", "device")
    ),
    "iotae filter, JSON lines": _input("rows.jsonl", json_text(N_ROWS), filtered),
    "messages of a broker": _input("messages", json_text(N_ROWS).rstrip(b"\n"), taken_in),
}
"""What a run reads."""
