"""One cell at a time: what is a number, a number with a unit, and a time, in the notations of the world."""

from __future__ import annotations

import datetime as dt
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotae.data.clocks import hour_is_told, time_of
from iotae.data.epochs import is_clock_column, times_of_numbers
from iotae.data.numbers import factor_between, looks_numeric, number_and_unit, number_of


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("45.2", 45.2, None),
        ("45,2", None, 45.2),
        ("1,234.5", 1234.5, None),
        ("1.234,5", None, 1234.5),
        ("1,234", 1234.0, 1.234),
        ("1.234", 1.234, 1234.0),
        ("1,234,567", 1234567.0, None),
        ("12,34,567", 1234567.0, None),
        ("1 234,5", None, 1234.5),
        ("1 234.5", 1234.5, None),
        ("1\u00a0234", 1234.0, 1234.0),
        ("1\u202f234,5", None, 1234.5),
        ("1'234.5", 1234.5, None),
        ("0,123", None, 0.123),
        ("1013,250", None, 1013.25),
        ("+5", 5.0, 5.0),
        ("5e3", 5000.0, 5000.0),
        ("5,5e-3", None, 0.0055),
        ("-.5", -0.5, None),
        (",5", None, 0.5),
        ("０", 0.0, 0.0),
        ("４５．２", 45.2, None),
        ("٤٥٫٢", 45.2, None),
        ("−5", -5.0, -5.0),
        ("0x1F", 31.0, 31.0),
        ("0b11", 3.0, 3.0),
        ("True", 1.0, 1.0),
        ("1_000", None, None),
        ("inf", None, None),
        ("1e400", None, None),
        ("1 23", None, None),
        ("1,2,3", None, None),
        ("12:30", None, None),
        ("45.2%", None, None),
        ("0x", None, None),
        ("warm", None, None),
    ],
)
def test_a_number_in_each_notation(text, point, comma):
    assert number_of(text) == point
    assert number_of(text, ",") == comma


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_means_the_same_with_each_decimal_mark(value):
    written = repr(float(value))
    assert number_of(written) == number_of(written.replace(".", ","), ",") == float(value)


@given(st.integers(0, 10**15), st.integers(0, 99))
def test_groups_of_three_change_nothing(whole, cents):
    english = f"{whole:,}.{cents:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert number_of(english) == number_of(german, ",") == float(f"{whole}.{cents:02}")


@given(st.text(max_size=12))
def test_no_text_breaks_the_readers(text):
    for decimal in (".", ","):
        value = number_of(text, decimal)
        assert value is None or isnan(value) or abs(value) < np.inf
        number_and_unit(text, decimal)
    assert time_of(text) is None or isinstance(time_of(text), dt.datetime)
    looks_numeric(text)
    hour_is_told(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45.2%", (45.2, "%")),
        ("45 rH", (45.0, "rH")),
        ("20.1 °C", (20.1, "°C")),
        ("20.1 ℃", (20.1, "°C")),
        ("3.3V", (3.3, "V")),
        ("$45.20", (45.2, "")),
        ("1,234.5 kWh", (1234.5, "kWh")),
        ("1.5e3 W", (1500.0, "W")),
        ("10 µg/m³", (10.0, "µg/m3")),
        ("80/tcp", None),
        ("1h30", None),
        ("5 m3", (5.0, "m3")),
        ("007-A", None),
        ("A7", None),
        ("warm", None),
    ],
)
def test_units_are_told_from_their_numbers(text, expected):
    assert number_and_unit(text) == expected


@pytest.mark.parametrize(
    ("unit", "other", "factor"),
    [("MB", "kB", 1e3), ("mV", "V", 1e-3), ("KiB", "B", 1024.0), ("h", "min", 60.0), ("V", "A", None)],
)
def test_units_of_one_kind_are_converted(unit, other, factor):
    assert factor_between(unit, other) == (factor if factor is None else pytest.approx(factor))


MOMENT = dt.datetime(2026, 1, 31, 14, 5)

WRITTEN = """
2026-01-31T14:05|2026-01-31 14:05:00|2026-01-31T14:05:00.000Z|2026-01-31T14:05:00,0+02:00|2026-01-31 14:05 UTC
2026-01-31 14:05:00 +0200|20260131T140500|20260131T140500Z|20260131140500|20260131 1405|2026/01/31 14:05
2026.01.31 14:05|2026-01-31_14-05-00|2026-01-31-14.05.00.000000|31/01/2026 14:05|31.01.2026 14:05
31-01-2026 14:05:00|31/01/26 14:05|31.01.26, 14:05|31/01/2026, 14:05:00|31/01/2026T14:05|31/1/2026 2:05 PM
31 Jan 2026 14:05|31-Jan-2026 14:05:00|31-JAN-26 02.05.00.000000 PM|31/Jan/2026:14:05:00 +0000
Jan 31, 2026 2:05 PM|Jan 31 2026 2:05PM|January 31st, 2026 at 14:05|Sat Jan 31 14:05:00 2026
Sat, 31 Jan 2026 14:05:00 GMT|Sat Jan 31 14:05:00 CET 2026|2026-Jan-31 14:05|31. Januar 2026 14:05
2026-01-31T14:05:00+01:00[Europe/Berlin]|2026-01-31 14:05:00 Europe/Berlin|2026-01-31 14:05 UTC+2
Sat 2026-01-31 14:05:00 CET|[31/Jan/2026:14:05:00 +0000]|'2026-01-31 14:05'
2026年1月31日 14:05|2026年01月31日14时05分
31 janvier 2026 14:05|31 de enero de 2026 14:05|31 gen 2026 14:05|31 jan. 2026 14h05|２０２６-01-31 14:05
"""


@pytest.mark.parametrize("text", WRITTEN.strip().replace("\n", "|").split("|"))
def test_a_time_in_each_notation(text):
    assert time_of(text) == MOMENT
    assert hour_is_told(text)


@pytest.mark.parametrize("text", ["01/31/2026 14:05", "1/31/26 2:05 PM", "01-31-2026 14:05:00"])
def test_the_month_may_come_first(text):
    assert time_of(text, "mdy") == MOMENT
    assert time_of(text, "dmy") is None


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("14:05", "14:05:00"),
        ("2:05:09 p.m.", "14:05:09"),
        ("12:00 AM", "00:00:00"),
        ("12:30 pm", "12:30:00"),
        ("14h05", "14:05:00"),
    ],
)
def test_a_clock_alone(text, clock):
    assert time_of(text) == dt.datetime.fromisoformat(f"1970-01-01T{clock}")


@pytest.mark.parametrize("text", ["2026-01-31", "31/01/2026", "31 Jan 2026", "January 31, 2026"])
def test_a_date_alone_tells_no_hour(text):
    assert time_of(text) == dt.datetime(2026, 1, 31)
    assert not hour_is_told(text)


NO_TIMES = """
|noon|2026-13-01|31/02/2026|2026-W01|25:00|13:00 PM|192.168.1.1|10.0.19041|01:23:45:67:89:ab|1.2.26|node 5
May 5|Jan 2026|1h5|tcp 5 12:30|5 apples 2026|12.5|1/2|7-8
"""


@pytest.mark.parametrize("text", NO_TIMES.strip().replace("\n", "|").split("|"))
def test_what_is_no_time(text):
    assert time_of(text) is None


def test_a_format_may_be_given():
    assert time_of("05|14|31|01|26", form="%M|%H|%d|%m|%y") == MOMENT
    assert time_of("31/01/2026", form="%Y") is None


@given(st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2200, 1, 1)))
def test_iso_times_are_read_back_exactly(moment):
    assert time_of(moment.isoformat()) == time_of(f"{moment}+05:30") == moment


@given(st.datetimes(min_value=dt.datetime(1970, 1, 1), max_value=dt.datetime(2068, 1, 1)))
def test_both_orders_read_back_what_they_wrote(moment):
    moment = moment.replace(microsecond=0)
    assert time_of(moment.strftime("%d/%m/%Y %H:%M:%S")) == moment
    assert time_of(moment.strftime("%m/%d/%Y %I:%M:%S %p"), "mdy") == moment


@pytest.mark.parametrize("scale", [1, 1_000, 1_000_000, 1_000_000_000])
def test_epochs_of_each_unit(scale):
    times, unreadable = times_of_numbers(np.array([1_769_868_300.0 * scale, np.nan]))
    assert times.tolist() == [MOMENT, None]
    assert unreadable == 0


def test_numbers_that_are_digits_of_a_time_or_none():
    times, unreadable = times_of_numbers(
        np.array([20260131.0, 202601311405.0, 20260131140500.0, 20269931.0, 5.5])
    )
    assert times.tolist() == [MOMENT.replace(hour=0, minute=0), MOMENT, MOMENT, None, None]
    assert unreadable == 2


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("timestamp", 1.77e9 + np.array([5.0, 3.0, 9.0]), True),
        ("flowStartTime", 1.77e12 + np.array([5.0, 3.0, 9.0]), True),
        ("x", 1.77e9 + np.repeat(np.arange(50.0), 3), True),
        ("x", 1.77e9 - np.repeat(np.arange(50.0), 3), False),
        ("bytes", 1.77e9 + np.tile([5.0, 3.0], 50), False),
        ("time", np.arange(100.0), False),
        ("uptime", np.arange(100.0) + 2e7, False),
        ("ts", np.array([np.nan]), False),
    ],
)
def test_columns_of_numbers_that_are_clocks(name, values, expected):
    assert is_clock_column(name, values) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'20.64'", (20.64, "")),
        ('="20.64"', (20.64, "")),
        ("'20.64", (20.64, "")),
        ('"1,234.5"', (1234.5, "")),
        ('="20.64 %"', (20.64, "%")),
        ("'tcp'", None),
        ('="tcp"', None),
        ("='20.64'", None),
        ("=A1+2", None),
    ],
)
def test_marks_of_a_spreadsheet_around_a_cell_say_nothing(text, expected):
    assert number_and_unit(text) == expected
    assert (number_of(text) is None) == (expected is None or expected[1] != "")


@pytest.mark.parametrize("text", ["''", '=""', "'", "'NA'"])
def test_nothing_between_marks_is_missing(text):
    assert isnan(number_of(text))


@pytest.mark.parametrize("text", ["1.2.0", "v1.2.0", "10.0.1-rc1", "1.2.0.4", "192.168.0.1"])
def test_versions_and_addresses_do_not_look_like_numbers(text):
    assert not looks_numeric(text)


@pytest.mark.parametrize("text", ["1.234.567,8", "1.234.567", "~1.2", "7/80"])
def test_what_may_be_a_number_still_looks_like_one(text):
    assert looks_numeric(text) or number_of(text, ",") is not None
