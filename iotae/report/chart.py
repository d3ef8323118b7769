"""A series of scores as inline SVG: the range of each bucket, the cut, and where alarms were."""

from __future__ import annotations

from html import escape

import numpy as np

from iotae.report.series import MOST_BUCKETS, Series

__all__ = ["chart"]

_WIDTH = 720


def _places(series: Series, rows: int, height: int, top: float) -> list[tuple[float, float, float]]:
    """Of each bucket with a score: across, and down for its highest and its lowest."""
    width = series.width
    found = np.flatnonzero(np.isfinite(series.highest))
    across = (found + 0.5) * width / max(rows, 1) * _WIDTH
    down = [
        height - 2 - (height - 6) * np.clip(part[found] / top, 0, 1)
        for part in (series.highest, series.lowest)
    ]
    return list(zip(across.tolist(), down[0].tolist(), down[1].tolist(), strict=True))


def chart(series: Series, rows: int, top: float, what: str, height: int = 150) -> str:
    """Return an SVG of a series over the rows of a file.

    Parameters
    ----------
    series : Series
    rows : int
        Rows of the whole file, which the chart is wide.
    top : float, above 0
        The score at the upper edge.
    what : str
        What a reader that cannot see the chart is told.
    """
    places = _places(series, rows, height, top)
    one = max(series.width / max(rows, 1) * _WIDTH, 0.8)
    bars = "".join(f"M{x:.1f} {y:.1f}V{max(z, y + 1):.1f}" for x, y, z in places)
    cuts = np.flatnonzero(~np.isnan(series.cuts))
    line = " ".join(
        f"{(i + 0.5) * series.width / max(rows, 1) * _WIDTH:.1f},"
        f"{height - 2 - (height - 6) * min(max(float(series.cuts[i]) / top, 0.0), 1.0):.1f}"
        for i in cuts.tolist()
    )
    alarms = np.flatnonzero(series.alarms_of[:MOST_BUCKETS])
    marks = "".join(
        f"M{(i + 0.5) * series.width / max(rows, 1) * _WIDTH:.1f} {height}v9" for i in alarms.tolist()
    )
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height + 12}" role="img" aria-label="{escape(what)}" '
        'preserveAspectRatio="none">'
        f'<path class="axis" d="M0 {height - 1}H{_WIDTH}"/>'
        f'<path class="scores" d="{bars}" stroke-width="{one:.2f}"/>'
        + (f'<polyline class="cut" points="{line}"/>' if line else "")
        + f'<path class="alarms" d="{marks}" stroke-width="{max(one, 2):.2f}"/></svg>'
    )
