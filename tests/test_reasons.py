"""What the command says of an alarm: the columns, what they hold, and what was expected of them."""

from __future__ import annotations

import copy
import csv
import pickle
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pyod_iotae
import river_iotae
from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.data.reasons import Known, reason_of, reasons_of
from iotae.plots import ExplanationDisplay


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
        ("eco", None, "'eco', unusual here"),
        (7.0, None, "7, unusual here"),
        (7.0, np.nan, "7, unusual here"),
        ("fault", 35.128, "'fault', expected about 35.1"),
        (None, 35.128, "missing, expected about 35.1"),
        (np.nan, 35.128, "missing, expected about 35.1"),
        (np.nan, np.inf, "missing"),
        (None, None, "missing"),
        (datetime(2026, 1, 31, 14, 3, 59), None, "14:03, sensors say otherwise"),
        (time(14, 3), None, "14:03, sensors say otherwise"),
        (np.datetime64("2026-01-31T23:59"), 35.128, "23:59, sensors say otherwise"),
        # what is no number, where one is expected, and what is no cell at all
        (date(2026, 1, 31), 35.128, "'2026-01-31', expected about 35.1"),
        (np.datetime64("2026-01-31"), None, "'2026-01-31', unusual here"),
        (float("inf"), 35.128, "'inf', expected about 35.1"),
        (10**400, 35.128, "'int', expected about 35.1"),
        ([35.0], 35.128, "'list', expected about 35.1"),
        (np.zeros(2), None, "'ndarray', unusual here"),
        (pd.NaT, None, "missing"),
        (pd.NA, 35.128, "missing, expected about 35.1"),
        (Decimal("71.04"), 35.128, "71, expected about 35"),
        (timedelta(minutes=1), 35.0, "60, expected about 35"),
    ],
)
def test_a_cell_is_told_with_what_was_expected(cell, expected, said):
    told = {} if expected is None else {"x": expected}
    assert reason_of({"x": 1.0}, {"x": cell}, Known(told)) == f"x {said} (100 %)"


@pytest.mark.parametrize("cell", [date(2026, 1, 31), [1.0], float("inf"), 10**400, pd.NA, object()])
def test_a_stream_tells_reasons_of_any_row_that_it_scores(cell, rng):
    model = OnlineAutoencoder(seed=0)
    for i, watts in enumerate(rng.normal(size=60)):
        model.learn_one({"watts": watts, "mode": ("eco", "max")[i % 2], "at": datetime(2026, 1, 1, i % 24)})
    for name in ("watts", "mode", "at"):
        for row in ({name: cell}, {"watts": 1.0, "mode": "eco"} | {name: cell}):
            assert 0.0 <= model.score_one(row) < 1.0
            assert all(model.reasons_one(row))


def test_the_three_largest_parts_are_told_and_none_of_no_weight():
    row = dict.fromkeys("abcde", 1.0)
    told = Known(dict.fromkeys("abcde", 2.0))
    reason = reason_of({"a": 0.1, "b": 3.0, "c": 2.0, "d": 5.0}, row, told)
    told_of = re.findall(r"(\w) 1, expected about 2 \((\d+) %\)", reason)
    assert told_of == [("d", "50"), ("b", "30"), ("c", "20")]
    assert reason_of({"a": 999.0, "b": 1.0, "c": 0.0}, row, told) == "a 1, expected about 2 (100 %)"
    assert reason_of({"a": 0.0, "b": 0.0}, row, told) == ""


@pytest.mark.parametrize(
    ("usual", "said"),
    [
        ((32.41, 38.09), "usual 32 to 38"),
        ((2.31, 4.42), "usual 2.3 to 4.4"),
        ((-20.0, 1000.0), "usual -20 to 1000"),
        ((5.0, 5.0), "usual 5"),
        ((0.0, 0.0), "usual 0"),
        ((1e-9, 3e-9), "usual 1e-09 to 3e-09"),
        ((-1e300, 1e300), "usual -1e+300 to 1e+300"),
    ],
)
def test_what_is_usual_is_told_in_as_few_digits_as_its_width_needs(usual, said):
    known = Known({"x": 35.0}, {"x": usual})
    assert reasons_of({"x": 1.0}, {"x": 71.0}, known) == [f"x 71, expected about 35, {said} (100 %)"]


def test_what_is_usual_is_not_told_where_it_is_not_known_or_of_times():
    known = Known({"x": 35.0}, {"x": (np.nan, np.nan), "t": (0.0, 1.0)})
    row = {"x": 71.0, "t": datetime(2026, 1, 31, 14, 3)}
    told = ["t 14:03, sensors say otherwise (60 %)", "x 71, expected about 35 (40 %)"]
    assert reasons_of({"x": 4.0, "t": 6.0}, row, known) == told


def test_a_remark_stands_for_what_was_expected_and_never_for_a_missing_cell_or_a_text():
    known = Known({"x": 35.2}, remarks={"x": "has not moved for 40 rows", "gone": "moves", "mode": "moves"})
    row = {"x": 35.2, "gone": None, "mode": "eco"}
    told = [
        "x 35.2, has not moved for 40 rows (50 %)",
        "gone missing (25 %)",
        "mode 'eco', unusual here (25 %)",
    ]
    assert reasons_of({"x": 2.0, "gone": 1.0, "mode": 1.0}, row, known) == told


def test_what_lies_far_out_comes_first_whatever_it_bends():
    known = Known({"flow": 124.0, "pressure": 8.4}, {"flow": (100.0, 143.0), "pressure": (2.6, 4.5)})
    told = reasons_of({"pressure": 3.0, "flow": 1.0}, {"flow": 300.0, "pressure": 4.0}, known)
    assert [one.split()[0] for one in told] == ["flow", "pressure"]
    told = reasons_of({"pressure": 3.0, "flow": 1.0}, {"flow": 150.0, "pressure": 4.0}, known)
    assert [one.split()[0] for one in told] == ["pressure", "flow"]


def test_an_empty_cell_that_is_rare_is_the_last_reason():
    known = Known(present={"a": 1.0, "b": 0.998, "c": 0.5})
    parts = dict.fromkeys("wxyz", 1.0)
    row = parts | {"c": None}
    assert [*reasons_of(parts, row | {"a": 1.0}, known)][2] == "b missing, present in 99.8 % of rows"
    assert reasons_of(parts, row, known)[2:] == ["a and 1 more missing, present in 99.9 % of rows"]
    assert not any("missing" in one for one in reasons_of(parts, row | {"a": 1.0, "b": 2.0}, known))
    # a part of its own tells it already
    assert reasons_of({"b": 1.0}, {"a": 1.0}, known) == ["b missing (100 %)"]


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
    said = r"temperature 71, expected about (\d+), usual (\d+) to (\d+) \("
    hot = [int(number) for number in re.match(said, rows[1200]["reason"]).groups()]
    assert 30 <= hot[0] <= 40
    assert hot[1] in (28, 29, 30, 31)
    assert hot[2] in (39, 40, 41, 42)
    low = re.match(r"pressure 1.2, expected about ([\d.]+), usual [\d.]+ to [\d.]+ \(", rows[1300]["reason"])
    assert 2.4 <= float(low[1]) <= 4.4
    assert rows[1400]["reason"].startswith("mode 'service', unusual here (")


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


@pytest.fixture(scope="module")
def lived():
    """A model of five sensors that move slowly, one of them missing in one row of 500, and its rows."""
    rng = np.random.default_rng(5)
    n, shocks = 2500, rng.normal(size=(2, 2500))
    factors = np.zeros((2, n))
    for i in range(1, n):
        factors[:, i] = 0.95 * factors[:, i - 1] + 0.3 * shocks[:, i]
    a, b = factors
    columns = {
        "temperature": 35 + 2.5 * a + 0.2 * rng.normal(size=n),
        "pressure": 3.4 + 0.3 * (a + b) + 0.03 * rng.normal(size=n),
        "flow": 120 + 10 * b + rng.normal(size=n),
        "wait": rng.exponential(5, n),
    }
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    model = OnlineAutoencoder(seed=0)
    for i, row in enumerate(rows[:2000]):
        model.learn_one({name: row[name] for name in row if i % 500 or name != "pressure"})
    return model, rows


def test_nineteen_in_twenty_values_lie_where_they_usually_do(lived):
    model, rows = lived
    usual = model._known(rows[0]).usual
    for name, (low, high) in usual.items():
        values = np.array([row[name] for row in rows[:2000]])
        assert 0.93 <= np.mean((values >= low) & (values <= high)) <= 0.99, name


def test_a_stuck_sensor_is_told_by_how_long_and_after_it_not_by_its_values(lived):
    model, rows = copy.copy(lived[0]), lived[1]
    for i in range(2000, 2060):
        stuck = rows[i] | {"temperature": rows[2000]["temperature"]}
        reason = model.reasons_one(stuck)[0]
        if i >= 2010:
            assert f"has not moved for {i - 2000} rows, usual" in reason
            assert "expected about" not in reason
        model.learn_one(stuck)
    after = model.reasons_one(rows[2060])[0]
    assert "in the latest rows, usual" in after
    assert "expected about" not in after


def test_a_lasting_offset_is_told_by_the_latest_rows(lived):
    model, rows = copy.copy(lived[0]), lived[1]
    for i in range(2000, 2015):
        model.learn_one(rows[i] | {"pressure": rows[i]["pressure"] + 0.2})
    told = model.reasons_one(rows[2015] | {"pressure": rows[2015]["pressure"] + 0.2})
    assert any(re.match(r"pressure \S+, above what was expected in the latest rows", one) for one in told)


def test_a_reading_missing_from_a_row_is_told(lived):
    model, rows = lived
    for gone in ({}, {"pressure": None}, {"pressure": float("nan")}):
        row = {name: cell for name, cell in rows[2000].items() if name != "pressure"} | gone
        assert re.match(r"pressure missing, present in 99.\d % of rows", model.reasons_one(row)[-1])
    assert not any("missing" in one for one in model.reasons_one(rows[2000]))


def test_reasons_change_nothing_and_are_none_before_anything_is_learned(lived):
    model, rows = lived
    before = pickle.dumps(model.to_state())
    model.reasons_one(rows[2000])
    assert pickle.dumps(model.to_state()) == before
    assert OnlineAutoencoder(seed=0).reasons_one({"a": 1.0}) == []
    empty = dict.fromkeys(rows[0])
    assert all(" missing" in one for one in model.reasons_one(empty))


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
    assert "mode 'service', unusual here (" in second
    assert re.search(r"temperature -40, expected about (-?[\d.]+) \(", third)


# -- hosts -------------------------------------------------------------------------------------


def test_rivers_model_gives_the_cores_reasons(lived):
    model, rows = lived
    adapter = river_iotae.IoTAE(seed=0)
    adapter._model = model
    odd = rows[2000] | {"flow": 300.0}
    assert adapter.reasons_one(odd) == model.reasons_one(odd)
    assert adapter.reasons_one(odd)[0].startswith("flow 300, expected about 1")


def test_pyods_model_gives_reasons_of_arrays_and_of_frames_with_text():
    rng = np.random.default_rng(0)
    load = rng.normal(size=400)
    X = np.column_stack([50 + 5 * load, 20 + 3 * load, 7 - load]) + 0.2 * rng.normal(size=(400, 3))
    odd = [[71.0, 20.0, 7.0], [50.0, np.nan, 12.0]]
    told = pyod_iotae.IoTAE(random_state=0, epoch_num=20).fit(X).reasons(odd)
    assert re.match(r"x0 71, expected about \d+ \(\d+ %\)", told[0][0])
    assert re.match(r"x2 12, expected about [\d.]+ \(\d+ %\)", told[1][0])
    frame = pd.DataFrame(X, columns=["watts", "ms", "volts"]).assign(mode=np.where(load > 0, "eco", "max"))
    detector = pyod_iotae.IoTAE(random_state=0, epoch_num=20).fit(frame)
    odd = frame.head(2).assign(watts=[71.0, 50.0], mode=["eco", "service"])
    told = detector.reasons(odd)
    assert any(one.startswith("watts 71, expected about") for one in told[0])
    assert any(one.startswith("mode 'service', unusual here (") for one in told[1])
    assert detector.reasons(odd.head(0)) == []


def test_the_figure_of_a_row_says_what_was_expected(lived):
    model, rows = lived
    odd = rows[2000] | {"flow": 300.0}
    display = ExplanationDisplay.from_estimator(model, odd).plot()
    labels = [text.get_text() for text in display.ax_.texts]
    assert re.fullmatch(r"\d+%, expected [\d.]+", labels[0])
    plain = ExplanationDisplay({"flow": 1.0}).plot()
    assert plain.ax_.texts[0].get_text() == "100%"
