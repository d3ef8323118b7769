"""Models for machines without Python: as one C99 header, or as an ONNX graph.

What is exported is a model at one moment. It scores, and learns nothing more.
"""

from __future__ import annotations

from iotae._validation import check_choice
from iotae.export.network_c import WEIGHTS
from iotae.export.stream_c import stream_header
from iotae.export.stream_onnx import stream_graph
from iotae.export.table_c import table_header
from iotae.export.table_onnx import table_graph
from iotae.pipeline import TableDetector
from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["to_c", "to_onnx"]


def to_c(model: OnlineAutoencoder | TableDetector, name: str = "iotae", weights: str = "float32") -> str:
    """Return a model as the source of one C99 header: weights, scaling, score and cut, without allocation.

    Parameters
    ----------
    model : OnlineAutoencoder or fitted TableDetector
        Of a stream's model the whole score, in [0, 1). Of a table's model what its network alone makes of a
        row, at least 0: not the score of ``TableDetector.score``, which also looks for the nearest of
        thousands of reference rows, unless the model was made with ``scoring='reconstruction'``.
    name : str
        What all names in the header begin with: small letters, digits and underscores.
    weights : {'float32', 'int8'}
        How weights are kept. ``'int8'`` takes about a third of the memory, and changes scores a little.

    Raises
    ------
    ValueError
        If the model has features that are text, has learned nothing, or ``name`` is no C identifier.
    TypeError
        If it is another kind of model.

    Examples
    --------
    >>> model = OnlineAutoencoder(seed=0)
    >>> for i in range(300):
    ...     model.learn_one({"power": 50.0 + i % 7, "latency": 20.0 + i % 5})
    >>> header = to_c(model, name="boiler")
    >>> print(*[line for line in header.splitlines() if line.startswith("static inline float boiler_score")])
    static inline float boiler_score(const boiler_state *state, const BOILER_CELL *cells)
    static inline float boiler_score_next(boiler_state *state, const BOILER_CELL *cells)
    """
    check_choice("weights", weights, WEIGHTS)
    if isinstance(model, OnlineAutoencoder):
        return stream_header(model, name, weights)
    if isinstance(model, TableDetector):
        return table_header(model, name, weights)
    raise _not_ours(model)


def to_onnx(model: OnlineAutoencoder | TableDetector) -> bytes:
    """Return a model as an ONNX model (opset 18), with scaling, network, score and cut inside the graph.

    Its input is ``cells``, float64 of shape (rows, d), NaN where a cell is missing; its outputs are
    ``score``, float32 of shape (rows,), and ``alarm``, bool of shape (rows,). Its metadata has the features
    in the order of the cells (``iotae.features``, JSON) and the cut (``iotae.cut``). Needs the extra
    ``onnx``.

    Parameters
    ----------
    model : OnlineAutoencoder or fitted TableDetector
        As for :func:`to_c`. Of a stream's model each row is scored as if it came next: nothing goes from one
        row to the following.

    Raises
    ------
    ValueError
        If the model has features that are text, or has learned nothing.
    TypeError
        If it is another kind of model.

    Examples
    --------
    >>> model = OnlineAutoencoder(seed=0)
    >>> for i in range(300):
    ...     model.learn_one({"power": 50.0 + i % 7, "latency": 20.0 + i % 5})
    >>> b"iotae.features" in to_onnx(model)
    True
    """
    if isinstance(model, OnlineAutoencoder):
        return stream_graph(model)
    if isinstance(model, TableDetector):
        return table_graph(model)
    raise _not_ours(model)


def _not_ours(model: object) -> TypeError:
    return TypeError(
        f"Got a {type(model).__name__}, but expected an OnlineAutoencoder or a TableDetector: of another "
        "model export the one of these that it holds."
    )
