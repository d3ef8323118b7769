from __future__ import annotations

import sys

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from iotae.evaluation import Confusion, stratified_split
from iotae.plots import (
    PAPER,
    CalibrationDisplay,
    ConfusionDisplay,
    CriticalDifferenceDisplay,
    DriftDisplay,
    ExplanationDisplay,
    FeaturesDisplay,
    MetricsDisplay,
    PValueDisplay,
    RankingDisplay,
    ScoreDisplay,
    TuningDisplay,
)
from iotae.simulator import simulate

Y = np.array([0, 0, 0, 0, 1, 1])
SCORES = np.array([0.1, 0.2, 0.9, 0.3, 0.8, 0.25])
GRID = [
    {
        "hidden_sizes": h,
        "learning_rate": rate,
        "layers": n,
        "seed": 0,
        "mean_score": rate + n / 10,
        "std_score": 0.1,
    }
    for h in ((8,), (32, 16, 8, 16, 32))
    for rate in (0.001, 0.01, 0.1)
    for n in (1, 2)
]
FIGURES = {f"a detector, number {i}": np.random.default_rng(i).random(20) - i / 10 for i in range(9)}


def displays():
    simulation = simulate(300, seed=0)
    return {
        "features": FeaturesDisplay.from_simulation(
            simulation, test_index=stratified_split(simulation.label)[1]
        ),
        "confusion": ConfusionDisplay(PAPER),
        "metrics": MetricsDisplay.from_predictions(Y, SCORES > 0.5),
        "score": ScoreDisplay.from_predictions(Y, SCORES, 0.5),
        "ranking": RankingDisplay.from_predictions(Y, SCORES),
        "p-values": PValueDisplay(np.arange(20_000) < 2_000, np.arange(20_000) / 20_000),
        "calibration": CalibrationDisplay.from_predictions(
            np.zeros(2_000), {"flat": np.arange(2_000) / 2_000, "shy": np.full(2_000, 0.9)}
        ),
        "explanation": ExplanationDisplay(
            {f"a_feature_with_a_long_name_{i}": 1 / (i + 1) for i in range(15)},
            values={f"a_feature_with_a_long_name_{i}": "some long category" for i in range(15)},
        ),
        "drift": DriftDisplay(
            np.linspace(0, 1, 500),
            np.arange(500) > 300,
            refused=np.arange(500) % 9 == 0,
            time=simulation_time(500),
        ),
        "tuning": TuningDisplay(GRID),
        "tuning one": TuningDisplay(GRID, parameters=["learning_rate"]),
        "ranks": CriticalDifferenceDisplay.from_predictions(FIGURES),
        "ranks of two": CriticalDifferenceDisplay.from_predictions(
            {"AutoEncoder": [1, 2], "IForest": [2, 1]}
        ),
    }


def simulation_time(n):
    return np.datetime64("2024-01-01") + np.arange(n).astype("timedelta64[m]")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("name", list(displays()))
def test_every_display_fits_its_column_and_saves_at_200_dpi(name, tmp_path):
    display = displays()[name]
    with pytest.raises(RuntimeError, match=r"call \w+\.plot\(\) first"):
        display.save(tmp_path / "early.png")
    assert display.plot() is display
    path = tmp_path / f"{name}.png"
    display.save(path)
    header = path.read_bytes()[:24]
    assert header[1:4] == b"PNG"
    width = int.from_bytes(header[16:20], "big")
    assert width in (700, 1400)


@pytest.mark.parametrize("name", list(displays()))
def test_no_text_leaves_the_figure_and_none_is_smaller_than_8_points(name):
    figure = displays()[name].plot().figure_
    figure.draw_without_rendering()
    canvas = figure.bbox
    for text in figure.findobj(match=lambda artist: hasattr(artist, "get_fontsize")):
        if text.get_text().strip() and text.get_visible():
            assert text.get_fontsize() >= 8, text
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= canvas.x1 + 1 and box.y1 <= canvas.y1 + 1  # noqa: PT018


def test_plotting_touches_neither_pyplot_nor_the_global_style():
    before = dict(rcParams)
    loaded = "matplotlib.pyplot" in sys.modules
    for display in displays().values():
        display.plot()
    assert dict(rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_confusion_shows_the_papers_order_with_counts_and_shares():
    display = ConfusionDisplay.from_predictions([1, 1, 0, 0, 0], [1, 0, 1, 0, 0]).plot()
    assert display.confusion == Confusion(tp=1, fp=1, fn=1, tn=2)
    at = {(t.get_position()[0], round(t.get_position()[1])): t.get_text() for t in display.ax_.texts[::2]}
    assert at == {(0, 0): "TP  1", (1, 0): "FP  1", (0, 1): "FN  1", (1, 1): "TN  2"}
    assert "40.0%" in texts(display.ax_)
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["anomaly", "normal"]
    assert display.ax_.get_ylim() == (1.5, -0.5)


def test_confusion_without_anomalies_is_drawn():
    assert "TP  0" in texts(ConfusionDisplay(Confusion(tp=0, fp=1, fn=0, tn=9)).plot().ax_)


def test_metrics_stand_beside_the_papers():
    display = MetricsDisplay(Confusion(tp=8, fp=0, fn=2, tn=20), names=("iotae", "paper")).plot()
    heights = [[round(float(bar.get_height()), 3) for bar in bars] for bars in display.ax_.containers]
    assert heights[0] == [0.933, 1.0, 0.8, 0.889]
    assert heights[1] == [0.900, 0.818, 0.900, 0.857]
    assert legend(display.ax_) == ["iotae", "paper"]


def test_metrics_can_stand_alone():
    assert len(MetricsDisplay(PAPER, reference=None).plot().ax_.containers) == 1


def test_score_tells_four_outcomes_apart_by_mark_and_colour():
    display = ScoreDisplay.from_predictions(Y, SCORES, 0.5).plot()
    assert legend(display.ax_) == ["normal (3)", "missed anomaly (1)", "false alarm (1)", "anomaly found (1)"]
    groups = display.ax_.collections[:4]
    assert len({tuple(g.get_facecolor()[0]) + tuple(g.get_edgecolor()[0]) for g in groups}) == 4
    assert [g.get_offsets().shape[0] for g in groups] == [3, 1, 1, 1]
    assert texts(display.ax_) == ["threshold"]


def test_score_axis_is_logarithmic_only_for_heavy_positive_tails():
    heavy = np.concatenate([np.full(95, 0.01), np.full(5, 10.0)])
    y = (heavy > 1).astype(int)
    assert ScoreDisplay(y, heavy, 1.0).plot().ax_.get_yscale() == "log"
    assert ScoreDisplay(y, heavy, 1.0).plot(log=False).ax_.get_yscale() == "linear"
    assert ScoreDisplay(y, heavy - 0.01, 1.0).plot().ax_.get_yscale() == "linear"
    assert ScoreDisplay(Y, SCORES, 0.5).plot().ax_.get_yscale() == "linear"


def test_score_takes_a_moving_threshold_and_times_in_any_order():
    time = np.datetime64("2024-01-01") + np.array([5, 3, 1, 0, 2, 4]).astype("timedelta64[h]")
    display = ScoreDisplay(Y, SCORES, np.array([0.5, 0.5, 0.95, 0.5, 0.5, 0.2]), time=time).plot()
    assert legend(display.ax_)[2:] == ["false alarm (0)", "anomaly found (2)"]
    drawn = display.ax_.lines[0].get_xdata()
    assert (np.diff(drawn) > np.timedelta64(0)).all()


def test_ranking_names_its_areas_and_chance():
    display = RankingDisplay.from_predictions(Y, {"ours": SCORES, "coin": np.zeros(6)}).plot()
    assert legend(display.ax_[0]) == ["ours, AUC 0.625", "coin, AUC 0.500", "chance, AUC 0.500"]
    assert legend(display.ax_[1])[2] == "chance, AP 0.333"
    assert display.average_precision["coin"] == pytest.approx(1 / 3)


def test_ranking_of_one_class_is_refused():
    with pytest.raises(ValueError, match="Got 0 anomalies in 2 rows"):
        RankingDisplay.from_predictions([0, 0], [0.1, 0.2])
    with pytest.raises(ValueError, match="rate_axis='cubic'"):
        RankingDisplay.from_predictions(Y, SCORES).plot(rate_axis="cubic")
    with pytest.raises(ValueError, match="Got no scores"):
        RankingDisplay(Y, {})


def test_features_have_a_panel_each_and_a_mark_for_each_kind():
    simulation = simulate(2000, seed=0)
    display = FeaturesDisplay.from_simulation(simulation, test_index=np.arange(1400, 2000)).plot()
    assert len(display.ax_) == 5
    assert legend(display.ax_[0]) == ["train", "test", *sorted(set(simulation.kind) - {""})]
    assert len(display.ax_[0].patches) == 1
    assert display.ax_[0].get_ylabel() == "temperature\n(°C)"


def test_features_of_a_random_split_are_not_striped():
    simulation = simulate(500, seed=0)
    test_index = stratified_split(simulation.label)[1]
    assert not FeaturesDisplay.from_simulation(simulation, test_index=test_index).plot().ax_[0].patches


def test_features_without_anomalies_times_or_parts_are_drawn():
    display = FeaturesDisplay(np.arange(10), np.full((10, 1), np.nan), ["x"], np.zeros(10)).plot()
    assert display.ax_[0].get_legend() is None
    assert display.ax_[0].get_xlabel() == "row"


def test_displays_draw_on_axes_they_are_given():
    figure = Figure(figsize=(7, 5))
    axes = figure.subplots(2, 2)
    display = ConfusionDisplay(PAPER).plot(axes[0, 0])
    assert display.ax_ is axes[0, 0]
    assert display.figure_ is figure
    RankingDisplay.from_predictions(Y, SCORES).plot(axes[1])
    assert len(figure.axes) == 4


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"Got values of shape \(10, 2\) and 1 names"):
        FeaturesDisplay(np.arange(10), np.zeros((10, 2)), ["x"], np.zeros(10))
    with pytest.raises(ValueError, match="Got 9 values in time and 10 in values"):
        FeaturesDisplay(np.arange(9), np.zeros((10, 1)), ["x"], np.zeros(10))
    with pytest.raises(ValueError, match="Got 6 values in y and 1 in scores"):
        ScoreDisplay(Y, [0.5], 0.5)
    axes = Figure().subplots(1, 3)
    with pytest.raises(ValueError, match=r"Got axes of shape \(3,\), but expected two"):
        RankingDisplay.from_predictions(Y, SCORES).plot(axes)


def test_a_threshold_that_is_not_there_yet_is_not_drawn(tmp_path):
    scores = np.linspace(0.1, 0.9, 20)
    for threshold in (np.inf, np.r_[np.full(10, np.inf), np.full(10, 0.5)]):
        ScoreDisplay.from_predictions([0, 1] * 10, scores, threshold).plot().save(tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size > 1000


def test_a_logarithmic_rate_begins_at_one_false_alarm(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.random(2000) < 0.05
    display = RankingDisplay.from_predictions(y, rng.normal(size=2000) + 3 * y).plot(rate_axis="log")
    left, right = display.ax_
    assert (left.get_xscale(), right.get_xscale()) == ("log", "linear")
    assert left.get_xlim() == pytest.approx((1 / np.sum(~y), 1.0))
    assert all((line.get_xdata() > 0).all() for line in left.lines)
    for suffix in (".png", ".pdf", ".svg"):
        display.save(tmp_path / f"ranking{suffix}")
        assert (tmp_path / f"ranking{suffix}").stat().st_size > 1000
