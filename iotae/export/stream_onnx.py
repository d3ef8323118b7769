"""A stream's model as an ONNX model: each row is scored after the rows that the model had seen."""

from __future__ import annotations

import numpy as np

from iotae.export.graph import Graph, Value
from iotae.export.metadata import about
from iotae.export.network_onnx import dense_layers
from iotae.export.stream_figures import FLAG, KNOWN, MET, SCORED, TELLS_HOUR, FrozenStream, freeze
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.histogram import BINS

__all__ = ["stream_graph"]

_LN2, _LN20 = 0.6931471805599453, 2.995732273553991
_WIDTH = _LN20 - _LN2


def stream_graph(model: OnlineAutoencoder) -> bytes:
    """An ONNX model that scores rows as the model does now."""
    frozen = freeze(model)
    graph = Graph(len(frozen.names))
    cells = graph.cells
    finite = ~cells.test("IsNaN") & ~cells.test("IsInf")
    cells = finite.where(cells, frozen.slots["centre"], np.float64)
    has, present = _numbers(frozen, finite)
    raw = _surprise(frozen, cells, finite)
    z, linear, q = _residuals(frozen, cells, finite & has["met"])
    known = finite & has["known"]
    sensor = known & has["moves"]
    largest = _largest(frozen, cells, z, q, sensor)
    largest.append(_clock(frozen, z, linear, finite & has["hour"]))
    n_sensors, n_known = (part.cast(np.float32).over_cells("ReduceSum") for part in (sensor, known))
    sensors = ((n_sensors / n_known.most(1.0) - 0.1) / 0.2).clip(0.0, 1.0)
    best = _evidence(frozen, largest, n_sensors, sensors)
    score = (present > 0.0).where(_joined(frozen, raw, best, sensors), frozen.single["empty_score"])
    cut = frozen.single["cut"]
    return graph.model(score, cut, about("an iotae stream model", frozen.names, cut))


def _numbers(frozen: FrozenStream, finite: Value) -> tuple[dict[str, Value], Value]:
    """Which slots are what (d,), and how many cells of a row (n,) count."""
    role = frozen.slots["role"].astype(np.int64)
    flags = {"met": MET, "known": KNOWN, "hour": TELLS_HOUR}
    has = {name: finite.graph.constant(role & flag > 0, bool) for name, flag in flags.items()}
    has["moves"] = finite.graph.constant(role & FLAG == 0, bool)
    scored = finite & (role & SCORED > 0)
    return has, scored.cast(np.float32).over_cells("ReduceSum")


def _surprise(frozen: FrozenStream, cells: Value, finite: Value) -> Value:
    """Mean surprise (n,) of rows."""
    slots = frozen.slots
    role = slots["role"].astype(np.int64)
    deviation = cells - slots["centre"]
    distance = deviation.of("Abs").least(1e150)
    moved = slots["spread"] > 0.0
    size = (distance / np.where(moved, slots["spread"], 1.0) + 1.0).of("Log")
    size = cells.graph.constant(moved, bool).where(size, slots["first_move"], np.float64)
    size = ((distance > 0.0) & (role & MET > 0)).where(size, 0.0, np.float64)
    scaled = (deviation > 0.0).where(size, size.of("Neg")).cast(np.float32)
    seen = finite.where(scaled.clip(-3.0, 3.0), 0.0)
    place = (scaled + 5.0) * 3.2 - 0.5
    inside = place.clip(0.0, BINS - 1.0)
    low = inside.of("Floor").least(BINS - 2.0)
    part = inside - low
    table, at = cells.graph.constant(frozen.table.T, np.float32), low.cast(np.int64)
    below = cells.graph.apply("GatherElements", table, at, dtype=np.float32, axis=0)
    above = cells.graph.apply("GatherElements", table, at + 1, dtype=np.float32, axis=0)
    rarity = below * (part * -1.0 + 1.0) + above * part + (place - inside).of("Abs") * 0.5
    _, made = dense_layers(seen, frozen.layers, frozen.sizes, frozen.activation)
    ratio = (seen - made) * slots["per_residual"]
    own = rarity + scaled * scaled + (ratio * ratio + 1.0).of("Log")
    weight = frozen.single["lean"]
    shares = own * (1.0 - weight) + weight * frozen.state["recent"]
    counted = (finite & (role & SCORED > 0)).cast(np.float32)
    present = counted.over_cells("ReduceSum").most(1.0)
    return (counted > 0.0).where(shares, 0.0).over_cells("ReduceSum") / present


def _residuals(frozen: FrozenStream, cells: Value, there: Value) -> tuple[Value, Value, Value]:
    """Deviations, linear residuals, and those less what the network adds, in usual ones: (n, d) each."""
    slots, graph = frozen.slots, cells.graph
    role, spread = slots["role"].astype(np.int64), slots["spread"]
    deviation = cells - slots["centre"]
    z = deviation / (1.2533 * np.where(spread > 0.0, spread, 1.0))
    z = (z.of("Abs") > 999.9999999999999).where(z.of("Sign") * 31.0, z.clip(-30.0, 30.0))
    z = graph.constant(spread > 0.0, bool).where(z, deviation.of("Sign") * 8.0)
    z = graph.constant(role & SCORED > 0, bool).where(z, cells).cast(np.float32)
    shown = there.where(z.clip(-4.0, 4.0), 0.0)
    cell = there.where((z - slots["mean"]) * slots["per_deviation"], 0.0).cast(np.float64)
    # in double precision: the sums nearly cancel
    inverse = graph.constant(frozen.inverse, np.float32).cast(np.float64)
    linear = (cell @ inverse / np.diag(frozen.inverse).astype(np.float64)).cast(np.float32)
    units = shown @ frozen.into + frozen.hidden_bias
    apart = units.graph.apply("Unsqueeze", units, graph.constant([1], np.int64), dtype=np.float32)
    each = graph.apply("Unsqueeze", shown, graph.constant([2], np.int64), dtype=np.float32)
    without = apart - each * frozen.into
    without = without.most(without * 0.05) * (slots["lead"][:, None] * frozen.out_of)
    expected = without.over_cells("ReduceSum", 2) + slots["lead"] * slots["out_bias"]
    return z, linear, (linear - expected) * slots["per_usual"]


def _largest(frozen: FrozenStream, cells: Value, z: Value, q: Value, sensor: Value) -> list[Value]:
    """Most nats over the sensors (n,) of each of the five statistics."""
    slots, state = frozen.slots, frozen.state
    level = q.clip(-4.0, 4.0) * 0.1 + 0.9 * state["level"]
    energy = (q * q).least(12.0) * 0.1 + 0.9 * state["energy"]
    before = np.isnan(state["before"])
    steps = (z - np.where(before, 0.0, state["before"])).of("Abs") * slots["per_step"]
    steps = z.graph.constant(before, bool).where(1.0, steps).least(5.0)
    moved = ((steps * 0.1 + 0.9 * state["moved"] + 0.02).of("Log") - slots["move_mean"]).of("Abs")
    equal = cells.equals(state["last"])
    values = [
        q.of("Abs"),
        level.of("Abs") * slots["per_level"],
        energy,
        moved * slots["per_move"],
        equal.where(slots["nats_of_run"] + state["run"] * slots["nats_of_staying"], 0.0),
    ]
    found = []
    for k, value in enumerate(values):
        quantile, slope = frozen.tails[:, 2 * k], frozen.tails[:, 2 * k + 1]
        beyond = value.most(quantile)
        above = (beyond / quantile).of("Log") / slope + _LN20
        nats = (value > quantile).where(above, value * _LN20 / quantile)
        found.append(sensor.where(nats, 0.0).over_cells("ReduceMax"))
    return found


def _clock(frozen: FrozenStream, z: Value, linear: Value, hour: Value) -> Value:
    """How many usual deviations the clock lies below its usual agreement (n,), 0 without one."""
    single = frozen.single
    told = hour.cast(np.float32).over_cells("ReduceSum")
    agree = hour.where(z * (z - linear / frozen.slots["per_deviation"]), 0.0).over_cells("ReduceSum")
    agree = (agree / told.most(1.0)).clip(-3.0, 3.0) * 0.05 + 0.95 * single["agree"]
    lost = (agree * -1.0 + single["agree_mean"]) * single["per_agree"]
    return (told > 0.0).where(lost, 0.0)


def _evidence(frozen: FrozenStream, largest: list[Value], n_sensors: Value, sensors: Value) -> Value:
    """Most nats of a part (n,), weighed."""
    low, high, slope, reduced, say = (
        frozen.parts[name].tolist() for name in ("low", "high", "slope", "reduced", "say")
    )
    best = sensors * 0.0 + _LN2
    for k, value in zip((0, 1, 2, 3, 4, 6), largest, strict=True):
        if k == 4:
            nats = (value - n_sensors.most(1.0).of("Log")).least(9.0)
        elif k == 6:
            nats = value * _WIDTH + _LN2
        else:
            width = max(high[k] - low[k], 0.05 * slope[k])
            nats = (value > high[k]).where(
                (value - high[k]) / slope[k] + _LN20, (value - low[k]) * (_WIDTH / width) + _LN2
            )
        nats = nats - reduced[k]
        best = best.most((nats > 0.0).where(nats * sensors * say[k], nats))
    return best


def _joined(frozen: FrozenStream, raw: Value, best: Value, sensors: Value) -> Value:
    """The surprise joined with the evidence, as a score (n,)."""
    low, high, slope = (float(frozen.parts[name][7]) for name in ("low", "high", "slope"))
    beyond = ((best - _LN20) * slope + high).least(max(high, 9.0))
    other = (best > _LN20).where(beyond, (best - _LN2) * ((high - low) / _WIDTH) + low)
    own = (raw + 0.5).of("Log") - sensors * (frozen.single["order"] * slope)
    larger, smaller = own.most(other), own.least(other)
    total = larger + (((smaller - larger) * 2.0).of("Exp") + 1.0).of("Log") * 0.5
    joined = (total.of("Exp") - 0.5).most(0.0)
    return joined / (joined + 8.0)
