"""The registry of detectors: ours and the peers, each one entry, all with their own defaults.

An entry is a function from a `Task` to a fresh detector, put into `TABLES` (PyOD's interface) or
`STREAMS` (River's interface) under its name. Nothing is tuned: an argument is given only where the
detector asks for it (a seed, silence, the number of features) or where its paper ties it to the length
of the stream (KitNET's grace periods). A table's peer stands behind the scaler that its documentation
advises.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from benchmarks import table_peers
from benchmarks.detector import Detector, Task
from benchmarks.isolated import PEERS

__all__ = ["FAULTS", "NORMAL", "STREAMS", "TABLES", "TOLD", "resolve"]

TOLD = "iotae, clean=True"
"""Ours where the user says that training rows are normal; asked where they are."""

TABLES: dict[str, Detector] = {}
STREAMS: dict[str, Detector] = {}
FAULTS: dict[str, Detector] = {}
NORMAL: dict[str, Detector] = {}
Factory = Callable[[Task], Any]


def _entry(
    registry: dict[str, Detector], name: str, *packages: str, ours: bool = False
) -> Callable[[Factory], Factory]:
    """Put the decorated factory into ``registry``."""

    def add(make: Factory) -> Factory:
        registry[name] = Detector(name, make, packages, inspect.getsource(make), ours)
        return make

    return add


def resolve(kind: str, chosen: list[str] | None) -> list[Detector]:
    """Return the entries of one kind ("table", "stream" or "normal"), all or those named.

    Raises
    ------
    ValueError
        Where a name is not in the registry.
    """
    registry = {"table": TABLES, "stream": STREAMS, "normal": NORMAL}[kind]
    unknown = [name for name in chosen or () if name not in registry]
    if unknown:
        raise ValueError(f"Got detectors {unknown}, but expected names among {', '.join(registry)}.")
    return [registry[name] for name in chosen or registry]


def _pyod(
    module: str,
    name: str,
    *packages: str,
    title: str | None = None,
    given: str = table_peers.RAW,
    **arguments: Any,
) -> None:
    """Put a PyOD detector into `TABLES`; an argument that is a function is given the `Task`."""

    def make(task: Task) -> Any:
        detector = getattr(import_module(f"pyod.models.{module}"), name)
        made = detector(
            **{key: value(task) if callable(value) else value for key, value in arguments.items()}
        )
        return table_peers.wrapped(made, given)

    said = ", ".join(key if callable(value) else f"{key}={value!r}" for key, value in arguments.items())
    recipe = f"{module}.{name}({said})\n{table_peers.recipe(given)}"
    title = title or name
    TABLES[title] = Detector(title, make, ("pyod", *packages), recipe, given=given)


def _seed(task: Task) -> int:
    return task.seed


def _n_features(task: Task) -> int:
    return task.n_features


@_entry(TABLES, "iotae", "pyod", ours=True)
def _table_iotae(task: Task) -> Any:
    from pyod_iotae import IoTAE

    return IoTAE(random_state=task.seed)


@_entry(TABLES, TOLD, "pyod", ours=True)
def _table_told(task: Task) -> Any:
    from pyod_iotae import IoTAE

    return IoTAE(clean=True, random_state=task.seed)


def _isotree(title: str, given: str, **arguments: Any) -> None:
    """Put a forest of ``isotree`` into `TABLES`, of 100 trees of 256 rows."""

    def make(task: Task) -> Any:
        return table_peers.wrapped(table_peers.Forest(task.seed, ntrees=100, **arguments), given)

    recipe = f"{arguments}\n{inspect.getsource(table_peers.Forest)}\n{table_peers.recipe(given)}"
    TABLES[title] = Detector(title, make, ("isotree",), recipe, given=given)


_pyod("iforest", "IForest", "scikit-learn", random_state=_seed)
# the library's own shorthands for the two papers, but for the number of trees of the first
_isotree("fair-cut forest", table_peers.RAW, sample_size=256, ndim=2, prob_pick_pooled_gain=1)
_isotree(
    "extended isolation forest",
    table_peers.SCALED,
    sample_size=256,
    ndim=2,
    max_depth=8,
    coefs="uniform",
    standardize_data=False,
    missing_action="fail",
)
_pyod("mcd", "MCD", "scikit-learn", given=table_peers.SCALED, random_state=_seed)
_pyod("gmm", "GMM", "scikit-learn", given=table_peers.SCALED, random_state=_seed)
_pyod("knn", "KNN", "scikit-learn", given=table_peers.SCALED)
_pyod("knn", "KNN", "scikit-learn", title="KNN, mean of 5", given=table_peers.SCALED, method="mean")
_pyod("ecod", "ECOD")
_pyod("copod", "COPOD")
_pyod("hbos", "HBOS")
_pyod("pca", "PCA", "scikit-learn", given=table_peers.VARYING, random_state=_seed)
_pyod("cblof", "CBLOF", "scikit-learn", given=table_peers.SCALED, random_state=_seed)
_pyod("lof", "LOF", "scikit-learn", given=table_peers.SCALED)
_DEEP = {"given": table_peers.SELF_SCALED, "random_state": _seed, "verbose": 0}
_pyod("auto_encoder", "AutoEncoder", "torch", **_DEEP)
_pyod("vae", "VAE", "torch", **_DEEP)
_pyod("deep_svdd", "DeepSVDD", "torch", n_features=_n_features, **_DEEP)


@_entry(STREAMS, "iotae", "river", ours=True)
def _stream_iotae(task: Task) -> Any:
    from river_iotae import IoTAE

    return IoTAE(seed=task.seed)


@_entry(STREAMS, "HalfSpaceTrees", "river")
def _half_space_trees(task: Task) -> Any:
    from river import anomaly, preprocessing

    return preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=task.seed)


@_entry(STREAMS, "OneClassSVM", "river")
def _one_class_svm(task: Task) -> Any:
    from river import anomaly, preprocessing

    return preprocessing.StandardScaler() | anomaly.OneClassSVM()


@_entry(STREAMS, "LODA", "river")
def _loda(task: Task) -> Any:
    from river import anomaly, preprocessing

    return preprocessing.StandardScaler() | anomaly.LODA(seed=task.seed)


@_entry(STREAMS, "TorchAE", "river", "torch")
def _torch_autoencoder(task: Task) -> Any:
    from river import preprocessing

    from benchmarks.peers import TorchAutoencoder

    return preprocessing.StandardScaler() | TorchAutoencoder(seed=task.seed)


@_entry(STREAMS, "KitNET", "river", "aberrant")
def _kitnet(task: Task) -> Any:
    from river import preprocessing

    from benchmarks.peers import KitNET

    # the paper's 5,000 + 50,000 rows are more than most of these sets hold: 2 % + 8 % of the stream
    feature_map_grace, ad_grace = max(task.n_rows // 50, 20), max(task.n_rows * 8 // 100, 80)
    return preprocessing.MinMaxScaler() | KitNET(feature_map_grace, ad_grace, task.seed)


STREAMS |= PEERS

# what scores normal rows for the thresholds, which are ours, so that our source decides the result
NORMAL |= {name: replace(STREAMS[name], ours=True) for name in ("iotae", "HalfSpaceTrees")}


@_entry(FAULTS, "anchor")
def _anchor(task: Task) -> Any:
    from benchmarks.anchor import Anchor

    return Anchor()


@_entry(FAULTS, "anchor, ten rows")
def _anchor_recent(task: Task) -> Any:
    from benchmarks.anchor import Anchor

    return Anchor(recent=True)


FAULTS |= {name: STREAMS[name] for name in ("HalfSpaceTrees", "LODA", "OneClassSVM")}
FAULTS = {"iotae": replace(STREAMS["iotae"], takes_time=True), **FAULTS}


@_entry(NORMAL, "the score itself", "river", ours=True)
def _the_score_itself(task: Task) -> Any:
    from benchmarks.peers import Given

    return Given()
