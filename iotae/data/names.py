"""Names of columns: without blanks around them, and each only once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

__all__ = ["plain_names"]


def plain_names(written: Sequence[str], notes: Counter[str]) -> list[str]:
    """Return the names of columns without blanks around them; a name that comes again gets a number.

    Parameters
    ----------
    written : sequence of str
        The names as they stand in a file or frame.
    notes : Counter of str
        Counts each name that got a number.

    Examples
    --------
    >>> notes = Counter()
    >>> plain_names([" Label", "Fwd Length", "Fwd Length", "Fwd Length.1"], notes)
    ['Label', 'Fwd Length', 'Fwd Length.2', 'Fwd Length.1']
    >>> list(notes)
    ["column named 'Fwd Length' again, read as 'Fwd Length.2'"]
    """
    stripped = [name.strip() for name in written]
    taken = set(stripped)
    names: list[str] = []
    for name in stripped:
        if name in names:
            number = next(n for n in range(1, len(written) + 2) if f"{name}.{n}" not in taken)
            numbered = f"{name}.{number}"
            taken.add(numbered)
            notes[f"column named {name!r} again, read as {numbered!r}"] += 1
            names.append(numbered)
        else:
            names.append(name)
    return names
