"""A real browser for the tests: headless Chromium, told what to do over a pair of pipes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from select import select
from time import monotonic, sleep

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Where the browser is, None where there is none."""

_AS_3_AND_4 = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """A tab of a headless Chromium of its own, in a ``with`` statement."""

    def __enter__(self):
        self._folder = tempfile.mkdtemp()
        # the protocol of its developer tools goes over the files 3 and 4, so that no port is open
        (to_read, self._to), (self._answers, to_write) = os.pipe(), os.pipe()
        given = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (to_read, to_write)]
        words = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        words += ["--no-first-run", f"--user-data-dir={self._folder}", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _AS_3_AND_4, *map(str, given), *words, "about:blank"],
            pass_fds=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for one in (to_read, to_write, *given):
            os.close(one)
        self._n, self._rest, self.said = 0, b"", []
        targets = self._call("Target.getTargets", session=None)["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self._call("Target.attachToTarget", {"targetId": page, "flatten": True}, None)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to), os.close(self._answers)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _call(self, method, words=None, session=""):
        self._n += 1
        message = {"id": self._n, "method": method, "params": words or {}}
        if session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = monotonic() + 30
        while True:
            while b"\0" not in self._rest:
                assert select([self._answers], [], [], max(end - monotonic(), 0))[0], f"no answer to {method}"
                block = os.read(self._answers, 1 << 20)
                assert block, "the browser ended"
                self._rest += block
            one, _, self._rest = self._rest.partition(b"\0")
            told = json.loads(one)
            if told.get("id") == self._n:
                assert "error" not in told, told
                return told["result"]
            if told.get("method") in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
                self.said.append(told["params"])
            if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] != "verbose":
                self.said.append(told["params"]["entry"]["text"])

    def open(self, address):
        """Go to an address."""
        self._call("Page.navigate", {"url": address})
        there = f"location.href.split('#')[0] === {json.dumps(address.partition('#')[0])}"
        self.wait_for(f"document.readyState === 'complete' && {there}")

    def run(self, script):
        """Return what an expression of JavaScript is."""
        told = self._call(
            "Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True}
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def text(self, selector):
        """Return the text that is seen of an element, None if there is none."""
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText")

    def wait_for(self, expression, seconds=30):
        """Wait until an expression is true."""
        end = monotonic() + seconds
        while not (value := self.run(expression)):
            assert monotonic() < end, f"{expression} did not come true; {self.text('body')}; {self.said}"
            sleep(0.05)
        return value

    def look_as(self, width, height, dark=False, ratio=1):
        """Be as wide and high, and as dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setEmulatedMedia", {"features": scheme})

    def picture(self, path, whole=True):
        """Write a picture of the page."""
        told = self._call("Page.captureScreenshot", {"captureBeyondViewport": whole})
        with open(path, "wb") as file:
            file.write(base64.b64decode(told["data"]))
