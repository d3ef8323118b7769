"""``iotae stream --group``: rows of many devices, each judged on its own scale, and what is said of them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Hashable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.cli.models import load_model
from iotae.cli.rows import row_dicts
from iotae.cli.terminal import counted, say
from iotae.data import Table, TableError
from iotae.data.device_keys import MOST_LETTERS
from iotae.data.reasons import Known, no_reasons, reason_of

if TYPE_CHECKING:
    from iotae.cli.answers import Answers
    from iotae.fleet import Fleet
    from iotae.stream.autoencoder import OnlineAutoencoder
    from iotae.stream.blocks import Judged

__all__ = [
    *("ModeHint", "fleet_of", "judged_by_device", "must_be_alone", "say_of_devices", "say_set_aside"),
    "tell_the_fleet",
]

_SHOWN = 5
_HINT_ROWS = 10_000

_HINTS = {
    ("separate", True): "where memory is short, --group-mode shared takes a tenth of it, and finds less",
    ("separate", False): "--group-mode separate, as now, is for such devices",
    ("shared", True): "--group-mode shared, as now, suits them where memory is short; separate finds more",
    ("shared", False): "--group-mode separate is for such devices",
}
"""By the mode that a fleet has, and whether its devices look alike."""


def must_be_alone(args: Namespace) -> None:
    """Refuse options that do not go with each other."""
    if args.group is None and args.group_mode is not None:
        raise TableError("Got --group-mode without --group: name the column of the device, --group COLUMN.")
    if args.group is None and args.budget_per_day is not None:
        raise TableError(
            "Got --budget-per-day without --group: name the column of the device, --group COLUMN."
        )
    if args.group_mode is not None and args.model is not None:
        raise TableError("Got --model with --group-mode: a saved fleet keeps its own, leave it out.")
    if args.group is not None and args.group in (args.label, *args.drop):
        raise TableError(f"Got {args.group!r} for --group and for --label or --drop: a column has one use.")


def fleet_of(args: Namespace) -> Fleet:
    """The saved fleet, or a new one."""
    from iotae.fleet import Fleet
    from iotae.stream.autoencoder import OnlineAutoencoder

    if args.model is None:
        alpha = 0.01 if args.alpha is None else args.alpha
        model = OnlineAutoencoder(seed=args.seed or 0, alpha=alpha)
        return Fleet(model, args.group, args.group_mode or "separate")
    fleet = load_model(args.model, "Fleet", Fleet.from_state)
    if fleet.key != args.group:
        raise TableError(
            f"Got --group {args.group}, but the fleet in {args.model} was made with --group {fleet.key}: "
            "give the same column."
        )
    n_rows = sum(device.n_rows for device in fleet.devices())
    say(f"going on with a fleet of {counted(fleet.n_devices, 'device')} and {counted(n_rows, 'row')}")
    return fleet


def tell_the_fleet(fleet: Fleet, first: Table, args: Namespace) -> None:
    """Tell a fleet, by the first rows, which column is the time, and what budget was asked for."""
    if fleet.time is None:
        names = args.time or [name for name in first.names if name not in args.drop]
        fleet.time = next((name for name in names if first.tells_time(name)), None)
    asked = args.budget_per_day
    if asked is None or (fleet.budget is not None and fleet.budget.per_day == asked):
        return
    if fleet.time is None:
        raise TableError(
            f"Got --budget-per-day {asked}, but no column tells the time: name it with --time COLUMN, and "
            "leave it out of --drop."
        )
    from iotae.thresholds import AlertBudget

    fleet.budget = AlertBudget(per_day=asked)


def judged_by_device(
    fleet: Fleet,
    chunk: Table,
    ignore: list[str],
    explain: bool,
    answers: Answers | None = None,
    told: list[str] | None = None,
) -> tuple[Judged, NDArray[Any]]:
    """What each row's device says of it before it learns the row, and why where that is asked for.

    Where rows were ``told`` of, their device takes the answer when it has judged the row.
    """
    from iotae.stream.blocks import Judged

    n = chunk.n_rows
    judged = Judged(np.empty(n), np.empty(n), np.zeros(n, bool))
    reasons = no_reasons(n)
    for i, row in enumerate(_rows(fleet.key, chunk, ignore)):
        judged.thresholds[i] = fleet.threshold_of(row)
        if explain and fleet.score_one(row) > judged.thresholds[i]:
            cells = {name: cell for name, cell in row.items() if name != fleet.key}
            reasons[i] = reason_of(fleet.explain_one(row), cells, Known(fleet.expected_one(row)))
        found = None
        if answers is not None and told is not None and told[i]:
            found = answers.taken(partial(fleet.score_learn_one, row), told[i])
        judged.scores[i], judged.alarms[i] = fleet.score_learn_one(row) if found is None else found
    return judged, reasons


def _rows(key: Hashable, chunk: Table, ignore: list[str]) -> Iterator[dict[Hashable, Any]]:
    """Rows with their device's name as it is written: 007 is not 7. A text too long for a name is none."""
    keys = chunk.array(str(key)).tolist()
    for name, row in zip(keys, row_dicts(chunk, [*ignore, str(key)]), strict=True):
        row[key] = None if isinstance(name, str) and len(name.strip()) > MOST_LETTERS else name
        yield row


class ModeHint:
    """Says once whether the devices look alike, and which ``--group-mode`` that speaks for."""

    def __init__(self, fleet: Fleet | None) -> None:
        self._fleet = fleet
        self._rows, self._next = 0, _HINT_ROWS

    def after(self, n_rows: int) -> None:
        """Look at the devices when twice as many rows have come as the last time."""
        self._rows += n_rows
        if self._rows >= self._next:
            self._next = 2 * self._rows
            self.now()

    def now(self) -> None:
        """Say it, if it is clear and was not said."""
        likeness = None if self._fleet is None else self._fleet.likeness()
        if self._fleet is None or likeness is None or likeness.alike is None:
            return
        look = "alike" if likeness.alike else "unlike"
        say(
            f"hint: {counted(likeness.n_devices, 'device')} look {look} by their levels and spreads: "
            f"{_HINTS[self._fleet.mode, likeness.alike]}"
        )
        self._fleet = None


def say_set_aside(model: Fleet | OnlineAutoencoder) -> None:
    """Say how much of the rows could not be used, if any."""
    if model.n_rejected or model.n_unusable:
        say(
            f"not learned: {counted(model.n_rejected, 'row')} without a usable cell; "
            f"not used: {counted(model.n_unusable, 'cell')}"
        )


def say_of_devices(fleet: Fleet) -> None:
    """Say how many devices there were, which had most of the alarms, and which have gone silent."""
    devices = fleet.devices()
    loudest = sorted(devices, key=lambda device: -device.n_alarms)[:_SHOWN]
    most = ", ".join(f"{one.key} {one.n_alarms}" for one in loudest if one.n_alarms)
    say(counted(len(devices), "device") + (f"; most alarms: {most}" if most else ""))
    if fleet.budget is not None:
        say(f"above the cut, but no alarm because of the budget: {counted(fleet.n_over_budget, 'row')}")
    if fleet.n_forgotten:
        say(f"{counted(fleet.n_forgotten, 'device')} forgotten: there were more than {fleet.max_devices}")
    if fleet.n_keyless:
        # a broker's rows have no column of their device
        name = fleet.key if isinstance(fleet.key, str) else "device"
        say(f"without a {name}, taken for one more device: {counted(fleet.n_keyless, 'row')}")
    if fleet.n_timeless:
        say(f"without a readable {fleet.time}: {counted(fleet.n_timeless, 'row')}")
    say_set_aside(fleet)
    latest = [device.last for device in devices if device.last is not None]
    silent = fleet.silent(max(latest)) if latest else []
    for one in silent[:_SHOWN]:
        say(
            f"gap: {one.key} has been silent for {one.silent:,.0f} s before the latest row of all, and was "
            f"usually heard of every {one.pause:,.3g} s"
        )
    if len(silent) > _SHOWN:
        say(f"gap: and {counted(len(silent) - _SHOWN, 'more device')}")
