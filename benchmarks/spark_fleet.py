"""The protocol of a fleet on Spark in local mode: rows a second, and the bytes of a device."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import processes, render
from benchmarks.processes import Taken
from benchmarks.stored import path_of, stored
from iotae import OnlineAutoencoder
from iotae.serialization import dumps

__all__ = ["section", "session"]

SENSORS, CORES = 10, (1, 2)
SIZES, QUICK_SIZES = ((300, 20), (300, 200)), ((50, 20),)
"""Devices, and rows of each in a micro-batch."""

SOURCES = ("stream", "nn", "serialization", "distributed/spark_fleet.py")
"""Of ours, what decides a measure."""

TEXT = (
    "`score_stream` in local mode, two micro-batches, state in RocksDB, beside one process with one model a "
    "device; {sensors} sensors, on the same machine as above. In the second batch each device's model is "
    "unpacked, scores and learns its rows, and is packed again. Spark's start is not counted; that of the "
    "query and of its Python workers is, and is most of runs this short: the last column is an upper bound. "
    "The scores are those of one process to the bit (`tests/test_spark.py`)."
)
STORE = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


def session(cores: int) -> Any:
    """Return Spark in local mode, quiet, with its state in RocksDB."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    for name in ("spark.driver.host", "spark.driver.bindAddress"):
        builder = builder.config(name, "127.0.0.1")
    builder = builder.config("spark.ui.showConsoleProgress", "false").config("spark.driver.memory", "4g")
    builder = builder.config("spark.sql.shuffle.partitions", str(cores))
    builder = builder.config("spark.sql.streaming.stateStore.providerClass", STORE)
    return builder.config("spark.python.authenticate.socketTimeout", "120s").getOrCreate()


def _one_process(rows: NDArray[np.float64], names: list[str], seed: int) -> tuple[Taken, int]:
    """Return what the fleet takes here, and the bytes of a device's model."""
    OnlineAutoencoder(seed=seed).score_learn_many(rows[:, 0], names)  # compiles
    start = processes.now()
    models = [OnlineAutoencoder(seed=seed) for _ in range(rows.shape[1])]
    for i, model in enumerate(models):
        model.score_learn_many(rows[:, i], names)
    taken = processes.now() - start
    return taken, len(dumps("OnlineAutoencoder", models[0].to_state()))


def _write(folder: Path, rows: NDArray[np.float64], names: list[str]) -> None:
    """Write the two halves of all devices' rows, a file each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    n_rows, devices, width = rows.shape
    half = n_rows // 2
    for part in (0, 1):
        cells = rows[part * half : (part + 1) * half].reshape(-1, width)
        columns = {name: cells[:, j] for j, name in enumerate(names)}
        columns["device"] = np.tile(np.arange(devices), half)
        columns["number"] = np.repeat(np.arange(part * half, (part + 1) * half), devices)
        pq.write_table(pa.table(columns), folder / f"{part}.parquet")


def _on_spark(folder: Path, names: list[str], cores: int, seed: int) -> Taken:
    from iotae.distributed.spark_fleet import score_stream

    spark, given = session(cores), str(folder / "in")
    stream = spark.readStream.schema(spark.read.parquet(given).schema)
    stream = stream.option("maxFilesPerTrigger", 1).parquet(given)
    model = OnlineAutoencoder(seed=seed)
    answers = score_stream(stream, model, key="device", sequence="number", columns=names)
    sink = answers.writeStream.format("noop").option("checkpointLocation", str(folder / f"state{cores}"))
    start = processes.now()
    sink.trigger(availableNow=True).start().awaitTermination()
    taken = processes.now() - start
    spark.stop()
    return taken


def _measured(devices: int, n_rows: int, seed: int) -> tuple[int, list[tuple[str, Taken]]]:
    """Return the bytes of a device, and by place what the fleet took."""
    names = [f"s{j}" for j in range(SENSORS)]
    rows = np.random.default_rng(seed).normal(size=(2 * n_rows, devices, SENSORS))
    with TemporaryDirectory() as name:
        _write(Path(name) / "in", rows, names)
        alone, n_bytes = _one_process(rows, names, seed)
        runs = [("one process", alone)]
        runs += [(f"Spark, {n} cores", _on_spark(Path(name), names, n, seed)) for n in CORES]
    print(devices, n_rows, n_bytes, runs, file=sys.stderr, flush=True)
    return n_bytes, runs


def section(seed: int, quick: bool) -> str:
    """Measure, and return the page's section."""
    lines = []
    for devices, n_rows in QUICK_SIZES if quick else SIZES:
        path = path_of(["fleet", devices, n_rows, SENSORS, seed], SOURCES)
        n_bytes, runs = stored(path, partial(_measured, devices, n_rows, seed))
        for who, (seconds, processor) in runs:
            total = 2 * n_rows * devices
            figures = [f"{n_bytes:,}", who, f"{total / seconds:,.0f}", f"{1e6 * processor / total:.0f}"]
            lines.append([f"{devices:,}", str(n_rows), *figures])
    header = ["devices", "rows of each a batch", "bytes a device", "where", "rows a second", "CPU µs a row"]
    return f"## A fleet\n\n{TEXT.format(sensors=SENSORS)}\n\n{render.markdown(header, lines)}"
