"""River's own checks of estimators, as test cases."""

import pytest
from river import checks, datasets

__all__ = ["river_cases"]


def river_cases(models):
    """A case of a model and a check for each check of each model; models by the label of their cases."""
    original = datasets.CreditCard
    # River's checks read a set that must be downloaded: the bundled one takes its place
    datasets.CreditCard = datasets.Shuttle
    try:
        for label, model in models.items():
            for number, check in enumerate(checks.yield_checks(model)):
                yield pytest.param(model, check, id=f"{label}-{number}-{check.__name__}")
    finally:
        datasets.CreditCard = original
