"""``iotae watch``: a live page about what a running stream writes."""

from __future__ import annotations

import os
import secrets
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

from iotae.cli.terminal import say, words_of
from iotae.data import TableError

if TYPE_CHECKING:
    from iotae.watch.found import Found, Source

__all__ = ["run"]

_LOOKS_APART = 0.5
_MOST_LOOKS_APART = 5.0


def run(args: Namespace) -> int:
    """Follow the output of a stream and answer with the page, until a signal comes."""
    from iotae.cli.signals import StopSignals
    from iotae.watch.access import Access
    from iotae.watch.board import Board
    from iotae.watch.server import WatchServer

    source, named = _source_of(args)
    token, made = _token_for(args.host)
    access = Access(args.host, token, args.name)
    board = Board(args.title or Path(args.output).name, args.alpha, named=named)
    # what is wrong from the beginning is an error; what goes wrong later is told on the page
    found = source.poll()
    board.take(found)
    if found.waits:
        say(
            f"note: waiting, as {found.waits}; a CSV file is written as rows come with iotae stream "
            "--checkpoint or > FILE, and otherwise only at the end"
        )
    _say_who_may_read(args, token)
    with WatchServer(args.host, args.port, board, access) as server, StopSignals() as until:
        say(f"the page is at {server.address}{f'#token={token}' if made else ''}")
        try:
            for found, trouble in until.stopped(_looks(source)):
                board.take(found, trouble)
        finally:
            source.close()
    return until.exit_code


def _source_of(args: Namespace) -> tuple[Source, bool]:
    """What the rows come from, and whether they are of devices."""
    path = Path(args.output)
    if args.output == "-":
        raise TableError("Got '-', but expected the file that iotae stream writes: name it with its -o.")
    if not path.absolute().parent.is_dir():
        raise TableError(f"Got {path}, but there is no folder {path.parent}: give the stream's output.")
    from iotae.watch.ledger_rows import LedgerRows, is_ledger

    if is_ledger(args.output):
        for option in ("group", "when", "prefix"):
            if vars(args)[option]:
                raise TableError(f"Got --{option} for a broker's rows, which have their own: leave it out.")
        return LedgerRows(args.output), True
    from iotae.watch.columns import Columns
    from iotae.watch.scored_file import ScoredFile

    columns = Columns(args.prefix, args.group, args.when)
    return ScoredFile(args.output, columns), args.group is not None


def _token_for(host: str) -> tuple[str | None, bool]:
    """The token from the environment, or a new one if others reach the host; and whether it is new."""
    from iotae.runner.http_server import is_loopback

    token = os.environ.get("IOTAE_WATCH_TOKEN")
    # in a log it would be read by all who may read the log
    if token is not None or is_loopback(host) or not sys.stderr.isatty():
        return token, False
    return secrets.token_urlsafe(24), True


def _say_who_may_read(args: Namespace, token: str | None) -> None:
    """Say so where all users of this machine may read on the page what the file keeps to its own."""
    path = Path(args.output)
    if token is None and os.name == "posix" and path.exists() and not path.stat().st_mode & 0o004:
        say(
            f"note: {args.output} is private, but every user of this machine can open the page: put a token "
            "into the environment, IOTAE_WATCH_TOKEN, to ask for it"
        )


def _looks(source: Source) -> Iterator[tuple[Found, str]]:
    """What each look finds, and what is wrong; the longer a look takes, the longer the pause after it."""
    from time import monotonic

    from iotae.watch.found import Found

    told = ""
    while True:
        begun, trouble = monotonic(), ""
        try:
            found = source.poll()
        except TableError as error:
            found, trouble = Found(), str(error)
        except OSError as error:
            found, trouble = Found(), words_of(error)
        if trouble and trouble != told:
            say(f"warning: {trouble}")
        told = trouble
        yield found, trouble
        if not found.more:
            sleep(min(max(_LOOKS_APART, 5 * (monotonic() - begun)), _MOST_LOOKS_APART))
