"""Which messages of a device are new: numbers that begin anew, come late or come twice."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.runner import admission
from iotae.runner.admission import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message, Naming, message_of

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


def test_a_message_that_comes_late_is_set_aside_and_not_taken_for_a_double(ledger):
    assert take(ledger, message("a", 5, 5), message("a", 3, 3)) == [(0, 5)]
    assert ledger.aside() == {LATE: 1}
    assert "sent number 3 after 5" in ledger.warnings()[0]
    assert ledger.n_doubled == 0


def test_the_devices_that_are_named_are_bounded(ledger, monkeypatch):
    monkeypatch.setattr(admission, "_MOST_WARNINGS", 2)
    take(ledger, *(message(device, 5, 5) for device in "abcdef"))
    take(ledger, *(message(device, 4, 4) for device in "abcdef"))
    told = ledger.warnings()
    assert sum("sent number" in line for line in told) == 2
    assert sum("counted, not named" in line for line in told) == 1
    assert ledger.aside() == {LATE: 6}


def test_with_an_epoch_the_numbers_of_a_device_begin_anew_with_each_start(ledger, tmp_path):
    naming = Naming("n", "boot", None)
    bodies = [(3, 0, 1), (3, 1, 2), (4, 0, 3), (4, 1, 4), (3, 1, 2), (3, 2, 9)]
    messages = [
        message_of("a", f'{{"boot": {boot}, "n": {n}, "x": {x}}}'.encode(), naming, (1, 1))
        for boot, n, x in bodies
    ]
    assert [one.row for one in messages[:2]] == [{"x": 1.0}, {"x": 2.0}]
    assert take(ledger, *messages) == [(3, 0), (3, 1), (4, 0), (4, 1)]
    # one came again; the last one of the earlier start came late
    assert (ledger.n_doubled, ledger.aside()) == (1, {LATE: 1})
    assert message_of("a", b'{"n": 1}', naming, (1, 1)).aside == "messages without a whole number 'boot'"
    assert message_of("a", b'{"boot": 1}', naming, (1, 1)).aside == "messages without a whole number 'n'"
    with closing(sqlite3.connect(tmp_path / "rows.sqlite")) as base:
        assert base.execute("select part, seq from rows").fetchall() == [(3, 0), (3, 1), (4, 0), (4, 1)]


MESSAGES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(0, 3), st.integers(0, 1)), max_size=25
)


# each of the commits is brought to the disk
@settings(max_examples=25)
@given(MESSAGES, st.integers(1, 5))
def test_each_message_is_a_row_or_counted_and_a_row_is_there_once(
    tmp_path_factory, given_messages, slice_size
):
    path = str(tmp_path_factory.mktemp("ledger") / "rows.sqlite")
    taken, last, again, aside = {}, {}, 0, 0
    for device, part, seq, x in given_messages:
        key = device, part, seq
        if (part, seq) > last.get(device, (-1, -1)):
            taken[key], last[device] = x, (part, seq)
        elif taken.get(key) == x:
            again += 1
        else:
            aside += 1
    with Ledger(path, {}, DeviceNumbers()) as opened:
        messages = [message(device, seq, x, part) for device, part, seq, x in given_messages]
        for first in range(0, len(messages), slice_size):
            take(opened, *messages[first : first + slice_size])
        assert (opened.n_doubled, sum(opened.aside().values())) == (again, aside)
    with closing(sqlite3.connect(path)) as base:
        assert set(base.execute("select device, part, seq from rows")) == set(taken)
