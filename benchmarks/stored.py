"""Results that are stored under a hash of what decides them, so that a long run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import datasets, runner

__all__ = ["path_of", "stored"]


def path_of(parts: Sequence[Any], sources: Sequence[str]) -> Path:
    """Return the file of a result of these parts, which files and folders of ours decide."""
    digest = hashlib.sha256(json.dumps(parts).encode())
    for name in sources:
        path = datasets.ROOT / "iotae" / name
        if not path.exists():
            raise FileNotFoundError(path)
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(file.read_bytes())
    return runner.CACHE / "spark" / f"{digest.hexdigest()[:24]}.json"


def stored(path: Path, make: Callable[[], Any]) -> Any:
    """Return the result in a file, or make it and store it there: lists, numbers and text."""
    if not path.exists():
        found = json.dumps(make())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found)
    return json.loads(path.read_text())
