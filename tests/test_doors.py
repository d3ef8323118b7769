"""The same cell means the same at each door: PyOD's table, the core's, a stream's rows, a frame of them.

Tables of inputs: what each is, which door takes it, and the right outcome. An input that is read must give
what the same numbers give as a plain array. One that is not must be refused with what was got and what to
do, or be counted.
"""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from river import stream
from river.utils import VectorDict

from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.cli.rows import row_dicts
from iotae.data import Table
from pyod_iotae import IoTAE as PyodIoTAE
from river_iotae import IoTAE as RiverIoTAE

N = 240
RNG = np.random.default_rng(0)
A = np.round(RNG.normal(size=N), 3)
B = np.round(2 * A + 0.1 * RNG.normal(size=N), 3)
X = np.column_stack([A, B])
GAPS = np.zeros((N, 2), bool)
GAPS[::17, 1] = True
HOLED = np.where(GAPS, np.nan, X)
WORD = np.where(A > 0, "on", "off")
HOURS = pd.date_range("2026-01-01", periods=N, freq="h")


def pyod_scores(table):
    return PyodIoTAE(random_state=0, epoch_num=1).fit(table).decision_scores_


def core_scores(table):
    return BatchAutoencoder(seed=0, epochs=1).fit(table).fitted_scores


def stream_scores(rows):
    model = OnlineAutoencoder(seed=0)
    return model.score_learn_many(rows).scores, model


def river_scores(rows):
    model = RiverIoTAE(seed=0)
    return np.array([model.score_learn_one(x)[0] for x in rows]), model


def frame(**columns):
    return pd.DataFrame({"a": A, **columns})


def structured():
    table = np.zeros(N, [("a", float), ("b", float)])
    table["a"], table["b"] = A, B
    return table


def tensor(table):
    torch = pytest.importorskip("torch")
    return torch.tensor(table, requires_grad=True)


# -- arrays: both tables must give what the plain array gives -------------------------------------

ARRAYS = {
    "lists": (X, lambda: X.tolist()),
    "tuples": (X, lambda: list(map(tuple, X))),
    "objects": (X, lambda: X.astype(object)),
    "text": (X, lambda: X.astype(str)),
    "text in lists": (X, lambda: [[str(a), str(b)] for a, b in X]),
    "text and numbers in objects": (X, lambda: np.column_stack([A.astype(object), B.astype(str)])),
    "text with NA": (HOLED, lambda: np.where(GAPS, "NA", X.astype(str))),
    "empty text": (HOLED, lambda: np.where(GAPS, "", X.astype(str)).astype(object)),
    "None in lists": (HOLED, lambda: [[None if b != b else b for b in row] for row in HOLED.tolist()]),
    "a masked array": (HOLED, lambda: np.ma.masked_array(np.where(GAPS, 1e6, X), GAPS)),
    "masked integers": (
        np.where(GAPS, np.nan, np.rint(X)),
        lambda: np.ma.masked_array(np.rint(X).astype(int), GAPS),
    ),
    "masked rows in a list": (HOLED, lambda: list(np.ma.masked_array(np.where(GAPS, 1e6, X), GAPS))),
    "masked text": (HOLED, lambda: np.ma.masked_array(np.where(GAPS, "1e6", X.astype(str)), GAPS)),
    "pandas' NA": (HOLED, lambda: np.where(GAPS, pd.NA, X.astype(object))),
    "text of any length": (X, lambda: np.array(X.astype(str).tolist(), np.dtypes.StringDType())),
    "a tensor with a gradient": (X, lambda: tensor(X)),
    "durations": (np.rint(X), lambda: np.rint(X).astype("m8[s]")),
    "decimals": (X, lambda: np.array([[Decimal(str(a)), Decimal(str(b))] for a, b in X])),
    "Fortran's order": (X, lambda: np.asfortranarray(X)),
}


@pytest.mark.parametrize("door", [pyod_scores, core_scores])
@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_of_any_kind_is_read_as_its_numbers(kind, door):
    plain, make = ARRAYS[kind]
    np.testing.assert_array_equal(door(make()), door(plain))


# -- frames: three doors must give what the plain frame gives -------------------------------------

INTEGERS = pd.array([None if gap else int(b * 100) for b, gap in zip(B, GAPS[:, 1], strict=True)], "Int64")
FLAGS = pd.array([None if gap else bool(b > 0) for b, gap in zip(B, GAPS[:, 1], strict=True)], "boolean")
SECONDS = np.where(GAPS[:, 1], np.nan, np.rint(B))
DURATIONS = [None if s != s else dt.timedelta(seconds=s) for s in SECONDS.tolist()]
NUMPY_DURATIONS = [np.timedelta64("NaT", "s") if s != s else np.timedelta64(int(s), "s") for s in SECONDS]
ARROW_DURATION = pd.ArrowDtype(pa.duration("us"))

FRAMES = {
    "Int64 with NA": (INTEGERS.to_numpy(float, na_value=np.nan), lambda: frame(b=INTEGERS)),
    "boolean with NA": (FLAGS.to_numpy(float, na_value=np.nan), lambda: frame(b=FLAGS)),
    "Float64": (B, lambda: frame(b=B).astype("Float64")),
    "sparse": (B, lambda: frame(b=pd.arrays.SparseArray(B))),
    "sparse with a fill": (
        np.maximum(B, 0),
        lambda: frame(b=pd.arrays.SparseArray(np.maximum(B, 0), fill_value=0.0)),
    ),
    "objects that are numbers": (B, lambda: frame(b=B).astype(object)),
    "Decimal": (B, lambda: frame(b=[Decimal(str(b)) for b in B])),
    "Fraction": (np.rint(B), lambda: frame(b=[Fraction(int(b)) for b in np.rint(B)])),
    "text numbers": (B, lambda: frame(b=B.astype(str))),
    "text numbers with NA": (HOLED[:, 1], lambda: frame(b=np.where(GAPS[:, 1], "NA", B.astype(str)))),
    "a category of numbers": (np.rint(B), lambda: frame(b=pd.Categorical(np.rint(B).astype(int)))),
    "timedelta": (SECONDS, lambda: frame(b=pd.Series(DURATIONS, dtype="timedelta64[ns]"))),
    "objects that are timedeltas": (SECONDS, lambda: frame(b=pd.Series(DURATIONS, dtype=object))),
    "objects that are NumPy's durations": (
        SECONDS,
        lambda: frame(b=pd.Series(NUMPY_DURATIONS, dtype=object)),
    ),
    "Arrow's durations inside": (SECONDS, lambda: frame(b=pd.Series(DURATIONS).astype(ARROW_DURATION))),
    "objects with NA": (HOLED[:, 1], lambda: frame(b=np.where(GAPS[:, 1], pd.NA, B.astype(object)))),
    "float32 that is exact": (np.rint(B), lambda: frame(b=np.rint(B).astype(np.float32))),
    "pyarrow inside": (B, lambda: frame(b=B).convert_dtypes(dtype_backend="pyarrow")),
    "polars Decimal": (B, lambda: pl.DataFrame({"a": A, "b": [Decimal(str(b)) for b in B]})),
    "polars durations": (SECONDS, lambda: pl.DataFrame({"a": A, "b": DURATIONS})),
    "polars text": (B, lambda: pl.DataFrame({"a": A, "b": B.astype(str)})),
    "polars without a type": (np.full(N, np.nan), lambda: pl.DataFrame({"a": A, "b": [None] * N})),
    "pyarrow durations": (SECONDS, lambda: pa.table({"a": A, "b": pa.array(DURATIONS)})),
    "pyarrow's integers": (np.rint(B), lambda: pa.table({"a": A, "b": np.rint(B).astype(int)})),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frames_column_of_any_kind_is_read_as_its_numbers(kind):
    numbers, make = FRAMES[kind]
    plain = frame(b=numbers)
    np.testing.assert_array_equal(core_scores(make()), core_scores(plain))
    np.testing.assert_allclose(pyod_scores(make()), pyod_scores(plain), rtol=1e-12)
    scores, model = stream_scores(make())
    np.testing.assert_array_equal(scores, stream_scores(plain)[0])
    assert model.n_unusable == 0


MIXED = {
    "a category": lambda: frame(c=pd.Categorical(WORD)),
    "polars Enum": lambda: pl.DataFrame({"a": A, "c": pl.Series(WORD, dtype=pl.Enum(["on", "off"]))}),
    "polars Categorical": lambda: pl.DataFrame({"a": A, "c": pl.Series(WORD, dtype=pl.Categorical)}),
    "pyarrow's dictionary": lambda: pa.table({"a": A, "c": pa.array(WORD.tolist()).dictionary_encode()}),
    "string": lambda: frame(c=pd.array(WORD, "string")),
    "objects": lambda: frame(c=pd.Series(WORD, dtype=object)),
}


@pytest.mark.parametrize("kind", MIXED)
def test_a_frames_texts_are_the_same_in_any_type(kind):
    plain = frame(c=WORD)
    np.testing.assert_array_equal(pyod_scores(MIXED[kind]()), pyod_scores(plain))
    np.testing.assert_array_equal(stream_scores(MIXED[kind]())[0], stream_scores(plain)[0])


TIMES = {
    "text": lambda: frame(t=HOURS.strftime("%Y-%m-%d %H:%M")),
    "text with a zone": lambda: frame(t=HOURS.strftime("%Y-%m-%dT%H:%M+02:00")),
    "a zone": lambda: frame(t=HOURS.tz_localize("Asia/Tokyo")),
    "period": lambda: frame(t=HOURS.to_period("h")),
    "objects": lambda: frame(t=pd.Series(list(HOURS.to_pydatetime()), dtype=object)),
    "NumPy's in objects": lambda: frame(t=pd.Series(list(HOURS.to_numpy()), dtype=object)),
    "Arrow's inside": lambda: frame(t=pd.Series(HOURS).astype(pd.ArrowDtype(pa.timestamp("us")))),
    "polars": lambda: pl.DataFrame({"a": A, "t": list(HOURS.to_pydatetime())}),
    "pyarrow": lambda: pa.table({"a": A, "t": pa.array(list(HOURS.to_pydatetime()))}),
}


@pytest.mark.parametrize("kind", TIMES)
def test_a_frames_times_are_the_same_in_any_type(kind):
    plain = frame(t=HOURS)
    np.testing.assert_array_equal(pyod_scores(TIMES[kind]()), pyod_scores(plain))
    np.testing.assert_array_equal(stream_scores(TIMES[kind]())[0], stream_scores(plain)[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.DataFrame({"a": A, "t": [dt.time(i % 24) for i in range(N)]}),
        lambda: frame(t=pd.Series([dt.time(i % 24) for i in range(N)], dtype=object)),
        lambda: pa.table({"a": A, "t": pa.array([dt.time(i % 24) for i in range(N)])}),
    ],
    ids=["polars", "pandas", "pyarrow"],
)
def test_a_time_without_a_date_is_the_hour_of_the_day(make):
    clf = PyodIoTAE(random_state=0, epoch_num=1).fit(make())
    assert clf.encoder_.feature_sources == ["a", "t", "t"]
    assert stream_scores(make())[1]._features.names == ["a", "t"]


# -- names of columns ------------------------------------------------------------------------------

NAMES = {
    "numbers beside a text column": [0, 1],
    "tuples": pd.MultiIndex.from_tuples([("s", "a"), ("s", "b")]),
    "none": [None, "b"],
    "times": list(HOURS[:2]),
}


@pytest.mark.parametrize("kind", NAMES)
def test_columns_may_be_called_anything_that_differs_as_text(kind):
    plain = frame(c=WORD)
    named = plain.copy()
    named.columns = NAMES[kind]
    clf = PyodIoTAE(random_state=0, epoch_num=1).fit(named)
    np.testing.assert_allclose(clf.decision_function(named), clf.decision_scores_)
    assert clf.explain(named).columns.equals(named.columns)
    with pytest.raises(ValueError, match="feature names"):
        clf.decision_function(plain)


# -- what is refused, with what was got and what to do ---------------------------------------------

LISTS = [[1, 2]] * N

REFUSED = {
    "names twice": (lambda: pd.DataFrame(X, columns=["a", "a"]), "column 'a' more than once.*rename"),
    "Arrow's names twice": (
        lambda: pa.Table.from_arrays([pa.array(A), pa.array(B)], names=["a", "a"]),
        "column 'a' more than once.*rename",
    ),
    "a list in a column": (lambda: frame(c=pd.Series(LISTS, dtype=object)), r"'c' of type Object \(list\)"),
    "bytes in a column": (lambda: frame(c=pd.Series([b"x"] * N, dtype=object)), r"'c' of type Object \(byt"),
    "names of two levels twice": (
        lambda: pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("s", "a"), ("s", "a")])),
        r"column \('s', 'a'\) more than once",
    ),
    "no columns": (lambda: pd.DataFrame(index=range(5)), "at least one"),
    "polars Array": (
        lambda: pl.DataFrame({"a": A, "c": pl.Series([[1.0, 2.0]] * N, dtype=pl.Array(pl.Float64, 2))}),
        "'c' of type Array",
    ),
    "Arrow's maps": (
        lambda: pa.table({"a": A, "c": pa.array([[("k", 1)]] * N, pa.map_(pa.string(), pa.int64()))}),
        "'c' of type Map",
    ),
    "polars List": (lambda: pl.DataFrame({"a": A, "c": LISTS}), r"'c' of type List\(Int64\)"),
    "polars Struct": (lambda: pl.DataFrame({"a": A, "c": [{"u": 1}] * N}), r"'c' of type Struct"),
    "polars Binary": (lambda: pl.DataFrame({"a": A, "c": [b"x"] * N}), "'c' of type Binary"),
    "Arrow's lists": (lambda: pa.table({"a": A, "c": LISTS}), r"'c' of type List\(Int64\)"),
    "intervals": (lambda: frame(c=pd.interval_range(0, N)), "'c' of type"),
    "complex columns": (lambda: frame(c=A + 1j * B), "'c' of type"),
    "a lazy frame": (lambda: pl.LazyFrame({"a": A}), r"pass X\.collect\(\)"),
    "a structured array": (structured, r"with names.*pass pandas\.DataFrame"),
    "a record array": (lambda: structured().view(np.recarray), r"with names.*pass pandas\.DataFrame"),
    "a dict of columns": (lambda: {"a": A, "b": B}, r"with names.*pass pandas\.DataFrame"),
    "a list of dicts": (lambda: frame(b=B).to_dict("records"), r"with names.*pass pandas\.DataFrame"),
    "rows of two lengths": (lambda: [[1.0], [1.0, 2.0]], "rows of 1, 2 cells.*fill up"),
    "an array of times": (lambda: np.array([["2026-01-01"]] * N, "M8[s]"), r"datetime64\[s\].*data frame"),
    "a sparse matrix": (lambda: scipy.sparse.csr_matrix(X), r"dense.*toarray\(\)"),
    "a sparse array": (lambda: scipy.sparse.coo_array(X), r"dense.*toarray\(\)"),
    "complex numbers": (lambda: X.astype(complex), "[Cc]omplex"),
    "text that is no number": (lambda: np.full((N, 2), "warm"), "warm.*encode"),
    "one number as text that is none": (lambda: [["1.0", "2.0"], ["1,5", "2.0"]], "1,5.*encode"),
}


@pytest.mark.parametrize("door", [pyod_scores, core_scores])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_table_can_use_is_refused_in_plain_words(kind, door):
    make, words = REFUSED[kind]
    with pytest.raises((TypeError, ValueError), match=f"(?s){words}"):
        door(make())


def test_two_names_that_are_one_as_text_are_refused_or_told_apart():
    with pytest.raises(ValueError, match="'1'"):
        pyod_scores(pd.DataFrame({1: A, "1": WORD}))
    table = Table.from_frame(pd.DataFrame({1: A, "1": WORD}))
    assert table.names == ["1", "1.1"]
    assert any("1.1" in note for note in table.notation.notes)


# -- a stream's rows: cell for cell ----------------------------------------------------------------

CELLS = {
    "text": (20.1, "20.1"),
    "text with blanks": (20.1, " 20.1 "),
    "an exponent": (1500.0, "1.5e3"),
    "a negative": (-3.0, "-3"),
    "a word": (1.0, "true"),
    "a flag": (1.0, True),
    "NumPy's text": (20.1, np.str_("20.1")),
    "Decimal": (20.1, Decimal("20.1")),
    "Fraction": (0.5, Fraction(1, 2)),
    "float32": (0.5, np.float32(0.5)),
    "an array without dimensions": (20.1, np.array(20.1)),
    "a timedelta": (90.0, dt.timedelta(minutes=1.5)),
    "pandas' Timedelta": (90.0, pd.Timedelta("90s")),
    "NumPy's duration": (90.0, np.timedelta64(90, "s")),
    "an empty text": (None, ""),
    "blanks": (None, "  "),
    "NA as text": (None, "NA"),
    "null as text": (None, "null"),
    "a question mark": (None, "?"),
    "nan as text": (None, "nan"),
    "NaN": (None, float("nan")),
    "pandas' NA": (None, pd.NA),
    "pandas' NaT": (None, pd.NaT),
    "a masked element": (None, np.ma.masked),
    "no duration": (None, np.timedelta64("NaT")),
}


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_of_a_row_is_read_as_its_number(kind):
    number, cell = CELLS[kind]
    read, plain = RiverIoTAE(seed=0), RiverIoTAE(seed=0)
    for a, b in X[:60]:
        read.learn_one({"a": a, "b": b})
        plain.learn_one({"a": a, "b": b})
    row, same = {"a": 0.5, "b": cell}, {"a": 0.5, "b": number}
    assert read.score_one(row) == plain.score_one(same)
    assert read.score_learn_one(row) == plain.score_learn_one(same)
    assert read.n_unusable == 0
    assert read._model.to_state()["features"]["n_rows"] == 61


@pytest.mark.parametrize(
    "cell",
    [
        "warm",
        "1_000",
        "inf",
        b"20.1",
        float("inf"),
        [1.0],
        {"u": 1.0},
        object(),
        1j,
        dt.date(2026, 1, 1),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_a_stream_cannot_use_is_counted(cell, known):
    model = RiverIoTAE(seed=0)
    for a, b in X[:30]:
        model.learn_one({"a": a, "b": b} if known else {"a": a})
    model.learn_one({"a": 0.5, "b": cell})
    text = isinstance(cell, str)
    # text in a feature that is new is a category's value
    assert model.n_unusable == (known or not text)


def test_rows_of_a_csv_file_score_as_their_numbers_do(tmp_path):
    path = tmp_path / "rows.csv"
    table = frame(b=HOLED[:, 1], c=WORD, t=HOURS)
    table.to_csv(path, index=False)
    numbers = [
        {"a": a, "b": b, "c": c, "t": t.to_pydatetime()}
        for a, b, c, t in table.itertuples(index=False, name=None)
    ]
    texts = [x for x, _ in stream.iter_csv(path)]
    assert texts[0]["a"] == str(A[0])
    expected, _ = river_scores(numbers)
    from_texts, model = river_scores(texts)
    np.testing.assert_array_equal(from_texts, expected)
    assert model.n_unusable == 0
    by_command, _ = river_scores(row_dicts(Table({name: [x[name] for x in texts] for name in "abct"})))
    np.testing.assert_array_equal(by_command, expected)
    np.testing.assert_array_equal(stream_scores(table)[0], expected)


@pytest.mark.parametrize("kind", [VectorDict, pd.Series])
def test_a_row_may_be_anything_with_keys_and_items(kind):
    rows = [{"a": a, "b": b} for a, b in X[:80]]
    other = [kind(x) for x in rows]
    expected, plain = river_scores(rows)
    np.testing.assert_array_equal(river_scores(other)[0], expected)
    model = RiverIoTAE(seed=0)
    model.learn_many(other)
    assert model.explain_one(other[0]) == plain.explain_one(rows[0])


def test_the_mask_of_a_streams_matrix_is_kept():
    masked = np.ma.masked_array(np.where(GAPS, 1e6, X), GAPS)
    scores = OnlineAutoencoder(seed=0).score_learn_many(masked, ["a", "b"]).scores
    np.testing.assert_array_equal(
        scores, OnlineAutoencoder(seed=0).score_learn_many(HOLED, ["a", "b"]).scores
    )


# -- rows without a usable cell --------------------------------------------------------------------

EMPTY = [
    {},
    {"a": None, "b": float("nan")},
    {"a": "", "b": "NA"},
    {"new": 1.0},
    {"a": float("inf")},
    {"a": [1]},
]


@pytest.mark.parametrize("row", EMPTY, ids=repr)
def test_a_row_without_a_usable_cell_is_as_anomalous_as_it_is_rare(row):
    model = RiverIoTAE(seed=0, alpha=0.02)
    assert model.score_one(row) == 0.0
    for a, b in np.tile(X, (3, 1)):
        model.learn_one({"a": a, "b": b})
    score = model.score_one(row)
    assert model.classify(score)
    assert 0.0 < score < 1.0
    assert model.p_value(score) == pytest.approx(1 / (1 + len(model._model._threshold._window)))
    assert sum(model.explain_one(row).values()) == pytest.approx(score)
    assert model.score_many([row])[0] == score
    judged = model.score_learn_one(row)
    assert judged == (score, True)
    if "new" not in row:
        for _ in range(100):
            model.learn_one(row)
        assert not model.classify(model.score_one(row))


@pytest.mark.parametrize("first", [{"a": 1.0, "b": 2.0}, {"a": "1", "b": "on"}, {}, {"b": None}], ids=repr)
def test_the_first_row_and_rows_of_new_features_score_alike_in_one_call_and_in_two(first):
    model, other = RiverIoTAE(seed=0), RiverIoTAE(seed=0)
    rows = [
        first,
        *({"a": a} for a in A[:30]),
        {"z": 1.0},
        *([{"z": 1.0, "t": HOURS[0]}] * 12),
        {"t": HOURS[1]},
    ]
    for x in rows:
        score = model.score_one(x)
        model.learn_one(x)
        assert other.score_learn_one(x)[0] == score
    assert other._model.n_seen == model._model.n_seen


def test_many_empty_rows_in_a_frame_score_as_one_by_one():
    table = frame(b=B)
    table.iloc[::9] = np.nan
    judged, model = stream_scores(table)
    one_by_one, other = river_scores(table.to_dict("records"))
    np.testing.assert_array_equal(judged, one_by_one)
    assert model.n_rejected == other.n_rejected == len(table.iloc[::9])
    np.testing.assert_array_equal(
        model.score_many(table), [other.score_one(x) for x in table.to_dict("records")]
    )
