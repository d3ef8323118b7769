"""The protocol of a fleet on Spark in local mode: rows a second, and the bytes of a device."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import processes, render
from benchmarks.processes import Taken
from benchmarks.stored import path_of, stored
from iotae import OnlineAutoencoder
from iotae.stream.sealed import Sealed

__all__ = ["section", "session"]

SENSORS, CORES = 10, (1, 2)
SIZES, QUICK_SIZES = ((1000, 20), (1000, 200), (1000, 600)), ((50, 20),)
"""Devices, and rows of each in a micro-batch."""

FEW, MANY = 2, 8
"""The first micro-batches, in which workers start and code is compiled, and all of them."""

SOURCES = ("stream", "nn", "serialization", "distributed/spark_fleet.py")
"""Of ours, what decides a measure."""

TEXT = (
    "`score_stream` in local mode, state in RocksDB, beside one process with one model a device, all in "
    "memory; {sensors} sensors, on the same machine as above. In each micro-batch each device's model is "
    "unpacked, scores and learns its rows, and is packed again. Batches {first} to {many} of a "
    "run: neither Spark's start nor that of its workers is in the figures. The scores are those of one "
    "process to the bit (`tests/test_spark.py`)."
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
    """Return what the batches after the first few take here, and the bytes of a device's model in Spark."""
    template = OnlineAutoencoder(seed=seed)
    models = [OnlineAutoencoder(seed=seed) for _ in range(rows.shape[2])]
    start = processes.now()
    for i, batch in enumerate(rows):
        if i == FEW:
            start = processes.now()
        for j, model in enumerate(models):
            model.score_learn_many(batch[:, j], names)
    return processes.now() - start, len(Sealed(template).pack(models[0]))


def _write(folder: Path, rows: NDArray[np.float64], names: list[str]) -> None:
    """Write the rows of each micro-batch, a file each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    n_rows, devices, width = rows.shape[1:]
    for i, batch in enumerate(rows):
        cells = batch.reshape(-1, width)
        columns = {name: cells[:, j] for j, name in enumerate(names)}
        columns["device"] = np.tile(np.arange(devices), n_rows)
        columns["number"] = np.repeat(np.arange(i * n_rows, (i + 1) * n_rows), devices)
        pq.write_table(pa.table(columns), folder / f"{i:03}.parquet")


def _on_spark(folder: Path, names: list[str], cores: int, seed: int) -> Taken:
    """Return what the batches after the first few take, a file each."""
    from iotae.distributed.spark_fleet import score_stream

    spark, given = session(cores), str(folder)
    stream = spark.readStream.schema(spark.read.parquet(given).schema)
    stream = stream.option("maxFilesPerTrigger", 1).parquet(given)
    model = OnlineAutoencoder(seed=seed)
    answers = score_stream(stream, model, key="device", sequence="number", columns=names)
    ends = []

    def answered(batch: Any, _: int) -> None:
        batch.write.format("noop").mode("overwrite").save()
        ends.append(processes.now())

    with TemporaryDirectory() as state:
        sink = answers.writeStream.foreachBatch(answered).option("checkpointLocation", state)
        sink.trigger(availableNow=True).start().awaitTermination()
    spark.stop()
    return ends[-1] - ends[FEW - 1]


def _in_a_fresh_process(*call: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(*call).result()


def _measured(devices: int, n_rows: int, seed: int) -> tuple[int, list[tuple[str, Taken]]]:
    """Return the bytes of a device, and by place what the batches after the first few took."""
    names = [f"s{j}" for j in range(SENSORS)]
    rows = np.random.default_rng(seed).normal(size=(MANY, n_rows, devices, SENSORS))
    with TemporaryDirectory() as name:
        folder = Path(name) / "in"
        _write(folder, rows, names)
        alone, n_bytes = _in_a_fresh_process(_one_process, rows, names, seed)
        runs = [("one process", alone)]
        for n in CORES:
            taken = _in_a_fresh_process(_on_spark, folder, names, n, seed)
            runs.append((f"Spark, {n} {'core' if n == 1 else 'cores'}", taken))
    print(devices, n_rows, n_bytes, runs, file=sys.stderr, flush=True)
    return n_bytes, runs


def section(seed: int, quick: bool) -> str:
    """Measure, and return the page's section."""
    lines = []
    for devices, n_rows in QUICK_SIZES if quick else SIZES:
        path = path_of(["fleet", devices, n_rows, SENSORS, FEW, MANY, seed], SOURCES)
        n_bytes, runs = stored(path, partial(_measured, devices, n_rows, seed))
        for who, (seconds, processor) in runs:
            device_batches = (MANY - FEW) * devices
            total = device_batches * n_rows
            figures = [f"{total / seconds:,.0f}", f"{1e6 * processor / total:.0f}"]
            figures.append(f"{1e3 * processor / device_batches:.1f}")
            lines.append([f"{devices:,}", str(n_rows), f"{n_bytes:,}", who, *figures])
    header = ["devices", "rows of each a batch", "bytes a device", "where"]
    header += ["rows a second", "CPU µs a row", "CPU ms a device and batch"]
    text = TEXT.format(sensors=SENSORS, first=FEW + 1, many=MANY)
    return f"## A fleet\n\n{text}\n\n{render.markdown(header, lines, 4)}"
