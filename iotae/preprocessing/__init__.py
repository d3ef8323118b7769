"""The paper's preprocessing as a visible pipeline: missing values, outliers, selection, normalisation.

scikit-learn fits the steps. What they learned is kept as plain arrays and applied with NumPy alone, so that
a saved pipeline needs neither pickle nor scikit-learn.
"""

from __future__ import annotations

from iotae.preprocessing.preprocessor import Preprocessor, Transformed

__all__ = ["Preprocessor", "Transformed"]
