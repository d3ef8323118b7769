"""The server of ``iotae watch``: who may read, what a browser is told, and that nobody holds it up."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest

from iotae.cli import main
from iotae.data import TableError
from iotae.watch import server as servers
from iotae.watch.access import Access
from iotae.watch.board import Board
from iotae.watch.found import Found, ScoredRow
from iotae.watch.page import page_of
from iotae.watch.server import WatchServer
from tests.conftest import ROOT

TOKEN = "a token of the tests only"


def row(alarm=False, device="a", reason=""):
    return ScoredRow(device, "", 0.5, 0.4, alarm, True, reason, 0.0)


@contextmanager
def served(token=None, names=()):
    board = Board("a title", named=True)
    board.take(Found([row(alarm=True, reason="watts 71")], anew=True))
    with WatchServer("127.0.0.1", 0, board, Access("127.0.0.1", token, names)) as server:
        yield board, int(server.address.rpartition(":")[2].strip("/"))


def answer(port, path="/", method="GET", **headers):
    """The code, the headers and the first bytes of an answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": f"127.0.0.1:{port}"} | names)
        with connection.getresponse() as got:
            return (
                got.status,
                dict(got.getheaders()),
                got.read() if got.length is not None else got.read1(100_000),
            )


def is_answered(port, path="/"):
    """Whether a request is answered, and not with 503."""
    try:
        return answer(port, path)[0] == 200
    except (http.client.HTTPException, OSError):
        return False


class Listener:
    """What a browser reads of ``/events``."""

    def __init__(self, port, query="", receives=None):
        self._socket = socket.socket()
        if receives is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self._socket.settimeout(20)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(f"GET /events{query} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")

    def code(self):
        return int(self._file.readline().split()[1])

    def next(self):
        while line := self._file.readline():
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        return None

    def close(self):
        self._file.close()
        self._socket.close()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(servers, "_SECONDS_APART", 0.01)
    monkeypatch.setattr(servers, "_SECONDS_STILL", 0.1)


def test_a_browser_is_told_all_at_first_and_then_what_is_new(quick):
    with served() as (board, port), closing(Listener(port)) as listener:
        assert listener.code() == 200
        first = listener.next()
        assert (first["title"], first["totals"]["rows"]) == ("a title", 1)
        assert first["alarms"]["new"][0][-1] == "watts 71"
        # nothing new: how it is alone
        assert listener.next().keys() == {"status"}
        board.take(Found([row(), row(alarm=True, reason="<b>")]))
        while "alarms" not in (told := listener.next()):
            pass
        assert (told["totals"]["rows"], [one[-1] for one in told["alarms"]["new"]]) == (3, ["<b>"])
        board.take(Found(), "the disk is gone")
        while not (told := listener.next())["status"]["trouble"]:
            pass
        assert told["status"]["trouble"] == "the disk is gone"


def test_what_is_asked_for_is_bounded_and_what_cannot_be_is_passed_over(quick):
    queries = ("?device=%3Da&span=all", "?order=nothing&part=%00", "?" + "&".join("a=1" for _ in range(50)))
    with served() as (_, port):
        for query in (*queries, "?device=%3D" + "x" * 5000, "?%ff=%ff"):
            with closing(Listener(port, query)) as listener:
                assert listener.next()["totals"]["rows"] == 1
        with closing(Listener(port, queries[0])) as listener:
            assert listener.next()["chart"]["device"] == "a"


def test_only_three_addresses_answer_and_only_to_be_read():
    with served() as (_, port):
        code, headers, page = answer(port)
        assert (code, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert page.startswith(b"<!doctype html>")
        for path in (
            "/../../etc/passwd",
            "/page.js",
            "//etc/passwd",
            "/%2e%2e/page.js",
            "/events/",
            "/favicon.ico",
        ):
            assert answer(port, path)[0] == 404
        for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
            assert answer(port, "/", method)[0] == 501
        assert answer(port, "/enter")[0] == 204
        assert answer(port, "http://[")[0] == 400


@pytest.mark.parametrize("token", ["a token with an é in it", "a token with a \n in it"])
def test_a_token_that_no_browser_can_send_is_refused(token):
    with pytest.raises(TableError, match="expected letters of ASCII"):
        Access("127.0.0.1", token)


def test_the_page_holds_no_word_of_the_stream_and_may_run_nothing_else():
    page, policy = page_of()
    with served() as (_, port):
        _, headers, sent = answer(port)
    assert headers["Content-Security-Policy"] == policy
    assert sent == page
    assert b"a title" not in page
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    # nothing is loaded, and no text becomes HTML
    assert not re.search(rb"(?:src|href)=\"(?!data:,)|https?://|url\(|@import", page)
    assert not re.search(rb"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|style=", page)
    for name in ("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy"):
        assert name in headers


def test_the_token_opens_and_so_does_the_cookie_that_stands_for_it():
    with served(TOKEN) as (_, port):
        # the page itself tells nothing, and asks for the token
        assert answer(port)[0] == 200
        for wrong in (
            {},
            {"Authorization": "Bearer "},
            {"Authorization": f"Bearer {TOKEN}x"},
            {"Cookie": "iotae_watch="},
        ):
            assert answer(port, "/events", **wrong)[0] == 401
            assert answer(port, "/enter", **wrong)[0] == 401
        # nor in the address, which is kept in histories and logs
        assert answer(port, f"/events?token={TOKEN.replace(' ', '+')}")[0] == 401
        assert answer(port, "/events", Authorization=f"Bearer {TOKEN}")[0] == 200
        code, headers, _ = answer(port, "/enter", Authorization=f"Bearer {TOKEN}")
        cookie = headers["Set-Cookie"]
        assert code == 204
        assert "HttpOnly; SameSite=Strict" in cookie
        assert TOKEN not in cookie
        cookie = cookie.partition(";")[0]
        code, _, told = answer(port, "/events", Cookie=f"other=1; {cookie}")
        assert (code, b"watts 71" in told) == (200, True)
        assert "Set-Cookie" not in answer(port, "/enter", Cookie=cookie)[1]
        assert answer(port, "/events", Cookie=cookie[:-1])[0] == 401
        assert answer(port, "/events", Cookie=f"{cookie[:-1]}\xe9")[0] == 401
    # it is of this token alone
    with served(TOKEN + "2") as (_, port):
        assert answer(port, "/events", Cookie=cookie)[0] == 401


def test_another_site_cannot_read_through_a_browser():
    with served(names=["watch.example"]) as (_, port):
        for host in (
            "evil.example",
            "evil.example:80",
            "127.0.0.1.evil.example",
            "",
            "localhost.evil.example:1",
        ):
            for path in ("/", "/events", "/enter"):
                assert answer(port, path, Host=host)[0] == 421
        for host in ("localhost", "127.0.0.1:1", "[::1]:1", "192.0.2.1", "WATCH.example:443"):
            assert answer(port, "/enter", Host=host)[0] == 204
        assert answer(port, "/events", Sec_Fetch_Site="cross-site")[0] == 403
        assert answer(port, "/events", Sec_Fetch_Site="same-site")[0] == 403
        assert answer(port, "/events", Sec_Fetch_Site="same-origin")[0] == 200
        # a link to the page is no harm
        assert answer(port, "/", Sec_Fetch_Site="cross-site")[0] == 200
        assert "Access-Control-Allow-Origin" not in answer(port, "/events")[1]


def test_others_get_nothing_without_a_token():
    for host in ("0.0.0.0", "192.0.2.1", "::", "watch.example"):
        with pytest.raises(TableError, match="IOTAE_WATCH_TOKEN"):
            Access(host, None)
    with pytest.raises(TableError, match="16 or more"):
        Access("127.0.0.1", "short")
    assert Access("0.0.0.0", TOKEN).knows("192.0.2.1:8765")
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as taken,
        pytest.raises(TableError, match="another port"),
    ):
        WatchServer("127.0.0.1", taken.getsockname()[1], Board("t"), Access("127.0.0.1", None))


def test_the_number_of_pages_and_of_connections_is_bounded(quick, monkeypatch):
    monkeypatch.setattr(servers, "MOST_PAGES", 2)
    monkeypatch.setattr(servers, "_MOST_CONNECTIONS", 4)
    with served() as (_, port):
        open_ones = [Listener(port) for _ in range(2)]
        assert [one.code() for one in open_ones] == [200, 200]
        assert answer(port, "/events")[0] == 503
        assert answer(port)[0] == 200
        idle = []
        while is_answered(port):
            idle.append(socket.create_connection(("127.0.0.1", port)))
            assert len(idle) < 4
        for one in (*idle, *open_ones):
            one.close()
        # each makes room for another
        end = time.monotonic() + 20
        while not is_answered(port, "/events"):
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_browser_that_does_not_read_is_let_go_and_holds_up_nobody(quick, monkeypatch):
    monkeypatch.setattr(servers._Handler, "client_seconds", 0.5)
    monkeypatch.setattr(servers, "MOST_PAGES", 2)
    with served() as (board, port):
        slow, other = Listener(port, receives=2048), Listener(port)
        begun = time.monotonic()
        for i in range(40):
            board.take(Found([row(alarm=True, device=f"{i} {k}", reason="x" * 500) for k in range(100)]))
            assert other.next() is not None
            time.sleep(0.03)
        # no sooner than it had its time, its place is free for another
        while answer(port, "/events")[0] == 503:
            assert time.monotonic() - begun < 30
            time.sleep(0.05)
        slow.close()
        other.close()


def test_clients_that_send_letter_by_letter_leave_their_places_to_others(monkeypatch):
    monkeypatch.setattr(servers._Handler, "client_seconds", 0.5)
    monkeypatch.setattr(servers, "_MOST_CONNECTIONS", 3)
    with served() as (_, port):
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        begun = time.monotonic()
        while not is_answered(port):
            for one in slow:
                with suppress(OSError):
                    one.sendall(b"G")
            assert time.monotonic() - begun < 10
            time.sleep(0.05)
        for one in slow:
            one.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs a system that can tell")
def test_a_page_that_is_told_little_and_reads_nothing_leaves_its_place(quick, monkeypatch):
    monkeypatch.setattr(servers._Handler, "client_seconds", 0.5)
    monkeypatch.setattr(servers, "MOST_PAGES", 1)
    with served() as (_, port), closing(Listener(port, receives=2048)):
        begun = time.monotonic()
        # what it has not read would fill no buffer of this side for hours
        while answer(port, "/events")[0] == 503:
            assert time.monotonic() - begun < 20
            time.sleep(0.1)


def test_a_page_that_reads_stays_open_beyond_the_time_of_a_client(quick, monkeypatch):
    monkeypatch.setattr(servers._Handler, "client_seconds", 0.3)
    with served() as (_, port), closing(Listener(port)) as listener:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert listener.next() is not None


# -- the command ----------------------------------------------------------------------------------

HEAD = "device,score,alarm,threshold,reason\n"


@contextmanager
def watching(*words, **environment):
    """``iotae watch`` in a process of its own, and the address that it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "iotae", "watch", *words, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            found = re.search(r"the page is at http://[^:]+:(\d+)/(\S*)$", line)
            if found:
                yield int(found[1]), process, said
                break
        else:
            raise AssertionError(said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()


def test_the_command_follows_a_file_that_is_not_there_yet_and_ends_in_good_order(tmp_path):
    path = tmp_path / "scored.csv"
    with watching(str(path), "--group", "device", "--alpha", "0.02") as (port, process, said):
        assert any("there is no such file yet" in line and "--checkpoint" in line for line in said)
        with closing(Listener(port)) as listener:
            assert listener.next()["status"]["waits"] == "there is no such file yet"
            path.write_text(HEAD + "pump,0.9,1,0.5,watts 71\n")
            while not (told := listener.next()).get("totals", {}).get("rows"):
                pass
            assert told["alarms"]["new"][0][-1] == "watts 71"
            assert told["totals"]["alpha"] == 0.02
            # what goes wrong later is told, on the page and once on standard error
            path.write_text("something,else\n1,2\n")
            while not (told := listener.next())["status"]["trouble"]:
                pass
            assert "without a column 'score'" in told["status"]["trouble"]
            path.write_text(HEAD + "pump,0.9,0,0.5,\n")
            while told["status"]["trouble"]:
                told = listener.next()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().count("without a column") == 1


def test_elsewhere_than_on_this_machine_a_token_is_needed(tmp_path, monkeypatch, capsys):
    path = tmp_path / "scored.csv"
    path.write_text(HEAD)
    monkeypatch.delenv("IOTAE_WATCH_TOKEN", raising=False)
    # nobody reads what is said here, so no token is made
    assert main(["watch", str(path), "--host", "0.0.0.0", "--port", "0"]) == 1
    assert "IOTAE_WATCH_TOKEN" in capsys.readouterr().err
    with watching(str(path), "--host", "0.0.0.0", IOTAE_WATCH_TOKEN=TOKEN) as (port, _, said):
        assert TOKEN not in "".join(said)
        assert answer(port, "/events")[0] == 401
        assert answer(port, "/events", Authorization=f"Bearer {TOKEN}")[0] == 200


def test_a_token_is_made_where_someone_reads_it(monkeypatch):
    from iotae.cli import watch

    monkeypatch.delenv("IOTAE_WATCH_TOKEN", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    (one, made), (other, _) = watch._token_for("0.0.0.0"), watch._token_for("0.0.0.0")
    assert made
    assert one != other
    assert len(one) >= 32
    assert watch._token_for("127.0.0.1") == (None, False)


def test_it_is_said_that_a_page_is_less_private_than_its_file(tmp_path, capsys):
    from argparse import Namespace

    from iotae.cli import watch

    path = tmp_path / "scored.csv"
    path.write_text(HEAD)
    said = []
    for mode, token in ((0o600, None), (0o644, None), (0o600, TOKEN)):
        path.chmod(mode)
        watch._say_who_may_read(Namespace(output=str(path)), token)
        said.append("every user of this machine" in capsys.readouterr().err)
    assert said == [True, False, False]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-"], "name it with its -o"),
        (["nowhere/scored.csv"], "no folder"),
        (["rows.sqlite", "--group", "device"], "leave it out"),
        (["scored.csv", "--host", "nobody.invalid"], "IOTAE_WATCH_TOKEN"),
        (["bad.csv"], "without a column 'score'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_open(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IOTAE_WATCH_TOKEN", raising=False)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    assert main(["watch", *words, "--port", "0"]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "x", "²"])
def test_a_port_is_a_number(port):
    with pytest.raises(SystemExit):
        main(["watch", "scored.csv", "--port", port])


def test_as_many_pages_as_may_be_open_can_connect_at_once():
    server = WatchServer("127.0.0.1", 0, Board("scored.csv"), Access("127.0.0.1", None))
    with ExitStack() as stack:
        # nobody answers yet: all of them wait in the system's queue
        pages = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=0.5))
            for _ in range(servers.MOST_PAGES)
        ]
        stack.enter_context(server)
        for page in pages:
            page.settimeout(10.0)
            page.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert page.recv(15) == b"HTTP/1.0 200 OK"
