"""Alarms on their way out: one that is refused for good holds up no other, and can be sent again."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

from iotae.runner import ledger as ledger_module
from iotae.runner import message_loop, seldom
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.figures import StreamFigures
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.message_loop import MessageLoop
from iotae.runner.messages import Message
from iotae.runner.outbox import Delivered
from iotae.runner.seldom import SeldomTold
from tests.conftest import ROOT


class Judge:
    """Calls every row an alarm."""

    def judge(self, message):
        return Judgement(0.9, True, 0.5, "")

    def to_state(self):
        return {}

    def parts(self):
        return {}


class Source:
    def acknowledge(self, batch):
        pass

    def warnings(self):
        return []

    def lag(self):
        return 0


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "rows.sqlite")


@pytest.fixture
def opened(path):
    with Ledger(path, {}, DeviceNumbers(), keep=2.0) as made:
        yield made


def batch(*seqs):
    return [Message("a", seq, {"x": float(seq)}, "", (1, 1)) for seq in seqs]


def seqs_of(alarms):
    return [json.loads(body)["seq"] for _, body in alarms]


def run(ledger, deliver, *batches):
    """What is said of batches whose alarms go to some places."""
    said = []
    figures = StreamFigures(None, {})
    loop = MessageLoop(Source(), ledger, Judge(), deliver, figures, said.append)
    loop.over(batches)
    return said, figures.now()


def taking(refused, taken):
    """A place that takes all alarms but some, which it refuses for good."""

    def deliver(alarms):
        wrong = {place: "too large" for place, seq in enumerate(seqs_of(alarms)) if seq in refused}
        taken.extend(seq for place, seq in enumerate(seqs_of(alarms)) if place not in wrong)
        return Delivered(len(alarms), wrong)

    return deliver


def test_an_alarm_that_is_refused_holds_up_no_other_and_is_said_once_with_its_reason(opened, path):
    taken, second = [], []
    places = [taking({2, 11}, taken), taking((), second)]
    said, now = run(opened, places, batch(1, 2, 3), batch(10, 11, 12), [])
    assert taken == [1, 3, 10, 12]
    # what one place refuses, another has
    assert second == [1, 2, 3, 10, 11, 12]
    assert said == ["warning: refused for good, set aside in the table 'refused': 1 alarms (too large)"]
    assert (now.alarms_waiting, now.alarms_refused) == (0, 2)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        found = reader.execute("select device, seq, reason, body from refused order by id").fetchall()
    assert [one[:3] for one in found] == [("a", 2, "too large"), ("a", 11, "too large")]
    assert json.loads(found[0][3])["cells"] == {"x": 2.0}


def test_the_statement_of_the_page_sends_what_was_refused_again(opened, path):
    run(opened, [taking({1, 2}, [])], batch(1, 2))
    page = (ROOT / "docs" / "command.md").read_text()
    (statement,) = re.findall(r'sqlite3 rows\.sqlite "(insert into unsent [^"]+)"', page)
    with closing(sqlite3.connect(path)) as operator:
        operator.executescript(statement)
    taken = []
    said, now = run(opened, [taking((), taken)], [])
    assert (taken, said, now.alarms_waiting) == ([1, 2], [], 0)
    assert opened.outbox.n_set_aside() == 0


def test_alarms_that_wait_are_said_once_and_that_they_wait_no_more(opened):
    answers = [Delivered(1, {0: "too large"}, "busy"), Delivered(0, {}, "busy"), Delivered(0, {})]

    def deliver(alarms):
        return answers.pop(0) if answers else Delivered(len(alarms), {})

    said, _ = run(opened, [deliver], batch(1, 2), [], [], [], [])
    assert said == [
        "warning: refused for good, set aside in the table 'refused': 1 alarms (too large)",
        "warning: alarms are not taken (busy); they are kept and sent again",
        "alarms are taken again",
    ]


def test_an_alarm_that_a_later_place_does_not_take_yet_is_not_refused(opened):
    said, now = run(opened, [taking({1}, []), lambda alarms: Delivered(0, {})], batch(1))
    assert (said, now.alarms_waiting, now.alarms_refused) == ([], 1, 0)


def test_refused_alarms_go_with_the_rows_that_are_as_old(opened, monkeypatch):
    run(opened, [taking({1}, [])], batch(1))
    assert opened.outbox.n_set_aside() == 1
    later = ledger_module.time() + 2.1 * 86_400
    monkeypatch.setattr(ledger_module, "time", lambda: later)
    run(opened, [taking((), [])], batch(2))
    assert opened.outbox.n_set_aside() == 0


def test_a_batch_has_what_is_judged_in_about_a_second(opened, monkeypatch):
    now, took = [0.0], [0.001]
    monkeypatch.setattr(message_loop, "monotonic", lambda: now[0])

    class Slow(Judge):
        def judge(self, message):
            now[0] += took[0]
            return super().judge(message)

    loop = MessageLoop(Source(), opened, Slow(), [], StreamFigures(None, {}), print)
    most = [loop.most()]
    for seconds, seqs in ((0.01, (1, 2)), (5.0, (3,)), (1e-9, (4,)), (0.01, ())):
        took[0] = seconds
        loop.over([batch(*seqs)])
        most.append(loop.most())
    assert most == [500, 100, 1, message_loop.MOST_ROWS, message_loop.MOST_ROWS]


def test_what_happens_again_and_again_is_told_at_first_and_then_seldom_with_its_number():
    now = [0.0]
    told = SeldomTold(lambda: now[0])
    assert told.due() == []
    told.note("a")
    assert told.due() == [(1, "a")]
    for _ in range(7):
        told.note("a", 2)
        assert told.due() == []
    told.note("b")
    assert told.due() == [(1, "b")]
    now[0] += seldom._SECONDS_APART
    assert told.due() == [(14, "a")]
    assert told.due() == []


def test_a_log_is_not_filled_by_kinds_that_are_new_each_time():
    told = SeldomTold()
    for i in range(1000):
        told.note(f"kind {i}")
    lines = told.due()
    assert len(lines) == seldom._MOST_KINDS + 1
    assert sum(n for n, _ in lines) == 1000
    told.note("kind 1001")
    assert told.due() == []
