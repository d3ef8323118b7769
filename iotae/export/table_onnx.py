"""The network's view of a fitted table as an ONNX model."""

from __future__ import annotations

import numpy as np

from iotae.export.graph import Graph
from iotae.export.metadata import about
from iotae.export.network_onnx import dense_layers
from iotae.export.table_figures import freeze_table
from iotae.pipeline import TableDetector

__all__ = ["table_graph"]


def table_graph(detector: TableDetector) -> bytes:
    """An ONNX model that scores rows by the network of a fitted table."""
    frozen = freeze_table(detector)
    graph = Graph(len(frozen.names))
    cells = graph.cells.test("IsNaN").where(frozen.filling, graph.cells, np.float64)
    present = ~cells.test("IsNaN")
    cells = present.where(cells, frozen.centre, np.float64)
    most = 1e30 if frozen.bent else 1e9
    scaled = ((cells - frozen.centre) / frozen.unit).clip(-most, most).cast(np.float32)
    if frozen.bent:
        scaled = (scaled.of("Asinh") * frozen.factor - frozen.shift).clip(-30.0, 30.0)
    seen = present.where(scaled, 0.0)
    code, made = dense_layers(seen, frozen.layers, frozen.sizes, frozen.activation)
    residual = present.where(scaled - made, 0.0)
    if frozen.mean.size:
        side = graph.apply("Concat", code, residual, axis=1) - frozen.mean
        white = side @ frozen.matrix if frozen.matrix.ndim == 2 else side * frozen.matrix
        square = (white * white).over_cells("ReduceSum")
    else:
        n_present = present.cast(np.float32).over_cells("ReduceSum")
        square = (
            (residual * residual).over_cells("ReduceSum") * float(len(frozen.names)) / n_present.most(1.0)
        )
    kind = "the network of an iotae table model"
    return graph.model(square.of("Sqrt"), frozen.cut, about(kind, frozen.names, frozen.cut))
