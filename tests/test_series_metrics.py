"""Metrics of events, ranges and buffers against their definitions row by row, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotae.evaluation import (
    anomaly_ranges,
    average_precision,
    find_events,
    range_auc,
    range_precision_recall,
    roc_auc,
    vus,
)
from tests import naive_evaluation as naive

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)
SCORED = st.lists(st.tuples(st.booleans(), st.integers(0, 5).map(float)), min_size=1, max_size=40)


def columns(rows):
    return tuple(list(column) for column in zip(*rows, strict=True))


@given(PAIRS)
def test_events_agree_with_looking_at_each(rows):
    y, predicted = columns(rows)
    found = find_events(y, predicted)
    delays, false_alarms, false_episodes = naive.events(y, predicted)
    assert [None if math.isnan(d) else d for d in found.delays] == delays
    assert (found.false_alarms, found.false_episodes) == (false_alarms, false_episodes)
    assert found.ranges.tolist() == [[run[0], run[-1] + 1] for run in naive.ranges(y)]
    assert found.n_caught == sum(d is not None for d in delays)


def test_events_by_hand():
    y = [0, 1, 1, 1, 0, 0, 1, 1, 0, 0]
    found = find_events(y, [1, 1, 0, 1, 0, 0, 0, 0, 1, 1])
    assert anomaly_ranges(y).tolist() == [[1, 4], [6, 8]]
    # an alarm that begins before the event and runs into it is no false episode, but its early row is false
    assert found.delays[0] == 0.0
    assert np.isnan(found.delays[1])
    assert (found.recall, found.precision) == (0.5, 0.5)
    assert (found.false_alarms, found.false_episodes) == (3, 1)
    assert found.mean_delay == found.median_delay == 0.0


def test_delays_are_in_the_units_of_the_time():
    y, alarm = [0, 1, 1, 1], [0, 0, 0, 1]
    stamps = np.array(["2024-01-01T00:00", "2024-01-01T00:10", "2024-01-01T00:20", "2024-01-01T00:40"])
    assert find_events(y, alarm, time=stamps.astype("datetime64[s]")).mean_delay == 1800.0
    assert find_events(y, alarm, time=[0.0, 0.5, 1.0, 3.0]).mean_delay == 2.5
    with pytest.raises(ValueError, match="Got a time that falls"):
        find_events(y, alarm, time=[0, 2, 1, 3])
    with pytest.raises(ValueError, match="Got 4 values in y and 3 in predicted"):
        find_events(y, [0, 1, 1])


def test_events_that_are_absent_have_defined_answers():
    quiet = find_events([0, 0], [0, 0])
    assert (quiet.n, quiet.recall, quiet.precision) == (0, 0.0, 0.0)
    assert math.isnan(quiet.mean_delay)
    assert math.isnan(find_events([1, 1], [0, 0]).median_delay)


@given(PAIRS, st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from(["flat", "front", "middle", "back"]))
def test_range_scores_agree_with_their_definition(rows, existence, bias):
    y, predicted = columns(rows)
    ours = range_precision_recall(y, predicted, existence=existence, bias=bias)
    assert ours.recall == pytest.approx(naive.range_reward(y, predicted, existence, bias))
    assert ours.precision == pytest.approx(naive.range_reward(predicted, y, 0.0, "flat"))


def test_a_range_alarmed_twice_counts_half():
    y = [1, 1, 1, 1]
    assert range_precision_recall(y, [1, 1, 0, 0]).recall == 0.5
    assert range_precision_recall(y, [1, 0, 1, 0]).recall == 0.25
    assert range_precision_recall(y, y) == (1.0, 1.0)
    assert range_precision_recall(y, y).f1 == 1.0
    assert range_precision_recall([0, 0], [0, 0]) == (0.0, 0.0)
    assert range_precision_recall([0, 0], [0, 0]).f1 == 0.0


def test_range_scores_say_what_is_wrong():
    with pytest.raises(ValueError, match="Got existence=2"):
        range_precision_recall([1], [1], existence=2)
    with pytest.raises(ValueError, match="Got bias='early', but expected one of 'flat'"):
        range_precision_recall([1], [1], bias="early")
    with pytest.raises(ValueError, match="Got 2 values in y and 1 in predicted"):
        range_precision_recall([1, 0], [1])


@given(SCORED.filter(lambda rows: any(label for label, _ in rows)), st.integers(0, 9))
def test_range_auc_agrees_with_its_definition(rows, buffer):
    y, scores = columns(rows)
    roc, pr = naive.range_auc(y, scores, buffer)
    ours = range_auc(y, scores, buffer)
    assert ours.pr == pytest.approx(pr)
    assert ours.roc == pytest.approx(roc, nan_ok=True)


def test_vus_is_the_mean_over_buffers():
    rng = np.random.default_rng(0)
    y = np.repeat(rng.random(40) < 0.2, 5)
    scores = rng.normal(size=200) + y
    mean = np.mean([naive.range_auc(y, scores, buffer) for buffer in range(8)], axis=0)
    np.testing.assert_allclose(vus(y, scores, 7), mean)


def test_one_range_without_a_buffer_is_the_plain_metric():
    y = [0, 0, 0, 1, 1, 1, 0, 0]
    scores = [1, 2, 3, 4, 3, 5, 0, 6]
    assert range_auc(y, scores, 0).pr == pytest.approx(average_precision(y, scores))
    assert range_auc(y, scores, 0).roc == pytest.approx(roc_auc(y, scores))


def test_a_near_miss_is_forgiven_and_a_far_one_is_not():
    y = np.zeros(100, dtype=int)
    y[40:50] = 1
    near, far = np.zeros(100), np.zeros(100)
    near[37:47] = far[70:80] = 1.0
    assert vus(y, near, 20).pr > range_auc(y, near, 0).pr > vus(y, far, 20).pr
    # rows of the buffer count too, so even the labels as a score stay below 1
    assert vus(y, near, 20).pr < vus(y, y, 20).pr < 1


def test_a_constant_score_earns_no_more_than_the_share_of_anomalies():
    y = np.zeros(1000, dtype=int)
    y[100:150] = 1
    assert range_auc(y, np.zeros(1000), 0).pr == 0.05
    assert vus(y, np.zeros(1000), 20).pr < 0.07
    assert vus(y, np.zeros(1000), 20).roc == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_point_adjustment_would_have_praised_noise_and_vus_does_not(seed):
    rng = np.random.default_rng(seed)
    y = np.zeros(5000, dtype=int)
    y[1000:1300] = y[3000:3300] = 1
    noise = rng.random(5000)
    alarm = noise > 0.99
    adjusted = alarm.copy()
    for start, stop in anomaly_ranges(y):
        adjusted[start:stop] |= alarm[start:stop].any()
    hits = (adjusted & (y == 1)).sum()
    assert 2 * hits / (adjusted.sum() + y.sum()) > 0.9  # the point-adjusted F1 of a coin
    assert vus(y, noise, 100).pr < 0.25
    assert vus(y, noise, 100).roc == pytest.approx(0.5, abs=0.06)


def test_absent_classes_and_bad_input_have_defined_answers():
    assert all(math.isnan(area) for area in vus([0, 0], [0.1, 0.2], 2))
    full = vus([1, 1], [0.1, 0.2], 2)
    assert math.isnan(full.roc)
    assert full.pr == pytest.approx(1.0)
    assert range_auc([0, 1], [-np.inf, -np.inf], 0).pr == 0.5
    with pytest.raises(ValueError, match="Got buffer=-1"):
        vus([0, 1], [0.1, 0.2], -1)
    with pytest.raises(ValueError, match="Got 1 NaN among 2 scores"):
        vus([0, 1], [0.1, np.nan], 1)
    with pytest.raises(ValueError, match="Got 2 values in y and 1 in scores"):
        range_auc([0, 1], [0.1], 1)
