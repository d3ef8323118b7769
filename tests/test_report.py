"""``iotae report``: what the page says of scored rows, in bounded memory; it loads and runs nothing."""

from __future__ import annotations

import csv
import json
import re
import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from iotae.cli import main
from iotae.report.findings import MOST_EVENTS, MOST_GROUPS, Findings, Rows
from iotae.report.series import MOST_BUCKETS, Series

NASTY = '</title><script>alert("1")</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """The tags, and the text of each table's cells, of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.tables, self.text, self._cell = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        self.text.append(data)
        if self._cell:
            self.tables[-1][-1][-1] += data


def rows_of(scores, alarms, **more):
    n = len(scores)
    blank = np.full(n, "", object)
    given = {"cuts": np.full(n, np.nan), "reasons": blank, "groups": blank, "times": blank} | more
    return Rows(np.array(scores, float), np.array(alarms, bool), **given)


@pytest.fixture
def scored(tmp_path):
    """Sixty rows of two devices with five alarms: those of each device follow each other."""
    path = tmp_path / "scored.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["at", "device", "watts", "watts max", "fault", "score", "alarm", "threshold", "reason"]
        )
        for i in range(1, 61):
            alarm = i in (10, 31, 32, 33, 60)
            reason = "watts max 71, expected about 35 (80 %); watts 3 (20 %)" if alarm else ""
            cut = "" if i < 6 else 0.5
            device = NASTY if i == 10 or i == 60 else "pump"
            at = f"2026-01-31 10:{i - 1:02d}"
            writer.writerow(
                [at, device, "" if i == 7 else i, "odd" if i == 9 else 35, int(i in (31, 32, 50)),
                 (0.9 if i == 32 else 0.8) if alarm else 0.1, int(alarm), cut, reason]
            )  # fmt: skip
    return path


def made(path, out, *options):
    assert main(["report", str(path), "-o", str(out), *options]) == 0
    return out.read_text(encoding="utf-8")


def test_the_page_says_what_the_rows_say(scored, tmp_path):
    text = made(scored, tmp_path / "r.html", "--group", "device", "--label", "fault", "--alpha", "0.05")
    page = Page(text)
    devices, sensors, events, quality = page.tables
    assert devices[1:] == [["pump", "58", "3", "5.17 %", "0.9"], [NASTY, "2", "2", "100 %", "0.8"]]
    assert sensors[1][:4] == ["watts max", "5", "5", "100 %"]
    assert sensors[2][:4] == ["watts", "0", "5", "100 %"]
    reasons = "watts max 71, expected about 35 (80 %)watts 3 (20 %)"
    assert [event[:5] for event in events[1:]] == [
        ["10 to 60", "2026-01-31 10:09", NASTY, "2", "0.8"],  # the only two rows of this device
        ["31 to 33", "2026-01-31 10:30", "pump", "3", "0.9"],
    ]
    assert all(event[5] == reasons for event in events[1:])
    told = {row[0]: row[1:] for row in quality[1:]}
    assert told["watts"] == ["1", "1.67 %", "0", "1 to 60"]
    assert told["watts max"] == ["0", "0 %", "1", "35 to 35"]
    assert not {"score", "alarm", "threshold", "reason", "fault"} & told.keys()
    words = " ".join(page.text)
    assert "5 of 55 rows that could be judged were alarms: 9.09 %." in words
    assert "Asked for was a false-alarm rate of 5 %." in words
    for told_of in ("3 of 57 normal rows", "2 of 5 alarms were anomalies", "2 of 3 anomalies were alarms"):
        assert told_of in words


def test_nothing_in_a_file_becomes_a_tag_and_the_page_loads_nothing(scored, tmp_path):
    hostile = scored.read_text().replace("watts max", "'><svg onload=alert(1)>").replace("at,", f"a{'&'}t,")
    path = tmp_path / "h.csv"
    path.write_text(hostile)
    text = made(path, tmp_path / "r.html", "--group", "device", "--title", NASTY)
    page = Page(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "link", "iframe", "object", "a", "form"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "href") for name in attributes)
    assert not re.search(r"https?://|url\(|@import", text)
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_charts_have_words_and_tables_have_heads(scored, tmp_path):
    page = Page(made(scored, tmp_path / "r.html", "--group", "device"))
    charts = [a for t, a in page.tags if t == "svg" and a.get("role") == "img"]
    assert charts[0]["aria-label"] == "Scores over time: 60 rows, 5 alarms, highest score 0.9"
    assert len(charts) == 3
    assert sum(t == "caption" for t, _ in page.tags) == len(page.tables)
    assert all(a.get("scope") in ("col", "row") for t, a in page.tags if t == "th")


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_other_forms_of_a_file_give_the_same_page(scored, tmp_path, kind):
    plain = made(scored, tmp_path / "r.html", "--group", "device", "--title", "x")
    other = tmp_path / f"scored.{kind}"
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(scored), other)
    else:
        with open(scored, newline="") as file:
            other.write_text("\n".join(map(json.dumps, csv.DictReader(file))))
    again = made(other, tmp_path / "s.html", "--group", "device", "--title", "x")
    times = re.compile(r"2026-01-31[ T]10:\d\d(:\d\d)?(\.0+)?")
    assert times.sub("", again) == times.sub("", plain)


def test_chunks_do_not_change_the_page(scored, tmp_path):
    whole = made(scored, tmp_path / "r.html", "--group", "device", "--label", "fault")
    assert (
        made(scored, tmp_path / "s.html", "--group", "device", "--label", "fault", "--chunk-rows", "7")
        == whole
    )


def test_rows_without_alarms_reasons_or_devices_have_a_page(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("a,score,alarm\n1,0.1,0\n2,0.2,0\n")
    words = " ".join(Page(made(path, tmp_path / "r.html")).text)
    assert "There was no alarm." in words
    path.write_text("a,score,alarm\n1,0.1,0\n2,0.9,1\n")
    assert "score them with --explain" in " ".join(Page(made(path, tmp_path / "r.html")).text)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2\n", [], "'score'"),
        ("score,alarm\n", [], "without rows"),
        ("score,alarm\n1,7\n", [], "other than 0 and 1"),
        ("score,alarm\n1,1\n", ["--group", "device"], "device"),
        ("score,alarm,y\n1,1,x\n", ["--label", "y"], "--normal-value"),
    ],
)
def test_what_cannot_be_reported_on_is_an_error_and_leaves_no_page(tmp_path, capsys, text, options, said):
    path = tmp_path / "s.csv"
    path.write_text(text)
    assert main(["report", str(path), "-o", str(tmp_path / "r.html"), *options]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


# -- what is kept ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 511, 512, 513, 100_003])
def test_a_series_keeps_its_extremes_and_counts_whatever_the_chunks(rng, n):
    scores, alarms = rng.random(n), rng.random(n) < 0.05
    cuts = np.where(np.arange(n) < n // 3, np.nan, 0.9)
    one, other = Series(""), Series("")
    one.add(np.arange(n), scores, alarms, cuts)
    for start in range(0, n, 997):
        part = slice(start, start + 997)
        other.add(np.arange(n)[part], scores[part], alarms[part], cuts[part])
    for series in (one, other):
        naive = [scores[i : i + series.width] for i in range(0, n, series.width)]
        assert len(naive) <= MOST_BUCKETS
        assert series.highest[: len(naive)].tolist() == [part.max() for part in naive]
        assert series.lowest[: len(naive)].tolist() == [part.min() for part in naive]
        assert series.alarms_of.sum() == series.alarms == alarms.sum()
    assert one.width == other.width


@pytest.mark.untraced
def test_a_million_rows_take_little_memory_and_no_alarm_is_lost_from_the_counts(rng):
    findings = Findings(["a"])
    tracemalloc.start()
    for start in range(0, 1_000_000, 50_000):
        groups = np.char.add("device ", (np.arange(start, start + 50_000) // 100).astype(str)).astype(object)
        findings.add(rows_of(rng.random(50_000), np.arange(50_000) % 500 == 0, groups=groups))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert findings.alarms == sum(one.alarms for one in findings.series.values()) == 2000
    assert len(findings.series) == MOST_GROUPS + 1
    assert findings.n_shared == 10_000 - MOST_GROUPS
    assert len(findings.events()) == MOST_EVENTS
    assert peak < 60e6


def test_the_events_kept_are_those_with_the_highest_scores():
    findings = Findings([])
    n = 20 * 300
    alarms = np.arange(n) % 20 == 0
    scores = np.where(alarms, 0.5 + np.arange(n) / (2 * n), 0.1)
    findings.add(rows_of(scores, alarms))
    kept = findings.events()
    assert findings.n_events == 300
    assert [event.first for event in kept] == [20 * i + 1 for i in range(200, 300)]


@pytest.mark.parametrize("chunk", [7, 3000])
def test_alarms_of_a_device_are_one_event_however_many_devices_report_between_them(chunk):
    findings = Findings([])
    places = np.arange(3000)
    groups = np.array([f"device {i % 30}" for i in places], object)
    own = places // 30
    # of device 4 rows 20 to 25, 35 and, eleven rows later, 46
    alarms = (places % 30 == 4) & (((own >= 20) & (own <= 25)) | (own == 35) | (own == 46))
    for start in range(0, 3000, chunk):
        here = slice(start, start + chunk)
        findings.add(rows_of(0.1 + 0.8 * alarms[here], alarms[here], groups=groups[here]))
    told = [(event.group, event.first, event.last, event.alarms) for event in findings.events()]
    assert told == [("device 4", 605, 1055, 7), ("device 4", 1385, 1385, 1)]


def test_rows_without_a_score_are_counted_and_drawn_nowhere():
    findings = Findings([])
    findings.add(rows_of([0.1, np.nan, 0.3], [0, 0, 0]))
    assert (findings.rows, findings.unscored, findings.judged) == (3, 1, 2)
