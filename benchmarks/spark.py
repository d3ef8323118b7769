"""The protocol of Spark: rows a second against cores and rows, beside the single machine, in local mode."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import render
from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.data.sampling import gather
from iotae.serialization import dumps

__all__ = ["compare"]

WIDTH, CORES = 20, (1, 2)
SIZES, QUICK_SIZES = (1_000_000, 4_000_000), (100_000,)
DEVICES, ROWS_OF_A_DEVICE, SENSORS = 1_000, 40, 10
QUICK_DEVICES = 50
FILE_ROWS = 250_000

TEXT = (
    "Local mode on this machine. *table*: {width} columns of Parquet; a fit by `spark.fit`, and all rows "
    "scored by `spark.score` into Spark's no-op sink, beside `fit_chunks` and `score` of one process in one "
    "thread that reads the same files. *fleet*: {devices:,} devices of {sensors} sensors, {rows} rows each "
    "in two micro-batches, beside one process with one model a device. Scores are equal to the bit "
    "(`tests/test_spark.py`). Spark's start is not counted."
)
STORE = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


def _session(cores: int) -> Any:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    for name in ("spark.driver.host", "spark.driver.bindAddress"):
        builder = builder.config(name, "127.0.0.1")
    builder = builder.config("spark.ui.showConsoleProgress", "false").config("spark.driver.memory", "4g")
    builder = builder.config("spark.sql.shuffle.partitions", str(cores))
    builder = builder.config("spark.sql.streaming.stateStore.providerClass", STORE)
    return builder.config("spark.python.authenticate.socketTimeout", "120s").getOrCreate()


def _write(folder: Path, n_rows: int, seed: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(4, WIDTH))
    for i in range(0, n_rows, FILE_ROWS):
        n = min(FILE_ROWS, n_rows - i)
        rows = rng.normal(size=(n, 4)) @ mix + rng.normal(size=(n, WIDTH))
        pq.write_table(pa.table({f"c{j}": rows[:, j] for j in range(WIDTH)}), folder / f"{i:010}.parquet")


def _one_machine(folder: Path, seed: int) -> tuple[float, float]:
    """Seconds of a fit and of scoring in this process."""
    import pyarrow.parquet as pq

    def parts() -> Any:
        for path in sorted(folder.glob("*.parquet")):
            yield pq.read_table(path)

    start = perf_counter()
    model = BatchAutoencoder(seed=seed).fit_chunks(parts())
    fitted = perf_counter()
    for part in parts():
        model.score(part)
    return fitted - start, perf_counter() - fitted


def _on_spark(folder: Path, cores: int, seed: int) -> tuple[float, float]:
    from iotae.distributed.spark import fit, score

    spark = _session(cores)
    frame = spark.read.parquet(str(folder))
    frame.limit(10).mapInArrow(lambda batches: batches, frame.schema).collect()
    start = perf_counter()
    model = fit(BatchAutoencoder(seed=seed), frame)
    fitted = perf_counter()
    score(frame, model).write.format("noop").mode("overwrite").save()
    seconds = fitted - start, perf_counter() - fitted
    spark.stop()
    return seconds


def _tables(sizes: tuple[int, ...], seed: int) -> list[list[str]]:
    lines = []
    for n_rows in sizes:
        with tempfile.TemporaryDirectory() as name:
            _write(Path(name), n_rows, seed)
            BatchAutoencoder(seed=seed).fit(gather([np.zeros((100, WIDTH))], 100, 0).table).score(
                np.zeros((1, WIDTH))
            )
            timed = [("one process", *_one_machine(Path(name), seed))]
            timed += [(f"Spark, {cores} cores", *_on_spark(Path(name), cores, seed)) for cores in CORES]
        lines += [
            [
                "table",
                f"{n_rows:,}",
                who,
                f"{fit:.1f}",
                f"{n_rows / score:,.0f}",
                f"{1e6 * score / n_rows:.2f}",
            ]
            for who, fit, score in timed
        ]
    return lines


def _fleet(devices: int, seed: int) -> list[list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from iotae.distributed.spark_fleet import score_stream

    n_rows, names = devices * ROWS_OF_A_DEVICE, [f"s{j}" for j in range(SENSORS)]
    rows = np.random.default_rng(seed).normal(size=(ROWS_OF_A_DEVICE, devices, SENSORS))
    start = perf_counter()
    models = [OnlineAutoencoder(seed=seed) for _ in range(devices)]
    for i, model in enumerate(models):
        model.score_learn_many(rows[:, i], names)
    alone = perf_counter() - start
    n_bytes = len(dumps("OnlineAutoencoder", models[0].to_state()))
    folder = Path(tempfile.mkdtemp())
    (folder / "in").mkdir()
    half = ROWS_OF_A_DEVICE // 2
    for part in (0, 1):
        cells = rows[part * half : (part + 1) * half].reshape(-1, SENSORS)
        columns = {name: cells[:, j] for j, name in enumerate(names)}
        columns["device"] = np.tile(np.arange(devices), half)
        columns["number"] = np.repeat(np.arange(part * half, (part + 1) * half), devices)
        pq.write_table(pa.table(columns), folder / "in" / f"{part}.parquet")
    spark = _session(max(CORES))
    stream = spark.readStream.schema(spark.read.parquet(str(folder / "in")).schema)
    stream = stream.option("maxFilesPerTrigger", 1).parquet(str(folder / "in"))
    answers = score_stream(
        stream, OnlineAutoencoder(seed=seed), key="device", sequence="number", columns=names
    )
    start = perf_counter()
    sink = answers.writeStream.format("noop").option("checkpointLocation", str(folder / "state"))
    sink.trigger(availableNow=True).start().awaitTermination()
    seconds = perf_counter() - start
    spark.stop()
    shutil.rmtree(folder)
    who = (("one process", alone), (f"Spark, {max(CORES)} cores", seconds))
    return [
        [
            "fleet",
            f"{n_rows:,}",
            name,
            f"{n_bytes:,} bytes a device",
            f"{n_rows / t:,.0f}",
            f"{1e6 * t / n_rows:.0f}",
        ]
        for name, t in who
    ]


def compare(seed: int, quick: bool) -> tuple[list[str], list[str]]:
    """Measure tables and a fleet; return the page's sections and no notes."""
    if shutil.which("java") is None:
        raise SystemExit("benchmarks: Spark needs Java 17, which is not installed")
    devices = QUICK_DEVICES if quick else DEVICES
    lines = _tables(QUICK_SIZES if quick else SIZES, seed) + _fleet(devices, seed)
    header = ["what", "rows", "where", "fit, s; state", "rows a second", "microseconds a row"]
    text = TEXT.format(width=WIDTH, devices=devices, sensors=SENSORS, rows=ROWS_OF_A_DEVICE)
    return [text, render.markdown(header, lines)], []
