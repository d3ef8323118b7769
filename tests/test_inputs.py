"""The same readings in any notation and file mean the same at every door, or a line says why not.

Tables of inputs: what each is, how it is written, and the right outcome. What is read must give the scores of
the same numbers and times in a plain file, bit for bit, from the detector of tables and from the stream's.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.cli import main
from iotae.cli.rows import row_dicts
from iotae.data import Table, TableError
from iotae.io import InputFormat, iter_table, read_table
from iotae.pipeline import TableDetector
from iotae.preprocessing import Preprocessor
from iotae.preprocessing.column_choice import identifier_reason

N = 300
RNG = np.random.default_rng(0)
TIMES = [dt.datetime(2026, 1, 5) + i * dt.timedelta(minutes=10) for i in range(N)]
LOAD = RNG.normal(size=N)
POWER = np.round(1500 + 100 * LOAD, 1).tolist()
DELAY = np.round(20 + LOAD + 0.1 * RNG.normal(size=N), 2).tolist()
NAMES = ["at", "power", "delay"]


def iso(moment):
    return moment.isoformat(" ")


def written(time=iso, number=str, sep=",", names=NAMES, end="\n", before="", after="", quoted=False):
    """The readings as CSV, each part in a notation of its own."""
    cell = (lambda text: f'"{text}"') if quoted else str
    lines = [sep.join(names)]
    for at, *values in zip(TIMES, POWER, DELAY, strict=True):
        lines.append(sep.join(map(cell, (time(at), *map(number, values)))))
    return before + end.join(lines) + end + after


@pytest.fixture
def file(tmp_path):
    def write(content, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def table_scores(table):
    detector = TableDetector(autoencoder=BatchAutoencoder(seed=0, epochs=1), seed=0)
    return detector.fit(table).score(table)


def stream_scores(chunks):
    model = OnlineAutoencoder(seed=0)
    rows = [row for chunk in chunks for row in row_dicts(chunk)]
    return model.score_learn_many(rows).scores


def scores_of(path, form=None):
    """The scores of a file from both models: read whole, and row by row."""
    chunks = iter_table(path, 4096, ragged="pad", form=form)
    return np.concatenate([table_scores(read_table(path, form=form)), stream_scores(chunks)])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "plain.csv"
    path.write_text(written())
    return scores_of(str(path))


# -- times -------------------------------------------------------------------------------------


def epoch(scale, digits=0):
    return lambda at: f"{(at - dt.datetime(1970, 1, 1)).total_seconds() * scale:.{digits}f}"


def pattern(form):
    return lambda at: at.strftime(form)


PATTERNS = (
    """
%Y-%m-%dT%H:%M:%S|%Y-%m-%dT%H:%MZ|%Y-%m-%d %H:%M:%S.000|%Y-%m-%dT%H:%M:%S,000000|%Y-%m-%d %H:%M:%S+05:30
%Y-%m-%d %H:%M:%S +0530|%Y-%m-%d %H:%M:%S UTC|%Y/%m/%d %H:%M|%Y.%m.%d %H:%M:%S|%Y%m%dT%H%M%SZ|%Y%m%d%H%M%S
%Y%m%d %H%M|%Y%m%d%H%M|%Y-%m-%d_%H-%M-%S|%Y-%m-%d-%H.%M.%S.000000|%Y-%m-%d %I:%M %p
%d/%m/%Y %H:%M|%d/%m/%Y %I:%M:%S %p|%d/%m/%y %H:%M
%d.%m.%Y %H:%M|%d-%m-%Y %H:%M:%S|%d.%m.%y %H:%M|%d/%m/%YT%H:%M
%m/%d/%Y %H:%M|%m/%d/%Y %I:%M %p|%m/%d/%y %I:%M:%S %p|%m-%d-%Y %H:%M
%d %b %Y %H:%M|%d-%b-%Y %H:%M:%S|%d-%b-%y %I.%M.%S.000000 %p|%d/%b/%Y:%H:%M:%S +0000|%a %b %d %H:%M:%S %Y
%a, %d %b %Y %H:%M:%S GMT|%A, %d %B %Y %H:%M|%b %d %Y %I:%M%p|%d. %B %Y %H:%M|%Y-%b-%d %H:%M
""".strip()
    .replace("\n", "|")
    .split("|")
)


@pytest.mark.parametrize("form", PATTERNS)
def test_times_in_each_notation_give_the_same_scores(form, file, plain):
    path = file(written(time=pattern(form), quoted="," in form))
    np.testing.assert_array_equal(scores_of(path), plain)


@pytest.mark.parametrize(
    ("scale", "digits"), [(1, 0), (1, 3), (1e3, 0), (1e6, 0), (1e9, 0)], ids=["s", "s.ms", "ms", "us", "ns"]
)
@pytest.mark.parametrize("name", ["at", "timestamp_utc", "flowStartTime", "ts"])
def test_epochs_of_each_unit_give_the_same_scores(scale, digits, name, file):
    names = [name, "power", "delay"]
    as_iso = scores_of(file(written(names=names), "iso.csv"))
    np.testing.assert_array_equal(scores_of(file(written(time=epoch(scale, digits), names=names))), as_iso)


def test_epochs_under_a_name_that_says_nothing_are_times_where_they_go_on(file):
    names = ["x", "power", "delay"]
    found = table_scores(read_table(file(written(time=epoch(1), names=names))))
    np.testing.assert_array_equal(found, table_scores(read_table(file(written(names=names), "iso.csv"))))


@pytest.mark.parametrize("form", ["%M|%H|%d|%m|%Y", "day %d of %m in %Y at %H-%M"])
def test_a_time_in_a_notation_of_its_own_is_read_by_its_format(form, file, plain):
    path = file(written(time=pattern(form)))
    said = InputFormat(time=("at",), time_format=form)
    np.testing.assert_array_equal(scores_of(path, said), plain)


@pytest.mark.parametrize(
    ("dates", "month"),
    [
        (["01/02/2026 10:00", "13/02/2026 10:00"], 2),
        (["02/01/2026 10:00", "02/13/2026 10:00"], 2),
        (["01/02/2026 10:00", "02/02/2026 10:00", "05/02/2026 10:00"], 2),
        (["02/01/2026 10:00", "02/02/2026 10:00", "02/05/2026 10:00"], 2),
        (["02/03/2026 10:00 PM"], 2),
        (["03/02/2026 22:00"], 2),
    ],
)
def test_the_dates_tell_whether_the_day_comes_first(dates, month):
    times, unreadable = Table({"at": dates}).times("at")
    assert unreadable == 0
    assert {moment.month for moment in times.tolist()} == {month}


def test_the_order_of_the_fit_is_kept_where_a_later_file_leaves_it_open():
    days = [f"{day:02}/03/2026 {hour:02}:00" for day in range(1, 29) for hour in range(24)]
    steps = Preprocessor().fit(Table({"at": days}))
    alone = np.array(["04/05/2026 10:00", "04/06/2026 10:00"], dtype=object)
    as_iso = steps.transform(Table({"at": ["2026-05-04 10:00", "2026-06-04 10:00"]}))[0]
    np.testing.assert_array_equal(steps.transform(Table({"at": alone}))[0], as_iso)
    again = Preprocessor.from_state(steps.to_state())
    np.testing.assert_array_equal(again.transform(Table({"at": alone}))[0], as_iso)


# -- numbers -----------------------------------------------------------------------------------


def grouped(mark, decimal):
    return lambda x: f"{x:,}".replace(",", "g").replace(".", decimal).replace("g", mark)


def digits_of(zero):
    return lambda x: "".join(chr(ord(zero) + int(c)) if c.isdigit() else c for c in str(x))


NUMBERS = {
    "point": (str, ","),
    "comma": (lambda x: str(x).replace(".", ","), ";"),
    "comma, tabs": (lambda x: str(x).replace(".", ","), "\t"),
    "comma, bars": (lambda x: str(x).replace(".", ","), "|"),
    "1,234.5": (grouped(",", "."), ";"),
    "1.234,5": (grouped(".", ","), ";"),
    "1 234,5": (grouped(" ", ","), ";"),
    "1 234.5": (grouped(" ", "."), ","),
    "narrow blank": (grouped("\u202f", ","), ";"),
    "1'234.5": (grouped("'", "."), ","),
    "per cent": (lambda x: f"{x}%", ","),
    "comma, per cent": (lambda x: f"{x} %".replace(".", ","), ";"),
    "unit": (lambda x: f"{x} rH", ","),
    "degrees": (lambda x: f"{x} °C", ","),
    "unit at the number": (lambda x: f"{x}kWh", ","),
    "currency": (lambda x: f"${x}", ","),
    "plus": (lambda x: f"+{x}", ","),
    "power": (lambda x: f"{round(x * 100)}e-2", ","),
    "full width": (lambda x: digits_of("０")(x).replace(".", "．"), ","),
    "Arabic": (lambda x: digits_of("٠")(x).replace(".", "٫"), ","),
    "blanks": (lambda x: f"  {x} ", ","),
}


@pytest.mark.parametrize(("number", "sep"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_in_each_notation_give_the_same_scores(number, sep, file, plain):
    path = file(written(number=number, sep=sep))
    np.testing.assert_allclose(scores_of(path), plain, rtol=0 if number is str else 1e-9)


@pytest.mark.parametrize(("cells", "values"), [
    (["0x1F", "0xff", "0x10"], [31, 255, 16]),
    (["true", "False", "TRUE"], [1, 0, 1]),
    (["1 kB", "2 MB", "3 kB"], [1, 2000, 3]),
    (["3,125", "2,750", "1,5"], [3.125, 2.75, 1.5]),
    (["1,234", "2,345", "12,5.0"] + ["1,000"] * 20, [1234, 2345, None] + [1000] * 20),
    (["1.5", "NA", "?", "-", "null"], [1.5, None, None, None, None]),
])  # fmt: skip
def test_a_column_of_numbers_by_itself(cells, values):
    expected = np.array(values, dtype=float)
    np.testing.assert_array_equal(Table({"x": cells}).numbers("x")[0], expected)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("x;y\n3,125;45,2\n2,750;1,5\n", [3.125, 2.75]),
        ("x;y\n3,125;45.2\n2,750;1.5\n", [3125, 2750]),
        ("x;y\n3.125;45,2\n2.750;1,5\n", [3125, 2750]),
        ("x;y\n3,125;4\n2,750;1\n", [3.125, 2.75]),
        ('x,y\n"3,125",4\n"2,750",1\n', [3125, 2750]),
        ("x,y\n3.125,4\n2.750,1\n", [3.125, 2.75]),
    ],
)
def test_the_other_columns_decide_where_both_marks_are_possible(content, values, file):
    assert read_table(file(content)).numbers("x")[0].tolist() == values


def test_commas_in_the_names_do_not_hide_the_separator(file):
    table = read_table(file("at;heat, °C;humidity, %\n5.1.2026 10:00;20,5;45,2\n5.1.2026 10:01;20,7;45,1\n"))
    assert [table.kind(name) for name in table.names] == ["time", "numeric", "numeric"]


def test_the_notation_of_a_file_does_not_hang_on_its_chunks(file):
    path = file("x;y\n" + "".join(f"{i},125;{i}\n" for i in range(1, 50)) + "7,5;3,5\n")
    whole = read_table(path).numbers("x")[0]
    for chunk_rows in (1, 7):
        np.testing.assert_array_equal(read_table(path, chunk_rows=chunk_rows).numbers("x")[0], whole)
    assert whole[0] == 1.125


@pytest.mark.parametrize(
    "cells",
    [[f"{i}/80" for i in range(60)], [f"{i};{i + 1}" for i in range(60)], [f"~{i}..{i}" for i in range(60)]],
)
def test_a_column_that_looks_like_numbers_and_is_none_gets_a_warning(cells):
    table = Table({"x": cells, "y": np.sin(np.arange(60.0))})
    told = Preprocessor().fit(table).report()
    looks = [line for line in told if line.startswith("warning: 'x' looks like numbers in 100%")]
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([f"tick{i // 3}" for i in range(1500)], "500 different texts in 1500 cells, nearly an identifier"),
        ([f"lot {i // 100}" for i in range(4000)], "40 different texts that do not come back, an identifier"),
        ([f"id {i}" for i in range(300)], "300 different texts, an identifier"),
        ([f"device {i % 40}" for i in range(4000)], ""),
        ([f"device {i % 100}" for i in range(1000)], ""),
        (["on", "off"] * 100, ""),
    ],
)
def test_text_that_is_nearly_an_identifier_is_left_out(texts, reason):
    cells = np.array(texts, dtype=object)
    assert identifier_reason(cells, np.ones(len(texts), bool), 64) == reason


# -- files -------------------------------------------------------------------------------------


def json_lines(end="\n"):
    rows = zip(map(iso, TIMES), POWER, DELAY, strict=True)
    return end.join(json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows) + end


def zeek():
    head = "#separator \\x09\n#fields\tat\tpower\tdelay\n#types\ttime\tdouble\tdouble\n"
    return head + written(sep="\t").split("\n", 1)[1] + "#close\t2026\n"


FILES = {
    "CRLF": ("a.csv", written(end="\r\n")),
    "CR": ("a.csv", written(end="\r")),
    "byte-order mark": ("a.csv", "\ufeff" + written()),
    "sep=;": ("a.csv", "sep=;\n" + written(sep=";")),
    "quoted sep=": ("a.csv", '"sep=;"\r\n' + written(sep=";", end="\r\n")),
    "comments": ("a.csv", written(before="# made by a logger\n# room 7, hall\n")),
    "header in a comment": ("a.csv", written(before="# made by a logger\n#").replace("\n#at", "\n# at")),
    "Zeek": ("a.log", zeek()),
    "blank lines before": ("a.csv", written(before="\n\n")),
    "blank lines between": ("a.csv", written().replace("\n2026-01-05 03", "\n\n2026-01-05 03")),
    "no end of line": ("a.csv", written().rstrip("\n")),
    "torn last line": ("a.csv", written(after="2026-01-31 1")),
    "torn last line, CRLF": ("a.csv", written(end="\r\n", after="2026-01-31 10:00,7")),
    "quoted header": ("a.csv", '"at","power","delay"\n' + written().split("\n", 1)[1]),
    "gzip": ("a.csv.gz", gzip.compress(written().encode())),
    "gzip without the name": ("a.csv", gzip.compress(written().encode())),
    "tsv": ("a.tsv", written(sep="\t")),
    "JSON lines": ("a.jsonl", json_lines()),
    "ndjson": ("a.ndjson", json_lines("\r\n")),
    "JSON lines, gzip": ("a.jsonl.gz", gzip.compress(json_lines().encode())),
    "JSON lines by their first letter": ("a.log", json_lines()),
    "JSON lines, blank lines": ("a.jsonl", json_lines().replace("\n", "\n\n", 5)),
    "JSON lines, torn": ("a.jsonl", json_lines() + '{"at": "2026-01-31 10:00", "pow'),
    "JSON lines, text": ("a.json", "".join(
        json.dumps({"at": iso(t), "power": str(p), "delay": f"{d}"}) + "\n"
        for t, p, d in zip(TIMES, POWER, DELAY, strict=True)
    )),
    "JSON lines, order of keys": ("a.jsonl", "".join(
        json.dumps({"at": iso(t), **dict(pairs)}) + "\n"
        for t, pairs in ((TIMES[i], [("power", POWER[i]), ("delay", DELAY[i])][:: 1 if i < 5 else -1])
                         for i in range(N))
    )),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content"), FILES.values(), ids=FILES)
def test_files_of_each_kind_give_the_same_scores(name, content, file, plain):
    np.testing.assert_array_equal(scores_of(file(content, name)), plain)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("kind", ["typed", "text", "comma"])
def test_frames_give_the_same_scores(make, kind, plain):
    columns = {"at": TIMES, "power": POWER, "delay": DELAY}
    if kind == "text":
        columns = {
            "at": list(map(iso, TIMES)),
            "power": list(map(str, POWER)),
            "delay": list(map(str, DELAY)),
        }
    if kind == "comma":
        columns = {"at": [t.strftime("%d.%m.%Y %H:%M") for t in TIMES]} | {
            name: [str(x).replace(".", ",") for x in columns[name]] for name in NAMES[1:]
        }
    frame = make(columns)
    np.testing.assert_array_equal(table_scores(Table.from_frame(frame)), plain[:N])
    np.testing.assert_array_equal(stream_scores([Table.from_frame(frame)]), plain[N:])


@pytest.mark.parametrize("kind", ["typed", "text"])
def test_parquet_gives_the_same_scores(kind, tmp_path, plain):
    frame = pa.table({"at": TIMES, "power": POWER, "delay": DELAY})
    if kind == "text":
        frame = pa.table({"at": [f"{t:%d/%m/%Y %H:%M}" for t in TIMES]} | {
            name: [f"{x} %" for x in values] for name, values in (("power", POWER), ("delay", DELAY))
        })  # fmt: skip
    pq.write_table(frame, tmp_path / "a.parquet")
    np.testing.assert_array_equal(scores_of(str(tmp_path / "a.parquet")), plain)


@pytest.mark.parametrize("time", [iso, pattern("%d/%m/%Y %H:%M"), pattern("%b %d, %Y %I:%M %p")])
@pytest.mark.parametrize(
    "number", [float, str, lambda x: str(x).replace(".", ",")], ids=["number", "text", "comma"]
)
def test_rows_of_a_stream_give_the_same_scores(time, number, plain):
    model = OnlineAutoencoder(seed=0)
    found = []
    for at, *values in zip(TIMES, POWER, DELAY, strict=True):
        row = dict(zip(NAMES, (time(at), *map(number, values)), strict=True))
        found.append(model.score_one(row))
        model.learn_one(row)
    np.testing.assert_array_equal(found, plain[N:])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '[{"a": 1}, {"a": 2}]\n', "one object a line.*jq -c"),
        ("a.json", '[\n{"a": 1}\n]\n', "one object a line.*jq -c"),
        ("a.json", '{\n  "a": 1\n}\n', "one object a line.*jq -c"),
        ("a.jsonl", '{"a": 1}\nnonsense\n{"a": 2}\n', "Got line 2 of .*'nonsense'.*no JSON object"),
        ("a.jsonl", '{"a": 1}\n[1]\n{"a": 2}\n', "Got line 2 of .*it is list"),
        ("a.jsonl", '{"a": 1', "no object in its first line"),
        ("a.csv.xz", "", "unpack it first"),
        ("a.csv.zst", "", "unpack it first"),
        ("a.csv", b"BZh91AY", "no UTF-8 text"),
        ("a.csv", "1,2\n3,4\n", "numbers in its first line"),
        ("a.csv", "1,5;2,5\n3,5;4,5\n", "numbers in its first line"),
        (
            "a.csv",
            "2026-01-01T00:00,20.5,40\n2026-01-01T00:01,20.6,41\n",
            "2026-01-01T00:00, 20.5.*add a header",
        ),
        ("a.csv", "31/12/2026 14:05;pump;20.5\n31/12/2026 14:06;pump;20.6\n", "add a header"),
        ("a.csv", "2026-01-01\n2026-01-02\n", "add a header"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(name, content, message, file):
    with pytest.raises(TableError, match=message) as caught:
        read_table(file(content, name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "header", ["time,2026-01-01,2026-01-02", "sensor,1,2", "at,20", "2026-01-01,pump", ",12:00,13:00"]
)
def test_a_header_may_hold_dates_or_numbers_beside_names(header, file):
    names = read_table(file(f"{header}\n" + ",".join("1" * len(header.split(","))) + "\n")).names
    assert names == header.split(",")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("temp hum watts\n20.5 40 0.1\n20.6 41 0.2\n", ["temp", "hum", "watts"]),
        ("day hour temp\n2026-01-01 14:05:00 20.5\n", ["day", "hour", "temp"]),
        ("indoor temperature\n20.5\n", ["indoor temperature"]),
        ("indoor temperature\n20.5 C\n", ["indoor temperature"]),
        ("total watts\n1 234\n", ["total watts"]),
        ("event time\n2026-01-01 14:05\n", ["event time"]),
        ("sensor name\npump 3\n", ["sensor name"]),
        ("indoor temp,hum\n20.5,40\n", ["indoor temp", "hum"]),
        ("a b\n", ["a b"]),
    ],
)
def test_blanks_divide_cells_only_where_they_leave_numbers_and_times(content, names, file):
    table = read_table(file(content))
    assert table.names == names
    assert table.n_rows == len(content.splitlines()) - 1


def test_numbers_that_a_spreadsheet_wrote_as_text_are_numbers_in_a_table(file):
    table = read_table(file("a,b,c\n'20.64',=\"20.64\",tcp\n'1e3',=\"\",udp\n"))
    np.testing.assert_array_equal(table.numbers("a")[0], [20.64, 1000.0])
    np.testing.assert_array_equal(table.numbers("b")[0], [20.64, np.nan])
    assert table.kind("c") == "category"


def test_versions_are_text_without_a_warning(file):
    table = read_table(file("v\n1.2.0\n1.2.1\n1.3.0\n"))
    assert table.kind("v") == "category"
    assert table.notation.remarks("v") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decimal": ",", "thousands": ","}, "two marks"),
        ({"separator": "ab"}, "one character"),
        ({"time_format": "%Y"}, "without a column"),
        ({"decimal": "x"}, "expected one of '.', ','"),
        ({"kind": "xml"}, "expected one of 'auto'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(TableError, match=message):
        InputFormat(**options)


@pytest.mark.parametrize(
    ("form", "content", "value"),
    [
        (InputFormat(decimal=","), 'x,y\n"1,234",2\n', 1.234),
        (InputFormat(thousands="."), "x;y\n1.234;2\n", 1234),
        (InputFormat(thousands=",", separator="semicolon"), "x;y\n1,234;2\n", 1234),
        (InputFormat(separator=":"), "x:y,z\n7:2\n", 7),
        (InputFormat(separator="space"), "x y\n7 2\n", 7),
        (InputFormat(kind="csv"), '{x},y\n7,"2"\n', 7),
        (InputFormat(kind="jsonl"), '{"x": 7}\n', 7),
    ],
)
def test_what_is_said_is_not_guessed(form, content, value, file):
    table = read_table(file(content), form=form)
    assert table.numbers(table.names[0])[0].tolist() == [value]


def test_nested_objects_and_lists_become_columns(file):
    path = file('{"id": "a", "at": {"x": 1, "y": null}, "taps": [3, 4.5], "on": true}\n', "a.jsonl")
    (chunk,) = iter_table(path)
    assert {name: chunk.array(name)[0] for name in chunk.names} == {
        "id": "a", "at.x": "1", "at.y": "", "taps.0": "3", "taps.1": "4.5", "on": "true",
    }  # fmt: skip


@pytest.mark.parametrize("chunk_rows", ["1", "7", "65536"])
def test_scoring_in_chunks_reads_each_as_the_file_was_fitted(chunk_rows, file, tmp_path):
    path = file(written(time=pattern("%d/%m/%Y %H:%M"), number=grouped(".", ","), sep=";"))
    model, out = str(tmp_path / "m.iotae"), tmp_path / "out.csv"
    assert main(["fit", path, "--epochs", "1", "-o", model]) == 0
    assert main(["score", model, path, "--chunk-rows", chunk_rows, "-o", str(out)]) == 0
    plain_out = tmp_path / "plain.csv"
    assert main(["score", model, file(written(), "b.csv"), "-o", str(plain_out)]) == 0
    assert read_table(out).numbers("score")[0].tolist() == read_table(plain_out).numbers("score")[0].tolist()


# -- names -------------------------------------------------------------------------------------

FLOWS = " Flow Duration,Fwd Header Length, Label,Fwd Header Length\n" + "".join(
    f"{i % 7},{i % 5},{'BENIGN' if i % 9 else 'DDoS'},{i % 5}\n" for i in range(200)
)


def test_names_are_stripped_and_numbered_and_come_back_as_they_were(file, tmp_path, capsys):
    path, model, out = file(FLOWS), str(tmp_path / "m.iotae"), tmp_path / "out.csv"
    for label in ("Label", " Label"):
        assert main(["fit", path, "--label", label, "--epochs", "1", "-o", model]) == 0
        told = capsys.readouterr().err
        assert "note: 1 column named 'Fwd Header Length' again, read as 'Fwd Header Length.1'" in told
        assert main(["score", model, path, "-o", str(out)]) == 0
        assert "ignored" not in capsys.readouterr().err
        assert out.read_text().splitlines()[0] == FLOWS.splitlines()[0] + ",score,alarm"
        assert main(["evaluate", str(out), "--label", label]) == 0
    assert main(["stream", path, "--label", " Label", "--drop", " Flow Duration", "-o", str(out)]) == 0
    assert out.read_text().splitlines()[0].startswith(FLOWS.splitlines()[0])


@pytest.mark.parametrize("make", [
    lambda: pd.DataFrame([[1.0, 2.0, 3.0]], columns=[" a", "b ", "b "]),
    lambda: pa.Table.from_arrays([pa.array([x]) for x in (1.0, 2.0, 3.0)], names=[" a", "b ", "b "]),
])  # fmt: skip
def test_names_in_frames_too(make):
    table = Table.from_frame(make())
    assert table.names == ["a", "b", "b.1"]
    assert [table.numbers(name)[0][0] for name in (" a", "b ", "b.1")] == [1.0, 2.0, 3.0]
    assert table.notation.notes["column named 'b' again, read as 'b.1'"] == 1


# -- the command -------------------------------------------------------------------------------


@pytest.fixture
def stdin(monkeypatch):
    def feed(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))

    return feed


@pytest.mark.parametrize("content", [
    json_lines().encode(),
    gzip.compress(json_lines().encode()),
    written(number=grouped(".", ","), sep=";").encode(),
], ids=["JSON lines", "gzip", "comma"])  # fmt: skip
def test_standard_input_of_each_kind(content, stdin, tmp_path, capsys):
    (tmp_path / "plain.csv").write_text(written())
    assert main(["stream", str(tmp_path / "plain.csv")]) == 0
    expected = [row[3:] for row in csv.reader(io.StringIO(capsys.readouterr().out))]
    stdin(content)
    assert main(["stream", "-"]) == 0
    assert [row[3:] for row in csv.reader(io.StringIO(capsys.readouterr().out))] == expected
    stdin(content)
    assert main(["fit", "-", "--epochs", "1", "-o", str(tmp_path / "m.iotae")]) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (written(after="2026-01-31 1"), "note: 1 torn row at the end of the input, set aside"),
        ("sep=,\n" + written(), "note: 1 line that only names the separator ',', skipped"),
        (written(before="# a\n# b\n"), "note: 2 comment lines that begin with '#', skipped"),
        (written(number=lambda x: f"{x} %"), "'power': numbers in '%', which is stripped"),
        (written(number=grouped("", ","), sep=";"), "'power': numbers with a decimal comma"),
        (written(number=lambda x: f"{x}/80"), "warning: 'power' looks like numbers in 100% of its cells"),
    ],
)
@pytest.mark.parametrize("command", ["fit", "stream"])
def test_nothing_is_changed_or_set_aside_without_a_word(command, content, told, file, tmp_path, capsys):
    options = ["--epochs", "1", "-o", str(tmp_path / "m.iotae")] if command == "fit" else ["-o", "/dev/null"]
    assert main([command, file(content), *options]) == 0
    assert told in capsys.readouterr().err


def day(number, seed):
    """A day of a sensor, minute by minute, with times that stand for three rows each, and some odd rows."""
    rng = np.random.default_rng(seed)
    hours = np.arange(1440) / 60
    odd = rng.random(1440) < 0.03
    humidity = 50 + 5 * np.sin(hours * np.pi / 12) + rng.normal(size=1440)
    heat = 20 + 3 * np.sin(hours * np.pi / 12) + 0.3 * rng.normal(size=1440)
    times = [dt.datetime(2026, 3, number) + dt.timedelta(minutes=i // 3 * 3) for i in range(1440)]
    return times, humidity, heat, odd


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y %H:%M", "tick %j %H %M"])
def test_times_that_repeat_neither_hide_anomalies_nor_raise_alarms(form, labelled):
    (times, humidity, heat, _), (later, wet, warm, odd) = day(1, 0), day(2, 1)
    table = Table({"at": [t.strftime(form) for t in times], "humidity": humidity, "heat": heat})
    detector = TableDetector(autoencoder=BatchAutoencoder(seed=0, epochs=20), alpha=0.02, seed=0)
    detector.fit(table, np.zeros(1440, int) if labelled else None)
    new = Table({"at": [t.strftime(form) for t in later], "humidity": wet + 8 * odd, "heat": warm})
    alarms = detector.classify(detector.score(new))
    assert alarms[odd].mean() > 0.9
    assert alarms[~odd].mean() < 0.05
