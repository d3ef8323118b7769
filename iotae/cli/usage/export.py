"""The help page and the options of ``iotae export``."""

from __future__ import annotations

from argparse import ArgumentParser

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "write a saved model for machines without Python"

DETAIL = (
    "Of a stream's model the whole score is exported, as it is now: nothing is learned any more. Of a "
    "table's model it is what the network alone makes of a row. Features must be numbers; a "
    "stream may have times."
)

EXAMPLES = (
    "iotae export stream.iotae --format c -o model.h",
    "iotae export stream.iotae --format c --weights int8 --name boiler -o boiler.h",
    "iotae export model.iotae --format onnx -o model.onnx",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae export``."""
    parser.add_argument(
        "model", help="the file of a model: of iotae stream --save, of iotae fit, or of River's detector"
    )
    parser.add_argument(
        "--format",
        required=True,
        choices=("c", "onnx"),
        help="c: one C99 header without allocation; onnx: a graph for ONNX Runtime and others",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write it")
    parser.add_argument(
        "--name",
        default="iotae",
        metavar="NAME",
        help="what all names in the header begin with (default iotae)",
    )
    parser.add_argument(
        "--weights",
        default="float32",
        choices=("float32", "int8"),
        help="how the header keeps weights: int8 takes about a third of the memory, and changes scores a "
        "little (default float32)",
    )
