"""The page: one HTML file with its charts and style in it, which loads and runs nothing."""

from __future__ import annotations

from html import escape

from iotae._version import __version__
from iotae.report.chart import chart
from iotae.report.findings import MOST_EVENTS, MOST_GROUPS, Findings
from iotae.report.series import Series
from iotae.report.style import STYLE
from iotae.report.tables import devices_table, events_table, quality_table, sensors_table, share

__all__ = ["page_of"]

_MOST_CHARTS = 24

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    # even if a name slipped through unescaped, nothing would be loaded or run
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)


def page_of(findings: Findings, title: str, asked: float | None = None) -> str:
    """Return the page as HTML text.

    Parameters
    ----------
    findings : Findings
    title : str
        What the rows are, such as the name of their file; any text.
    asked : float, in (0, 1), optional
        The false-alarm rate that the detector was asked for.
    """
    parts = [_summary(findings, title, asked), _over_time(findings)]
    if len(findings.series) > 1:
        parts.append(_devices(findings))
    parts += [_sensors(findings), _rates(findings, asked), _events(findings), _quality(findings)]
    return (
        f"{_HEAD}<title>{escape(title)}: anomalies</title><style>{STYLE}</style></head><body>"
        f"<main>{''.join(parts)}</main><footer>Made by iotae {escape(__version__)}. "
        "This page is complete in itself: it loads nothing and runs nothing.</footer></body></html>\n"
    )


def _tile(name: str, value: str, more: str = "") -> str:
    small = f"<small>{more}</small>" if more else ""
    return f"<div><dt>{name}</dt><dd>{value}{small}</dd></div>"


def _summary(findings: Findings, title: str, asked: float | None) -> str:
    span = ""
    if findings.begin:
        span = f'<p class="soft">{escape(findings.begin)} to {escape(findings.end)}</p>'
    rate = f"asked for: {100 * asked:.3g} %" if asked is not None else ""
    tiles = [
        _tile("Rows", f"{findings.rows:,}"),
        _tile("Alarms", f"{findings.alarms:,}"),
        _tile("Alarm rate", share(findings.alarms, findings.judged), rate),
    ]
    if len(findings.series) > 1:
        alarming = sum(1 for one in findings.series.values() if one.alarms)
        n = f"{len(findings.series) + max(findings.n_shared - 1, 0):,}"
        tiles.append(_tile("Devices", n, f"{alarming:,} with alarms"))
    lead = findings.leads.most_common(1)
    if lead:
        name, times = lead[0]
        tiles.append(_tile("Most often the first reason", escape(name), f"{times:,} alarms"))
    return (
        f'<header><h1>Anomalies in {escape(title)}</h1>{span}</header><dl class="tiles">{"".join(tiles)}</dl>'
    )


def _top(findings: Findings) -> float:
    """The score at the upper edge of all charts, so that devices compare."""
    cuts = [float(cut) for cut in findings.whole.cuts.tolist() if cut == cut]
    return max(findings.whole.peak, max(cuts, default=0.0), 1e-12) * 1.05


def _told(series: Series, what: str) -> str:
    if series.peak < 0:
        return f"{what}: no scores"
    return f"{what}: {series.rows:,} rows, {series.alarms:,} alarms, highest score {series.peak:.3g}"


def _over_time(findings: Findings) -> str:
    told = _told(findings.whole, "Scores over time")
    per = f"One bar is {findings.whole.width:,} rows, from the lowest to the highest score." * (
        findings.whole.width > 1
    )
    begin, end = (
        escape(time) for time in (findings.begin or "row 1", findings.end or f"row {findings.rows:,}")
    )
    return (
        "<section><h2>Score over time</h2>"
        '<p class="key soft"><span><i style="background:var(--scores)"></i>scores</span>'
        '<span><i style="background:var(--alarm)"></i>alarms, below the line</span>'
        '<span><i style="border-top:2px dashed var(--cut);height:3px"></i>threshold</span></p>'
        f"<figure>{chart(findings.whole, findings.rows, _top(findings), told)}"
        f"<figcaption><span>{escape(begin)}</span><span>{escape(end)}</span></figcaption></figure>"
        f'<p class="soft">{per}</p></section>'
    )


def _devices(findings: Findings) -> str:
    ranked = sorted(findings.series.values(), key=lambda one: (-one.alarms, -one.peak, one.group))
    top = _top(findings)
    charts = "".join(
        f"<figure><h3>{escape(one.group) or '(none)'}</h3>"
        f"{chart(one, findings.rows, top, _told(one, one.group), 80)}<figcaption><span>"
        f"{one.alarms:,} alarms in {one.rows:,} rows</span></figcaption></figure>"
        for one in ranked[:_MOST_CHARTS]
    )
    left = ""
    if len(ranked) > _MOST_CHARTS or findings.n_shared:
        left = f"Charts are of the {_MOST_CHARTS} devices with the most alarms. "
    if findings.n_shared:
        left += (
            f"The first {MOST_GROUPS} devices are told apart; the later {findings.n_shared:,} are one line."
        )
    return (
        f'<section><h2>Devices</h2><p class="soft">{left}</p><div class="devices">{charts}</div>'
        f"<h3>All devices</h3>{devices_table(ranked)}</section>"
    )


def _events(findings: Findings) -> str:
    events = findings.events()
    if not events:
        return "<section><h2>Alarms</h2><p>There was no alarm.</p></section>"
    lines = f"{findings.alarms:,} alarms in {findings.n_events:,} events."
    if findings.n_events > MOST_EVENTS:
        lines += f" Listed are the {MOST_EVENTS} with the highest scores."
    return f"<section><h2>Alarms</h2><p>{lines}</p>{events_table(events, len(findings.series) > 1)}</section>"


def _sensors(findings: Findings) -> str:
    if not findings.alarms:
        return ""
    if not findings.named:
        return (
            "<section><h2>Sensors</h2><p>The rows have no reasons: score them with --explain to see which "
            "sensors the alarms come from.</p></section>"
        )
    return f"<section><h2>Sensors</h2>{sensors_table(findings)}</section>"


def _rates(findings: Findings, asked: float | None) -> str:
    lines = [
        f"{findings.alarms:,} of {findings.judged:,} rows that could be judged were alarms: "
        f"{share(findings.alarms, findings.judged)}."
    ]
    if findings.judged < findings.rows:
        lines.append(f"{findings.rows - findings.judged:,} rows had no threshold yet, or no score.")
    lines.append(
        "The rate asked for is not known: give it with --alpha."
        if asked is None
        else f"Asked for was a false-alarm rate of {100 * asked:.3g} %."
    )
    if findings.confusion is None:
        lines.append("Without labels, how many of these alarms were false cannot be told: give --label.")
        return f"<section><h2>False alarms</h2><p>{' '.join(lines)}</p></section>"
    (hits, missed), (false, quiet) = findings.confusion.tolist()
    tiles = [
        _tile(
            "False-alarm rate had", share(false, false + quiet), f"{false:,} of {false + quiet:,} normal rows"
        ),
        _tile("Precision", share(hits, hits + false), f"{hits:,} of {hits + false:,} alarms were anomalies"),
        _tile("Recall", share(hits, hits + missed), f"{hits:,} of {hits + missed:,} anomalies were alarms"),
    ]
    return (
        f"<section><h2>False alarms</h2><p>{' '.join(lines)}</p>"
        f'<dl class="tiles">{"".join(tiles)}</dl></section>'
    )


def _quality(findings: Findings) -> str:
    quality = findings.quality
    lines = f"{quality.rows:,} rows; {quality.empty_rows:,} without any cell, which a detector sets aside."
    return f"<section><h2>Data quality</h2><p>{lines}</p>{quality_table(findings)}</section>"
