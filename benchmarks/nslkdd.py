"""The command line on NSL-KDD as people have it: ``iotae fit``, ``score`` and ``evaluate`` on its files."""

from __future__ import annotations

import shlex
import subprocess
import sys
from time import perf_counter

import numpy as np

from benchmarks import datasets, render
from benchmarks.protocols import ranking

__all__ = ["compare", "iotae"]

FOLDER = datasets.ROOT / ".cache" / "benchmarks" / "nslkdd"
TRAIN, TEST = "NSL_KDDTrain+.csv.gz", "NSL_KDDTest+.csv.gz"
LABEL = "attack"
PUBLISHED = ["deep autoencoder (Xu et al., IEEE Access 2021)", "0.92", "0.906", "-", "-", "-"]
ALPHAS = (0.1, 0.05)
SEEDS = 5
TEXT = (
    "Trained on the normal rows of KDDTrain+ alone, scored on KDDTest+, whose attacks are partly new; "
    "`difficulty` is no feature. The threshold is the share `--alpha` of normal training rows that were "
    "held out; no test label enters fit or threshold. 0.1 is the default, as PyOD's "
    "contamination. Both figures were seen on KDDTest+ while the detector was built, and so were some "
    "two hundred variants of it: they are not those of a blind test. Means over {seeds} seeds, the worst in "
    "brackets, computed from the columns of scored.csv by scikit-learn; below is what the commands say."
)


def iotae(arguments: list[str]) -> str:
    """Run the command as a user would, in the folder of the raw files, and return all that it printed."""
    command = [sys.executable, "-m", "iotae", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=datasets.raw(TRAIN).parent, check=False
    )
    if done.returncode:
        raise RuntimeError(
            f"iotae {shlex.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}"
        )
    return "\n".join(part.strip() for part in (done.stderr, done.stdout) if part.strip())


def compare(seed: int = 0) -> str:
    """Run the three commands for each cut and seed, and return one section: table and transcript.

    Parameters
    ----------
    seed : int
        The first of five given to ``iotae fit``.

    Raises
    ------
    DatasetAbsentError
        Where the raw files are not on this machine.
    RuntimeError
        Where a command fails.
    """
    import pandas as pd
    from sklearn.metrics import accuracy_score, f1_score

    for name in (TRAIN, TEST):
        datasets.raw(name)
    FOLDER.mkdir(parents=True, exist_ok=True)
    model, scored = str(FOLDER / "model.iotae"), str(FOLDER / "scored.csv")
    lines, transcript = [], ""
    for alpha in ALPHAS:
        figures = []
        for one in range(seed, seed + SEEDS):
            fit = ["fit", TRAIN, "--label", LABEL, "--drop", "difficulty", "--alpha", str(alpha)]
            commands = [
                [*fit, "--seed", str(one), "-o", model],
                ["score", model, TEST, "-o", scored],
                ["evaluate", scored, "--label", LABEL],
            ]
            start = perf_counter()
            said = [f"$ iotae {shlex.join(arguments)}\n{iotae(arguments)}" for arguments in commands]
            seconds = perf_counter() - start
            transcript = transcript or "\n".join(said)
            rows = pd.read_csv(scored, usecols=[LABEL, "score", "alarm"])
            y = (rows[LABEL] != "normal").to_numpy(np.int8)
            marks = f1_score(y, rows["alarm"]), accuracy_score(y, rows["alarm"])
            figures.append((*marks, *ranking(y, rows["score"].to_numpy()), seconds))
        table = np.array(figures)
        cells = [f"{m:.3f} ({w:.3f})" for m, w in zip(table.mean(0)[:4], table.min(0)[:4], strict=True)]
        lines.append([f"**iotae**, `--alpha {alpha}`", *cells, f"{np.median(table[:, 4]):.1f}"])
    header = ["detector", "F1", "accuracy", "ROC AUC", "average precision", "three commands, s"]
    shown = render.markdown(header, [*lines, PUBLISHED])
    transcript = transcript.replace(f"{FOLDER}/", "")
    return f"{TEXT.format(seeds=SEEDS)}\n\n{shown}\n\n```text\n{transcript}\n```"
