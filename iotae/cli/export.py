"""``iotae export``: a saved model for machines without Python."""

from __future__ import annotations

from argparse import Namespace

from iotae import serialization
from iotae._files import replacing
from iotae.cli.paths import check_model_output
from iotae.cli.terminal import say

__all__ = ["run"]


def run(args: Namespace) -> int:
    """Write a model's header or graph, and say how large it is."""
    from iotae.export import to_c, to_onnx
    from iotae.export.model_files import exportable
    from iotae.export.size import size_of_header

    check_model_output(args.output, args.model)
    kind, data = serialization.read(args.model)
    try:
        model = exportable(kind, data)
    except serialization.StateError as error:
        raise serialization.StateError(f"{args.model}: {error}") from error
    source = to_onnx(model) if args.format == "onnx" else to_c(model, args.name, args.weights).encode()
    with replacing(args.output, [args.model]) as file:
        file.write(source)
    if args.format == "onnx":
        say(f"{args.output}: {len(source):,} bytes")
        return 0
    size = size_of_header(source.decode(), args.name)
    if size is None:
        say(f"{args.output}: no gcc is here that could tell how large it becomes")
        return 0
    say(
        f"{args.output}: at -Os {size.flash:,} bytes of code and constants, {size.state:,} bytes of state "
        f"and {size.stack:,} bytes of stack, by gcc for this machine, without the C library"
    )
    return 0
