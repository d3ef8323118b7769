"""IoT sensor streams with the paper's columns: several devices, a daily rhythm and named kinds of anomaly.

This room holds the normal behaviour and the table; what goes wrong is in :mod:`iotae.simulator.anomalies`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64, Int64
from iotae.simulator.anomalies import ANOMALY_KINDS, inject, place

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ANOMALY_KINDS", "FEATURES", "UNITS", "Simulation", "simulate"]

FEATURES = ("temperature", "humidity", "light_intensity", "device_power", "network_latency")
UNITS = dict(zip(FEATURES, ("°C", "%", "lux", "W", "ms"), strict=True))
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated stream, rows in order of time; see :func:`simulate`.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n,)
        ``timestamp`` (datetime64[s]), ``device`` (str), ``temperature`` (°C), ``humidity`` (%),
        ``light_intensity`` (lux), ``device_power`` (W), ``network_latency`` (ms), ``label`` (int64, 0 or 1)
        and ``kind`` (str, empty for normal rows). ``kind`` is for evaluation: no detector should see it.
    """

    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.label)

    @property
    def features(self) -> Float64:
        """The five measurements, shape (n, 5), in the order of ``FEATURES``; NaN where none arrived."""
        return np.column_stack([self.columns[name] for name in FEATURES])

    @property
    def label(self) -> Int64:
        """1 for an anomaly, 0 for a normal row, shape (n,)."""
        return self.columns["label"]

    @property
    def kind(self) -> NDArray[np.str_]:
        """Each row's kind of anomaly, empty for normal rows, shape (n,)."""
        return self.columns["kind"]

    def to_pandas(self) -> pd.DataFrame:
        """Return all columns as a pandas frame."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    def rows(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield (x, label) row by row: x holds timestamp, device and measurements as Python values."""
        names = ("timestamp", "device", *FEATURES)
        for start in range(0, len(self), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            values = zip(*(self.columns[name][part].tolist() for name in names), strict=True)
            for row, label in zip(values, self.label[part].tolist(), strict=True):
                yield dict(zip(names, row, strict=True)), label


def simulate(
    n_rows: int = 10_000,
    *,
    n_devices: int = 5,
    anomaly_rate: float = 0.05,
    kinds: Sequence[str] = ANOMALY_KINDS,
    interval: float = 60,
    start: str | np.datetime64 = "2024-01-01",
    seed: int | None = 0,
) -> Simulation:
    """Simulate a building's IoT devices, with the columns of the paper's experiment.

    Light follows sun and cloud, temperature follows light by three hours, humidity runs against
    temperature, power follows occupancy (about 8 to 18 h) and latency is log-normal and rises with load.
    Weather is shared, each device has offsets of its own, and all noise but the sensor's is autocorrelated.
    Every interval all devices report once, in the order of their names.

    Parameters
    ----------
    n_rows : int
        Number of rows, at least 1.
    n_devices : int
        Number of devices, at least 1.
    anomaly_rate : float
        Share of anomalous rows, in [0, 0.5]; ``round(anomaly_rate * n_rows)`` rows exactly.
    kinds : sequence of str
        Kinds of anomaly, which share the anomalous rows equally; each appears if there is a row for it.
        See :data:`ANOMALY_KINDS` and :mod:`iotae.simulator.anomalies` for what they do.
    interval : float
        Seconds between two readings of one device, at least 1; fractions are dropped from the timestamps.
    start : str or datetime64
        Time of the first reading, in local time.
    seed : int or None
        The same seed gives the same bits; None a fresh stream each time.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        If an argument is outside its range, a kind is unknown, or ``start`` is no date.

    Examples
    --------
    >>> stream = simulate(1000, seed=1)
    >>> len(stream), stream.features.shape, int(stream.label.sum())
    (1000, (1000, 5), 50)
    >>> x, label = next(stream.rows())
    >>> x["device"], round(x["temperature"], 1), label
    ('device-1', 18.3, 0)
    """
    first = _check(n_rows, n_devices, anomaly_rate, kinds, interval, start)
    rng = np.random.default_rng(seed)
    n_ticks = -(-n_rows // n_devices)
    seconds = np.arange(n_ticks) * float(interval)
    hour = (seconds + (first - first.astype("datetime64[D]")).astype(np.int64)) % 86_400 / 3_600
    world = _World(rng, n_ticks, n_devices, float(interval))
    segments = place(rng, n_rows, n_devices, round(anomaly_rate * n_rows), kinds, float(interval))
    readings = world.readings(np.repeat(hour[:, None], n_devices, axis=1))
    kind = inject(
        rng, segments, readings, lambda ticks, device, hours: world.moved(hour, ticks, device, hours)
    )
    return Simulation(
        {
            "timestamp": np.repeat(first + seconds.astype("timedelta64[s]"), n_devices)[:n_rows],
            "device": np.tile(_device_names(n_devices), n_ticks)[:n_rows],
            **{name: readings[:, :, i].ravel()[:n_rows] for i, name in enumerate(FEATURES)},
            "label": (kind != "").ravel()[:n_rows].astype(np.int64),
            "kind": kind.ravel()[:n_rows],
        }
    )


class _World:
    """All that is random about normal behaviour, drawn once, so that any hour can be asked of any moment."""

    def __init__(self, rng: np.random.Generator, n_ticks: int, n_devices: int, interval: float) -> None:
        def noise(sd: float, hours: float, n: int = n_devices) -> Float64:
            carry = np.exp(-interval / (3_600 * hours))
            return _autocorrelated(rng.standard_normal((n_ticks, n)), carry) * sd

        def offset(sd: float) -> Float64:
            return rng.normal(0.0, sd, n_devices)

        self.temperature = noise(0.5, 6.0, 1) + noise(0.25, 0.5) + offset(0.4)
        self.humidity = noise(1.0, 3.0, 1) + noise(0.6, 0.5) + offset(0.8)
        self.light = noise(0.10, 2.0, 1) + noise(0.05, 0.2) + offset(0.05)
        self.power = noise(5.0, 0.3) + offset(3.0)
        self.busy = noise(0.5, 1.0)
        self.latency = noise(0.10, 0.5, 1) + offset(0.08)
        # Sensor noise: drawn per reading, owes nothing to the reading before.
        self.sensor = rng.standard_normal((n_ticks, n_devices, len(FEATURES)))

    def readings(self, hour: Float64, at: tuple[Any, ...] = (...,)) -> Float64:
        """Return the readings of the moments and devices that ``at`` selects, as if it were ``hour``."""
        sun = np.maximum(0.0, np.sin(np.pi * (hour - 6.0) / 12.0))
        people = _rise((hour - 8.0) * 3.0 + self.busy[at]) * _rise((18.0 - hour) * 3.0 + self.busy[at])
        noise = self.sensor[at]
        temperature = (
            21.0 + 4.5 * np.sin(np.pi * (hour - 9.0) / 12.0) + self.temperature[at] + 0.1 * noise[..., 0]
        )
        humidity = 52.0 - 2.2 * (temperature - 21.0) + self.humidity[at] + 0.4 * noise[..., 1]
        light = (650.0 * sun + 180.0 * people + 4.0) * np.exp(self.light[at] + 0.03 * noise[..., 2])
        power = 45.0 + 120.0 * people + self.power[at] + 1.5 * noise[..., 3]
        latency = 20.0 * np.exp(0.5 * people + self.latency[at] + 0.22 * noise[..., 4])
        humidity = np.clip(humidity, 0.0, 100.0)
        return np.stack([temperature, humidity, light, np.maximum(power, 1.0), latency], axis=-1)

    def moved(self, hour: Float64, ticks: slice, device: int, hours: float) -> Float64:
        """Return a device's readings, shape (m, 5), with its clock moved on by ``hours``."""
        return self.readings((hour[ticks] + hours) % 24.0, (ticks, device))


def _autocorrelated(noise: Float64, carry: float) -> Float64:
    """Turn white noise into a stationary first-order autoregression of variance one along the first axis.

    ``y[t] = carry * y[t - 1] + sqrt(1 - carry ** 2) * noise[t]``, computed by doubling: after the step of
    lag k each value holds the last 2 k terms of its sum, so that log2(n) whole-array steps do for n rows.
    """
    y: Float64 = noise * np.sqrt(1.0 - carry**2)
    y[0] = noise[0]
    lag, weight = 1, carry
    while lag < len(y) and weight > 1e-16:
        y[lag:] += weight * y[:-lag].copy()
        lag, weight = 2 * lag, weight**2
    return y


def _rise(z: Float64) -> Float64:
    return np.reciprocal(1.0 + np.exp(-z))


def _device_names(n_devices: int) -> NDArray[np.str_]:
    width = len(str(n_devices))
    return np.array([f"device-{i:0{width}d}" for i in range(1, n_devices + 1)])


def _check(
    n_rows: int,
    n_devices: int,
    anomaly_rate: float,
    kinds: Sequence[str],
    interval: float,
    start: str | np.datetime64,
) -> np.datetime64:
    for name, count in (("n_rows", n_rows), ("n_devices", n_devices)):
        if count != int(count) or count < 1:
            raise ValueError(f"Got {name}={count}, but expected a whole number >= 1.")
    if not 0 <= anomaly_rate <= 0.5:
        raise ValueError(
            f"Got anomaly_rate={anomaly_rate}, but expected a share in [0, 0.5]: "
            "beyond a half, anomalies are normal."
        )
    if isinstance(kinds, str):
        raise ValueError(f"Got kinds={kinds!r}, but expected a sequence of names: pass kinds=({kinds!r},).")
    unknown = sorted(set(kinds) - set(ANOMALY_KINDS))
    if unknown or len(set(kinds)) < len(kinds) or (anomaly_rate and not kinds):
        raise ValueError(
            f"Got kinds={tuple(kinds)}, but expected at least one of {ANOMALY_KINDS}, each once; "
            "pass anomaly_rate=0 for a stream without anomalies."
        )
    if not interval >= 1:
        raise ValueError(
            f"Got interval={interval}, but expected at least 1 second between a device's readings."
        )
    try:
        first: np.datetime64 = np.datetime64(str(start)).astype("datetime64[s]")
    except ValueError:
        first = np.datetime64("NaT", "s")
    if np.isnat(first):
        raise ValueError(
            f"Got start={start!r}, but expected a date or time such as '2024-01-01' or '2024-01-01T06:00'."
        )
    return first
