"""The protocol of sensor faults: how well a detector ranks, finds and names one broken sensor of many."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import detectors, faulty_sensors, runner
from benchmarks.detector import Detector, Task
from benchmarks.faulty_sensors import FaultyStream
from benchmarks.protocols import ranking
from iotae.thresholds import ConformalThreshold

__all__ = ["ALPHA", "COUNTED_FROM", "WITHIN", "FaultJob", "Said", "figures", "prequential", "stream_name"]

COUNTED_FROM = 2_000
"""Rows that are learned but not counted."""

WITHIN = 15
"""Rows of a fault in which an alarm finds it."""

ALPHA = 0.01


def stream_name(world: str, kind: str, d: int) -> str:
    """Return the name of a stream; `FaultJob` reads it back.

    Examples
    --------
    >>> stream_name("linear, white", "spike", 20)
    'linear, white: spike: 20'
    """
    return f"{world}: {kind}: {d}"


@dataclass(frozen=True, eq=False)
class Said:
    """What a detector said of each row before learning it.

    Attributes
    ----------
    score : ndarray of float, shape (n,)
    alarm : ndarray of bool, shape (n,)
    place : ndarray of int, shape (n,)
        Place of the broken sensor in the explanation of a faulty row, 0 for the first; -1 for other rows.
    us_per_row : float
        Microseconds of score + learn.
    """

    score: NDArray[np.float64]
    alarm: NDArray[np.bool_]
    place: NDArray[np.int64]
    us_per_row: float


def prequential(stream: FaultyStream, model: Any, *, time: bool) -> Said:
    """Score each row before learning it; alarms are the model's own, else those of a threshold on its scores.

    Parameters
    ----------
    stream : FaultyStream
        The rows.
    model : object
        A fresh detector with River's interface. One that has ``classify`` raises its own alarms, one that has
        ``explain_one`` is asked for the reasons of faulty rows.
    time : bool
        Whether rows carry the time of day.
    """
    n = len(stream.X)
    score, alarm, place = np.empty(n), np.zeros(n, bool), np.full(n, -1)
    cut = None if hasattr(model, "classify") else ConformalThreshold(ALPHA)
    names, seconds = stream.names, 0.0
    for i, x in enumerate(stream.rows(time=time)):
        start = perf_counter()
        score[i] = model.score_one(x)
        seconds += perf_counter() - start
        alarm[i] = (cut or model).classify(score[i])
        if stream.sensor[i] >= 0 and hasattr(model, "explain_one"):
            reasons = [name for name in model.explain_one(x) if name in x and name != "time"]
            broken = names[stream.sensor[i]]
            place[i] = reasons.index(broken) if broken in reasons else len(names)
        start = perf_counter()
        model.learn_one(x)
        seconds += perf_counter() - start
        if cut is not None:
            cut.update(float(score[i]))
    return Said(score, alarm, place, seconds / n * 1e6)


def figures(stream: FaultyStream, said: Said) -> dict[str, Any]:
    """Return the figures of one run.

    Returns
    -------
    dict
        auc, ap over the rows counted; found, the share of faults with an alarm in their first 15 rows; false,
        the share of alarms among the counted rows before the first fault; delay, for each fault the rows from
        its start to the first alarm in it (its length without one); top1 and top3, the shares of faulty rows
        whose explanation has the broken sensor first, or among the first three (None without explanations);
        us_per_row; n, d, anomalies of the rows counted.
    """
    y = stream.y[COUNTED_FROM:]
    auc, ap = ranking(y, said.score[COUNTED_FROM:])
    first = int(np.argmax(stream.fault >= 0))
    delay, found = [], []
    for fault in range(stream.fault.max() + 1):
        alarm = said.alarm[stream.fault == fault]
        delay.append(int(np.argmax(alarm)) if alarm.any() else len(alarm))
        found.append(bool(alarm[:WITHIN].any()))
    place = said.place[said.place >= 0]
    return {
        "auc": auc,
        "ap": ap,
        "found": float(np.mean(found)),
        "false": float(said.alarm[COUNTED_FROM:first].mean()),
        "delay": delay,
        "top1": float((place < 1).mean()) if place.size else None,
        "top3": float((place < 3).mean()) if place.size else None,
        "us_per_row": said.us_per_row,
        "n": y.size,
        "d": stream.X.shape[1],
        "anomalies": float(y.mean()),
    }


@dataclass(frozen=True)
class FaultJob(runner.Job):
    """One detector on one made stream; ``max_rows`` is the number of rows that are made."""

    @property
    def entry(self) -> Detector:
        """The detector's entry in the registry."""
        return detectors.FAULTS[self.detector]

    def load(self) -> FaultyStream:
        """Return the stream of this name and seed."""
        world, kind, d = self.dataset.split(": ")
        return faulty_sensors.faulty(world, kind, int(d), self.seed, self.max_rows or faulty_sensors.ROWS)

    def measure(self, data: FaultyStream) -> dict[str, Any]:
        """Return the figures of a fresh detector."""
        model = self.entry.make(Task(self.seed, *data.X.shape))
        return figures(data, prequential(data, model, time=self.entry.takes_time))

    def data_hash(self) -> str:
        """Return nothing: the source of the generator decides."""
        return ""

    def sources(self) -> tuple[str, ...]:
        """Return the files of this program that decide the result."""
        return ("faulty_sensors.py", "faults.py", "anchor.py", "protocols.py")
