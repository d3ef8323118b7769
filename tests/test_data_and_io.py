"""Tables: what a cell, a column and a file mean, and that nothing is lost on the way back."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.cli.rows import row_dicts
from iotae.data import Table, TableError
from iotae.data.columns import parse_numbers, parse_times
from iotae.data.evidence import evidence_of
from iotae.data.labels import find_normal_value, read_labels
from iotae.data.notation import decide
from iotae.io.files import iter_table, read_table
from iotae.io.writer import TableWriter, write_table


def cells(*texts: str) -> np.ndarray:
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


@pytest.fixture
def stdin(monkeypatch):
    def feed(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return feed


# -- cells -------------------------------------------------------------------------------------


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15)))
def test_every_written_number_is_read_back_exactly(values):
    numbers, unreadable = parse_numbers(cells(*map(repr, values)))
    assert unreadable == 0
    np.testing.assert_array_equal(numbers, np.array(values, dtype=float))


@pytest.mark.parametrize("missing", ["", " ", "NA", "n/a", "NaN", "null", "None", "?", "-", "<NA>"])
def test_words_for_missing_are_missing_numbers(missing):
    numbers, unreadable = parse_numbers(cells("1", missing))
    assert np.isnan(numbers[1])
    assert unreadable == 0


@pytest.mark.parametrize("text", ["warm", "1_000", "inf", "-Infinity", "12 V"])
def test_text_that_is_no_finite_number_is_counted(text):
    numbers, unreadable = parse_numbers(cells("1", text, text))
    assert np.isnan(numbers[1:]).all()
    assert unreadable == 2


def test_booleans_are_zero_and_one():
    assert parse_numbers(cells("True", "false", "TRUE"))[0].tolist() == [1.0, 0.0, 1.0]


@given(st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2200, 1, 1)))
def test_iso_times_are_read_back_exactly(moment):
    times, unreadable = parse_times(cells(moment.isoformat(), str(moment), moment.isoformat() + "+05:30"))
    assert unreadable == 0
    assert set(times.tolist()) == {moment}


@pytest.mark.parametrize("text", ["2026-13-01", "2026-W01", "noon", "5"])
def test_what_is_no_time_is_counted(text):
    times, unreadable = parse_times(cells(text))
    assert np.isnat(times[0])
    assert unreadable == 1


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2", ""], "numeric"),
        (["1"] * 9 + ["x"], "numeric"),
        (["1"] * 8 + ["x", "y"], "category"),
        (["2026-01-31 10:00", ""], "time"),
        (["1700000000", "1700000060"], "numeric"),
        (["", ""], "numeric"),
        (["tcp", "udp"], "category"),
    ],
)
def test_kind_of_a_column(texts, kind):
    assert decide(evidence_of(cells(*texts))).kind == kind


@given(st.lists(st.sampled_from(["1", "x", "", "2026-01-31", "nan", "2.5"]), max_size=30), st.integers(0, 30))
def test_counts_of_chunks_add_up_to_those_of_the_whole(texts, cut):
    whole = evidence_of(cells(*texts))
    parts = evidence_of(cells(*texts[:cut]))
    parts.add(evidence_of(cells(*texts[cut:])))
    assert (parts.present, parts.point, parts.comma) == (whole.present, whole.point, whole.comma)


# -- frames ------------------------------------------------------------------------------------

FRAME = {
    "watts": [1.5, None, 3.0],
    "on": [True, None, False],
    "state": ["a", None, "b"],
    "at": [dt.datetime(2026, 1, 31, 3), None, dt.datetime(2026, 1, 31, 4)],
    "codes": [1, 2, 3],
}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_of_all_libraries_mean_the_same(make):
    table = Table.from_frame(make(FRAME))
    assert [table.kind(name) for name in table.names] == ["numeric", "numeric", "category", "time", "numeric"]
    np.testing.assert_array_equal(table.numbers("watts")[0], [1.5, np.nan, 3.0])
    np.testing.assert_array_equal(table.numbers("on")[0], [1.0, np.nan, 0.0])
    assert table.texts("state").tolist() == ["a", "", "b"]
    assert table.texts("codes").tolist() == ["1", "2", "3"]
    assert table.times("at")[0].tolist() == [FRAME["at"][0], None, FRAME["at"][2]]


def test_pandas_categories_and_extension_types():
    frame = pd.DataFrame({"c": pd.Categorical(["x", None]), "i": pd.array([1, None], dtype="Int64")})
    table = Table.from_frame(frame)
    assert table.texts("c").tolist() == ["x", ""]
    np.testing.assert_array_equal(table.numbers("i")[0], [1.0, np.nan])


@pytest.mark.parametrize("dtype", ["string", "object", "str"])
@pytest.mark.parametrize("gap", [None, pd.NA, np.nan])
def test_gaps_in_pandas_text_are_missing(dtype, gap):
    table = Table.from_frame(pd.DataFrame({"s": pd.Series(["x", gap], dtype=dtype)}))
    assert table.texts("s").tolist() == ["x", ""]


def test_zones_are_dropped_not_converted():
    zone = dt.timezone(dt.timedelta(hours=5))
    table = Table.from_frame(pd.DataFrame({"at": [dt.datetime(2026, 1, 31, 3, tzinfo=zone)]}))
    assert table.times("at")[0].tolist() == [dt.datetime(2026, 1, 31, 3)]


def test_nested_columns_are_set_aside_by_name():
    table = Table.from_frame(pa.table({"a": [1.0], "l": [[1, 2]]}))
    assert table.names == ["a"]
    assert list(table.unsupported) == ["l"]


@pytest.mark.parametrize("thing", [np.zeros((2, 2)), [[1]], "a.csv", pl.LazyFrame({"a": [1]})])
def test_what_is_no_frame_is_refused(thing):
    with pytest.raises(TableError, match="expected a pandas, polars or pyarrow data frame"):
        Table.from_frame(thing)


def test_unknown_column_is_named_with_those_there_are():
    with pytest.raises(TableError, match="no column 'x': the table has a, b"):
        Table({"a": [1.0], "b": [2.0]}).array("x")


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(TableError, match="equal lengths"):
        Table({"a": [1.0], "b": [1.0, 2.0]})


def test_take_and_without():
    table = Table({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert table.take(np.array([False, True])).texts("b").tolist() == ["y"]
    assert table.without(["a", "never"]).names == ["b"]


# -- files in ----------------------------------------------------------------------------------

text_cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(text_cell, text_cell), max_size=12),
    chunk=st.integers(1, 5),
    live=st.booleans(),
)
def test_csv_comes_back_as_it_was_written(tmp_path_factory, rows, chunk, live):
    folder = tmp_path_factory.mktemp("csv")
    with open(folder / "in.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("left", "right"), *rows])
    with TableWriter(folder / "out.csv") as writer:
        for part in iter_table(folder / "in.csv", chunk, live=live):
            writer.write(part)
    with open(folder / "out.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["left", "right"], *map(list, rows)]


def test_a_column_that_turns_to_text_late_is_a_category_from_the_start(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("code\n" + "\n".join(["007", "1.0", "2", "3", "a", "b", "c", "d", "e"]))
    assert read_table(path, chunk_rows=4).texts("code").tolist() == [
        "007",
        "1.0",
        "2",
        "3",
        "a",
        "b",
        "c",
        "d",
        "e",
    ]


def test_the_kind_of_a_column_does_not_hang_on_the_chunks(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x\n" + "\n".join(["bad", *map(str, range(19))]))
    whole = read_table(path)
    cut = read_table(path, chunk_rows=1)
    assert whole.kind("x") == cut.kind("x") == "numeric"
    np.testing.assert_array_equal(whole.array("x"), cut.array("x"))


def test_gzip_bom_semicolons_blank_lines_and_crlf(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfa;b\r\n1;x\r\n\r\n2;y\r\n"))
    table = read_table(path)
    assert table.names == ["a", "b"]
    assert table.numbers("a")[0].tolist() == [1.0, 2.0]
    assert table.texts("b").tolist() == ["x", "y"]


def test_quoted_cells_may_hold_line_breaks(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"x\ny",1\n')
    assert read_table(path).texts("a").tolist() == ["x\ny"]


def test_bytes_that_are_no_utf8_pass_through_unchanged(tmp_path):
    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_bytes(b"a\nT\xfcr\n")
    write_table(target, next(iter_table(source)))
    assert target.read_bytes() == source.read_bytes()


def test_parquet_keeps_its_types_chunk_by_chunk(tmp_path):
    arrow = pa.table(
        {"i": [1, None, 3], "t": pa.array(FRAME["at"]), "l": [[1], [], None], "s": ["", None, "x"]}
    )
    pq.write_table(arrow, tmp_path / "a.parquet")
    with TableWriter(tmp_path / "b.parquet") as writer:
        for chunk in iter_table(tmp_path / "a.parquet", 2):
            writer.write(chunk, {"score": np.zeros(chunk.n_rows)})
    back = pq.read_table(tmp_path / "b.parquet")
    assert back.drop_columns(["score"]).equals(arrow)


def test_parquet_to_csv_and_csv_to_parquet(tmp_path):
    pq.write_table(pa.table({"i": [1, None], "s": ["007", "x"]}), tmp_path / "a.parquet")
    write_table(tmp_path / "a.csv", read_table(tmp_path / "a.parquet"))
    assert (tmp_path / "a.csv").read_text() == "i,s\n1,007\n,x\n"
    write_table(tmp_path / "b.parquet", next(iter_table(tmp_path / "a.csv")))
    assert pq.read_table(tmp_path / "b.parquet").to_pydict() == {"i": ["1", ""], "s": ["007", "x"]}


def test_standard_input_is_read_whole_and_in_chunks(stdin):
    stdin("a,b\n1,x\n2,y\n")
    assert read_table("-").numbers("a")[0].tolist() == [1.0, 2.0]
    stdin("a,b\n1,x\n2,y\n")
    assert [chunk.n_rows for chunk in iter_table("-", 1)] == [1, 1]


def test_live_input_hands_over_what_has_arrived(monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as feed:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        feed.write(b"a\n1\n2\n3")
        chunks = iter_table("-", 100, live=True)
        assert next(chunks).texts("a").tolist() == ["1", "2"]
        feed.write(b"4\n")
        assert next(chunks).texts("a").tolist() == ["34"]


def test_a_file_with_a_header_only_has_no_rows_but_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n")
    (chunk,) = iter_table(path)
    assert (chunk.names, chunk.n_rows) == (["a", "b"], 0)


def test_uneven_rows_are_an_error_that_names_the_row_or_are_mended(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n")
    with pytest.raises(TableError, match=r"Got 1 cells in row 2 of .*a.csv \('3'\), but expected 2"):
        list(iter_table(path))
    (chunk,) = iter_table(path, ragged="pad")
    assert [chunk.texts(name).tolist() for name in "ab"] == [["1", "3", "4"], ["2", "", "5"]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is|empty"),
        ("a.csv", b"\n\n", "empty"),
        ("a.csv", b"1,2\n3,4\n", "numbers in its first line"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "no UTF-8 text"),
        ("a.csv", b"PAR1....", "no UTF-8 text"),
        ("a.csv.gz", b"a,b\n1,2\n", "Cannot unpack"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-12], "Cannot unpack"),
        ("a.parquet", b"a,b\n1,2\n", "as Parquet"),
        ("a.xlsx", b"", "expected .csv, .csv.gz, .jsonl or .parquet"),
        ("a.csv.bz2", b"BZh", "unpack it first"),
        ("a.csv", b"a,b\nx\ry,1\n", "as CSV"),
    ],
)
def test_files_that_cannot_be_read_say_why_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=message) as caught:
        read_table(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(TableError, match="There is no file"):
        read_table(tmp_path / name)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(TableError, match="Cannot read"):
        read_table(tmp_path)


def test_columns_asked_for(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    assert read_table(path, columns=["b"]).names == ["b"]
    with pytest.raises(TableError, match="no column 'c'"):
        read_table(path, columns=["c"])


# -- files out ---------------------------------------------------------------------------------


def test_nothing_is_left_behind_when_writing_fails(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("earlier")

    def fail():
        with TableWriter(target) as writer:
            writer.write(Table({"a": [1.0]}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.csv", "earlier")]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_a_file_may_be_replaced_by_its_own_scores(tmp_path, name):
    path = tmp_path / name
    write_table(path, Table({"a": [1.0, 2.0]}))
    with TableWriter(path) as writer:
        for chunk in iter_table(path, 1):
            writer.write(chunk, {"b": chunk.numbers("a")[0] * 10})
    assert read_table(path).numbers("b")[0].tolist() == [10.0, 20.0]
    assert [other.name for other in tmp_path.iterdir()] == [name]


def test_an_added_column_never_hides_one_that_is_there(tmp_path):
    with (
        pytest.raises(TableError, match="'score' in the input already"),
        TableWriter(tmp_path / "a.csv") as writer,
    ):
        writer.write(Table({"score": [1.0]}), {"score": np.zeros(1)})


def test_a_folder_that_is_not_there_is_said_before_any_work(tmp_path):
    with pytest.raises(TableError, match="there is no folder"):
        TableWriter(tmp_path / "none" / "a.csv")


def test_times_and_missing_numbers_in_csv(tmp_path):
    table = Table({"at": np.array(["2026-01-31T10:00", "NaT"], dtype="M8[us]"), "x": [np.nan, 1.0]})
    write_table(tmp_path / "a.csv", table)
    assert (tmp_path / "a.csv").read_text() == "at,x\n2026-01-31T10:00:00.000000,\n,1.0\n"


def test_a_name_with_a_carriage_return_is_one_cell_of_the_header(tmp_path):
    write_table(tmp_path / "a.csv", Table({"mo\re": [1.0], "on": [2.0]}))
    with open(tmp_path / "a.csv", newline="") as file:
        assert list(csv.reader(file)) == [["mo\re", "on"], ["1.0", "2.0"]]


# -- labels and rows ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "truth"),
    [
        ([0, 1, 0], [False, True, False]),
        (["0", "1", "1.0"], [False, True, True]),
        (["True", "False", "False"], [True, False, False]),
        (["normal", "neptune", " normal "], [False, True, False]),
        (["BENIGN", "DDoS", "Bot"], [False, True, True]),
        ([1, 1], [True, True]),
        ([0, 1, 2], [False, True, True]),
    ],
)
def test_labels_in_the_usual_words(values, truth):
    assert read_labels(Table({"y": values}), "y").tolist() == truth


@pytest.mark.parametrize(("value", "truth"), [("good", [False, True]), ("bad", [True, False])])
def test_the_normal_value_may_be_said(value, truth):
    assert read_labels(Table({"y": ["good", "bad"]}), "y", value).tolist() == truth


@pytest.mark.parametrize("value", ["False", "0", "0.0", " 0"])
def test_the_normal_value_of_numbers_may_be_written_in_any_way(value):
    assert read_labels(Table({"y": [False, True]}), "y", value).tolist() == [False, True]


@pytest.mark.parametrize("values", [["good", "bad"], ["normal", "benign"], [-1, 1], ["x"]])
def test_labels_that_cannot_be_told_apart_ask_for_the_option(values):
    with pytest.raises(TableError, match="--normal-value"):
        find_normal_value(Table({"y": values}), "y")


def test_rows_without_a_label_are_an_error():
    with pytest.raises(TableError, match="1 empty cells"):
        read_labels(Table({"y": ["normal", ""]}), "y")


def test_a_row_means_the_same_wherever_the_stream_is_cut():
    table = Table(
        {
            "at": cells("2026-01-31 06:00", "", "now"),
            "x": cells("1.5", "bad", "NA"),
            "mode": cells("eco", "", "max"),
            "y": cells("1", "0", "0"),
        }
    )

    def told(rows):
        return [
            {name: value for name, value in row.items() if value is not None and value == value}
            for row in rows
        ]

    whole = told(row_dicts(table, ["y"]))
    single = told(row for i in range(3) for row in row_dicts(table.take(np.array([i])), ["y"]))
    assert whole == single
    assert whole[0] == {"at": dt.datetime(2026, 1, 31, 6), "x": 1.5, "mode": "eco"}
    assert whole[1:] == [{"x": "bad"}, {"at": "now", "mode": "max"}]


def test_importing_tables_loads_no_reader():
    code = "import sys, iotae.io.files, iotae.io.writer; print({'pandas', 'pyarrow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_csv_files_need_no_pandas_pyarrow_or_sklearn(tmp_path, monkeypatch):
    for library in ("pandas", "pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, library, None)
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    assert read_table(path).n_rows == 1
    for call in (
        lambda: read_table(tmp_path / "a.parquet"),
        lambda: write_table("a.parquet", Table({"a": [1.0]})),
    ):
        with pytest.raises(TableError, match=r"pip install 'iotae\[tables\]'"):
            call()
    assert not Path("a.parquet").exists()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_drawn_from_a_file_are_the_same_however_it_is_cut(ending, tmp_path, rng):
    path = tmp_path / f"a.{ending}"
    late = np.where(np.arange(1000) < 500, "7", "x")
    write_table(path, Table({"n": np.arange(1000.0), "late": late, "x": rng.normal(size=1000)}))
    whole = read_table(path)
    drawn = []
    for chunk_rows in (65_536, 77, 400):
        drawn.append(read_table(path, most_rows=50, seed=4, chunk_rows=chunk_rows))
        every = read_table(path, most_rows=1000, chunk_rows=chunk_rows)
        for name in whole.names:
            np.testing.assert_array_equal(every.array(name), whole.array(name))
    numbers = drawn[0].numbers("n")[0].astype(int)
    assert len(set(numbers)) == 50
    assert (np.diff(numbers) > 0).all()
    for table in drawn:
        for name in whole.names:
            np.testing.assert_array_equal(table.texts(name), whole.texts(name)[numbers])
    assert read_table(path, most_rows=50, seed=5).numbers("n")[0].tolist() != numbers.tolist()


def test_a_file_is_not_held_to_draw_rows_from_it(tmp_path, rng):
    path = tmp_path / "a.parquet"
    columns = {f"x{j}": rng.normal(size=1_000_000) for j in range(8)}
    pq.write_table(pa.table(columns), path, row_group_size=50_000)
    program = (
        "import sys, tracemalloc, pyarrow as pa; from iotae.io.files import read_table; "
        "read_table(sys.argv[1], most_rows=10); tracemalloc.start(); "
        "print(read_table(sys.argv[1], most_rows=1000).n_rows, tracemalloc.get_traced_memory()[1], "
        "pa.default_memory_pool().max_memory())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    n_rows, ours, arrows = map(int, done.stdout.split())
    assert n_rows == 1000
    # the file has 64 MB, a chunk 4
    assert ours < 12e6
    assert arrows < 35e6


@pytest.mark.parametrize(
    ("torn", "expected"),
    [
        ('3,"x\n', ["3", '"x']),
        ("3,4\rx\n", ["3", "4 x"]),
        ('3,"two\nlines"\n', ["3", "two\nlines"]),
        ('3,5" pipe\n', ["3", '5" pipe']),
        ('3,"say ""so"""\n', ["3", 'say "so"']),
    ],
)
def test_a_torn_row_of_a_stream_costs_no_other(tmp_path, torn, expected):
    path = tmp_path / "a.csv"
    path.write_bytes(("a,b\n1,2\n" + torn + "5,6\n" * 250).encode())
    (table,) = iter_table(str(path), 4096, ragged="pad")
    assert table.n_rows == 252
    assert [table.array("a")[1], table.array("b")[1]] == expected
    assert list(table.array("b")[2:]) == ["6"] * 250


# -- wide files --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_chunks_of_a_wide_file_are_bounded_by_cells_and_a_sample_is_the_same(tmp_path, monkeypatch, name):
    texts = ["caf\udce9", '=1,"2"', "", "\t"] if name == "a.csv" else ["a", "b", "", "c"]
    table = Table(
        {"i": np.arange(500.0), "t": [texts[i % 4] for i in range(500)]}
        | {f"x{j}": np.arange(500.0) * j for j in range(8)}
    )
    write_table(tmp_path / name, table)
    path = tmp_path / name
    whole, drawn = read_table(path), read_table(path, most_rows=40, seed=1)
    monkeypatch.setattr("iotae.io.chunks.CHUNK_CELLS", 73)
    assert {chunk.n_rows for chunk in iter_table(path)} == {7, 3}
    assert max(chunk.n_rows for chunk in iter_table(path, 5)) == 5
    for before, most in ((whole, None), (drawn, 40)):
        now = read_table(path, most_rows=most, seed=1)
        assert now.n_rows == before.n_rows == (most or 500)
        for column in before.names:
            np.testing.assert_array_equal(now.array(column), before.array(column))


def test_one_row_is_read_at_a_time_where_it_has_more_cells_than_a_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("iotae.io.chunks.CHUNK_CELLS", 2)
    (tmp_path / "a.csv").write_text("a,b,c\n1,2,3\n4,5,6\n")
    assert [chunk.n_rows for chunk in iter_table(tmp_path / "a.csv")] == [1, 1]
    assert read_table(tmp_path / "a.csv", most_rows=1).n_rows == 1


def test_rows_drawn_from_a_file_without_rows(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n")
    table = read_table(tmp_path / "a.csv", most_rows=3)
    assert (table.names, table.n_rows) == (["a", "b"], 0)
