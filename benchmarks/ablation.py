"""The ablation: the product with one step changed by an edit of its source, on streams and on tables.

A variant is a few replacements in the text of `iotae`, made in a copy of the packages that a process of
its own imports. So the product carries no switches for steps that it always takes, and what is measured
is the product. An edit whose text is no longer there is an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import datasets, detectors, protocols, render, runner

__all__ = ["STREAM_EDITS", "TABLE_EDITS", "Edits", "apply", "compare", "measure"]

Job = tuple[str, str, str, int, int]
"""Protocol, kind and name of the set, seed, most rows."""

Edits = dict[str, list[tuple[str, str]]]
"""Name of a room to replacements (old text, new text) in it."""

_SURPRISE = "_surprise(scaled, table[j]) + scaled * scaled"
_RESIDUAL = "scratch[_CONTRIBUTION, j] += np.log1p(ratio * ratio)"
_LINEAR: Edits = {
    "nn/kernels": [
        ("            activate(outputs, activation)", "            pass"),
        ("            activate(outputs.reshape((1, fan_out)), activation)", "            pass"),
        ("            scale_by_slope(earlier, inputs, activation)\n", ""),
    ]
}
_STEPS = "_MOST_STEPS, _LEAST_STEPS, _EARLY_STEPS = 8, 2, 512"
_JOINED = ("join([self._tails[0](network), self._tails[1](near)])", "self._tails[{}]({})")
_SCORE = (
    "return join(self._tailed(rows, latent, residual))",
    "return self._tailed(rows, latent, residual)[{}]",
)


def _one_view(place: int, name: str) -> Edits:
    fitted, score = _JOINED[1].format(place, name), _SCORE[1].format(place)
    return {"batch/scoring": [(_JOINED[0], fitted), (_SCORE[0], score)]}


def _mahalanobis() -> Edits:
    return {
        "batch/scoring": [
            (
                "Whitening().fit(_side_by_side(latent, residual))",
                "Whitening().fit(np.nan_to_num(rows, nan=0.0))",
            ),
            (
                "whitened = self._whitening.transform(_side_by_side(latent, residual))\n        network",
                "whitened = self._whitening.transform(np.nan_to_num(rows, nan=0.0))\n        network",
            ),
        ]
    }


def _both(*edits: Edits) -> Edits:
    joined: Edits = {}
    for edit in edits:
        for room, pairs in edit.items():
            joined.setdefault(room, []).extend(pairs)
    return joined


STREAM_EDITS: dict[str, Edits] = {
    "the product": {},
    "no residual: no network at all": {"stream/kernels": [(_RESIDUAL, "pass")]},
    "network never trained": {"stream/calls": [("    elif whole[LEFT] > 0:", "    elif False:")]},
    "linear autoencoder": _LINEAR,
    "one step on a mini-batch": {"stream/calls": [(_STEPS, _STEPS.replace("8, 2, 512", "1, 1, 1"))]},
    "no histograms": {"stream/kernels": [(_SURPRISE, "scaled * scaled")]},
    "no energy": {"stream/kernels": [(_SURPRISE, "_surprise(scaled, table[j])")]},
    "residual only": {"stream/kernels": [(_SURPRISE, "0.0")]},
    "no gate": {"stream/update_gate": [("refused = height > gate[_WIDTH] * spread", "refused = False")]},
    "gate without escape": {"stream/update_gate": [("_WIDEN = 0.005", "_WIDEN = 0.0")]},
    "gate on the row alone": {
        "stream/update_gate": [("max(surprise, gate[_RECENT]) - gate", "surprise - gate")]
    },
    "no context": {"stream/autocorrelation": [("_MOST = 0.5", "_MOST = 0.0")]},
}
"""Variants of the stream's model."""

TABLE_EDITS: dict[str, Edits] = {
    "the product: network and near view": {},
    "near view only": _one_view(1, "near"),
    "network's view only": _one_view(0, "network"),
    "Mahalanobis distance in the network's place": _mahalanobis(),
    "Mahalanobis distance only": _both(_mahalanobis(), _one_view(0, "network")),
    "linear autoencoder (PCA's subspace)": _LINEAR,
    "linear autoencoder's view only": _both(_LINEAR, _one_view(0, "network")),
    "reconstruction error alone (the paper's)": {
        "batch/autoencoder": [('scoring: str = "joined"', 'scoring: str = "reconstruction"')]
    },
    "nobody suspect": {
        "batch/row_selection": [
            ("return vouching[may_vouch], teaching[may_teach]", "return vouching, teaching")
        ]
    },
    "linear scaling": {"batch/scaler": [("_BEND = 4.0", "_BEND = 1e9")]},
}
"""Variants of the table's model."""

_RUN = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from benchmarks import ablation
print(json.dumps(ablation.measure(json.loads(sys.argv[3]))))
"""


def apply(edits: Edits, folder: Path) -> None:
    """Copy the packages into ``folder`` and edit the copy.

    Raises
    ------
    ValueError
        If a text to replace is not there exactly once or more: the product has moved on.
    """
    for package in detectors.OUR_PACKAGES:
        shutil.copytree(
            datasets.ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for room, pairs in edits.items():
        path = folder / "iotae" / f"{room}.py"
        text = path.read_text(encoding="utf-8")
        for old, new in pairs:
            if old not in text:
                raise ValueError(f"Got no {old!r} in {path.name}, but expected it there: mend the edit.")
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def measure(jobs: list[Job]) -> list[tuple[float, float]]:
    """Return ROC AUC and average precision of ours in each job, in this process."""
    found = []
    for protocol, kind, name, seed, max_rows in jobs:
        entry = detectors.resolve(protocols.KINDS[protocol], [render.OURS])[0]
        with runner.one_thread(entry):
            figures = protocols.PROTOCOLS[protocol](datasets.load(kind, name), entry, seed, max_rows)
        found.append((figures["auc"], figures["ap"]))
    return found


def _run(jobs: list[Job], edits: Edits) -> Any:
    """Return `measure`'s figures of a variant, stored by what decides them."""
    arguments = json.dumps(jobs)
    parts = [arguments, edits, detectors.source_hash()]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
    stored = runner.CACHE / "ablation" / f"{key}.json"
    if stored.exists():
        return json.loads(stored.read_text())
    with TemporaryDirectory() as folder:
        apply(edits, Path(folder))
        command = [sys.executable, "-c", _RUN, folder, str(datasets.ROOT), arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"A variant failed: {done.stderr.strip().splitlines()[-1]}")
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(done.stdout.splitlines()[-1])
    return json.loads(stored.read_text())


def _table(variants: dict[str, Edits], columns: dict[str, list[Job]]) -> str:
    """Return one row a variant, one column a list of jobs: mean ROC AUC / AP."""
    jobs = [job for column in columns.values() for job in column]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(lambda edits: _run(jobs, edits), variants.values()))
    lines = []
    for name, figures in zip(variants, found, strict=True):
        rest, cells = iter(figures), []
        for column in columns.values():
            auc, ap = np.mean([next(rest) for _ in column], axis=0)
            cells.append(f"{auc:.3f} / {ap:.3f}")
        lines.append([name, *cells])
    return render.markdown(["removed or changed", *columns], lines)


def compare(seeds: int) -> tuple[list[str], list[str]]:
    """Return the page's sections, and a line for each set that is absent."""
    absent: list[str] = []

    def present(kind: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
        reasons = {name: datasets.why_absent(kind, name) for name in names}
        absent.extend(reason for reason in reasons.values() if reason)
        return [(kind, name) for name, reason in reasons.items() if not reason]

    streams, tables = present("stream", datasets.STREAMS), present("table", datasets.TABLES)
    if not streams or not tables:
        raise datasets.DatasetAbsentError("nothing to run here:\n" + "\n".join(absent))
    simulated = [("stream", "river_shuttle"), ("stream", "simulator")]

    def jobs(protocol: str, sets: list[tuple[str, str]], rows: int) -> list[Job]:
        return [(protocol, kind, name, seed, rows) for kind, name in sets for seed in range(seeds)]

    by_stream = {
        f"{len(streams)} streams (chosen on)": jobs("stream", streams, 60_000),
        f"{len(tables)} tables as streams (not chosen on)": jobs("stream", tables, 10_000),
        "Shuttle, simulator (not chosen on)": jobs("stream", simulated, 20_000),
    }
    by_table = {
        f"{len(tables)} tables, unlabelled": jobs("table_unlabelled", tables, 10_000),
        f"{len(tables)} tables, clean": jobs("table_clean", tables, 10_000),
        f"{len(streams)} streams as tables, unlabelled": jobs("table_unlabelled", streams, 10_000),
    }
    text = (
        f"Mean ROC AUC / average precision of {seeds} seeds; each row is the product with one edit of its "
        "source, run in a process of its own. Protocols as on the pages of streams and tables. Differences "
        "below 0.01 AUC or 0.03 AP on streams, 0.005 and 0.01 on tables, are noise of seeds."
    )
    return [
        text,
        f"## The stream model\n\n{_table(STREAM_EDITS, by_stream)}",
        f"## The table model\n\n{_table(TABLE_EDITS, by_table)}",
    ], absent
