"""``iotae info``: what a saved model learned from, and how it decides, as a card."""

from __future__ import annotations

import json
import platform
from argparse import Namespace
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from iotae import serialization
from iotae._typing import State
from iotae._validation.schema import check
from iotae._version import __version__
from iotae.cli.terminal import counted
from iotae.serialization import StateError

if TYPE_CHECKING:
    from iotae.batch.autoencoder import BatchAutoencoder
    from iotae.preprocessing import Preprocessor

__all__ = ["card_of", "run"]

_LIBRARIES = ("numpy", "safetensors", "numba")

Card = dict[str, Any]


def run(args: Namespace) -> int:
    """Print the card of a model's file."""
    kind, data = serialization.read(args.model)
    try:
        card = card_of(kind, data)
    except StateError as error:
        raise StateError(f"{args.model}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StateError(
            f"{args.model}: no card can be made of it ({type(error).__name__}: {error})"
        ) from error
    card = {"file": args.model, **card, "read by": _versions()}
    print(json.dumps(card) if args.json else "\n".join(_lines(card)))
    return 0


def card_of(kind: str, data: State) -> Card:
    """Return what there is to say of a model's state: name -> a value, a list of lines, or a dict.

    Raises
    ------
    StateError
        If the state is of no model that iotae saves.
    """
    if kind == "TableDetector":
        return _of_pipeline(kind, data)
    if kind == "pyod_iotae.IoTAE":
        return _of_pyod(kind, data)
    if kind == "OnlineAutoencoder":
        return {"kind": f"{kind}, a stream model (iotae stream)", **_of_stream(data)}
    if kind in ("Fleet", "river_iotae.Fleet"):
        fleet = data.get("fleet", data)
        return {"kind": f"{kind}, models of many devices", **_of_fleet(fleet)}
    if kind == "river_iotae.IoTAE":
        return {"kind": f"{kind}, a stream model (River)", **_of_stream(data["model"])}
    if kind in ("river_iotae.AlarmFilter", "river_iotae.ConformalFilter"):
        ((rule, _),) = data["rule"].items()
        of_detector = _of_stream(data["detector"]["model"])
        return {"kind": f"{kind}, a filter around a stream model (River)", "rule": rule, **of_detector}
    raise StateError(
        f"holds the state of {kind}, but expected a model: a detector or a filter that was saved"
    )


def _of_fleet(data: State) -> Card:
    from iotae.fleet.saving import check_fleet

    check_fleet(data)
    template = data["models"]["template"]["settings"]
    return {
        "devices": counted(len(data["keys"]), "device"),
        "learned from": counted(int(data["n_rows"].sum()), "row"),
        "without a key": counted(data["n_keyless"], "row"),
        "key": str(data["key"]),
        "mode": data["mode"],
        "cut": f"alpha {template['alpha']:g}, of each device's own scores",
    }


def _of_pipeline(kind: str, data: State) -> Card:
    from iotae.batch.grouped_schema import of_all_rows
    from iotae.pipeline import TableDetector

    detector = TableDetector.from_state(data)
    of_all = of_all_rows(data["autoencoder"], detector.group, "autoencoder")
    window = data["threshold"]["window"]
    scores = counted(window["n_seen"], "score")
    if window["n_seen"] >= window["size"]:
        # the cut is of all calibration scores, of which the latest were kept
        scores += " or more"
    label = "none"
    if detector.label is not None:
        label = f"{detector.label}, normal where it is {detector.normal_value}"
    return {
        "kind": f"{kind}, a table model (iotae fit)",
        "learned from": counted(of_all["kept"]["n_seen"], "row"),
        **({} if detector.group is None else {"groups": _groups(detector.group, data["autoencoder"])}),
        "label": label,
        "ignored": ", ".join(detector.ignore) or "none",
        "columns": _columns(detector.preprocessor),
        "cut": f"{detector.threshold:.6g}, alpha {detector.alpha:g}, from {scores}",
        "network": _network_of(detector.autoencoder, of_all),
        "preprocessing": detector.preprocessor.report(),
    }


def _of_pyod(kind: str, data: State) -> Card:
    from iotae.batch.autoencoder import BatchAutoencoder
    from iotae.batch.grouped_schema import AnyAutoencoder, of_all_rows
    from iotae.preprocessing import Preprocessor

    groups = data["params"].get("groups")
    check(data["model"], AnyAutoencoder())
    of_all = of_all_rows(data["model"], groups, "model")
    model = BatchAutoencoder.from_state(of_all)
    names = data["feature_names"] or [f"column {i}" for i in range(data["n_features"])]
    columns = dict.fromkeys(names, "a number")
    params = data["params"]
    if data["encoder"] is not None:
        columns |= _columns(Preprocessor.from_state(data["encoder"]))
    rate = "contamination" if params.get("alpha") is None else "alpha"
    return {
        "kind": f"{kind}, a table model (PyOD)",
        "learned from": counted(of_all["kept"]["n_seen"], "row"),
        **({} if groups is None else {"groups": _groups(groups, data["model"])}),
        "columns": columns,
        "cut": f"{data['threshold']:.6g}, threshold={params['threshold']!r}, {rate}={params[rate]!r}",
        "network": _network_of(model, of_all),
    }


def _groups(column: str, data: State) -> str:
    own, small = len(data["groups"]), len(data["small"])
    return f"by {column}: {counted(own, 'model')} of one group each, {counted(small, 'smaller group')}"


def _of_stream(data: State) -> Card:
    from iotae.stream.autoencoder import OnlineAutoencoder

    model = OnlineAutoencoder.from_state(data)
    rows = f"{counted(model.n_seen, 'row')}, of which {model.n_refused} looked anomalous and taught nothing"
    aside = f"{counted(model.n_rejected, 'row')} without a usable cell, {counted(model.n_unusable, 'cell')}"
    return {
        "learned from": rows,
        "set aside": aside,
        "columns": _features(data["features"]),
        "cut": f"{model.threshold:.6g}, alpha {model.alpha:g}, after {counted(model.grace_period, 'row')}",
        "network": f"{_sizes(data['network'])}, {model.activation}, seed {model.seed}",
    }


def _network_of(model: BatchAutoencoder, data: State) -> str:
    passes = counted(len(model.history), "pass", "passes")
    return f"{_sizes(data['network'])}, {model.activation}, seed {model.seed}, {passes}"


def _sizes(network: State) -> str:
    """Return the layers of a network from input to output."""
    from iotae.nn.architecture import layer_sizes

    return "-".join(map(str, layer_sizes(network["n_features"], network["hidden_sizes"])))


def _columns(preprocessor: Preprocessor) -> dict[str, str]:
    """Return what each column that was read is taken as."""
    used = set(preprocessor.feature_sources)
    found = {}
    for code in preprocessor.learned.codes:
        if code.kind == "category":
            what = f"a category of {counted(len(code.values) + len(code.rare), 'value')}"
        else:
            what = "a number" if code.kind == "numeric" else f"a time ({', '.join(code.cycles)})"
        found[code.name] = what if code.name in used else f"{what}, left out"
    return found


def _features(data: State) -> dict[str, str]:
    """Return what each feature of a stream is taken as."""
    from iotae.stream.features import CLOCK, RARITY, SENSOR, Features

    features = Features.from_state(data)
    what = {SENSOR: "a number", RARITY: "a category", CLOCK: "a time"}
    said: dict[str, str] = {}
    for (name, _), kind in zip(features.slots, features.kinds.tolist(), strict=True):
        if kind in what:
            said.setdefault(str(name), what[kind])
    return said | {str(name): "an identifier, ignored" for name in features.identifiers}


def _versions() -> str:
    """Return the versions of what reads the file, which does not record what wrote it."""
    found = [f"iotae {__version__}", f"Python {platform.python_version()}"]
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            found.append(f"no {library}")
    return ", ".join(found)


def _lines(card: Card) -> Iterable[str]:
    width = max(map(len, card)) + 2
    for name, value in card.items():
        if isinstance(value, dict):
            value = [f"{key}: {what}" for key, what in value.items()]
        first, *others = (value or ["none"]) if isinstance(value, list) else [value]
        yield f"{name:{width}}{first}"
        yield from (f"{'':{width}}{line}" for line in others)
