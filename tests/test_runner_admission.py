"""Which messages of a device are new: numbers that begin anew, come late or come twice."""

import re
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.data import TableError
from iotae.runner import device_numbers
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message, Naming, message_of
from tests.conftest import ROOT

USED = "messages with a number that their device had used for other cells"
LATE = "messages with a number below the last one of their device, which is not in the file"


def message(device, seq, x, part=0):
    return Message(device, seq, {"x": float(x)}, "", (1, 1), part)


def take(ledger, *messages):
    new = ledger.new_of(messages)
    ledger.commit(new, [Judgement(0.5, False, None, "")] * len(new), {"n": 1})
    return [(one.part, one.seq) for one in new]


@pytest.fixture
def ledger(tmp_path):
    with Ledger(str(tmp_path / "rows.sqlite"), {}, DeviceNumbers()) as opened:
        yield opened


def test_a_device_that_counts_from_0_again_is_told_from_messages_that_came_again_and_said_at_once(ledger):
    assert len(take(ledger, *(message("a", seq, seq) for seq in range(10)))) == 10
    assert take(ledger, message("a", 8, 8), message("a", 9, 9)) == []
    assert (ledger.n_doubled, ledger.warnings()) == (2, [])
    # after a boot: the same numbers, other readings
    assert take(ledger, message("a", 0, 50), message("a", 1, 51)) == []
    assert ledger.aside() == {USED: 2}
    told = ledger.warnings()
    assert len(told) == 2
    assert "warning: 'a' sent number 0 after 9" in told[0]
    assert "--epoch" in told[0]
    # it is said once, goes on being counted, and is over when the numbers are above the last
    assert take(ledger, message("a", 2, 52), message("a", 10, 60)) == [(0, 10)]
    assert (ledger.aside(), ledger.warnings()) == ({USED: 3}, [])


def test_a_message_that_comes_late_is_a_row_or_set_aside_and_never_taken_for_a_double(ledger):
    assert take(ledger, *(message("a", seq, seq) for seq in (5, 8, 9))) == [(0, 5), (0, 8), (0, 9)]
    # above what was confirmed by two later rows, and a number that no row has
    assert take(ledger, message("a", 7, 7), message("a", 3, 3), message("a", 7, 7)) == [(0, 7)]
    assert ledger.aside() == {LATE: 1}
    assert "sent number 3 after 7" in ledger.warnings()[0]
    assert ledger.n_doubled == 1


WILD = 9 * 10**15


@pytest.mark.parametrize("wild", [[WILD], [WILD, WILD], [2**63 - 1, 5 * 10**15]])
@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_number_that_is_far_too_high_costs_none_of_the_rows_that_follow(at, wild, ledger, tmp_path):
    numbers = list(range(10))
    numbers[at:at] = wild
    sent = [message("a", seq, i) for i, seq in enumerate(numbers)]
    taken = [(0, seq) for seq in dict.fromkeys(numbers)]
    assert [one for each in sent for one in take(ledger, each)] == taken
    # the same number with other cells is told from one that came again
    assert sum(ledger.aside().values()) == len(numbers) - len(taken)
    # all of it comes again, at once and to the next run
    assert take(ledger, *sent[-3:], *(one for one in sent if one.seq >= min(wild))) == []
    ledger.__exit__(None, None, None)
    with Ledger(str(tmp_path / "rows.sqlite"), {}, DeviceNumbers()) as later:
        assert take(later, sent[at], *sent[-2:], message("a", 10, 50)) == [(0, 10)]
    ledger.__enter__()


def test_a_device_that_goes_on_from_a_high_number_is_believed_when_two_rows_have_followed(ledger):
    take(ledger, *(message("a", seq, seq) for seq in range(5)))
    # such as one whose new firmware counts milliseconds
    later = [message("a", WILD + 1000 * i, i) for i in range(4)]
    assert len(take(ledger, *later)) == 4
    assert take(ledger, message("a", 5, 5)) == []
    assert ledger.aside() == {LATE: 1}


def test_the_statement_of_the_page_takes_the_numbers_of_a_device_as_they_come(ledger, tmp_path):
    path = str(tmp_path / "rows.sqlite")
    take(ledger, *(message("press7", WILD + i, i) for i in range(3)))
    assert take(ledger, message("press7", 5, 5)) == []
    ledger.__exit__(None, None, None)
    (statement,) = re.findall(r'"(delete from devices [^"]+)"', (ROOT / "docs" / "command.md").read_text())
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.execute(statement)
    with Ledger(path, {}, DeviceNumbers()) as later:
        sent = [message("press7", 5, 5), message("press7", 6, 6), message("press7", WILD, 0)]
        assert take(later, *sent, sent[0]) == [(0, 5), (0, 6)]
        assert later.n_doubled == 2
    ledger.__enter__()


def test_a_wild_number_of_a_start_costs_nothing_either(ledger):
    sent = [message("a", seq, 10 * part + seq, part) for part in (1, 2) for seq in range(3)]
    sent[4:4] = [message("a", 0, 7, 2**40)]
    assert len(take(ledger, *sent)) == 7
    assert take(ledger, *sent) == []
    assert (ledger.n_doubled, ledger.aside()) == (7, {})


def test_the_devices_that_are_named_are_bounded(ledger, monkeypatch):
    monkeypatch.setattr(device_numbers, "_MOST_WARNINGS", 2)
    take(ledger, *(message(device, seq, seq) for device in "abcdef" for seq in (5, 6, 7)))
    take(ledger, *(message(device, 4, 4) for device in "abcdef"))
    told = ledger.warnings()
    assert sum("sent number" in line for line in told) == 2
    assert sum("counted, not named" in line for line in told) == 1
    assert ledger.aside() == {LATE: 6}


def test_with_an_epoch_the_numbers_of_a_device_begin_anew_with_each_start(ledger, tmp_path):
    naming = Naming("n", "boot", None)
    bodies = [(3, 0, 1), (3, 1, 2), (4, 0, 3), (4, 1, 4), (4, 2, 5), (3, 1, 2), (3, 2, 9)]
    messages = [
        message_of("a", f'{{"boot": {boot}, "n": {n}, "x": {x}}}'.encode(), naming, (1, 1))
        for boot, n, x in bodies
    ]
    assert [one.row for one in messages[:2]] == [{"x": 1.0}, {"x": 2.0}]
    assert take(ledger, *messages) == [(3, 0), (3, 1), (4, 0), (4, 1), (4, 2)]
    # one came again; the last one of the earlier start came late
    assert (ledger.n_doubled, ledger.aside()) == (1, {LATE: 1})
    assert message_of("a", b'{"n": 1}', naming, (1, 1)).aside == "messages without a whole number 'boot'"
    assert message_of("a", b'{"boot": 1}', naming, (1, 1)).aside == "messages without a whole number 'n'"
    with closing(sqlite3.connect(tmp_path / "rows.sqlite")) as base:
        assert base.execute("select part, seq from rows").fetchall() == [
            *((3, 0), (3, 1), (4, 0), (4, 1), (4, 2)),
        ]


MESSAGES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(0, 3) | st.just(WILD), st.integers(0, 1)),
    max_size=25,
)


def expected_of(messages):
    """What is taken, how many came again, how many are set aside: by the rule as it is written."""
    taken, latest, floor, again, aside = {}, {}, {}, 0, 0
    for device, part, seq, x in messages:
        key, number = (device, part, seq), (part, seq)
        if key not in taken and number > floor.get(device, (0, -1)):
            taken[key] = x
            latest[device] = [*latest.get(device, []), number][-3:]
            if len(latest[device]) == 3:
                floor[device] = max(floor.get(device, (0, -1)), min(latest[device]))
        elif taken.get(key) == x:
            again += 1
        else:
            aside += 1
    return taken, again, aside


# each of the commits is brought to the disk
@settings(max_examples=25)
@given(MESSAGES, st.integers(1, 5))
def test_each_message_is_a_row_or_counted_and_a_row_is_there_once(
    tmp_path_factory, given_messages, slice_size
):
    path = str(tmp_path_factory.mktemp("ledger") / "rows.sqlite")
    taken, again, aside = expected_of(given_messages)
    with Ledger(path, {}, DeviceNumbers()) as opened:
        messages = [message(device, seq, x, part) for device, part, seq, x in given_messages]
        for first in range(0, len(messages), slice_size):
            take(opened, *messages[first : first + slice_size])
        assert (opened.n_doubled, sum(opened.aside().values())) == (again, aside)
    with closing(sqlite3.connect(path)) as base:
        assert set(base.execute("select device, part, seq from rows")) == set(taken)


@settings(max_examples=10)
@given(MESSAGES)
def test_runs_that_end_after_each_message_double_no_row(tmp_path_factory, given_messages):
    path = str(tmp_path_factory.mktemp("ledger") / "rows.sqlite")
    rows = set()
    for device, part, seq, x in given_messages:
        with Ledger(path, {}, DeviceNumbers()) as opened:
            new = take(opened, message(device, seq, x, part))
            assert len(new) + opened.n_doubled + len(opened.warnings()) >= 1
            assert not rows & {(device, *one) for one in new}
            rows |= {(device, *one) for one in new}


def test_a_message_that_came_again_is_told_when_its_row_has_been_deleted(tmp_path):
    path = str(tmp_path / "rows.sqlite")
    with Ledger(path, {}, DeviceNumbers()) as opened:
        assert take(opened, message("a", 5, 5), message("b", 7, 7), message("b", 8, 8)) == [
            (0, 5),
            (0, 7),
            (0, 8),
        ]
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.execute("delete from rows")
    for _ in range(2):
        with Ledger(path, {}, DeviceNumbers()) as opened:
            # as a broker sends what it has retained to each who subscribes
            assert take(opened, message("a", 5, 5), message("b", 7, 7), message("b", 8, 8)) == []
            assert opened.n_doubled == 3
    with Ledger(path, {}, DeviceNumbers()) as opened:
        assert take(opened, message("a", 6, 6), message("b", 9, 9)) == [(0, 6), (0, 9)]


@pytest.mark.parametrize("latest", ["", "x", "[1]", "[[1]]", "[[0, 1.5]]", "{}", "[" * 5000, b"[]", None])
def test_a_file_whose_latest_numbers_are_none_is_refused(tmp_path, latest):
    path = str(tmp_path / "rows.sqlite")
    with Ledger(path, {}, DeviceNumbers()) as opened:
        take(opened, message("a", 5, 5))
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.execute("pragma ignore_check_constraints = on")
        try:
            base.execute("update devices set latest = ?", (latest,))
        except sqlite3.IntegrityError:
            return  # the table itself refuses it
    with pytest.raises(TableError, match="the file was changed"), Ledger(path, {}, DeviceNumbers()):
        pass
