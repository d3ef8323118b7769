"""Runs ``iotae`` in children of one process that has compiled everything; each may be killed on its way.

Reads one JSON object a line from standard input: ``argv``, and maybe ``after`` (seconds until the process
dies as by ``kill -9``), ``calls`` (the call of fsync or rename at which it does), ``term`` (the checkpoint
after which it gets SIGTERM), ``rows`` (of a ledger, when it gets SIGTERM), ``commit`` (the commit of a
ledger at which it dies, and whether within it), ``most`` (rows of a broker's batch) and ``bytes`` (the
longest file that it may write). Answers with the exit code, which is minus the
signal's number where the child was killed, what it said, and whether it was killed because it had not ended
within a minute.
"""

import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import time

from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.runner import message_loop
from iotae.runner.checkpoint import Checkpoint
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Ledger
from iotae.runner.partition_offsets import PartitionOffsets


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

    def committed(self, batch, judged, state, parts=None):
        commit(self, batch, judged, state, parts)
        if state["counts"]["rows"] >= n:
            os.kill(os.getpid(), signal.SIGTERM)

    Ledger.commit = committed


def die_at_commit(n, within):
    """Kill this process at the nth commit of a broker's rows: in the middle of it, or when it is done."""
    left = [n]

    def dying(call, after):
        def called(*args, **kwargs):
            result = call(*args, **kwargs)
            left[0] -= after
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return called

    for numbers in (DeviceNumbers, PartitionOffsets):
        numbers.store = dying(numbers.store, within)
    Ledger.commit = dying(Ledger.commit, not within)


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
    if "commit" in wanted:
        die_at_commit(*wanted["commit"])
    if "most" in wanted:
        message_loop.MOST_ROWS = wanted["most"]
    if "after" in wanted:
        signal.setitimer(signal.ITIMER_REAL, wanted["after"])
    code = main(wanted["argv"])
    sys.stderr.flush()
    os._exit(code)


LONGEST_SECONDS = 60


def ended(pid):
    """The exit code of a child, and whether it had to be killed, as it waits for what does not come."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), False
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), True


def serve():
    for name in ("confluent_kafka", "paho.mqtt.client"):
        # loaded once, and not by each child
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    OnlineAutoencoder(seed=0).score_learn_many([[1.0, 2.0, 3.0]] * 40, ["a", "b", "c"])
    for line in sys.stdin:
        with tempfile.TemporaryFile() as said:
            start = time.monotonic()
            pid = os.fork()
            if not pid:
                child(json.loads(line), said)
            code, late = ended(pid)
            said.seek(0)
            answer = {"code": code, "said": said.read().decode(), "seconds": time.monotonic() - start}
            answer["late"] = late
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
