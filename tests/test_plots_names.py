"""What displays draw of odd input: long names, dollars, frames for stream models, times of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.cbook import STEP_LOOKUP_MAP

from iotae.plots import (
    CalibrationDisplay,
    CriticalDifferenceDisplay,
    DriftDisplay,
    ExplanationDisplay,
    FeaturesDisplay,
    MetricsDisplay,
    RankingDisplay,
    ScoreDisplay,
    TuningDisplay,
)
from iotae.plots.confusion import PAPER
from iotae.plots.figure import drawn_name
from tests.test_plots import SCORES, Y, legend

LONG = "an_isolation_forest_of_five_hundred_trees"
NAMES = {
    "long": [f"{LONG}_{i}" for i in range(3)],
    "capital letters": [f"{LONG}_{i}".upper() for i in range(3)],
    "two dollars": [f"cost_$_usd_$_{i}" for i in range(3)],
    "a formula that is none": [f"$\\frac{i}$" for i in range(3)],
    "numbers": [1, 2, 3],
}


def displays(names):
    a, b, c = names
    return {
        "ranking": RankingDisplay(Y, {a: SCORES, b: SCORES, c: SCORES}),
        "metrics": MetricsDisplay(PAPER, names=(a, b)),
        "calibration": CalibrationDisplay.from_predictions(np.zeros(99), {a: np.arange(99) / 99}),
        "explanation": ExplanationDisplay({a: 1.0, b: 2.0}, values={a: c, b: c}),
        "ranks": CriticalDifferenceDisplay.from_predictions({a: [1, 2], b: [2, 1], c: [3, 3]}),
        "tuning": TuningDisplay([{a: value, "mean_score": i} for i, value in enumerate(names)]),
        "features": FeaturesDisplay(
            np.arange(3), np.zeros((3, 2)), [a, f"{b} ({c})"], [1, 1, 0], kind=[a, b, c]
        ),
    }


@pytest.mark.untraced
@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("name", list(displays(NAMES["long"])))
def test_no_name_collapses_a_figure_or_is_read_as_a_formula(name, kind, tmp_path):
    display = displays(NAMES[kind])[name].plot()
    display.save(tmp_path / "o.png")  # a collapse is a warning, and warnings are errors
    figure = display.figure_
    figure.draw_without_rendering()
    for axes in figure.axes:
        inches = axes.get_window_extent().width / figure.dpi
        assert inches > (0.5 if name == "explanation" else 1.3)
        box = axes.get_tightbbox()
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1


def test_both_ends_of_a_long_name_are_kept():
    assert drawn_name(f"{LONG}_7") == "an_isola…_trees_7"
    assert drawn_name("x" * 16) == "x" * 16
    assert drawn_name("a$b") == r"a\$b"
    assert legend(RankingDisplay(Y, {LONG: SCORES}).plot().ax_[1])[0].startswith("an_isola…ed_trees, AP 0.")


@pytest.mark.parametrize(("y", "scores"), [([0, 1], [2, 1]), (Y, SCORES), ([1, 0, 1, 0, 0], [3, 3, 2, 1, 0])])
def test_the_area_under_the_drawn_precision_is_the_average_precision(y, scores):
    display = RankingDisplay.from_predictions(y, scores).plot()
    line = display.ax_[1].lines[0]
    recall, precision = STEP_LOOKUP_MAP[line.get_drawstyle()](*line.get_data())
    assert -np.trapezoid(precision, recall) == pytest.approx(display.average_precision["iotae"])


MOMENTS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=i) for i in range(6)]


@pytest.mark.parametrize(
    ("times", "label"),
    [
        (MOMENTS, ""),
        (pd.DatetimeIndex(MOMENTS).tz_convert("Asia/Tokyo"), ""),
        ([moment - MOMENTS[0] for moment in MOMENTS], "time"),
        (np.arange(6).astype("timedelta64[m]"), "time"),
        (np.arange(6, dtype=np.uint8), "row"),
        (None, "row"),
    ],
)
def test_times_of_every_kind_are_drawn(times, label, tmp_path):
    for display in (ScoreDisplay(Y, SCORES, 0.5, time=times), DriftDisplay(SCORES, Y, time=times)):
        display.plot().save(tmp_path / "o.png")
        assert np.ravel(display.ax_)[-1].get_xlabel() == label
        assert display.time.dtype.kind == {"": "M", "time": "f", "row": "i"}[label]
    if times is not None:
        display = FeaturesDisplay(times, np.zeros((6, 1)), ["x"], Y).plot()
        assert display.ax_[-1].get_xlabel() == label


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_stream_model_runs_along_a_frame_as_along_its_rows(frame):
    from iotae import OnlineAutoencoder

    table = frame(dict(zip("abc", np.random.default_rng(0).normal(size=(3, 300)).tolist(), strict=True)))
    rows = [dict(zip("abc", row, strict=True)) for row in table.to_numpy().tolist()]
    y = np.arange(300) % 20 == 0
    ours = ScoreDisplay.from_estimator(OnlineAutoencoder(seed=0), table, y)
    theirs = ScoreDisplay.from_estimator(OnlineAutoencoder(seed=0), rows, y)
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    drift = DriftDisplay.from_estimator(OnlineAutoencoder(seed=0), table)
    np.testing.assert_array_equal(drift.scores, theirs.scores)
