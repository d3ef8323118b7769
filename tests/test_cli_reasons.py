"""What the command says of an alarm: the columns, what they hold, and what was expected of them."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.cli.reasons import reason_of


def write_csv(path, columns):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
    return str(path)


def scored(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def sensors(rng, n):
    """Five sensors that follow two hidden factors, so that four tell what the fifth should be."""
    a, b = rng.normal(size=(2, n))
    return {
        "temperature": (35 + 2.5 * a + 0.2 * rng.normal(size=n)).round(2),
        "pressure": (3.4 + 0.3 * (a + b) + 0.03 * rng.normal(size=n)).round(3),
        "flow": (120 + 10 * b + rng.normal(size=n)).round(1),
        "noise": (40 + 3 * a - 2 * b + 0.3 * rng.normal(size=n)).round(1),
        "power": (900 + 50 * a + 80 * b + 5 * rng.normal(size=n)).round(),
    }


# -- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected", "said"),
    [
        (71.04, 35.128, "71, expected about 35"),
        (1.2, 3.41, "1.2, expected about 3.4"),
        (-999.0, 35.2, "-999, expected about 35"),
        (1700000123.0, 1700000100.4, "1700000123, expected about 1700000100"),
        (0.0, 1000.4, "0, expected about 1000"),
        (0.0, 0.0001234, "0, expected about 0.00012"),
        (1e-9, 2e-9, "1e-09, expected about 2e-09"),
        (1e300, -1.7e308, "1e+300, expected about -1.7e+308"),
        (-0.2, 12.0, "0, expected about 12"),
        # a sensor that is stuck, or restless, near what was expected of it
        (35.2, 35.2, "35.2"),
        (0.0, 0.0, "0"),
        (1013.25, 1013.2501, "1013.25"),
        # no number, and none expected
        ("eco", None, "'eco', seldom"),
        (7.0, None, "7, seldom"),
        (7.0, np.nan, "7, seldom"),
        ("fault", 35.128, "'fault', expected about 35.1"),
        (None, 35.128, "missing, expected about 35.1"),
        (np.nan, 35.128, "missing, expected about 35.1"),
        (np.nan, np.inf, "missing"),
        (None, None, "missing"),
        (datetime(2026, 1, 31, 14, 3, 59), None, "14:03, sensors say otherwise"),
    ],
)
def test_a_cell_is_told_with_what_was_expected(cell, expected, said):
    told = {} if expected is None else {"x": expected}
    assert reason_of({"x": 1.0}, {"x": cell}, told) == f"x {said} (100 %)"


def test_the_three_largest_parts_are_told_and_none_of_no_weight():
    row = dict.fromkeys("abcde", 1.0)
    told = dict.fromkeys("abcde", 2.0)
    reason = reason_of({"a": 0.1, "b": 3.0, "c": 2.0, "d": 5.0}, row, told)
    told_of = re.findall(r"(\w) 1, expected about 2 \((\d+) %\)", reason)
    assert told_of == [("d", "50"), ("b", "30"), ("c", "20")]
    assert reason_of({"a": 999.0, "b": 1.0, "c": 0.0}, row, told) == "a 1, expected about 2 (100 %)"
    assert reason_of({"a": 0.0, "b": 0.0}, row, told) == ""


# -- streams -----------------------------------------------------------------------------------


def test_the_reason_of_a_broken_sensor_is_its_value_and_the_one_expected(tmp_path, rng):
    columns = sensors(rng, 1500)
    columns["temperature"][1200] = 71.0
    columns["pressure"][1300] = 1.2
    mode = ["eco" if i % 2 else "max" for i in range(1500)]
    mode[1400] = "service"
    path = write_csv(tmp_path / "a.csv", columns | {"mode": mode})
    assert main(["stream", path, "--explain", "-o", str(tmp_path / "b.csv")]) == 0
    rows = scored(tmp_path / "b.csv")
    assert all(bool(row["reason"]) == (row["alarm"] == "1") for row in rows)
    hot = re.match(r"temperature 71, expected about (\d+) \((\d+) %\)", rows[1200]["reason"])
    assert 30 <= int(hot[1]) <= 40
    low = re.match(r"pressure 1.2, expected about ([\d.]+) \((\d+) %\)", rows[1300]["reason"])
    assert 2.4 <= float(low[1]) <= 4.4
    assert rows[1400]["reason"].startswith("mode 'service', seldom (")


def test_reasons_change_no_score_and_no_alarm(tmp_path, rng):
    columns = {name: cells.astype(object) for name, cells in sensors(rng, 700).items()}
    columns["flow"][100:700:60] = ""
    columns["flow"][650] = "fault"
    path = write_csv(tmp_path / "a.csv", columns)
    for name, more in (("plain.csv", []), ("told.csv", ["--explain"])):
        assert main(["stream", path, "--alpha", "0.05", *more, "-o", str(tmp_path / name)]) == 0
    plain, told = scored(tmp_path / "plain.csv"), scored(tmp_path / "told.csv")
    assert plain == [{name: cell for name, cell in row.items() if name != "reason"} for row in told]
    assert any(row["reason"] for row in told)


@pytest.mark.parametrize("kind", ["numbers", "gaps", "text"])
def test_a_stream_of_chunks_is_the_model_row_by_row(tmp_path, rng, kind):
    columns = {name: cells.astype(object) for name, cells in sensors(rng, 4500).items()}
    if kind != "numbers":
        columns["flow"][50:4500:700] = ""
    if kind == "text":
        # in the second chunk alone
        columns["flow"][4400] = "fault"
    path = write_csv(tmp_path / "a.csv", columns)
    assert main(["stream", path, "-o", str(tmp_path / "b.csv")]) == 0
    model = OnlineAutoencoder(seed=0)
    for row in scored(tmp_path / "b.csv"):
        texts = {name: row[name] for name in columns}
        x = {name: text if text == "fault" else float(text or "nan") for name, text in texts.items()}
        threshold = model.threshold
        score, alarm = model.score_learn_one(x)
        assert (row["score"], row["alarm"]) == (repr(score), str(int(alarm)))
        assert row["threshold"] == ("" if np.isinf(threshold) else repr(threshold))


def test_sensors_at_the_wrong_hour_show(tmp_path, rng):
    n, wrong = 6000, slice(5000, 5040)
    hour = np.arange(n) / 12 % 24
    lived = hour.copy()
    lived[wrong] = (hour[wrong] + 12) % 24
    columns = {
        "time": [datetime(2026, 1, 1) + timedelta(minutes=5 * i) for i in range(n)],
        "temperature": (20 + 5 * np.sin(np.pi * (lived - 9) / 12) + 0.5 * rng.normal(size=n)).round(2),
        "watts": (50 + 20 * np.sin(np.pi * (lived - 14) / 12) + 3 * rng.normal(size=n)).round(1),
    }
    assert main(["stream", write_csv(tmp_path / "a.csv", columns), "-o", str(tmp_path / "b.csv")]) == 0
    rows = scored(tmp_path / "b.csv")
    scores = np.array([float(row["score"]) for row in rows])
    assert np.median(scores[wrong]) > np.quantile(scores[3000:5000], 0.99)
    assert sum(row["alarm"] == "1" for row in rows[wrong]) > 10
    # Parquet's times are read alike
    times = np.array(columns["time"], "datetime64[us]")
    pq.write_table(pa.table(columns | {"time": times}), tmp_path / "a.parquet")
    assert main(["stream", str(tmp_path / "a.parquet"), "-o", str(tmp_path / "c.csv")]) == 0
    assert [row["score"] for row in scored(tmp_path / "c.csv")] == [row["score"] for row in rows]


# -- saved detectors ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--normalise", "minmax"], ["--tails", "log"]])
def test_the_reasons_of_a_saved_detector_have_its_expected_values(tmp_path, rng, options):
    columns = sensors(rng, 900)
    usual = columns | {"mode": np.where(columns["flow"] > 120, "max", "eco")}
    model = str(tmp_path / "m.iotae")
    train = write_csv(tmp_path / "a.csv", usual)
    assert main(["fit", train, "-o", model, "--alpha", "0.01", "--epochs", "30", *options]) == 0
    odd = {name: cells[:3].astype(object) for name, cells in usual.items()}
    odd["temperature"][0], odd["mode"][1], odd["flow"][2] = 71.0, "service", "fault"
    odd["temperature"][2] = -40.0
    new = write_csv(tmp_path / "new.csv", odd)
    assert main(["score", model, new, "--explain", "-o", str(tmp_path / "out.csv")]) == 0
    first, second, third = (row["reason"] for row in scored(tmp_path / "out.csv"))
    hot = re.search(r"temperature 71, expected about ([\d.]+) \(", first)
    assert 25 <= float(hot[1]) < 71
    assert "mode 'service', seldom (" in second
    assert re.search(r"temperature -40, expected about (-?[\d.]+) \(", third)
