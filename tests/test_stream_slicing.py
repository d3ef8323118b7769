"""How a stream is cut makes no difference: row by row, by frames of any library, saved and resumed anywhere.

And what a score promises: it depends on nothing that was not learned, and no two extremes tie.
"""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import OnlineAutoencoder, serialization
from river_iotae import IoTAE

BATCH = 8
"""Rows per mini-batch here: most cuts fall within one."""


def make(**params):
    return OnlineAutoencoder(seed=0, batch_size=BATCH, grace_period=20, max_features=6, **params)


def frozen(model):
    return serialization.dumps("model", model.to_state())


def resumed(model):
    return OnlineAutoencoder.from_state(serialization.loads(frozen(model))[1])


def learned(rows, model=None):
    model = make() if model is None else model
    for x in rows:
        model.learn_one(x)
    return model


NUMBERS = st.one_of(st.floats(-1e3, 1e3), st.integers(-9, 9), st.sampled_from([0.0, 1e300, math.nan]))
TEXTS = st.sampled_from(["on", "off", "warm", ""])
CUTS = st.lists(st.integers(0, 60), max_size=6).map(sorted)


@st.composite
def streams(draw):
    """Up to sixty rows of one to four columns, numbers or text or flags, with missing cells anywhere."""
    columns = {}
    n = draw(st.integers(1, 60))
    seed = draw(st.integers(0, 2**16))
    usual = np.random.default_rng(seed)
    for name in draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True)):
        kind = draw(st.sampled_from(["usual", "numbers", "text", "flags"]))
        if kind == "usual":
            cells = usual.normal(size=n).tolist()
        else:
            pool = draw(
                st.lists({"numbers": NUMBERS, "text": TEXTS, "flags": st.booleans()}[kind], min_size=1)
            )
            cells = [pool[k] for k in usual.integers(len(pool), size=n)]
            if kind == "numbers":
                cells = [float(cell) for cell in cells]
        if draw(st.booleans()):
            cells = [None if gone else cell for cell, gone in zip(cells, usual.random(n) < 0.2, strict=True)]
        columns[name] = cells
    return columns


def sliced(columns, cuts):
    """The columns cut into consecutive parts, empty ones left out."""
    n = len(next(iter(columns.values())))
    edges = [0, *(min(cut, n) for cut in cuts), n]
    for start, stop in pairwise(edges):
        if start < stop:
            yield {name: cells[start:stop] for name, cells in columns.items()}


def as_rows(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


LIBRARIES = {
    # object columns hold None beside numbers as they are; pandas' own way turns None into NaN
    "pandas": pd.DataFrame,
    "pandas object": lambda columns: pd.DataFrame(columns, dtype=object),
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "pyarrow": pa.table,
    "rows": lambda columns: [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ],
}


@pytest.mark.parametrize("library", LIBRARIES)
@settings(max_examples=25)
@given(columns=streams(), cuts=CUTS)
def test_frames_of_any_slicing_give_the_model_of_row_by_row(library, columns, cuts):
    rows = as_rows(columns)
    by_row, by_frame = learned(rows), make()
    for part in sliced(columns, cuts):
        by_frame.learn_many(LIBRARIES[library](part))
    assert frozen(by_frame) == frozen(by_row)
    scores = by_frame.score_many(LIBRARIES[library](columns))
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, [by_row.score_one(x) for x in rows])
    assert frozen(by_frame) == frozen(by_row)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_columns_type_may_change_between_frames(library, rng):
    load = rng.normal(size=120)
    parts = [
        {"a": [round(v * 10) for v in load[:40]], "b": load[:40].tolist(), "c": ["x", "y"] * 20},
        {"a": load[40:80].tolist(), "b": [v > 0 for v in load[40:80]], "c": [1.5, 2.5] * 20},
        {"b": load[80:].astype(np.float32).tolist(), "c": [None] * 40, "d": [7] * 40},
    ]
    by_frame, rows = make(), []
    for part in parts:
        by_frame.learn_many(LIBRARIES[library](part))
        rows += as_rows(part)
    assert frozen(by_frame) == frozen(learned(rows))
    for part in parts:
        scores = by_frame.score_many(LIBRARIES[library](part))
        assert scores.tolist() == [by_frame.score_one(x) for x in as_rows(part)]


@pytest.mark.parametrize(
    "dtype", ["float32", "int8", "Int64", "Float64", "boolean", "float64[pyarrow]", "category"]
)
def test_pandas_own_types_with_missing_cells_are_what_their_rows_say(dtype, rng):
    cells = ["0", "1", None] if dtype == "category" else [0, 1, None]
    if dtype in ("float32", "int8"):
        cells = [0, 1, 1]
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": pd.Series(cells * 20).astype(dtype)})
    by_frame = make()
    by_frame.learn_many(frame)
    plain = {"0": "0", "1": "1", 0: 0.0, 1: 1.0}
    rows = [{"a": a, "b": plain.get(b)} for a, b in zip(frame["a"].tolist(), cells * 20, strict=True)]
    assert frozen(by_frame) == frozen(learned(rows))


def score_learned(rows, model):
    """What scoring, judging and learning row by row says: scores, cuts and alarms."""
    judged = []
    for x in rows:
        threshold = model.threshold
        score, alarm = model.score_learn_one(x)
        judged.append((score, threshold, alarm))
    return [list(column) for column in zip(*judged, strict=True)]


@pytest.mark.parametrize("library", LIBRARIES)
@settings(max_examples=25)
@given(columns=streams(), cuts=CUTS)
def test_rows_scored_and_learned_at_once_are_those_of_row_by_row(library, columns, cuts):
    by_row, by_frame = make(alpha=0.2), make(alpha=0.2)
    expected = score_learned(as_rows(columns), by_row)
    parts = [by_frame.score_learn_many(LIBRARIES[library](part)) for part in sliced(columns, cuts)]
    assert [np.concatenate(column).tolist() for column in zip(*parts, strict=True)] == expected
    assert frozen(by_frame) == frozen(by_row)
    assert all(part.alarms.dtype == bool for part in parts)


@pytest.mark.parametrize("grace", [0, 1, 20, 25])
@pytest.mark.parametrize("slices", [1, 7, 240])
def test_a_matrix_scored_and_learned_at_once_keeps_every_alarm(grace, slices, rng):
    table = rng.normal(size=(240, 3))
    table[::40] *= 9.0
    table[50, 1], table[51, 0], table[52] = np.nan, np.inf, np.nan
    names = ["b", "a", "c"]
    by_row, at_once = (
        OnlineAutoencoder(seed=0, batch_size=BATCH, grace_period=grace, alpha=0.1) for _ in range(2)
    )
    expected = score_learned([dict(zip(names, row, strict=True)) for row in table.tolist()], by_row)
    parts = [at_once.score_learn_many(part, names) for part in np.array_split(table, slices)]
    assert [np.concatenate(column).tolist() for column in zip(*parts, strict=True)] == expected
    assert any(expected[2])
    assert frozen(at_once) == frozen(by_row)


def test_no_rows_scored_and_learned_are_no_results():
    for rows, names in (([], None), (np.empty((0, 2)), ["a", "b"]), (pd.DataFrame({"a": []}), None)):
        judged = make().score_learn_many(rows, names)
        assert [column.shape for column in judged] == [(0,)] * 3


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["a", "a"]])
def test_a_matrix_whose_names_do_not_fit_is_refused(names):
    with pytest.raises(ValueError, match="different names, one for each column"):
        make().score_learn_many(np.zeros((3, 2)), names)


def test_river_users_score_and_learn_a_frame_at_once(rng):
    frame = pd.DataFrame(rng.normal(size=(300, 2)), columns=["a", "b"])
    at_once, by_row = IoTAE(seed=0), IoTAE(seed=0)
    judged = at_once.score_learn_many(frame)
    assert [judged.scores.tolist(), judged.thresholds.tolist(), judged.alarms.tolist()] == score_learned(
        frame.to_dict("records"), by_row
    )


@settings(max_examples=60)
@given(columns=streams(), stop=st.integers(0, 60))
def test_a_model_saved_after_any_row_goes_on_bit_for_bit(columns, stop):
    rows = as_rows(columns)
    whole = learned(rows[:stop])
    again = resumed(whole)
    assert frozen(again) == frozen(whole)
    for x in rows[stop:]:
        assert again.score_one(x) == whole.score_one(x)
        assert again.threshold == whole.threshold
        again.learn_one(x)
        whole.learn_one(x)
    assert frozen(again) == frozen(whole)
    counters = ("n_seen", "n_rejected", "n_unusable", "n_refused", "drift_detected")
    assert [getattr(again, name) for name in counters] == [getattr(whole, name) for name in counters]


def test_saving_between_all_rows_changes_nothing(rng):
    rows = [{"a": a, "b": b} for a, b in rng.normal(size=(50, 2)).tolist()]
    rows[20] = {"a": 1e9, "c": "new", "b": None}
    model = make()
    for x in rows:
        model = resumed(model)
        model.learn_one(x)
    assert frozen(model) == frozen(learned(rows))


@pytest.mark.parametrize("stop", range(BATCH + 1))
def test_rows_that_wait_for_their_mini_batch_are_saved(stop, rng):
    rows = [{"a": a, "b": b} for a, b in rng.normal(size=(5 * BATCH, 2)).tolist()]
    model = learned(rows[: BATCH + stop])
    waiting = model.to_state()["stream"]["pending"][: stop % BATCH]
    again = resumed(model)
    np.testing.assert_array_equal(again.to_state()["stream"]["pending"][: stop % BATCH], waiting)
    rest = rows[BATCH + stop :]
    assert frozen(learned(rest, again)) == frozen(learned(rows))


@settings(max_examples=40)
@given(
    columns=streams(), probes=st.lists(st.dictionaries(st.sampled_from("abcz"), NUMBERS | TEXTS), max_size=5)
)
def test_scores_between_learning_leave_no_trace(columns, probes):
    rows = as_rows(columns)
    watched, alone = make(), make()
    for x in rows:
        first = [watched.score_one(probe) for probe in [x, *probes]]
        for probe in probes:
            watched.explain_one(probe)
        assert [watched.score_one(probe) for probe in [x, *probes]] == first
        watched.learn_one(x)
        alone.learn_one(x)
    assert frozen(watched) == frozen(alone)


# -- the top of the scale -----------------------------------------------------------------------


def mixed_stream(rng, n=400):
    for a, b in rng.normal(size=(n, 2)).tolist():
        yield {"a": a, "b": a + 0.1 * b, "c": "on" if b > -1.5 else "off", "d": b > 0, "e": 5.0}


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", ["a", "b", "d", "e"])
@pytest.mark.parametrize("beside", [{}, {"c": "never"}, {"a": 1e6, "b": -1e6}])
def test_a_thousand_a_million_and_a_billion_are_told_apart(name, sign, beside, rng):
    model = OnlineAutoencoder(seed=0)
    learned(mixed_stream(rng), model)
    usual = {"a": 0.1, "b": 0.1, "c": "on", "d": True, "e": 5.0}
    sizes = [1e3, 1e6, 1e9, 1e12, 1e15]
    scores = [model.score_one(usual | beside | {name: sign * size}) for size in sizes]
    assert scores[0] > model.score_one(usual)
    # not by a rounding: steps that any sorting keeps apart
    if name != "e":
        assert (np.diff(scores) > 1e-6).all()
    assert scores[-1] < 1.0


@pytest.mark.parametrize("rows", [1, 5, 30, 400])
def test_extremes_do_not_tie_at_any_age(rows, rng):
    model = OnlineAutoencoder(seed=0)
    learned(({"a": a, "b": b} for a, b in rng.normal(size=(rows, 2)).tolist()), model)
    scores = [model.score_one({"a": size, "b": 0.0}) for size in (1e3, 1e6, 1e9, 1e12, 1e15)]
    if rows > 2:
        assert (np.diff(scores) > 0.0).all()
    assert max(scores) < 1.0


def test_a_new_text_adds_to_an_extreme_number(rng):
    model = OnlineAutoencoder(seed=0)
    learned(mixed_stream(rng), model)
    for size in (1e3, 1e6, 1e9):
        scores = [
            model.score_one({"a": size, "b": 0.1, "c": text, "d": True, "e": 5.0}) for text in ("on", "off")
        ]
        new = model.score_one({"a": size, "b": 0.1, "c": "never seen", "d": True, "e": 5.0})
        assert new > scores[0]
        assert scores[1] > scores[0]


def test_attacks_of_a_stream_hardly_tie(rng):
    model = OnlineAutoencoder(seed=0)
    learned(mixed_stream(rng), model)
    usual = {"c": "on", "d": True, "e": 5.0}
    scores = [
        model.score_one(usual | {"a": a, "b": b}) for a, b in (1e3 * rng.normal(size=(2_000, 2))).tolist()
    ]
    assert np.unique(scores).size == 2_000


# -- River's manner -----------------------------------------------------------------------------


@pytest.mark.untraced
def test_numba_river_users_see_a_drift_begin_and_end(rng):
    model = IoTAE(seed=0)
    rows = [{"a": a, "b": b} for a, b in rng.normal(size=(12_000, 2)).tolist()]
    signalled = []
    for i, x in enumerate(rows):
        model.learn_one(x if i < 2_000 else {name: value + 6.0 for name, value in x.items()})
        assert isinstance(model.drift_detected, bool)
        signalled.append(model.drift_detected)
    assert not any(signalled[:2_000])
    assert any(signalled[2_000:2_400])
    assert not any(signalled[-1_000:])
    assert model.drift_detected == model._model.drift_detected
    with pytest.raises(AttributeError):
        model.drift_detected = True
    assert "drift_detected" in IoTAE.__doc__


def test_whole_numbers_that_no_float_holds_are_learned_from_an_arrow_table_as_from_dicts():
    big = {"a": 2**60 + 1, "b": 1.0}
    one, other = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    one.learn_one(big)
    other.learn_many(pa.table({name: [value] for name, value in big.items()}))
    probe = {"a": 2**59, "b": 2.0}
    assert one.score_one(probe) == other.score_one(probe)
