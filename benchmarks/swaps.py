"""Named functions and settings of the product, swapped for others in a process of its own.

A variant is a mapping from a target, "module:attribute" or "module:Class.method", to what takes its place.
The swap is made before the first kernel compiles, as a compiled kernel keeps the functions and settings that
it was compiled with. So the product carries no switches for steps that it always takes, and what is measured
is the product. A target that does not exist is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from benchmarks.detector import OUR_PACKAGES

__all__ = ["Swaps", "resolve", "swap"]

Swaps = Mapping[str, object]
"""Targets, and what takes their places. A setting is swapped where it is defined; what other modules computed
from it when they were loaded stays."""


def resolve(target: str) -> tuple[Any, str, object]:
    """Return the module or class that holds a target, the attribute's name, and its present value.

    Raises
    ------
    ValueError
        Where there is no such target: it has moved or has another name.
    """
    module, _, path = target.partition(":")
    *holders, name = path.split(".")
    try:
        holder: Any = import_module(module)
        for each in holders:
            holder = getattr(holder, each)
        return holder, name, getattr(holder, name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"Got the target {target!r}, but {error}: give the name that the product uses now."
        ) from None


def _our_modules() -> list[ModuleType]:
    """Return the product's modules that are loaded."""
    return [module for name, module in sys.modules.items() if name.split(".")[0] in OUR_PACKAGES]


def _compiled_kernels() -> Iterator[str]:
    for module in _our_modules():
        for name, value in vars(module).items():
            if getattr(value, "signatures", None):
                yield f"{module.__name__}:{name}"


def swap(swaps: Swaps) -> None:
    """Put the replacements in the places of their targets, for as long as this process lives.

    A function or class of a module is also replaced wherever a module of ours has taken it, under any name.

    Raises
    ------
    ValueError
        Where a target does not exist, or is already what should take its place.
    RuntimeError
        Where a kernel has been compiled in this process: it would go on calling what it was compiled with.
    """
    found = {target: resolve(target) for target in swaps}
    if swaps and (kernel := next(_compiled_kernels(), None)):
        raise RuntimeError(
            f"Got the kernel {kernel} compiled already: swap in a fresh process, before any call."
        )
    for target, replacement in swaps.items():
        holder, name, value = found[target]
        if value is replacement or (not callable(value) and value == replacement):
            raise ValueError(f"Got {replacement!r} for {target}, but that is what it is: mend the variant.")
        setattr(holder, name, replacement)
        if callable(value) and isinstance(holder, ModuleType):
            _replace_everywhere(value, replacement)


def _replace_everywhere(value: object, replacement: object) -> None:
    for module in _our_modules():
        taken = [name for name, held in vars(module).items() if held is value]
        for name in taken:
            setattr(module, name, replacement)
