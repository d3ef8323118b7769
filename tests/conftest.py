"""What all tests share: the repository's root, and the directory of development data if it is there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

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
