"""The licences of all that iotae may need, as the packages installed here state them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from benchmarks import render

__all__ = ["table"]

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_CLASSIFIER = "License :: "


def _requirements(found: Distribution) -> Iterator[tuple[str, bool]]:
    """Yield the names that a package asks for, and whether only an extra of it does."""
    for line in found.requires or []:
        name = _NAME.match(line)
        assert name is not None, line
        yield name.group().lower().replace("_", "-"), "extra ==" in line


def _licence(found: Distribution) -> str:
    """Return what a package says of its licence, in a few words."""
    stated = found.metadata
    field = (stated.get("License") or "").strip()
    classes = [text for text in stated.get_all("Classifier", []) if text.startswith(_CLASSIFIER)]
    told = [
        stated.get("License-Expression"),
        # some put the whole text there
        field if "\n" not in field else None,
        ", ".join(text.rsplit(" :: ", 1)[-1] for text in classes),
    ]
    return next((text for text in told if text), "see its licence file")


def table(package: str = "iotae") -> str:
    """Return name, version and licence of what a package needs, with its extras and all that these need.

    A package that is not installed here is listed as such: what it says is not known.
    """
    waiting = sorted({name for name, _ in _requirements(distribution(package))})
    rows: dict[str, list[str]] = {package: []}
    while waiting:
        name = waiting.pop()
        if name in rows:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            rows[name] = [name, "not installed", "not known"]
            continue
        rows[name] = [name, found.version, _licence(found)]
        waiting += [other for other, of_extra in _requirements(found) if not of_extra]
    return render.markdown(
        ["package", "version", "licence"], [rows[name] for name in sorted(rows) if rows[name]]
    )
