"""What the metrics make of odd input: times of every kind, labels of objects, names that are no text."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from iotae._validation import check_times
from iotae.evaluation import compare, find_events, precision_at_n, roc_auc
from iotae.evaluation.comparison import signed_rank_p

Y, ALARM = [0, 1, 1, 0], [0, 0, 1, 0]
START = datetime(2024, 3, 31, 0, 59, tzinfo=UTC)
MOMENTS = [START + timedelta(minutes=i) for i in range(4)]
# the clocks of Berlin go forward between the second row and the third, and an hour is not lost
BERLIN = pd.DatetimeIndex(MOMENTS).tz_convert("Europe/Berlin")
NAIVE = [moment.replace(tzinfo=None) for moment in MOMENTS]


@pytest.mark.parametrize(
    "times",
    [
        MOMENTS,
        NAIVE,
        [moment.astimezone(timezone(timedelta(hours=i))) for i, moment in enumerate(MOMENTS)],
        BERLIN,
        pd.Series(BERLIN),
        pd.Series(NAIVE),
        pl.Series(MOMENTS),
        np.array(NAIVE, dtype="datetime64[m]"),
        np.arange(4).astype("timedelta64[m]"),
        pd.DatetimeIndex(NAIVE).as_unit("s") - pd.Timestamp(NAIVE[0]),
        [moment - START for moment in MOMENTS],
        [pd.Timedelta(minutes=i) for i in range(4)],
        [Decimal(60 * i) for i in range(4)],
        np.array([0, 60, 120, 180], dtype=np.uint8),
        np.array([-100, -40, 20, 80], dtype=np.int8),
    ],
)
def test_a_delay_of_a_minute_is_sixty_seconds_whatever_times_came_as(times):
    assert find_events(Y, ALARM, time=times).delays.tolist() == [60.0]


@given(
    st.lists(st.integers(0, 255), min_size=4, max_size=4), st.sampled_from([np.uint8, np.uint64, np.int16])
)
def test_times_that_fall_are_refused_in_every_type(times, dtype):
    if times == sorted(times):
        assert find_events(Y, ALARM, time=np.array(times, dtype)).delays.tolist() == [times[2] - times[1]]
    else:
        with pytest.raises(ValueError, match="Got a time that falls"):
            find_events(Y, ALARM, time=np.array(times, dtype))


@pytest.mark.parametrize("missing", [None, pd.NaT, float("nan")])
def test_a_missing_time_is_refused_by_events(missing):
    for times in ([*MOMENTS[:3], missing], [timedelta(0)] * 3 + [missing], [1, 2, 3, missing]):
        with pytest.raises(ValueError, match="Got a time that falls or is missing"):
            find_events(Y, ALARM, time=times)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["a", "b"], "Got time of type <U1, but expected dates, durations or numbers"),
        ([True, False], "Got time of type bool"),
        (pd.Series(["2024-01-01", "2024-01-02"], dtype=object), "Got time of mixed types or text, such as"),
        ([START, 3], "Got time of mixed types or text"),
        ([1, pd.NA], "Got time of mixed types or text, such as 1"),
        ([START, NAIVE[1]], "Got time of dates with and without a time zone"),
        ([[1], [2]], r"Got time of shape \(2, 1\)"),
    ],
)
def test_what_is_no_time_is_named(times, message):
    with pytest.raises(ValueError, match=message):
        check_times(times)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (pd.Series(["normal", "attack"], dtype=object), r"Got y\[0\]='normal' \(2 of 2"),
        ([0, None], r"Got y\[1\]=None \(1 of 2"),
    ],
)
def test_labels_of_objects_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        roc_auc(labels, [1, 2])


@pytest.mark.parametrize("n", [2.5, 2.0, True, "2"])
def test_precision_at_a_number_that_is_not_whole_is_refused(n):
    with pytest.raises(ValueError, match=f"Got n={n!r}, but expected a whole number of rows from 1 to all 3"):
        precision_at_n([0, 1, 1], [0.1, 0.2, 0.3], n)
    assert precision_at_n([0, 1, 1], [0.1, 0.2, 0.3], np.int64(2)) == 1.0


def test_detectors_may_be_named_by_numbers():
    found = compare({1: [0.1, 0.2, 0.3], 2: [0.4, 0.5, 0.6]})
    assert found.names == ("2", "1")
    assert "mean rank" in str(found)


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_the_signed_rank_test_of_many_sets_agrees_with_scipys_normal_law(rng, decimals):
    differences = np.round(rng.normal(0.1, 1.0, 1000), decimals)
    theirs = stats.wilcoxon(differences, zero_method="wilcox", correction=False, method="asymptotic").pvalue
    assert signed_rank_p(differences) == pytest.approx(theirs, rel=1e-9)


def test_the_exact_test_hands_over_to_the_normal_law_without_a_step(rng):
    differences = rng.normal(0.15, 1.0, 201)
    exact, normal = signed_rank_p(differences[:200]), signed_rank_p(differences)
    assert exact == pytest.approx(stats.wilcoxon(differences[:200], method="exact").pvalue, rel=1e-9)
    assert normal == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, abs=0.003)


def test_the_signed_rank_test_of_many_sets_is_quick(rng):
    start = time.perf_counter()
    signed_rank_p(rng.normal(size=20_000))
    assert time.perf_counter() - start < 1.0
