"""The data sets: where each one lies, how it is read, and what to say where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from benchmarks import normal_streams
from benchmarks.dataset import Dataset
from benchmarks.normal_streams import MADE

__all__ = [
    "MADE",
    "STREAMS",
    "TABLES",
    "Dataset",
    "DatasetAbsentError",
    "data_folder",
    "file_of",
    "load",
    "names",
    "raw",
    "why_absent",
]

ROOT = Path(__file__).resolve().parent.parent

TABLES = (
    "2_annthyroid", "4_breastw", "6_cardio", "16_http", "18_Ionosphere", "20_letter", "22_magic.gamma",
    "23_mammography", "26_optdigits", "27_PageBlocks", "28_pendigits", "29_Pima", "30_satellite",
    "31_satimage-2", "32_shuttle", "34_smtp", "40_vowels", "41_Waveform",
)  # fmt: skip
STREAMS = (
    "nslkdd_low5", "kdd99_sa", "rtiot2022_ad", "iot23_rare", "smd_1_6", "smd_2_1", "asd_omi",
    "nab_realKnownCause",
)  # fmt: skip
BUNDLED = ("river_shuttle", "simulator")
FOLDERS = {"table": "tabular", "stream": "streams", "normal": "streams"}


class DatasetAbsentError(FileNotFoundError):
    """A data set that is not on this machine; the message says where it was looked for."""


def data_folder() -> Path:
    """Return the folder of the shared data: ``$IOTAE_DATA``, else ``../shared/data``."""
    return Path(os.environ.get("IOTAE_DATA") or ROOT.parent / "shared" / "data")


def file_of(kind: str, name: str) -> Path | None:
    """Return the path of a set's file, or None for the sets that ship with a package or are drawn."""
    return None if name in BUNDLED + MADE else data_folder() / FOLDERS[kind] / f"{name}.npz"


def why_absent(kind: str, name: str) -> str | None:
    """Return None where the set can be read, else one line that says why not and what to do."""
    path = file_of(kind, name)
    if path is None or path.is_file():
        return None
    return f"{name}: not found at {path}; set IOTAE_DATA to the folder that holds {FOLDERS[kind]}/"


def names(kind: str) -> tuple[str, ...]:
    """Return the names of the sets of one kind ("table" or "stream") that a full run uses.

    These are the registered sets and any further ``.npz`` file in the same folder. Where the shared
    data is absent altogether, the sets that ship with the dependencies stand in. Kind "normal" is the
    streams drawn without an anomaly and the normal rows of the stream sets that are there.
    """
    if kind == "normal":
        return MADE + tuple(name for name in STREAMS if not why_absent("stream", name))
    known = {"table": TABLES, "stream": STREAMS}[kind]
    found = sorted(path.stem for path in (data_folder() / FOLDERS[kind]).glob("*.npz"))
    return known + tuple(name for name in found if name not in known) if found else BUNDLED


def load(kind: str, name: str) -> Dataset:
    """Read one set.

    Parameters
    ----------
    kind : {"table", "stream", "normal"}
        The folder to look in; the bundled sets serve both. "normal" is a stream without its anomalies.
    name : str
        A name from `names`, or "river_shuttle" or "simulator".

    Raises
    ------
    DatasetAbsentError
        Where the file is not on this machine.
    """
    if reason := why_absent(kind, name):
        raise DatasetAbsentError(reason)
    if name in MADE:
        return normal_streams.make(name)
    if kind == "normal":
        data = load("stream", name)
        return data.take(data.y == 0)
    path = file_of(kind, name)
    if path is None:
        return {"river_shuttle": _river_shuttle, "simulator": _simulator}[name]()
    with np.load(path, allow_pickle=False) as file:
        return Dataset(
            name,
            file["X"].astype(np.float64),
            file["y"].astype(np.int8),
            tuple(str(feature) for feature in file["feature_names"]),
            bool(file["ordered"]),
            file["group"].astype(np.int64) if "group" in file else None,
            file["is_test"].astype(np.int8) if "is_test" in file else None,
        )


def raw(name: str) -> Path:
    """Return the path of a file of ``raw/``, e.g. ``raw("NSL_KDDTrain+.csv.gz")``.

    Raises
    ------
    DatasetAbsentError
        Where the file is not on this machine.
    """
    path = data_folder() / "raw" / name
    if not path.is_file():
        raise DatasetAbsentError(f"{name}: not found at {path}; set IOTAE_DATA to the folder that holds raw/")
    return path


def _river_shuttle() -> Dataset:
    """NASA's Shuttle set as it ships with River: 49,097 rows, 9 features, 7 % anomalies."""
    from river.datasets import Shuttle

    rows, labels = zip(*Shuttle(), strict=True)
    features = tuple(rows[0])
    X = np.array([[row[feature] for feature in features] for row in rows], dtype=np.float64)
    return Dataset("river_shuttle", X, np.array(labels, dtype=np.int8), features, ordered=True)


def _simulator() -> Dataset:
    """Twenty thousand rows of the project's own IoT simulator: time order, one group a device.

    Drop-outs are left out: they are missing values, which most peers cannot take.
    """
    from iotae.simulator import ANOMALY_KINDS, FEATURES, simulate

    rows = simulate(20_000, kinds=[kind for kind in ANOMALY_KINDS if kind != "dropout"], seed=0)
    group = np.unique(rows.columns["device"], return_inverse=True)[1].astype(np.int64)
    return Dataset(
        "simulator", rows.features, rows.label.astype(np.int8), FEATURES, ordered=True, group=group
    )
