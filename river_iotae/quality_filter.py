"""A step of a River pipeline that keeps packets that cannot be true from the model, and flags others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from river import base

from iotae._sharing import Unshared
from iotae._typing import State
from iotae._validation import check_count
from iotae._validation.schema import check
from iotae.quality import CANNOT_BE_TRUE, Checked, PacketChecker, RowVerdict, Rules
from iotae.serialization.saved import Saved
from river_iotae.state_schema import QUALITY_FILTER

__all__ = ["QualityFilter"]


class QualityFilter(Saved, Unshared, base.Transformer):
    """Filter of packets that cannot be true.

    Learns for each device and feature what is possible, without a schema. A row that cannot be true (sent
    twice, an error code such as -999 or 85 °C from a sensor that is elsewhere, infinite, against a rule)
    becomes an empty row for the next step: `IoTAE` learns nothing from it. It is counted, and the latest
    are kept in `quarantine`. A row that is only doubtful (stuck, a jump, late and so on) goes on whole,
    because that is also how the anomalies look that a detector seeks; `flag` names a feature that tells the
    detector how many reasons there are.

    `transform_one` changes nothing: a row is judged by the rows learned before.

    Parameters
    ----------
    device
        The feature that names the device. By default all rows are of one.
    time
        The feature that is the row's time. By default the first one that is a `datetime`.
    flag
        Name of a feature to add, the number of reasons for which a row is doubted. By default none.
    aside
        Reasons for which a row is set aside: any of `iotae.quality.REASONS` but torn.
    rules
        What is declared of features, e.g. by `iotae.quality.read_rules`.
    max_devices
        Number of devices remembered. The one not seen for longest is forgotten.
    quarantine_size
        Number of rows set aside that are kept.

    Attributes
    ----------
    quarantine
        The latest rows set aside, each with its reasons.
    counts
        Number of rows by reason.
    n_rows
        Number of rows learned.
    n_aside
        Number of rows set aside.
    verdict
        What was said of the row learned last.

    Examples
    --------

    >>> from river_iotae import IoTAE, QualityFilter

    >>> model = QualityFilter() | IoTAE(seed=0)
    >>> for i in range(300):
    ...     model.learn_one({"celsius": 20 + i % 7 / 10, "watts": 5 + i % 11})
    >>> model.learn_one({"celsius": -999.0, "watts": 8})
    >>> packets = model["QualityFilter"]
    >>> packets.n_rows, packets.n_aside, packets.counts
    (301, 1, {'sentinel': 1})
    >>> for x, verdict in packets.quarantine:
    ...     print(x, verdict.text)
    {'celsius': -999.0, 'watts': 8} celsius sentinel

    """

    _KIND = "river_iotae.QualityFilter"

    def __init__(
        self,
        device: base.typing.FeatureName | None = None,
        time: base.typing.FeatureName | None = None,
        flag: base.typing.FeatureName | None = None,
        aside: Sequence[str] = CANNOT_BE_TRUE,
        rules: Rules | None = None,
        max_devices: int = 10_000,
        quarantine_size: int = 1_000,
    ) -> None:
        self.device = device
        self.time = time
        self.flag = flag
        self.aside = aside
        self.rules = rules
        self.max_devices = max_devices
        self.quarantine_size = check_count("quarantine_size", quarantine_size, 0)
        self.verdict: RowVerdict | None = None
        self._checker = PacketChecker(device, time, rules, aside, max_devices)
        self._quarantine: deque[tuple[dict[base.typing.FeatureName, Any], RowVerdict]] = deque(
            maxlen=quarantine_size
        )
        self._learned: tuple[Any, dict[base.typing.FeatureName, Any]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # the caller's row is only compared by what it is, and belongs to no copy
        return {**self.__dict__, "_learned": None}

    @property
    def quarantine(self) -> list[tuple[dict[base.typing.FeatureName, Any], RowVerdict]]:
        """The latest rows set aside, oldest first, each with what was said of it."""
        return list(self._quarantine)

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows by reason."""
        return dict(self._checker.counts)

    @property
    def n_rows(self) -> int:
        """Number of rows learned."""
        return self._checker.n_rows

    @property
    def n_aside(self) -> int:
        """Number of rows set aside."""
        return self._checker.n_aside

    def check_one(self, x: dict[base.typing.FeatureName, Any]) -> RowVerdict:
        """Return what speaks against a row, by the rows learned before; changes nothing."""
        return self._checker.check_one(x)

    def learn_one(self, x: dict[base.typing.FeatureName, Any]) -> None:
        """Judge a row, keep it in quarantine if it cannot be true, and update what is possible.

        Parameters
        ----------
        x
            A dictionary of features.

        """
        self.verdict = self._checker.learn_one(x)
        self._learned = (x, dict(x))
        if self.verdict.aside:
            self._quarantine.append((dict(x), self.verdict))

    def transform_one(self, x: dict[base.typing.FeatureName, Any]) -> dict[base.typing.FeatureName, Any]:
        """Return the row, or an empty one if it is set aside.

        Parameters
        ----------
        x
            A dictionary of features.

        """
        verdict = self._said_of(x)
        if verdict.aside:
            return {}
        if self.flag is None:
            return x
        return {**x, self.flag: float(len(verdict.reasons))}

    def _said_of(self, x: dict[base.typing.FeatureName, Any]) -> RowVerdict:
        # a pipeline learns a row and then transforms it: the same row is not one that was sent twice
        learned = self._learned
        if self.verdict is not None and learned is not None and learned[0] is x and _equal(learned[1], x):
            return self.verdict
        return self.check_one(x)

    def filter_many(self, X: Any) -> Checked:
        """Judge and learn the rows of a data frame in order: the same as row by row.

        Parameters
        ----------
        X
            A data frame of any library that narwhals knows, or a list of dictionaries.

        Returns
        -------
        Of each row the reasons, `found` and `texts()`, and whether it is set `aside`.

        """
        from iotae.data.frames import frame_rows

        checked = self._checker.learn_many(X)
        if checked.aside.any():
            for i, x in enumerate(frame_rows(X)):
                if checked.aside[i]:
                    self._quarantine.append((x, checked.verdict(i)))
        self._learned = None
        return checked

    def to_state(self) -> State:
        """Return what is known of devices and features; the rows in quarantine are not part of it."""
        return {
            "flag": self.flag,
            "quarantine_size": self.quarantine_size,
            "checker": self._checker.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> QualityFilter:
        """Rebuild from `to_state`; raises `iotae.serialization.StateError` if it is none."""
        check(data, QUALITY_FILTER)
        checker = PacketChecker.from_state(data["checker"])
        restored = cls(
            checker.device,
            checker.time,
            data["flag"],
            checker.aside,
            checker.rules if checker.rules.columns else None,
            checker.max_devices,
            data["quarantine_size"],
        )
        restored._checker = checker
        return restored

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}
        yield {"flag": "quality", "quarantine_size": 10}


def _equal(one: dict[base.typing.FeatureName, Any], other: dict[base.typing.FeatureName, Any]) -> bool:
    """Whether a row still has the very cells that it had."""
    return len(one) == len(other) and all(name in other and other[name] is cell for name, cell in one.items())
