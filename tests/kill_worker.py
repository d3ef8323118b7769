"""Runs ``iotae`` in children of one process that has compiled everything; each may be killed on its way.

Reads one JSON object a line from standard input: ``argv``, and maybe ``after`` (seconds until the process
dies as by ``kill -9``), ``calls`` (the call of fsync or rename at which it does), ``term`` (the checkpoint
after which it gets SIGTERM), ``rows`` (of a ledger, when it gets SIGTERM) and ``bytes`` (the longest file
that it may write). Answers with the exit code, which is minus the signal's number where the child was killed,
and what it said.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time

from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.runner.checkpoint import Checkpoint
from iotae.runner.ledger import Ledger


def die_at_call(n):
    """Kill this process just before its nth call of fsync or replace."""
    left = [n]

    def counting(call):
        def counted(*args, **kwargs):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted

    os.fsync, os.replace = counting(os.fsync), counting(os.replace)


def stop_after_save(n):
    save, left = Checkpoint.save, [n]

    def saved(self, state):
        save(self, state)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGTERM)

    Checkpoint.save = saved


def stop_at_rows(n):
    commit = Ledger.commit

    def committed(self, batch, judged, state):
        commit(self, batch, judged, state)
        if state["counts"]["rows"] >= n:
            os.kill(os.getpid(), signal.SIGTERM)

    Ledger.commit = committed


def child(wanted, said):
    os.dup2(said.fileno(), 2)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    if "bytes" in wanted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (wanted["bytes"],) * 2)
    if "calls" in wanted:
        die_at_call(wanted["calls"])
    if "term" in wanted:
        stop_after_save(wanted["term"])
    if "rows" in wanted:
        stop_at_rows(wanted["rows"])
    if "after" in wanted:
        signal.setitimer(signal.ITIMER_REAL, wanted["after"])
    code = main(wanted["argv"])
    sys.stderr.flush()
    os._exit(code)


def serve():
    OnlineAutoencoder(seed=0).score_learn_many([[1.0, 2.0, 3.0]] * 40, ["a", "b", "c"])
    for line in sys.stdin:
        with tempfile.TemporaryFile() as said:
            start = time.monotonic()
            pid = os.fork()
            if not pid:
                child(json.loads(line), said)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            said.seek(0)
            answer = {"code": code, "said": said.read().decode(), "seconds": time.monotonic() - start}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
