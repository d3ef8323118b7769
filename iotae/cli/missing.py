"""Which extra of iotae brings a library that is missing."""

from __future__ import annotations

__all__ = ["how_to_install"]

_EXTRAS = {
    **dict.fromkeys(("numba", "scipy"), "fast"),
    **dict.fromkeys(("sklearn", "pandas", "pyarrow", "joblib"), "tables"),
    "matplotlib": "plots",
    "torch": "torch",
    "onnx": "onnx",
    "pyod": "pyod",
    "river": "river",
    "msgspec": "rules",
    "prometheus_client": "watch",
    "paho": "mqtt",
    "confluent_kafka": "kafka",
}
"""The smallest extra that has a library; joblib comes with scikit-learn."""


def how_to_install(error: ImportError) -> str:
    """Say how to install what could not be imported; nothing more where the error says so itself.

    Examples
    --------
    >>> how_to_install(ModuleNotFoundError("No module named 'sklearn'", name="sklearn.impute"))
    "Install what is missing with: pip install 'iotae[tables]'"
    """
    if "pip install" in str(error):
        return ""
    extra = _EXTRAS.get((error.name or "").split(".")[0], "all")
    return f"Install what is missing with: pip install 'iotae[{extra}]'"
