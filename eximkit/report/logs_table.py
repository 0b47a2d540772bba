"""A log report for people, at most 80 columns wide. Not an interface."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eximkit.logs.usage import NONE
from eximkit.report import (
    logs_groups_table,
    logs_pipelining_table,
    logs_traffic_table,
)
from eximkit.report.logs_figures import INDENT, PAGE, number, shown, size, table
from eximkit.report.logs_notes import notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.logs.result import HostRow, LogReport
    from eximkit.report.logs_view import View

_ADDRESS = 39
"""Columns of the longest IPv6 address."""


def report(result: LogReport, view: View) -> Iterator[str]:
    """The report in sections; those of which there is nothing to say are left out."""
    for title, lines in _sections(result, view):
        each = list(lines)
        if each:
            yield view.style.paint("bold", title) + "\n"
            yield from (line + "\n" for line in each)
            yield "\n"
    yield from _notes(result, view)


def _sections(result: LogReport, view: View) -> Iterator[tuple[str, Iterator[str]]]:
    yield _heading(result, view), _messages(result)
    if result.groups:
        for name, groups in result.groups.items():
            yield (
                logs_groups_table.title(name),
                logs_groups_table.lines(name, groups, view),
            )
        if result.hours_of_day:
            hours = logs_groups_table.hours_of_day(result.hours_of_day, view)
            yield "By hour of day", hours
    else:
        yield from logs_pipelining_table.sections(result, view)
        for way in view.directions:
            yield _HOSTS[way], _hosts(result.hosts[way].top, view)
    if result.traffic is not None:
        yield from logs_traffic_table.sections(result.traffic, view, view.leagues)


_HOSTS = {"in": "Hosts that sent most", "out": "Hosts that received most"}


def _heading(result: LogReport, view: View) -> str:
    span = result.span
    days = f"{span.first} to {span.last}" if span.first != span.last else span.first
    parts = [f"{number(result.lines)} lines", size(result.octets), days]
    facts = ", ".join(part for part in parts if part)
    count = len(result.sources)
    name = f"{count} logs"
    if count == 1:
        name = shown(result.sources[0], PAGE - len(f": {facts}"), view)
    return f"{name}: {facts}"


def _messages(result: LogReport) -> Iterator[str]:
    counts = result.messages
    sync = sum(counts.sync_errors.values())
    left = [
        ("received", number(counts.arrivals), size(counts.octets)),
        ("  over SMTP", number(counts.arrivals_smtp), ""),
        ("  locally", number(counts.arrivals_local), ""),
        ("  with sender <>", number(counts.arrivals_null_sender), ""),
        ("rejections", number(counts.rejects), ""),
        ("synchronization errors", number(sync), ""),
    ]
    right = [
        ("deliveries", number(counts.deliveries)),
        ("  to hosts", number(counts.deliveries_remote)),
        ("  locally", number(counts.deliveries_local)),
        ("deferrals", number(counts.deferrals)),
        ("failures", number(counts.failures)),
        ("completed, frozen",
         f"{number(counts.completed)}, {number(counts.frozen)}"),
    ]  # fmt: skip
    rows = [(*a, "", *b) for a, b in zip(left, right, strict=True)]
    yield from table(rows, align="<>><<>")
    yield f"{INDENT}log selector pipelining: {_selector(result)}"


def _selector(result: LogReport) -> str:
    counts = result.pipelining
    return "on for a part of the time" if counts.mixed else counts.selector.value


def _hosts(rows: tuple[HostRow, ...], view: View) -> Iterator[str]:
    """The busiest hosts, with their lines by form as far as there is room."""
    each = [
        (shown(row.address, _ADDRESS, view), number(row.total), forms(row))
        for row in rows[: view.top]
    ]
    if each:
        widest = [max(map(len, column)) for column in zip(*each, strict=True)]
        room = PAGE - len("      ") - widest[0] - widest[1]
        cut = [
            (address, total, textwrap.shorten(by_form, room, placeholder=" ..."))
            for address, total, by_form in each
        ]
        yield from table(cut, align="<><")


def forms(row: HostRow) -> str:
    """The forms of a host's lines, the most frequent first; nothing if it has none."""
    if set(row.forms) == {NONE}:
        return ""
    ranked = sorted(row.forms.items(), key=lambda item: (-item[1], item[0]))
    return "  ".join(f"{form} {number(count)}" for form, count in ranked)


def _notes(result: LogReport, view: View) -> Iterator[str]:
    width = min(view.style.width, PAGE)
    for note in notes(result, savings=not result.groups):
        yield from (
            line + "\n"
            for line in textwrap.wrap(
                note, width, initial_indent="= ", subsequent_indent="  ",
                break_on_hyphens=False,
            )
        )  # fmt: skip
