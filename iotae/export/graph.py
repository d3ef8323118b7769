"""Arithmetic written down as an ONNX graph: numbers of a graph that are added and multiplied like arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

__all__ = ["Graph", "Value"]

_OPSET, _IR_VERSION = 18, 8
"""Of the end of 2022: what runs models today knows them."""


class Graph:
    """Nodes and constants of a graph; rows (n, d) of ``cells`` go in.

    Parameters
    ----------
    n_cells : int
    """

    def __init__(self, n_cells: int) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._names: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self.n_cells = n_cells
        self.cells = Value(self, "cells", np.dtype(np.float64))

    def constant(self, value: ArrayLike, dtype: DTypeLike) -> Value:
        """A constant; one that is there already is used again."""
        from onnx import numpy_helper

        array = np.ascontiguousarray(value, dtype)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._names:
            self._names[key] = f"constant_{len(self._constants)}"
            # a scalar stays one
            self._constants.append(numpy_helper.from_array(array.reshape(np.shape(value)), self._names[key]))
        return Value(self, self._names[key], array.dtype)

    def apply(
        self, operator: str, *inputs: Value, dtype: DTypeLike | None = None, **attributes: Any
    ) -> Value:
        """The result of an operator, of the type of its last input unless said otherwise."""
        from onnx import helper

        name = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, [i.name for i in inputs], [name], **attributes))
        return Value(self, name, np.dtype(inputs[-1].dtype if dtype is None else dtype))

    def model(self, score: Value, cut: float, about: dict[str, str]) -> bytes:
        """The whole model, with outputs ``score`` (n,) and ``alarm`` (n,), checked."""
        import onnx
        from onnx import TensorProto, helper

        alarm = score > cut
        self._nodes += [
            helper.make_node("Identity", [score.name], ["score"]),
            helper.make_node("Identity", [alarm.name], ["alarm"]),
        ]
        rows = helper.make_tensor_value_info("cells", TensorProto.DOUBLE, ["rows", self.n_cells])
        results = [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["rows"]),
            helper.make_tensor_value_info("alarm", TensorProto.BOOL, ["rows"]),
        ]
        graph = helper.make_graph(self._nodes, "iotae", [rows], results, self._constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="iotae",
        )
        helper.set_model_props(model, about)
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())


class Value:
    """A number, or an array of numbers, that a graph will have."""

    def __init__(self, graph: Graph, name: str, dtype: np.dtype[Any]) -> None:
        self.graph, self.name, self.dtype = graph, name, dtype

    def _with(self, operator: str, other: Value | ArrayLike, dtype: DTypeLike | None = None) -> Value:
        other = other if isinstance(other, Value) else self.graph.constant(other, self.dtype)
        return self.graph.apply(operator, self, other, dtype=dtype)

    def __add__(self, other: Value | ArrayLike) -> Value:
        return self._with("Add", other)

    def __sub__(self, other: Value | ArrayLike) -> Value:
        return self._with("Sub", other)

    def __mul__(self, other: Value | ArrayLike) -> Value:
        return self._with("Mul", other)

    def __truediv__(self, other: Value | ArrayLike) -> Value:
        return self._with("Div", other)

    def __matmul__(self, other: Value | ArrayLike) -> Value:
        return self._with("MatMul", other)

    def __gt__(self, other: Value | ArrayLike) -> Value:
        return self._with("Greater", other, bool)

    def __and__(self, other: Value | ArrayLike) -> Value:
        return self._with("And", other, bool)

    def __invert__(self) -> Value:
        return self.graph.apply("Not", self)

    def equals(self, other: Value | ArrayLike) -> Value:
        """Where two are equal."""
        return self._with("Equal", other, bool)

    def least(self, other: Value | ArrayLike) -> Value:
        """The smaller of two."""
        return self._with("Min", other)

    def most(self, other: Value | ArrayLike) -> Value:
        """The larger of two."""
        return self._with("Max", other)

    def clip(self, low: float, high: float) -> Value:
        """What lies in an interval, or its nearer end."""
        return self.most(low).least(high)

    def of(self, operator: str, **attributes: Any) -> Value:
        """The result of an operator of one input."""
        return self.graph.apply(operator, self, **attributes)

    def test(self, operator: str) -> Value:
        """The answer of an operator of one input."""
        return self.graph.apply(operator, self, dtype=bool)

    def cast(self, dtype: DTypeLike) -> Value:
        """The same in another type."""
        from onnx import helper

        dtype = np.dtype(dtype)
        return self.graph.apply("Cast", self, dtype=dtype, to=helper.np_dtype_to_tensor_dtype(dtype))

    def where(self, yes: Value | ArrayLike, no: Value | ArrayLike, dtype: DTypeLike = np.float32) -> Value:
        """One where this is true, and the other elsewhere."""
        one, other = (v if isinstance(v, Value) else self.graph.constant(v, dtype) for v in (yes, no))
        return self.graph.apply("Where", self, one, other)

    def over_cells(self, operator: str, axis: int = 1, keep: bool = False) -> Value:
        """A sum or the like over an axis."""
        axes = self.graph.constant([axis], np.int64)
        return self.graph.apply(operator, self, axes, dtype=self.dtype, keepdims=int(keep))
