"""The sections of a page on the mail itself: how much, when, with whom, what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.logs.grouping import Tally
from eximkit.report import charts
from eximkit.report.charts import Caption, Row, Series
from eximkit.report.logs_figures import number, size
from eximkit.report.logs_page import (
    Cell,
    Figure,
    Section,
    Table,
    bounded,
    count,
    label,
    of_log,
    over_time,
    volume,
    words,
)
from eximkit.report.logs_periods import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eximkit.logs.result import HostRow, LogReport
    from eximkit.report.logs_periods import Timeline
    from eximkit.report.logs_view import View

_TROUBLE = (
    ("deferrals", "deferrals", "deferred"),
    ("failures", "failures", "failed"),
    ("rejects", "rejections", "rejected"),
    ("frozen", "frozen messages", "plain"),
)
"""Events of a tally, what they are called, and their colours."""

_GROUPS = {
    "host": "By host", "transport": "Deliveries by transport",
    "router": "Deliveries by router", "proto": "Received by protocol",
}  # fmt: skip
"""What `--by` asks for that no other figure shows."""


def flow(report: LogReport, times: Timeline, view: View) -> Section:
    """How much mail there was, over time, in the hours of the day, by TLS."""
    figures = [_flow(report, times), *_hours(report), *_tls(report)]
    for name, title in _GROUPS.items():
        if groups := report.groups.get(name):
            figures.append(_group(name, title, groups, view))
    return Section("mail", "Mail flow", (), tuple(figures))


def trouble(report: LogReport, times: Timeline) -> Figure:
    """What was deferred, failed, rejected and frozen, over time."""
    total = joined(report.days.values())
    title = "Deferrals, failures, rejections and frozen messages"
    says = words([f"{number(total.events.get(n, 0))} {w}" for n, w, _ in _TROUBLE])
    chart = None
    if times.drawn and any(total.events.get(name) for name, _, _ in _TROUBLE):
        series = [
            Series(
                f"{word}: {number(total.events[name])}",
                colour,
                tuple(float(s.tally.events.get(name, 0)) for s in times.stretches),
            )
            for name, word, colour in _TROUBLE
            if total.events.get(name)
        ]
        chart = charts.panels(Caption("trouble", title, says), times.ticks, series)
    table = over_time(
        "Trouble", times, [word for _, word, _ in _TROUBLE],
        lambda tally: tuple(count(tally.events.get(n, 0)) for n, _, _ in _TROUBLE),
        total,
    )  # fmt: skip
    return Figure("trouble", title, f"{says}.", (table,), chart)


def hosts(report: LogReport, view: View) -> Section | None:
    """The busiest hosts."""
    titles = {"in": "Hosts that sent most", "out": "Hosts that received most"}
    figures = []
    for way in view.directions:
        found = report.hosts[way]
        rows, _ = bounded(_host(row, found.top[0].total) for row in found.top)
        rows = rows[: view.top]
        if rows:
            table = Table(
                titles[way], ("host", "lines", "by L field"), rows,
                more=found.seen - len(rows),
            )  # fmt: skip
            says = f"{number(found.seen)} hosts in all."
            figures.append(Figure(f"top-{way}", titles[way], says, (table,)))
    return Section("top", "Busiest hosts", (), tuple(figures)) if figures else None


def _host(row: HostRow, most: int) -> tuple[Cell, ...]:
    ranked = sorted(row.forms.items(), key=lambda item: (-item[1], item[0]))
    forms = ", ".join(f"{form} {number(n)}" for form, n in ranked)
    return of_log(row.address), count(row.total, most, "plain"), of_log(forms)


def _flow(report: LogReport, times: Timeline) -> Figure:
    total = joined(report.days.values())
    title = "Messages received and deliveries"
    says = (
        f"{number(total.arrivals)} received ({size(total.octets)}), "
        f"{number(total.deliveries)} delivered."
    )
    chart = None
    if times.drawn:
        series = [
            Series(
                f"received: {number(total.arrivals)}", "in",
                tuple(float(s.tally.arrivals) for s in times.stretches),
            ),
            Series(
                f"delivered: {number(total.deliveries)}", "out",
                tuple(float(s.tally.deliveries) for s in times.stretches),
            ),
        ]  # fmt: skip
        chart = charts.panels(Caption("flow", title, says), times.ticks, series)
    table = over_time(
        "Mail", times, ("received", "size", "delivered", "completed"),
        lambda tally: (
            count(tally.arrivals), volume(tally.octets), count(tally.deliveries),
            count(tally.events.get("completed", 0)),
        ),
        total,
    )  # fmt: skip
    return Figure("flow", title, says, (table,), chart)


def _hours(report: LogReport) -> Iterator[Figure]:
    """All days together, by the hour of the day."""
    names = [f"{hour:02}" for hour in range(24)]
    tallies = [report.hours_of_day.get(name, Tally()) for name in names]
    if not any(tally.arrivals or tally.deliveries for tally in tallies):
        return
    title = "By hour of day"
    busiest = max(range(24), key=lambda hour: tallies[hour].arrivals)
    says = f"All days together; most was received from {busiest:02}:00 on."
    series = [
        Series("received", "in", tuple(float(t.arrivals) for t in tallies)),
        Series("delivered", "out", tuple(float(t.deliveries) for t in tallies)),
    ]
    table = Table(
        "Mail by hour of day",
        ("hour", "received", "size", "delivered"),
        tuple(
            (label(name), count(t.arrivals), volume(t.octets), count(t.deliveries))
            for name, t in zip(names, tallies, strict=True)
        ),
    )
    chart = charts.panels(Caption("hours", title, says), names, series)
    yield Figure("hours", title, says, (table,), chart)


def _tls(report: LogReport) -> Iterator[Figure]:
    groups = report.groups.get("tls", {})
    if not groups:
        return
    title = "Over SMTP, by TLS"
    received = sum(tally.arrivals for tally in groups.values())
    delivered = sum(tally.deliveries for tally in groups.values())
    clear = groups.get("clear", Tally())
    says = (
        f"In clear: {number(clear.arrivals)} of {number(received)} received and "
        f"{number(clear.deliveries)} of {number(delivered)} delivered."
    )
    most = list(groups.items())[:8]
    counts = [
        *((f"received, {key}", "in", tally.arrivals) for key, tally in most),
        *((f"delivered, {key}", "out", tally.deliveries) for key, tally in most),
    ]
    bars = [
        Row(name, ((colour, value),), number(value))
        for name, colour, value in counts
        if value
    ]
    rows, more = bounded(
        (label(key), count(t.arrivals), volume(t.octets), count(t.deliveries))
        for key, t in groups.items()
    )
    table = Table(title, ("TLS", "received", "size", "delivered"), rows, more=more)
    chart = charts.lying(Caption("tls", title, says), bars)
    yield Figure("tls", title, says, (table,), chart)


def _group(name: str, title: str, groups: Mapping[str, Tally], view: View) -> Figure:
    most = max((t.arrivals + t.deliveries for t in groups.values()), default=0)
    rows, _ = bounded(
        (
            of_log(key),
            count(t.arrivals, most, "in"),
            volume(t.octets),
            count(t.deliveries, most, "out"),
        )
        for key, t in list(groups.items())[: view.top]
    )
    table = Table(
        title, (name, "received", "size", "delivered"), rows,
        more=len(groups) - len(rows),
    )  # fmt: skip
    return Figure(f"group-{name}", title, f"{number(len(groups))} in all.", (table,))
