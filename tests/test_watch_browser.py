"""The live page in a real browser."""

import csv
import io

import pytest

from tests.browser import CHROMIUM, Browser
from tests.test_watch_server import TOKEN, watching

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")

HEAD = ["at", "device", "score", "alarm", "threshold", "reason"]
EVIL = '<img src=x onerror="document.title=1"><script>alert(1)</script>'


def write(path, *rows, head=False):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD, *rows] if head else rows)
    with open(path, "a") as file:
        file.write(text.getvalue())


@pytest.fixture(scope="module")
def browser():
    with Browser() as one:
        yield one


def test_an_alarm_is_on_the_page_as_it_comes(browser, tmp_path):
    path = tmp_path / "scored.csv"
    with watching(str(path), "--group", "device") as (port, process, _):
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait_for("at('state').textContent === 'waiting: there is no such file yet'")
        assert browser.text("#alarms-note") == "No alarm yet."
        quiet = [[f"2026-01-01 00:{i // 60:02d}:{i % 60:02d}", "pump", 0.1, 0, 0.5, ""] for i in range(120)]
        write(path, *quiet, head=True)
        browser.wait_for("at('rows').textContent === '120'")
        assert browser.text("#state") == "live"
        write(path, ["2026-01-01 00:02:00", EVIL, 0.9, 1, 0.5, f"watts 71, expected about 35 (82 %); {EVIL}"])
        browser.wait_for("at('alarms-list').childElementCount === 1")
        alarm = browser.text("#alarms-list tr")
        assert "watts 71, expected about 35 (82 %)" in alarm
        assert "2026-01-01 00:02:00" in alarm
        # what a device is called is text, whatever it says
        assert alarm.count(EVIL) == 2
        assert browser.run("document.querySelectorAll('main img, main script').length") == 0
        assert browser.run("document.title").startswith("(1) scored.csv")
        # the newest is on top
        write(path, ["2026-01-01 00:02:01", "fan", 0.8, 1, 0.5, "second"])
        browser.wait_for("at('alarms-list').firstElementChild.innerText.includes('second')")
        assert browser.run("at('devices-list').childElementCount") == 3
        # the scores of a device
        browser.run("document.querySelector('#devices-list button[data-device=pump]').click()")
        browser.wait_for("at('of').textContent === ': pump'")
        assert browser.run("at('chart').getAttribute('aria-label')") == "Scores, highest 0.1, 0 alarms"
        browser.run("at('every').click()")
        browser.wait_for("at('chart').getAttribute('aria-label') === 'Scores, highest 0.9, 2 alarms'")
        assert drawn(browser) > 100
        # as wide as a phone, and no wider
        browser.look_as(390, 844)
        assert browser.run("document.documentElement.scrollWidth") == 390
        assert browser.said == []
        process.kill()
        browser.wait_for("at('state').textContent.startsWith('connection lost')")


def drawn(browser):
    """How many points of the chart are coloured as scores."""
    return browser.run(
        """(() => {
          const canvas = at("chart"), colour = getComputedStyle(canvas).getPropertyValue("--scores").trim();
          const wanted = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let n = 0;
          for (let i = 0; i < data.length; i += 4) n += wanted.every((part, k) => data[i + k] === part);
          return n;
        })()"""
    )


def test_a_token_is_asked_for_and_a_lost_page_comes_back(browser, tmp_path):
    path = tmp_path / "scored.csv"
    write(path, ["", "pump", 0.9, 1, 0.5, "watts 71"], head=True)
    with watching(str(path), IOTAE_WATCH_TOKEN=TOKEN) as (port, _, _):
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait_for("!at('enter').hidden && at('all').hidden")
        browser.run("at('token').value = 'wrong'; at('enter').requestSubmit()")
        browser.wait_for("at('refused').textContent === 'not the token'")
        browser.run(f"at('token').value = '{TOKEN}'; at('enter').requestSubmit()")
        browser.wait_for("at('alarms').textContent === '1' && at('enter').hidden")
        # in the address, it is gone at once
        browser.open("about:blank")
        browser.open(f"http://127.0.0.1:{port}/#token={TOKEN.replace(' ', '%20')}")
        browser.wait_for("at('alarms').textContent === '1'")
        assert browser.run("location.href") == f"http://127.0.0.1:{port}/"
        # the server ends the connection, the page makes another
        browser.run("source.close(); source.onerror()")
        browser.wait_for("at('state').textContent === 'live'")
