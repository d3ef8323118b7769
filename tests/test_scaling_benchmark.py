"""The benchmarks of scale: processor time and memory of trees of processes, stored measures, full disks."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchmarks import processes, runner, sizing, spark
from benchmarks.processes import Taken

BURN = "import time\nwhile time.process_time() < 0.5: pass"
HOLD = "import sys\nheld = bytearray(300 * 2**20)\nprint('held', flush=True)\nsys.stdin.read()"


def test_processor_time_is_that_of_all_below_also_when_they_have_ended():
    start = processes.now()
    # a shell between, which waits for its child
    subprocess.run(["sh", "-c", '"$0" -c "$1"; true', sys.executable, BURN], check=True)
    taken = processes.now() - start
    assert taken.processor >= 0.5
    assert taken.seconds >= 0.5


def test_memory_is_that_of_all_that_run_below():
    alone = processes.peak_mib()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as below:
        assert below.stdout.readline() == b"held\n"
        assert processes.peak_mib() > alone + 300
        below.stdin.close()


def stored(n_rows, who, fit, score, mib):
    path = spark._store(n_rows, who, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([Taken(*fit), Taken(*score), mib]))


def test_a_run_goes_on_from_what_is_stored_and_the_table_says_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "CACHE", tmp_path)
    monkeypatch.setattr(spark, "WHERE", {"here": None, "there": None})
    for who in spark.WHERE:
        stored(1_000_000, who, (2.0, 1.0), (4.0, 3.0), 512.4)
    row = spark._tables([(1_000_000, who) for who in spark.WHERE], 0).splitlines()[-1]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "1,000,000",
        "there",
        "2.0",
        "1.00",
        "250,000",
        "3.00",
        "512",
    ]
    # what decides a measure is in the name of its file
    assert spark._store(1_000_000, "here", 0) != spark._store(1_000_000, "here", 1)


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000))
    with pytest.raises(SystemExit, match=r"1,000,000 rows need 180,000,000 bytes in .* which has 1,000"):
        spark._write(tmp_path, 1_000_000, 0)
    assert not list(tmp_path.iterdir())


def test_every_cost_of_a_row_and_a_device_is_measured(monkeypatch):
    small = {"SENSORS": (3,), "ROUNDS": 1, "LEARNED": 60, "BLOCK": 20, "SWAPS": 4, "SCORED": 300}
    for name, value in small.items():
        monkeypatch.setattr(sizing, name, value)
    rows = [line.split("|")[1:-1] for line in sizing.compare(0)[0][1].splitlines()]
    found = {cost.strip(): float(figure.replace(",", "")) for cost, figure in rows[2:]}
    assert len(found) == 11
    assert min(found.values()) > 0
    # the shared mode takes fewer bytes; times of so few rows would tell nothing
    size = "bytes of a device on disk"
    assert found[f"fleet, shared: {size}"] < found[f"fleet, separate: {size}"] / 2
