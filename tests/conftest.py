"""What all tests share: the repository's root, and the directory of development data if it is there."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# The same examples in each run, so that a failure is one of the change at hand; no deadline, because a first
# call compiles. To search for new examples: pytest --hypothesis-profile=search.
settings.register_profile("house", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    # pytest-cov's own mark, no_cover, ends one of two measurements of a worker, and the other goes on
    tracer = sys.gettrace()
    if tracer is None or item.get_closest_marker("untraced") is None:
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)


@pytest.fixture(scope="session", autouse=True)
def compiled_once(request, tmp_path_factory):
    """What most tests need, compiled once where workers share a run, and in processes without a tracer.

    Two workers would otherwise compile the same kernels at the same time, and take twice as long over it
    where coverage is measured. A run in one process compiles what its tests need.
    """
    worker = getattr(request.config, "workerinput", None)
    if worker is None:
        return
    parts = ["stream", "tables"]
    # the second worker begins with the second part, and finds the first in the cache
    for part in parts if worker["workerid"] == "gw0" else parts[::-1]:
        with open(tmp_path_factory.getbasetemp().parent / f"{part}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            subprocess.run([sys.executable, "-m", "tests.compile_kernels", part], cwd=ROOT, check=True)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def development_data():
    folder = Path(os.environ.get("IOTAE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"development data is not at {folder}: set IOTAE_DATA to run this test")
    return folder
