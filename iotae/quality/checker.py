"""The check of packets: learns what each device and column can send, and says what cannot be true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np

from iotae._sharing import Locked
from iotae._typing import Bool, State
from iotae._validation import check_count
from iotae._validation.schema import check
from iotae.data import Table
from iotae.quality.kernels import Limits, Memory, Rows, judge
from iotae.quality.memory import Devices, empty_memory, grown, of_one
from iotae.quality.packets import Packets, Reader, spread
from iotae.quality.reading import digests_of, name_key
from iotae.quality.reasons import BIT, CANNOT_BE_TRUE, mask_of, names_in
from iotae.quality.rules import Rules
from iotae.quality.saving import filled, state_of
from iotae.quality.state_schema import CHECKER
from iotae.quality.verdicts import Checked, RowVerdict, joined
from iotae.serialization.saved import Saved

__all__ = ["PacketChecker"]


class PacketChecker(Saved, Locked):
    """Learns for each device and column what is possible, and doubts rows, with every reason.

    Nothing has to be declared. A row is judged by the rows before it, and then learned; what is doubted does
    not teach what is usual, until it lasts. The reasons are those of ``iotae.quality.MEANINGS``. A contact, a
    constant and a sensor that rests at zero are not stuck. A device not seen for longest is forgotten where
    there are too many, and begins anew when it comes again.

    Parameters
    ----------
    device : hashable, optional
        The column that names the device; by default all rows are of one.
    time : hashable, optional
        The column of times; by default the first one that is a time. Rows need none.
    rules : Rules, optional
        What is declared of columns.
    aside : sequence of str
        Reasons for which a row is set aside; by default duplicate, sentinel, impossible and torn.
    max_devices, max_columns : int
        Devices and columns that are remembered; further columns are not checked.

    Attributes
    ----------
    n_rows : int
        Rows learned.
    n_aside : int
        Rows among them that were to be set aside.
    counts : Counter of str
        Rows by reason.
    n_keyless : int
        Rows learned that name no device (absent, None, NaN, blank), which are of one more, ''.
    n_unchecked : int
        Cells that were not checked, as there were more than ``max_columns`` columns.
    n_forgotten : int
        Devices that were forgotten.

    Raises
    ------
    ValueError
        If a reason is unknown, or a number of devices or columns is none.

    Examples
    --------
    >>> checker = PacketChecker(device="id")
    >>> for i in range(200):
    ...     verdict = checker.learn_one({"id": "a", "celsius": 20 + i % 7 / 10})
    >>> checker.check_one({"id": "a", "celsius": 85.0}).text
    'celsius sentinel'
    >>> checker.check_one({"id": "a", "celsius": 31.0}).text
    'celsius range; celsius jump'
    """

    _KIND = "PacketChecker"

    def __init__(
        self,
        device: Hashable | None = None,
        time: Hashable | None = None,
        rules: Rules | None = None,
        aside: Sequence[str] = CANNOT_BE_TRUE,
        max_devices: int = 10_000,
        max_columns: int = 512,
    ) -> None:
        super().__init__()
        self.device, self.time = device, time
        self.rules = Rules() if rules is None else rules
        self.aside = tuple(aside)
        self._aside = mask_of(self.aside)
        self.max_devices = check_count("max_devices", max_devices)
        self.max_columns = check_count("max_columns", max_columns)
        self.n_rows = self.n_aside = self.n_keyless = self.n_unchecked = 0
        self.counts: Counter[str] = Counter()
        self._reader = Reader(device, time)
        self._devices = Devices(self.max_devices)
        self._places: dict[Hashable, int] = {}
        self._units: dict[Hashable, str] = {
            name: rule.unit for name, rule in self.rules.columns.items() if rule.unit
        }
        self._clock: Hashable | None = None
        self._memory = empty_memory()
        self._limits = self.rules.limits([])
        for name in self.rules.columns:
            self._place(name)

    @property
    def n_forgotten(self) -> int:
        """Devices that were forgotten, as there were too many."""
        return self._devices.n_forgotten

    @property
    def columns(self) -> list[Hashable]:
        """The columns that are checked."""
        return list(self._places)

    def check_one(self, x: dict[Hashable, Any]) -> RowVerdict:
        """Say what speaks against a row, and learn nothing."""
        with self._lock:
            packets = self._reader.read_row(x, self._units, self._clock)
            names = [*self._places, *(name for name in packets.columns if name not in self._places)]
            names = names[: max(self.max_columns, len(self._places))]
            places = {name: j for j, name in enumerate(names)}
            memory = of_one(self._memory, self._devices.place_of(packets.devices[0]), len(names))
            slots, nothing = np.zeros(1, np.int64), np.zeros(1, np.bool_)
            rows = _rows(packets, places, slots, nothing, nothing)
            return self._judged(rows, memory, self.rules.limits(names), names).verdict(0)

    def learn_one(self, x: dict[Hashable, Any]) -> RowVerdict:
        """Say what speaks against a row, and learn it."""
        with self._lock:
            packets = self._reader.read_row(x, self._units, self._clock)
            return self._learn(packets).verdict(0)

    def learn_many(self, rows: Any, torn: Bool | None = None) -> Checked:
        """Say what speaks against each row, and learn them in order: the same as row by row.

        Parameters
        ----------
        rows : Table, data frame or list of dicts
            A :class:`iotae.data.Table` is read as a file is: each column in one way.
        torn : ndarray of bool, shape (n,), optional
            Rows of a table that were torn: these are not learned.

        Raises
        ------
        TypeError
            If it is none of these.
        TableError
            If a table has no column of the name of the device's or the time's.
        """
        with self._lock:
            if isinstance(rows, Table):
                return self._learn(self._reader.read_table(rows, self._units), torn)
            parts = [self._learn(part) for part in self._reader.read_rows(rows, self._units, self._clock)]
            return joined(parts, self.columns)

    def _place(self, name: Hashable) -> None:
        if name not in self._places and len(self._places) < self.max_columns:
            self._places[name] = len(self._places)

    def _learn(self, packets: Packets, torn: Bool | None = None) -> Checked:
        """Judge rows and learn them."""
        before = len(self._places)
        for name in packets.columns:
            self._place(name)
        names = list(self._places)
        if len(names) > before or len(self._limits.least) != len(names):
            self._limits = self.rules.limits(names)
        # a column without a place is not checked, and must not be remembered either
        self._units = {name: unit for name, unit in packets.units.items() if name in self._places}
        self._clock = packets.clock
        self.n_unchecked += len(packets.devices) * sum(name not in self._places for name in packets.columns)
        if self.device is not None:
            self.n_keyless += packets.devices.count("")
        slots, fresh = self._devices.places(packets.devices)
        self._memory = grown(self._memory, len(self._devices), len(names))
        skipped = np.zeros(len(slots), np.bool_) if torn is None else np.asarray(torn, np.bool_)
        checked = self._judged(
            _rows(packets, self._places, slots, fresh, skipped), self._memory, self._limits, names
        )
        self.n_rows += len(slots)
        self.n_aside += int(checked.aside.sum())
        for reason in names_in(int(np.bitwise_or.reduce(checked.found))):
            self.counts[reason] += int(np.count_nonzero(checked.has(reason)))
        return checked

    def _judged(self, rows: Rows, memory: Memory, limits: Limits, names: list[Hashable]) -> Checked:
        found = np.where(rows.skipped, BIT["torn"], 0).astype(np.int64)
        why = np.zeros(rows.values.shape, np.int64)
        judge(rows, memory, limits, found, why)
        return Checked(found, why, names, (found & self._aside) != 0)

    def to_state(self) -> State:
        """Return everything needed to continue, as arrays, numbers and text.

        Raises
        ------
        TypeError
            If a column's name is no text, which no file can hold.
        """
        with self._lock:
            return state_of(self)

    @classmethod
    def from_state(cls, data: State) -> Self:
        """Rebuild from :meth:`to_state`; raises ``iotae.serialization.StateError`` if it is none."""
        check(data, CHECKER)
        return filled(cls(rules=Rules.from_state(data["rules"]), **data["settings"]), data)


def _rows(packets: Packets, places: dict[Hashable, int], slots: Any, fresh: Bool, skipped: Bool) -> Rows:
    values, kinds = spread(packets, places, len(places))
    digests = digests_of(
        values, kinds, packets.times, np.array([name_key(name) for name in places], np.int64)
    )
    keys = np.full(len(slots), packets.key, np.int64)
    return Rows(values, kinds, packets.times, digests, keys, slots, fresh, skipped)
