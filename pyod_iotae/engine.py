"""Make IoTAE known to PyOD's ``ADEngine``, which plans and runs detectors by name from a catalogue."""

from __future__ import annotations

import copy
from typing import Any

from pyod.utils.knowledge import KnowledgeBase

__all__ = ["register", "unregister"]

_NAME = "IoTAE"

_ENTRY = {
    "class_path": "pyod_iotae.IoTAE",
    "full_name": "Deep autoencoder for IoT tables, joined with the distance to trusted rows",
    "status": "shipped",
    "data_types": ["tabular"],
    "category": "deep_learning",
    "complexity": {"time": "O(n * d)", "space": "O(n * d)"},
    "strengths": [
        "Scales columns of any tail and masks missing cells by itself",
        "Clusters of outliers neither train the network nor count as trusted rows",
        "Fits to 20,000 rows at most, continues with partial_fit, explains each score by feature",
    ],
    "weaknesses": [
        "On many tables the network adds little to the distance to trusted rows",
        "Rows in sequence are scored one by one",
    ],
    "best_for": "Contaminated tables with correlated, heavy-tailed or missing values",
    "avoid_when": "Sparse or ordered rows, or fewer than about 50 of them",
    "benchmark_refs": [],
    "benchmark_rank": {},
    "paper": {},
    "default_params": {"contamination": 0.1},
    "preprocessing_mode": "internal",
    "requires": [],
    "version_added": "",
}

_PYODS_OWN = KnowledgeBase.algorithms


def register(engine: Any = None) -> None:
    """Add IoTAE to the catalogue of an engine, or of every engine of this process.

    The engine then lists, explains, compares, plans by name and runs it. Its routing rules stay as they are,
    so that it does not choose IoTAE by itself. A second call has no further effect.

    Parameters
    ----------
    engine : pyod.utils.ad_engine.ADEngine, optional
        By default all engines, also those made later.

    Examples
    --------
    >>> from pyod.utils.ad_engine import ADEngine
    >>> engine = ADEngine(random_state=0)
    >>> register(engine)
    >>> engine.build_detector(engine.make_plan(["IoTAE"])).random_state
    0
    """
    if engine is None:
        KnowledgeBase.algorithms = property(_with_ours)
    else:
        engine.kb.algorithms[_NAME] = copy.deepcopy(_ENTRY)


def unregister(engine: Any = None) -> None:
    """Undo :func:`register`, for one engine or for those made later."""
    if engine is None:
        KnowledgeBase.algorithms = _PYODS_OWN
    else:
        engine.kb.algorithms.pop(_NAME, None)


def _with_ours(knowledge: Any) -> Any:
    algorithms = _PYODS_OWN.fget(knowledge)
    algorithms.setdefault(_NAME, copy.deepcopy(_ENTRY))
    return algorithms
