"""Supervised related systems on NSL-KDD, beside the command, which sees no attack: by class, and unseen."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, nslkdd, render
from benchmarks.related_systems import NORMAL, SAMPLE, SYSTEMS, System

__all__ = ["CLASSES", "Split", "class_of", "compare", "figures"]

FOLDER = datasets.ROOT / ".cache" / "benchmarks" / "related"
TRAIN_SHARE = 0.7
TEXT_COLUMNS = ["protocol_type", "service", "flag"]
NO_FEATURES = [nslkdd.LABEL, "difficulty"]
CLASSES = {
    "DoS": "back land neptune pod smurf teardrop apache2 udpstorm processtable worm mailbomb",
    "Probe": "satan ipsweep nmap portsweep mscan saint",
    "R2L": "guess_passwd ftp_write imap phf multihop warezmaster warezclient spy xlock xsnoop snmpguess "
    "snmpgetattack httptunnel sendmail named",
    "U2R": "buffer_overflow loadmodule rootkit perl sqlattack xterm ps",
}
TEXT = (
    "The systems that the paper names as related are classifiers: they are shown labelled attacks. "
    "**iotae** is the command of [nslkdd.md](nslkdd.md) with its default cut, an alarm for one "
    "normal row in ten, and learns from normal rows alone. Each classifier is taught five classes "
    "(normal and the four of attacks); an alarm is any "
    "class but normal. "
    "*Classes* is the share of rows whose class is right. *DoS*, *Probe*, *R2L* and *U2R* are the shares of "
    "their rows that raise an alarm, *unseen* that of attacks whose name no training row has, *false alarms* "
    "that of normal rows. Categories are spread over columns; counts are taken as logarithms and "
    "standardised. Rows marked * learn from {sample:,} training rows drawn at random, as they are slow. "
    "Settings: {settings}. One run, seed {seed}."
)
PUBLISHED = (
    "What these papers publish stands beside as accuracies of 0.994 (random forest, Hasan et al., on another "
    "set), 0.998 (decision tree), 0.9931, 0.9912 and 0.969, each by its own split, features and data: marks, "
    "not the same experiment."
)
RANDOM = (
    "KDDTrain+ alone, seven rows in ten at random for training: test rows have near copies among the "
    "training rows, and no attack is new."
)
OFFICIAL = (
    "KDDTrain+ for training and KDDTest+ for the test, as the set's authors mean it: of {n_attacks:,} "
    "attacks {unseen:,} have a name that is not in KDDTrain+. KDDTest+ was seen while iotae was built, and "
    "not while these classifiers were: its line is not that of a blind test."
)
HEADER = [
    "system", "accuracy", "F1", "classes", "DoS", "Probe", "R2L", "U2R", "unseen", "false alarms",
]  # fmt: skip


class Split(NamedTuple):
    """Training and test rows, as data frames with the columns of the files."""

    name: str
    train: Any
    test: Any


def class_of(attacks: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the class of each attack, "normal" for normal.

    Raises
    ------
    ValueError
        If an attack is in none of the four classes.
    """
    known = {NORMAL: NORMAL} | {name: kind for kind, names in CLASSES.items() for name in names.split()}
    absent = sorted(set(attacks.tolist()) - set(known))
    if absent:
        raise ValueError(f"Got the attacks {absent}, but expected those of NSL-KDD: add them to CLASSES.")
    return np.array([known[name] for name in attacks.tolist()])


def _splits(seed: int) -> Iterator[Split]:
    import pandas as pd

    train, test = (pd.read_csv(datasets.raw(name)) for name in (nslkdd.TRAIN, nslkdd.TEST))
    order = np.random.default_rng(seed).permutation(len(train))
    cut = round(TRAIN_SHARE * len(train))
    yield Split("random", train.iloc[order[:cut]], train.iloc[order[cut:]])
    yield Split("official", train, test)


def _features(split: Split) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn rows into numbers, by what the training rows alone say."""
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    texts = [name for name in TEXT_COLUMNS if name in split.train.columns]
    numbers = [name for name in split.train.columns if name not in [*texts, *NO_FEATURES]]
    scaled = make_pipeline(FunctionTransformer(np.log1p), StandardScaler())
    spread = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    made = make_column_transformer((scaled, numbers), (spread, texts))
    return made.fit_transform(split.train), made.transform(split.test)


def figures(
    said: NDArray[np.str_], attacks: NDArray[np.str_], known: set[str], names_classes: bool
) -> dict[str, float]:
    """Return the figures of a line.

    Parameters
    ----------
    said : ndarray of str, shape (n,)
        The class that a system gives each test row; any but "normal" is an alarm.
    attacks : ndarray of str, shape (n,)
        What the rows are, by name.
    known : set of str
        The names among the training rows.
    names_classes : bool
        Whether ``said`` tells classes of attacks apart.
    """
    truth, alarm = class_of(attacks), said != NORMAL
    odd = truth != NORMAL
    hits = int((alarm & odd).sum())

    def share(rows: NDArray[np.bool_]) -> float:
        return float(alarm[rows].mean()) if rows.any() else float("nan")

    return {
        "accuracy": float((alarm == odd).mean()),
        "F1": 2.0 * hits / max(int(alarm.sum() + odd.sum()), 1),
        "classes": float((said == truth).mean()) if names_classes else float("nan"),
        **{kind: share(truth == kind) for kind in CLASSES},
        "unseen": share(odd & ~np.isin(attacks, sorted(known))),
        "false alarms": share(~odd),
    }


def _ours(split: Split, seed: int) -> NDArray[np.str_]:
    """Run the command on the split's rows, with its defaults."""
    import pandas as pd

    FOLDER.mkdir(parents=True, exist_ok=True)
    train, test, model, scored = (
        str(FOLDER / f"{split.name}-{name}")
        for name in ("train.csv", "test.csv", "model.iotae", "scored.csv")
    )
    split.train.to_csv(train, index=False)
    split.test.to_csv(test, index=False)
    fit = ["fit", train, "--label", nslkdd.LABEL, "--drop", "difficulty", "--seed", str(seed), "-o", model]
    for arguments in (fit, ["score", model, test, "-o", scored]):
        nslkdd.iotae(arguments)
    alarm = pd.read_csv(scored, usecols=["alarm"])["alarm"].to_numpy(bool)
    for path in (train, test, scored):
        Path(path).unlink()
    return np.where(alarm, "attack", NORMAL)


def _measured(split: Split, seed: int) -> dict[str, dict[str, float]]:
    """Return the figures of each line of a split, going on from what an interrupted run left."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = FOLDER / f"{split.name}-{len(split.train)}-{len(split.test)}-{seed}.json"
    found: dict[str, dict[str, float]] = json.loads(kept.read_text()) if kept.exists() else {}
    attacks = split.test[nslkdd.LABEL].to_numpy(str)
    names = split.train[nslkdd.LABEL].to_numpy(str)
    known, y = set(names.tolist()), class_of(names)
    X, unseen = _features(split)
    sample = np.random.default_rng(seed).permutation(len(y))[:SAMPLE]

    def said(system: System | None) -> NDArray[np.str_]:
        if system is None:
            return _ours(split, seed)
        rows = sample if system.sampled else np.arange(len(y))
        return system.predict(X[rows], y[rows], unseen, seed)

    for system in (None, *SYSTEMS):
        title = "**iotae**, sees no attack" if system is None else system.title
        if title not in found:
            print(f"{split.name}: {title}", file=sys.stderr)
            names_classes = system is not None and system.names_classes
            found[title] = figures(said(system), attacks, known, names_classes)
            kept.write_text(json.dumps(found))
    return found


def _table(found: dict[str, dict[str, float]]) -> str:
    sampled = {system.title for system in SYSTEMS if system.sampled}
    lines = [
        [title + " *" * (title in sampled)]
        + ["-" if np.isnan(value) else f"{value:.3f}" for value in line.values()]
        for title, line in found.items()
    ]
    return render.markdown(HEADER, lines)


def compare(seed: int = 0) -> list[str]:
    """Run every system on both splits and return the page's sections.

    Results lie in ``.cache/benchmarks/related``: delete them to measure again.

    Raises
    ------
    DatasetAbsentError
        Where the raw files are not on this machine.
    """
    settings = "; ".join(f"{system.title.split(' (')[0]}: {system.what}" for system in SYSTEMS)
    sections = [TEXT.format(sample=SAMPLE, settings=settings, seed=seed), PUBLISHED]
    for split in _splits(seed):
        attacks = split.test[nslkdd.LABEL].to_numpy(str)
        odd = attacks != NORMAL
        new = odd & ~np.isin(attacks, split.train[nslkdd.LABEL].to_numpy(str))
        text = OFFICIAL.format(n_attacks=odd.sum(), unseen=new.sum()) if split.name == "official" else RANDOM
        sections += [f"## The {split.name} split", text, _table(_measured(split, seed))]
    return sections
