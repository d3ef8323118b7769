"""Tables of the page, as HTML: which sensors, which devices, which events, and what the cells are like."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from iotae.report.findings import Findings
from iotae.report.series import Episode, Series

__all__ = ["devices_table", "events_table", "quality_table", "sensors_table", "share", "table"]


def share(part: float, whole: float) -> str:
    """Return a share in percent.

    Examples
    --------
    >>> share(1, 3), share(1, 100_000), share(0, 5), share(0, 0)
    ('33.3 %', '0.001 %', '0 %', '-')
    """
    return f"{100 * part / whole:.3g} %" if whole else "-"


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: str) -> str:
    """Return a table of cells that are HTML already.

    ``numeric`` has a letter for each column: n a number, b a bar, t text. The first column heads its row.
    """
    kinds = {"n": ' class="n"', "b": ' class="bar"', "t": ""}
    top = "".join(
        f'<th scope="col"{kinds[kind]}>{escape(head)}</th>' for head, kind in zip(heads, numeric, strict=True)
    )
    body = ""
    for row in rows:
        cells = list(zip(heads, numeric, row, strict=True))
        head, kind, cell = cells[0]
        body += f'<tr><th scope="row" data-name="{escape(head)}"{kinds[kind]}>{cell}</th>'
        body += "".join(
            f'<td data-name="{escape(head)}"{kinds[kind]}>{cell}</td>' for head, kind, cell in cells[1:]
        )
        body += "</tr>"
    return (
        f'<div class="wide"><table class="stack"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _bar(part: float) -> str:
    return (
        '<svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * part:.1f}" height="12"/></svg>'
    )


def sensors_table(findings: Findings) -> str:
    """Return the columns that reasons name, the one that leads most alarms first."""
    most = max(findings.named.values(), default=1)
    ranked = sorted(findings.named, key=lambda name: (-findings.leads[name], -findings.named[name], name))
    rows = [
        [
            escape(name),
            f"{findings.leads[name]:,}",
            f"{findings.named[name]:,}",
            share(findings.named[name], findings.alarms),
            _bar(findings.named[name] / most),
        ]
        for name in ranked[:50]
    ]
    heads = ["Sensor", "First reason", "Named", "Of all alarms", "How often"]
    return table("In how many alarms a sensor is named as a reason.", heads, rows, "tnnnb")


def events_table(events: Sequence[Episode], has_groups: bool) -> str:
    """Return the events, with the reasons of the row with the highest score."""
    rows = []
    for event in events:
        span = f"{event.first:,}" if event.first == event.last else f"{event.first:,} to {event.last:,}"
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in event.reason.split("; ") if reason)
        cells = [span, escape(event.begin) or "-", f"{event.alarms:,}", f"{event.peak:.3g}"]
        told = f'<ul class="reasons">{reasons}</ul>' if reasons else "-"
        rows.append([*cells[:2], *([escape(event.group) or "-"] if has_groups else []), *cells[2:], told])
    heads = ["Rows", "Begins", *(["Device"] if has_groups else []), "Alarms", "Highest score", "Reasons"]
    return table(
        "Alarms that follow each other are one event; reasons are those of its highest score.",
        heads,
        rows,
        "tttnnt" if has_groups else "ttnnt",
    )


def devices_table(series: Sequence[Series]) -> str:
    """Return the devices, with how often each alarms."""
    rows = [
        [
            escape(one.group) or "-",
            f"{one.rows:,}",
            f"{one.alarms:,}",
            share(one.alarms, one.rows),
            f"{one.peak:.3g}",
        ]
        for one in series
    ]
    heads = ["Device", "Rows", "Alarms", "Alarm rate", "Highest score"]
    return table("Devices, the one with the most alarms first.", heads, rows, "tnnnn")


def quality_table(findings: Findings) -> str:
    """Return the columns of cells, with what is missing or odd."""
    rows = []
    for name, column in findings.quality.columns.items():
        n = findings.quality.rows
        if column.kind == "numeric":
            content = f"{column.low:.6g} to {column.high:.6g}" if column.low <= column.high else "-"
        elif column.kind == "category":
            many = len(column.values) > 1000
            content = "more than 1,000 values" if many else f"{len(column.values):,} values"
        else:
            content = "times"
        cells = [f"{column.missing:,}", share(column.missing, n), f"{column.odd:,}", content]
        rows.append([escape(name), *cells])
    heads = ["Column", "Missing", "Of all rows", "Odd cells", "Content"]
    return table("An odd cell is one that its column's kind cannot be read from.", heads, rows, "tnnnt")
