"""Tables and fleets on Spark, in local mode: the models and scores of a single machine, to the bit."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae._validation import TableError
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.spark,
    # Spark says of each use that it does not support pandas 3 yet; it hands over a device's rows as frames
    pytest.mark.filterwarnings(
        "ignore::FutureWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"
    ),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not installed"),
]
pyspark = pytest.importorskip("pyspark", reason="install iotae[spark]")

NAMES = ["a", "b", "with space", "with.dot"]
N = 30_000


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ["PYTHONPATH"] = str(ROOT)
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="module")
def table():
    pa = pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4)) * [1, 10, 0.1, 100]
    X[5, 0] = np.nan
    columns = {name: X[:, i] for i, name in enumerate(NAMES)}
    return X, pa.table({**columns, "row": np.arange(N), "text": ["x"] * N})


@pytest.fixture(scope="module")
def frame(spark, table, tmp_path_factory):
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("spark") / "rows.parquet"
    pq.write_table(table[1], path, row_group_size=4000)
    return spark.read.parquet(str(path))


@pytest.fixture(scope="module")
def alone(table):
    return BatchAutoencoder(seed=3).fit(table[1].select(NAMES))


def same_model(one, other, X):
    np.testing.assert_array_equal(one.score(X[:1000]), other.score(X[:1000]))


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_numbered_table_makes_the_same_model_however_it_is_partitioned(frame, table, alone, partitions):
    from iotae.distributed.spark import fit

    fitted = fit(BatchAutoencoder(seed=3), frame.repartition(partitions), NAMES, row_number="row")
    same_model(fitted, alone, table[0])
    assert fitted.feature_names == NAMES


def test_files_in_their_own_order_make_the_model_of_one_machine(frame, table, alone):
    from iotae.distributed.spark import fit

    same_model(fit(BatchAutoencoder(seed=3), frame, NAMES), alone, table[0])


def test_a_rows_score_is_that_of_one_machine_bit_for_bit(frame, table, alone):
    from iotae.distributed.spark import score

    found = score(frame.repartition(3), alone).select("row", "score", "text").toArrow()
    order = np.argsort(found["row"].to_numpy())
    np.testing.assert_array_equal(found["score"].to_numpy()[order], alone.score(table[0]))


@pytest.mark.parametrize(
    ("columns", "row_number", "message"),
    [
        (["a", "none"], None, "no column 'none'"),
        (["a", "text"], None, "'text', string"),
        ("a", None, r"columns='a', but expected a list of names: pass \['a'\]"),
        (["a"], "b", "expected integers"),
        ([], None, "one feature at least"),
    ],
)
def test_a_table_that_cannot_be_fitted_is_refused_with_a_reason(frame, columns, row_number, message):
    from iotae.distributed.spark import fit

    detector = BatchAutoencoder(seed=0)
    with pytest.raises(TableError, match=message):
        fit(detector, frame, columns, row_number=row_number)
    assert detector.feature_names is None


def test_a_repeated_row_number_is_refused(frame):
    from pyspark.sql import functions

    from iotae.distributed.spark import fit

    repeated = frame.limit(10).withColumn("row", functions.when(frame["row"] == 4, 3).otherwise(frame["row"]))
    with pytest.raises(TableError, match="not each of 0 to 9 once"):
        fit(BatchAutoencoder(seed=0), repeated, ["a"], row_number="row")


def test_a_frame_that_changes_from_one_reading_to_the_next_is_refused(frame):
    from iotae.distributed.spark import fit

    def shorter(batches):
        for batch in batches:
            yield batch.slice(time.time_ns() % 3001)

    changing = frame.select("a").mapInArrow(shorter, "a double")
    with pytest.raises(RuntimeError, match="changes from one reading to the next"):
        fit(BatchAutoencoder(seed=0), changing)


def test_a_detector_without_names_cannot_score_a_frame(frame, table):
    from iotae.distributed.spark import score

    with pytest.raises(TableError, match="without names"):
        score(frame, BatchAutoencoder(seed=0).fit(table[0]))


def test_a_model_of_another_kind_is_refused_before_spark_begins(frame):
    from iotae.distributed.spark import fit, score
    from iotae.distributed.spark_fleet import score_stream

    with pytest.raises(TypeError, match=r"type OnlineAutoencoder, but expected an iotae\.BatchAutoencoder"):
        fit(OnlineAutoencoder(seed=0), frame, ["a"])
    with pytest.raises(TypeError, match=r"type str, but expected an iotae\.BatchAutoencoder"):
        score(frame, "model.iotae")
    with pytest.raises(TypeError, match=r"type BatchAutoencoder, but expected an iotae\.OnlineAutoencoder"):
        score_stream(frame, BatchAutoencoder(seed=0), key="text", sequence="row", columns=["a"])


def test_a_stream_whose_state_spark_cannot_keep_is_refused_before_a_checkpoint_is_begun(spark, tmp_path):
    from iotae.distributed.spark_fleet import score_stream

    stream = spark.readStream.schema("device string, number long, x double").parquet(str(tmp_path))
    store = "spark.sql.streaming.stateStore.providerClass"
    before = spark.conf.get(store)
    spark.conf.unset(store)
    try:
        with pytest.raises(RuntimeError, match=f"{store}=.*HDFS.*set it to .*RocksDBStateStoreProvider"):
            score_stream(stream, OnlineAutoencoder(seed=0), key="device", sequence="number", columns=["x"])
    finally:
        spark.conf.set(store, before)


def write_stream(folder: Path, n_devices: int, n_rows: int, n_files: int) -> np.ndarray:
    """Readings of devices in files, some rows twice; returns device, number and two cells of each row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    rng = np.random.default_rng(1)
    rows = np.empty((n_devices * n_rows, 4))
    rows[:, 0] = np.tile(np.arange(n_devices), n_rows)
    rows[:, 1] = np.repeat(np.arange(n_rows), n_devices)
    rows[:, 2:] = rng.normal(size=(len(rows), 2)) + rows[:, :1]
    for i, part in enumerate(np.array_split(rows, n_files)):
        sent = np.concatenate([part, part[:3]])
        names = ("device", "number", "x", "y")
        columns = {name: sent[:, j] for j, name in enumerate(names)}
        columns["device"] = [f"d{int(device)}" for device in columns["device"]]
        columns["number"] = columns["number"].astype(np.int64)
        pq.write_table(pa.table(columns), folder / f"{i}.parquet")
        os.utime(folder / f"{i}.parquet", (1_000_000 + i, 1_000_000 + i))
    return rows


JOB = """
import sys, pathlib
from pyspark.sql import SparkSession
from iotae import OnlineAutoencoder
from iotae.distributed.spark_fleet import score_stream

folder = pathlib.Path(sys.argv[1])
store = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
spark = (
    SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2").config("spark.sql.streaming.stateStore.providerClass", store)
    .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    .config("spark.python.authenticate.socketTimeout", "120s").getOrCreate()
)
schema = "device string, number long, x double, y double"
stream = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(str(folder / "in"))
model = OnlineAutoencoder(seed=0)
answers = score_stream(stream, model, key="device", sequence="number", columns=["x", "y"])
query = (
    answers.writeStream.format("parquet").option("path", str(folder / "out"))
    .option("checkpointLocation", str(folder / "state")).trigger(availableNow=True).start()
)
query.awaitTermination()
found = spark.read.parquet(str(folder / "out")).toArrow()
import pyarrow.parquet as pq
pq.write_table(found, folder / "answers.parquet")
"""


def start(folder: Path) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}
    log = (folder / "log").open("a")
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", JOB, str(folder)],
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def test_a_fleet_killed_in_mid_stream_gives_each_row_once_with_the_scores_of_one_machine(tmp_path):
    import pyarrow.parquet as pq

    rows = write_stream(tmp_path / "in", n_devices=1000, n_rows=6, n_files=3)
    job = start(tmp_path)
    commits = tmp_path / "state" / "commits"
    until = time.monotonic() + 400
    while not (commits.is_dir() and len(list(commits.glob("[0-9]*"))) >= 2):
        assert job.poll() is None, (tmp_path / "log").read_text()[-3000:]
        assert time.monotonic() < until
        time.sleep(0.1)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    assert not (tmp_path / "answers.parquet").exists()
    assert start(tmp_path).wait(400) == 0, (tmp_path / "log").read_text()[-3000:]

    found = pq.read_table(tmp_path / "answers.parquet").to_pydict()
    answers = {(d, n): s for d, n, s in zip(found["device"], found["number"], found["score"], strict=True)}
    assert len(found["score"]) == len(rows) == len(answers)
    for device in range(1000):
        own = rows[rows[:, 0] == device]
        judged = OnlineAutoencoder(seed=0).score_learn_many(own[:, 2:], ["x", "y"])
        np.testing.assert_array_equal([answers[f"d{device}", int(n)] for n in own[:, 1]], judged.scores)
    assert max(found["skipped"]) > 0


def test_rows_without_a_number_or_sent_twice_are_skipped_and_missing_cells_are_missing(spark):
    from iotae.distributed.spark_fleet import score_stream

    rng = np.random.default_rng(0)
    rows = [
        ("pump", i, float(x), None if i % 7 == 0 else float(y))
        for i, (x, y) in enumerate(rng.normal(size=(300, 2)))
    ]
    sent = [*rows[::-1], ("pump", None, 1.0, 1.0), rows[5], (None, 3, 0.0, 0.0)]
    model = OnlineAutoencoder(seed=0)
    store = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    spark.conf.set("spark.sql.streaming.stateStore.providerClass", store)
    frame = spark.createDataFrame(sent, "device string, number long, x double, y double")
    answers = (
        score_stream(frame, model, key="device", sequence="number", columns=["x", "y"]).toArrow().to_pydict()
    )
    of_pump = [i for i, device in enumerate(answers["device"]) if device == "pump"]
    judged = model.score_learn_many([{"x": x, "y": y} for _, _, x, y in rows])
    assert len(answers["device"]) == 301
    assert [answers["number"][i] for i in of_pump] == list(range(300))
    np.testing.assert_array_equal([answers["score"][i] for i in of_pump], judged.scores)
    assert [answers["alarm"][i] for i in of_pump] == judged.alarms.tolist()
    cuts = [np.inf if (cut := answers["threshold"][i]) is None else cut for i in of_pump]
    assert cuts[0] == np.inf
    np.testing.assert_array_equal(cuts, judged.thresholds)
    assert {answers["skipped"][i] for i in of_pump} == {2}


def test_devices_and_columns_may_be_called_anything(spark):
    from iotae.distributed.spark_fleet import score_stream

    keys = ["pump\0", "pump", "", "\U0001f600"]
    rows = [(key, number, 1.0) for key in keys for number in range(3)]
    frame = spark.createDataFrame(rows, "sequence string, key long, `w.a tts` double")
    model = OnlineAutoencoder(seed=0)
    scored = score_stream(frame, model, key="sequence", sequence="key", columns=["w.a tts"])
    assert scored.columns == ["sequence", "key", "score", "alarm", "threshold", "skipped"]
    assert sorted((row["sequence"], row["key"]) for row in scored.collect()) == sorted(
        row[:2] for row in rows
    )


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"sequence": "time"}, "'time', double, but expected integers"),
        ({"sequence": "flag"}, "'flag', boolean, but expected integers"),
        ({"key": "score"}, "two, none of"),
        ({"key": "number"}, "two, none of"),
        ({"columns": ["x", "x"]}, "each once"),
        ({"key": "nowhere"}, "no column 'nowhere'"),
    ],
)
def test_a_stream_that_would_lose_rows_or_names_is_refused_at_once(spark, named, message):
    from iotae.distributed.spark_fleet import score_stream

    schema = "device string, score string, number long, time double, flag boolean, x double"
    frame = spark.createDataFrame([("a", "a", 1, 1.5, True, 1.0)], schema)
    words = {"key": "device", "sequence": "number", "columns": ["x"]} | named
    with pytest.raises(TableError, match=message):
        score_stream(frame, OnlineAutoencoder(seed=0), **words)
