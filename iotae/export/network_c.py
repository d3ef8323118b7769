"""A network's layers as C source."""

from __future__ import annotations

from collections.abc import Sequence

from iotae._typing import Float32
from iotae.export.c_text import array, quantised
from iotae.nn.architecture import layer_views

__all__ = ["ACTIVATION_OF", "WEIGHTS", "dense_layers", "scaled_array", "times"]

WEIGHTS = ("float32", "int8")
"""How weights may be kept."""

_TANH = """\
static inline float @p@_activate(float unit)
{
    float x = @half@f * unit, y;
    x = x < 9.0f ? x : 9.0f;
    x = x > -9.0f ? x : -9.0f;
    y = x * x;
    return @half@f * x *
               (((((2.46652683e-10f * y + 2.37403208e-7f) * y + 5.81163053e-5f) * y + 0.0049689441f) * y +
                 0.144927536f) * y + 1.0f) /
               ((((((3.16221339e-12f * y + 9.49612831e-9f) * y + 4.27325774e-6f) * y + 0.000610221121f) * y +
                  0.0310559006f) * y + 0.47826087f) * y + 1.0f) + @level@f;
}"""

_ONE_LINE = """\
static inline float @p@_activate(float unit)
{
    return unit > 0.0f ? unit : @below@;
}"""

ACTIVATION_OF = {
    "tanh": _TANH.replace("@half@", "1.0").replace("@level@", "0.0"),
    "sigmoid": _TANH.replace("@half@", "0.5").replace("@level@", "0.5"),
    "relu": _ONE_LINE.replace("@below@", "0.0f"),
    "leaky_relu": _ONE_LINE.replace("@below@", "0.01f * unit"),
    "elu": _ONE_LINE.replace("@below@", "(float)(exp((double)unit) - 1.0)"),
}
"""The hidden activations, by the same formulas as :mod:`iotae.nn.activations`."""

_DENSE = """\
/* A layer: each input is one row of weights. */
static inline void @p@_dense(@dense_weights@, const float *bias, int n_in, int n_out, const float *in,
                             float *out)
{
    int i, j;
    for (j = 0; j < n_out; j++)
        out[j] = bias[j];
    for (i = 0; i < n_in; i++) {
        float value = @P@_TIMES(in[i], scale, i);
        for (j = 0; j < n_out; j++)
            out[j] += value * (float)weights[i * n_out + j];
    }
}"""


def times(weights: str) -> str:
    """How a number is brought to the scale of the weights that it meets."""
    product = "((value) * (scales)[i])" if weights == "int8" else "(value)"
    return f"#define @P@_TIMES(value, scales, i) {product}"


def scaled_array(name: str, values: Float32, weights: str, bits: int = 8, flat: bool = False) -> list[str]:
    """Weights (n, k), each row with its scale where they are whole numbers."""
    if weights == "float32":
        return [array(f"@p@_{name}", values.reshape(-1) if flat else values)]
    whole, scale = quantised(values, bits)
    kept = array(f"@p@_{name}", whole.reshape(-1) if flat else whole, f"int{bits}_t")
    return [kept, array(f"@p@_{name}_scale", scale)]


def dense_layers(
    parameters: Float32, sizes: Sequence[int], activation: str, weights: str
) -> tuple[list[str], str]:
    """The layers' arrays, and the function ``rebuild`` that puts a row through them.

    Its last parameter ``code``, the narrowest hidden layer, is there where the caller asks for the place
    ``@code@`` to be filled.
    """
    arrays: list[str] = []
    calls: list[str] = []
    inputs, n_layers = "seen", len(sizes) - 1
    for layer, (matrix, biases) in enumerate(layer_views(parameters, sizes)):
        arrays += scaled_array(f"weights_{layer}", matrix, weights, flat=True)
        arrays.append(array(f"@p@_bias_{layer}", biases))
        outputs = "made" if layer == n_layers - 1 else "ab"[layer % 2]
        scale = f" @p@_weights_{layer}_scale," if weights == "int8" else ""
        n_in, n_out = sizes[layer], sizes[layer + 1]
        given = f"@p@_weights_{layer},{scale} @p@_bias_{layer}, {n_in}, {n_out}, {inputs}, {outputs}"
        calls.append(f"    @p@_dense({given});")
        if layer < n_layers - 1:
            calls.append(
                f"    for (i = 0; i < {n_out}; i++)\n        {outputs}[i] = @p@_activate({outputs}[i]);"
            )
        if layer == min(range(n_layers - 1), key=lambda at: sizes[at + 1]):
            calls.append("@code@")
        inputs = outputs
    kept = "const int8_t *weights, const float *scale" if weights == "int8" else "const float *weights"
    widest = max(sizes[1:-1])
    body = "\n".join(
        [
            _DENSE.replace("@dense_weights@", kept),
            ACTIVATION_OF[activation],
            "static inline void @p@_rebuild(const float *seen, float *made@code_parameter@)",
            f"{{\n    float a[{widest}], b[{widest}];\n    int i;",
            *calls,
            "}",
        ]
    )
    return arrays, body
