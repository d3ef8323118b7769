"""Kinds of files of the fuzz benchmark: models of streams, filters, fleets, series and checks of packets."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import mutations
from benchmarks.fuzz_kinds import N_ROWS, Kind, State, demand, of_state
from iotae import OnlineAutoencoder, thresholds
from iotae.fleet import Fleet
from iotae.quality import ColumnRule, PacketChecker, Rules

__all__ = ["FILTERS", "MORE_STREAMS", "STREAM", "THRESHOLDS", "rows", "use_checker", "use_stream"]


def _row(i: int, rng: np.random.Generator) -> dict[Any, Any]:
    load = float(rng.normal())
    return {
        "power": 50.0 + 5.0 * load,
        "latency": 20.0 + 3.0 * load + float(rng.normal()),
        "mode": ("eco", "max", "eco", "off")[i % 4],
        "at": datetime.datetime(2026, 1, 1) + datetime.timedelta(minutes=20 * i),
        ("unit", 1): float(i % 5),
    } | ({"late": load} if i > 40 else {})


def rows(n_rows: int, seed: int) -> list[dict[Any, Any]]:
    """Rows of numbers, texts and times, with a name that is no text and a feature that comes late."""
    rng = np.random.default_rng(seed)
    return [_row(i, rng) for i in range(n_rows)]


def _learned(model: Any, given: list[dict[Any, Any]]) -> Any:
    for x in given:
        model.learn_one(x)
    return model


def use_stream(model: Any) -> None:
    """Score, judge and learn rows; and ask for shares where the model has them by itself."""
    _use_rows(model, rows(N_ROWS, 2))
    if hasattr(model, "score_learn_one"):
        x = rows(N_ROWS, 2)[-1]
        again, _ = model.score_learn_one(x)
        demand(0.0 <= again < 1.0, f"a score of {again}")
        shares = sum(model.explain_one(x).values())
        demand(bool(np.isfinite(shares)), f"shares of {shares}")


def _use_rows(model: Any, given: list[dict[Any, Any]]) -> None:
    for x in given:
        score = model.score_one(x)
        demand(0.0 <= score < 1.0, f"a score of {score}")
        model.classify(score)
        model.learn_one(x)


def _streams() -> list[State]:
    young, old = (OnlineAutoencoder(seed=1, max_features=16, batch_size=8, alpha=0.05) for _ in range(2))
    return [
        _learned(young, rows(45, 0)).to_state(),
        _learned(old, rows(402, 1)).to_state(),
        OnlineAutoencoder(seed=0).to_state(),
    ]


def _river(name: str) -> Any:
    import river_iotae

    return getattr(river_iotae, name)


def _river_model() -> Any:
    return _river("IoTAE")(seed=1, max_features=16, batch_size=8, alpha=0.05)


def _filters(name: str) -> list[State]:
    rules = (thresholds.ConformalThreshold(0.05), thresholds.TailThreshold(0.01, window=250, depth=5))
    given = (0.05,) if name == "ConformalFilter" else rules
    made = (_river(name)(_river("IoTAE")(seed=1, max_features=16, batch_size=8), one) for one in given)
    return [_learned(model, rows(120, 4)).to_state() for model in made]


def _of_river(name: str, rights: Callable[[], list[State]], use: Callable[[Any], None] = use_stream) -> Kind:
    return of_state(f"river_iotae.{name}", rights, lambda data: _river(name).from_state(data), use)


STREAM: dict[str, Kind] = {
    "OnlineAutoencoder": of_state("OnlineAutoencoder", _streams, OnlineAutoencoder.from_state, use_stream),
    "river_iotae.IoTAE": _of_river("IoTAE", lambda: [_learned(_river_model(), rows(120, 4)).to_state()]),
}

FILTERS: dict[str, Kind] = {
    f"river_iotae.{name}": _of_river(name, lambda name=name: _filters(name))  # type: ignore[misc]
    for name in ("AlarmFilter", "ConformalFilter")
}


def _cut(make: Callable[[], thresholds.Threshold]) -> Kind:
    def states() -> list[State]:
        scores = np.random.default_rng(5).gamma(2.0, size=300)
        fitted, moved = make().fit(scores), make()
        for score in scores:
            moved.update(float(score))
        return [fitted.to_state(), moved.to_state()]

    def use(cut: Any) -> None:
        for score in np.random.default_rng(6).gamma(2.0, size=N_ROWS):
            p = cut.p_value(float(score))
            demand(0.0 < p <= 1.0 and not np.isnan(cut.threshold), f"a p-value of {p}")
            cut.classify(float(score))
            cut.update(float(score))

    return of_state(type(make()).__name__, states, type(make()).from_state, use)


THRESHOLDS: dict[str, Kind] = {
    "AlertBudget": _cut(lambda: thresholds.AlertBudget(5, 50)),
    "ConformalThreshold": _cut(lambda: thresholds.ConformalThreshold(0.05)),
    "OnlineFDR": _cut(lambda: thresholds.OnlineFDR(horizon=20)),
    "QuantileThreshold": _cut(lambda: thresholds.QuantileThreshold(0.1)),
    "TailThreshold": _cut(lambda: thresholds.TailThreshold(0.01, window=250, depth=5)),
}


# -- answers of an operator --------------------------------------------------------------------------


def _odd(i: int) -> dict[Any, Any]:
    return rows(N_ROWS, 7)[i] | ({"power": 500.0} if i % 2 else {"latency": -400.0, "mode": "on fire"})


def _answered() -> list[State]:
    model = OnlineAutoencoder(seed=1, max_features=16, batch_size=8, alpha=0.05)
    _learned(model, rows(402, 1))
    for i, label in ((0, "normal"), (1, "anomaly")):
        model.confirm_one(_odd(i), label)
        model.learn_one(_odd(i))
    return [model.to_state()]


def _use_answered(model: OnlineAutoencoder) -> None:
    use_stream(model)
    _use_rows(model, [_odd(i) for i in range(8)])
    told = model.confirmed
    model.confirm_one(_odd(3), "normal")
    for kind in told:
        demand(bool(kind.kind), "a kind of alarm without words")
    model.forget_confirmed(model.confirmed[-1].number)


# -- fleets ------------------------------------------------------------------------------------------


def _of_device(i: int, x: dict[Any, Any]) -> dict[Any, Any]:
    return x | {"device": (1, "fan", "fan", ("hall", 2), None)[i % 5]}


def _fleet(mode: str, most: int) -> State:
    model = OnlineAutoencoder(seed=1, max_features=16, batch_size=8, alpha=0.05, grace_period=20)
    fleet = Fleet(model, "device", mode, time="at", warm_start=True, max_in_memory=most)
    return _learned(fleet, [_of_device(i, x) for i, x in enumerate(rows(150, 1))]).to_state()


def _opened(fleet: State) -> State:
    """A fleet's state in which each device is a state and not its bytes, so that its parts are changed."""
    from iotae import serialization

    return {**fleet, "devices": [serialization.loads(blob.tobytes())[1] for blob in fleet["devices"]]}


def _packed(fleet: State) -> State:
    devices = fleet.get("devices") if isinstance(fleet, dict) else None
    if not isinstance(devices, list):
        return fleet
    packed = [
        np.frombuffer(mutations.sealed("device of a fleet", one), np.uint8) if isinstance(one, dict) else one
        for one in devices
    ]
    return {**fleet, "devices": packed}


def _use_fleet(fleet: Any) -> None:
    given = [_of_device(i, x) for i, x in enumerate(rows(N_ROWS, 2))]
    _use_rows(fleet, given)
    for x in given[-4:]:
        _, _ = fleet.score_learn_one(x)
        shares = [*fleet.explain_one(x).values(), *fleet.expected_one(x).values()]
        demand(bool(np.isfinite(shares).all()), f"shares or expectations of {shares}")
    fleet.learn_one({"device": "new", "power": 3.0})
    if fleet.time is not None:
        fleet.silent(datetime.datetime(2027, 1, 1))
    demand(sum(device.n_rows for device in fleet.devices()) > N_ROWS, "rows that are not counted")
    # what was set aside comes back, and all of it goes into a file again
    fleet.to_state()


def _river_fleet() -> list[State]:
    states = []
    for mode, most in (("separate", 2), ("shared", 100)):
        fleet = _river("Fleet")(_river_model(), "device", mode, max_in_memory=most)
        _learned(fleet, [_of_device(i, x) for i, x in enumerate(rows(120, 4))])
        state = fleet.to_state()
        states.append({**state, "fleet": _opened(state["fleet"])})
    return states


# -- series and packets ------------------------------------------------------------------------------


def _series() -> list[State]:
    make = _river("SequenceIoTAE")
    settings = {"window": 8, "seed": 1, "max_features": 16, "batch_size": 8, "alpha": 0.05}
    plain, timed = make(**settings), make(**settings, time="at", max_gap=3600.0)
    return [_learned(model, rows(120, 4)).to_state() for model in (plain, timed)]


def _packets(n_rows: int, seed: int) -> list[dict[Any, Any]]:
    """Rows of four devices whose names are all text, with units, error codes and rows that come twice."""
    given = [
        {name: cell for name, cell in x.items() if isinstance(name, str)}
        | {"power": (5.0, "6 kW", 85.0, -999.0)[i % 4], "device": f"d{i % 4}"}
        for i, x in enumerate(rows(n_rows, seed))
    ]
    given[-1] = given[-2]
    return given


def use_checker(checker: Any) -> None:
    """Judge and learn rows, by themselves and many at once, and go through a file."""
    given = _packets(N_ROWS, 2)
    for x in given:
        checker.check_one(x)
        checker.learn_one(x)
    again = type(checker).from_state(checker.to_state())
    demand(len(again.learn_many(given).texts()) == N_ROWS, "rows that are not told of")


def _checkers() -> list[State]:
    rules = Rules(
        {
            "power": ColumnRule(least=0.0, most=9000.0, unit="W", required=True, sentinels=(85.0, -127.0)),
            "mode": ColumnRule(kind="text"),
        }
    )
    plain = PacketChecker()
    strict = PacketChecker("device", "at", rules, max_devices=3, max_columns=5)
    given = _packets(120, 4)
    return [_learned(checker, given).to_state() for checker in (plain, strict)] + [PacketChecker().to_state()]


def _use_packets(model: Any) -> None:
    given = _packets(N_ROWS, 2)
    for x in given:
        demand(isinstance(model.transform_one(x), dict), "a row that is none")
        model.learn_one(x)
    demand(len(model.filter_many(given).texts()) == N_ROWS, "rows that are not told of")
    type(model).from_state(model.to_state())


def _packet_filters() -> list[State]:
    make = _river("QualityFilter")
    made = (make(), make(device="device", time="at", flag="quality", max_devices=2))
    return [_learned(model, _packets(120, 4)).to_state() for model in made]


MORE_STREAMS: dict[str, Kind] = {
    "answered alarms": of_state("OnlineAutoencoder", _answered, OnlineAutoencoder.from_state, _use_answered),
    "Fleet, separate": of_state(
        "Fleet", lambda: [_opened(_fleet("separate", 2))], Fleet.from_state, _use_fleet, _packed
    ),
    "Fleet, shared": of_state(
        "Fleet", lambda: [_opened(_fleet("shared", 3))], Fleet.from_state, _use_fleet, _packed
    ),
    "river_iotae.Fleet": of_state(
        "river_iotae.Fleet",
        _river_fleet,
        lambda data: _river("Fleet").from_state(data),
        _use_fleet,
        lambda data: {**data, "fleet": _packed(data["fleet"])} if "fleet" in data else data,
    ),
    "river_iotae.SequenceIoTAE": _of_river("SequenceIoTAE", _series),
    "PacketChecker": of_state("PacketChecker", _checkers, PacketChecker.from_state, use_checker),
    "river_iotae.QualityFilter": _of_river("QualityFilter", _packet_filters, _use_packets),
}
