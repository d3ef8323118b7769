"""The regimes benchmark: what the stream's model does when the world changes, and when somebody changes it.

Every stream here is simulated: eight features that share three factors, in standard deviations. An alarm
is a score above the model's own threshold with its defaults (one row in a hundred). Rows are scored before
they are learned, and nothing sees a label.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks import protocols, render
from iotae import OnlineAutoencoder

__all__ = [
    "Run",
    "burst",
    "compare",
    "day_and_night",
    "level_shift",
    "poisoning",
    "quiet_after",
    "slow_drift",
]

Floats = NDArray[np.float64]

FEATURES = 8
CALM = 10_000
"""Rows of the usual world before anything happens."""

ODD = 3.0
"""Standard deviations by which an attack moves two of the features: so few that some are missed."""

QUIET_ROWS, QUIET_SHARE = 200, 0.05
"""Alarms have stopped where fewer than this share of so many rows are alarms."""

SEEDS = 3


def usual(n_rows: int, rng: np.random.Generator) -> Floats:
    """Return rows (n, 8) of the usual world: three factors and a little noise, deviations of 1."""
    loadings = np.random.default_rng(7).normal(size=(3, FEATURES))
    X = rng.normal(size=(n_rows, 3)) @ loadings + 0.3 * rng.normal(size=(n_rows, FEATURES))
    scaled: Floats = X / np.sqrt((loadings**2).sum(axis=0) + 0.09)
    return scaled


class Run:
    """One model along rows (n, 8): what it said of each row before learning it.

    Attributes
    ----------
    score : ndarray of float, shape (n,)
        Scores in [0, 1).
    alarm, refused, drift : ndarray of bool, shape (n,)
        Whether the score was an alarm, the row taught nothing, and a drift was being signalled after it.
    """

    def __init__(self, X: Floats, seed: int) -> None:
        model = OnlineAutoencoder(seed=seed)
        names = [f"f{j}" for j in range(X.shape[1])]
        self.score = np.empty(len(X))
        self.alarm, self.refused, self.drift = (np.zeros(len(X), bool) for _ in range(3))
        for i, row in enumerate(X.tolist()):
            x = dict(zip(names, row, strict=True))
            self.score[i] = model.score_one(x)
            self.alarm[i] = model.classify(self.score[i])
            before = model.n_refused
            model.learn_one(x)
            self.refused[i] = model.n_refused > before
            self.drift[i] = model.drift_detected


def quiet_after(alarm: NDArray[np.bool_], share: float = QUIET_SHARE) -> int:
    """Return the rows until less than a share of 200 rows are alarms; the number of rows if that never is.

    Examples
    --------
    >>> quiet_after(np.arange(1000) < 300)
    291
    """
    quiet = np.flatnonzero(np.convolve(alarm, np.full(QUIET_ROWS, 1 / QUIET_ROWS), mode="valid") < share)
    return int(quiet[0]) if quiet.size else len(alarm)


def level_shift(seed: int, size: float) -> dict[str, float]:
    """All features move by ``size`` deviations, for good."""
    X = usual(CALM + 8_000, np.random.default_rng(seed))
    X[CALM:] += size
    run = Run(X, seed)
    after = run.alarm[CALM:]
    return {
        "alarms among the first 50 rows": after[:50].mean(),
        "rows until alarms stop": quiet_after(after),
        "rows until they teach again": quiet_after(run.refused[CALM:], 0.1),
        "alarms among the last 4,000 rows": after[-4_000:].mean(),
        "rows until the drift is signalled": first(run.drift[CALM:]),
        "signalled before the shift": run.drift[:CALM].mean(),
    }


def first(flags: NDArray[np.bool_]) -> int:
    """Return the place of the first True, the length if there is none."""
    return int(np.argmax(flags)) if flags.any() else len(flags)


def slow_drift(seed: int, size: float = 20.0, rows: int = 20_000) -> dict[str, float]:
    """All features walk ``size`` deviations in a straight line."""
    X = usual(CALM + rows, np.random.default_rng(seed))
    X[CALM:] += np.linspace(0.0, size, rows)[:, None]
    run = Run(X, seed)
    return {
        "refused on the way": run.refused[CALM:].mean(),
        "alarms on the way": run.alarm[CALM:].mean(),
        "rows with the drift signalled": run.drift[CALM:].mean(),
    }


def day_and_night(seed: int, size: float = 8.0, rows: int = 6_000) -> dict[str, float]:
    """Half of the features move by ``size`` at night and back by day: day, night, day, night, day, night."""
    X = usual(6 * rows, np.random.default_rng(seed))
    for start in (1, 3, 5):
        X[start * rows : (start + 1) * rows, ::2] += size
    alarm = Run(X, seed).alarm.reshape(6, rows)
    return {
        f"rows until alarms stop, {name}": quiet_after(part)
        for name, part in zip(
            ("first night", "second day", "second night", "third day", "third night"), alarm[1:], strict=True
        )
    }


def attacks(X: Floats, odd: NDArray[np.bool_]) -> None:
    """Turn the rows ``odd`` into attacks: two features far out, one up and one down."""
    X[odd, 0] += ODD
    X[odd, 3] -= ODD


def burst(seed: int, length: int = 5_000, share: float = 0.05) -> dict[str, float]:
    """For ``length`` rows a ``share`` of the rows is attacks; then single attacks are ranked."""
    rng = np.random.default_rng(seed)
    X, later = usual(CALM, rng), usual(4_000, rng)
    odd = rng.random(len(later)) < 0.05
    attacks(later, odd)
    struck = X.copy()
    attacks(struck, (np.arange(CALM) >= CALM - length) & (rng.random(CALM) < share))
    auc = {}
    for name, past in (("without the burst", X), ("after the burst", struck)):
        score = Run(np.concatenate([past, later]), seed).score[CALM:]
        auc[f"ROC AUC {name}"] = protocols.ranking(odd, score)[0]
    return auc


def poisoning(seed: int, share: float, rows: int = 20_000) -> dict[str, float]:
    """An attacker who owns a ``share`` of the rows creeps from the usual to the attack in small steps."""
    rng = np.random.default_rng(seed)
    X, later = usual(CALM + rows, rng), usual(4_000, rng)
    odd = rng.random(len(later)) < 0.05
    attacks(later, odd)
    own = np.flatnonzero((rng.random(len(X)) < share) & (np.arange(len(X)) >= CALM))
    poisoned = X.copy()
    poisoned[own, 0] += np.linspace(0.0, ODD, len(own))
    poisoned[own, 3] -= np.linspace(0.0, ODD, len(own))
    found = {}
    for name, past in (("without the poison", X), ("after the poison", poisoned)):
        run = Run(np.concatenate([past, later]), seed)
        found[f"ROC AUC of the attack {name}"] = protocols.ranking(odd, run.score[len(X) :])[0]
    found["poisoned rows refused, last half"] = run.refused[own[len(own) // 2 :]].mean()
    found["other rows refused"] = np.delete(run.refused[CALM : len(X)], own - CALM).mean()
    return found


REGIMES: tuple[tuple[str, str, Callable[[int], dict[str, float]]], ...] = (
    *(
        (
            f"A level shift of {size:,.0f} deviations",
            "All features move, for good, after 10,000 usual rows.",
            lambda seed, size=size: level_shift(seed, size),
        )
        for size in (3.0, 8.0, 30.0, 1e6)
    ),
    ("A slow drift", "All features walk 20 deviations in 20,000 rows.", slow_drift),
    (
        "Day and night",
        "Half of the features move by 8 deviations and back, every 6,000 rows.",
        day_and_night,
    ),
    (
        "A burst of 5 % attacks",
        "Of the last 5,000 of 10,000 rows, 5 % are attacks; then 5 % of 4,000 rows are.",
        burst,
    ),
    *(
        (
            f"{length} attacks in a row",
            f"The last {length} of 10,000 rows are attacks and nothing else; then 5 % of 4,000 rows are.",
            lambda seed, length=length: burst(seed, length, 1.0),
        )
        for length in (100, 200, 500)
    ),
    *(
        (
            f"Slow poisoning with {share:.0%} of the rows",
            "Over 20,000 rows these creep up to the attack itself; then 5 % of 4,000 rows are attacks.",
            lambda seed, share=share: poisoning(seed, share),
        )
        for share in (0.02, 0.05, 0.2)
    ),
)

TEXT = (
    "Simulated streams of eight features that share three factors; what is added is in their standard "
    "deviations. An attack moves two features by 3 deviations, one up and one down. Alarms are scores above "
    "the model's own threshold with its defaults, which lets one row in a hundred be an alarm; they have "
    "*stopped* where fewer than 5 % of 200 rows are alarms. Each figure is the lowest, the middle and the "
    "highest of {n} seeds. Rows *teach again* where fewer than one in ten of 200 is "
    "refused. `tests/test_stream_regimes.py` holds the model to bounds on them."
)


def _shown(name: str, value: float) -> str:
    return f"{value:,.0f}" if name.startswith("rows until") else f"{value:.3f}"


def compare(seed: int) -> tuple[list[str], list[str]]:
    """Run every regime with three seeds from ``seed`` on; return the page's sections, and no notes."""
    rows: list[list[str]] = []
    for title, _, regime in REGIMES:
        found = [regime(seed + k) for k in range(SEEDS)]
        for name in found[0]:
            values = sorted(one[name] for one in found)
            rows.append([title, name, *(_shown(name, values[k]) for k in (0, SEEDS // 2, -1))])
            title = ""
    header = ["regime", "figure", "lowest", "middle", "highest"]
    listed = "\n".join(f"- **{title}.** {text}" for title, text, _ in REGIMES)
    return [TEXT.format(n=SEEDS), render.markdown(header, rows, n_text=2), listed], []
