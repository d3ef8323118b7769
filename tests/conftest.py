"""What all tests share: the repository's root, and the directory of development data if it is there."""

from __future__ import annotations

import os
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


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def development_data():
    folder = Path(os.environ.get("IOTAE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"development data is not at {folder}: set IOTAE_DATA to run this test")
    return folder
