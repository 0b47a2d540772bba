"""A log report as one HTML page, with nothing in it that is anywhere else.

It needs the extra `report`: Jinja2 for the page, matplotlib for its charts. The same
report gives the same octets. Whatever a log holds stays text: the template escapes all
that it is given, after what does not print has been made visible.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from eximkit import __version__
from eximkit.logs.stretches import Selector
from eximkit.report import logs_page_mail, logs_page_pipelining, logs_page_traffic
from eximkit.report.logs_figures import number, percent, size
from eximkit.report.logs_notes import notes
from eximkit.report.logs_page import Page, Section, Tile, words
from eximkit.report.logs_periods import timeline
from eximkit.source import display, octets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.logs.result import LogReport
    from eximkit.report.logs_periods import Timeline
    from eximkit.report.logs_view import View

_MOST_SOURCES = 50
_COULD = {"in": "come in", "out": "go out"}
_ROUND_TRIP = 0.05
"""Seconds of one, to give an idea of what many are."""
_MARKS = re.compile(r"`([^`]*)`|\b(\d{4}-\d\d-\d\d)\b")


def report(result: LogReport, view: View) -> Iterator[str]:
    """The page."""
    yield from _template().generate(page=page(result, view))


def page(result: LogReport, view: View) -> Page:
    """What the page says, before it is HTML."""
    times = timeline(result)
    span = result.span
    days = f"{span.first} to {span.last}" if span.first != span.last else span.first
    left = len(result.sources) - _MOST_SOURCES
    return Page(
        title="Exim mail log",
        subject=days or "an empty log",
        headline=tuple(_headline(result, view)),
        warning=_warning(result),
        tiles=tuple(_tiles(result, view)),
        sections=tuple(_sections(result, times, view)),
        notes=tuple(notes(result)),
        problems=tuple(result.problems[:_MOST_SOURCES]),
        sources=(
            *result.sources[:_MOST_SOURCES],
            *([f"and {number(left)} more"] if left > 0 else []),
        ),
        facts=(
            ("lines", number(result.lines)),
            ("size of the log", size(result.octets)),
            ("lines that are not whole", number(result.garbage)),
            ("lines of no known form", number(result.unparsed)),
        ),
        version=__version__,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("eximkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["prose"] = _prose
    return environment.get_template("logs.html.jinja")


def _visible(value: object) -> object:
    """Text without control characters, marks of direction and broken octets."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return display(octets(value))
    return value


def _prose(text: str) -> Markup:
    """Sentences of ours: `words` of a configuration as code, dates as dates."""

    def marked(found: re.Match[str]) -> str:
        code, day = found[1], found[2]
        return f"<time>{day}</time>" if day else f"<code>{code}</code>"

    return Markup(_MARKS.sub(marked, escape(_visible(text))))  # noqa: S704


def _sections(result: LogReport, times: Timeline, view: View) -> Iterator[Section]:
    yield from logs_page_pipelining.sections(result, times, view)
    if not (result.messages.arrivals or result.messages.deliveries or result.days):
        return
    traffic = result.traffic
    flow = logs_page_mail.flow(result, times, view)
    if traffic is not None:
        totals = logs_page_traffic.totals(traffic)
        flow = replace(flow, figures=(*flow.figures, totals))
    yield flow
    figures = [logs_page_mail.trouble(result, times)]
    if traffic is not None:
        figures += logs_page_traffic.reasons(traffic, view)
        figures += logs_page_traffic.delays(traffic)
    yield Section("trouble-and-delay", "Delays and errors", (), tuple(figures))
    for section in (
        logs_page_mail.hosts(result, view),
        logs_page_traffic.leagues(traffic, view) if traffic is not None else None,
    ):
        if section is not None:
            yield section


def _headline(result: LogReport, view: View) -> Iterator[str]:
    """What matters most, in two sentences or three."""
    counts = result.messages
    if not (counts.arrivals or counts.deliveries):
        yield "No message was received or delivered in this log."
        return
    if result.pipelining.selector is Selector.ON:
        yield from _early(result, view)
    yield (
        f"{number(counts.arrivals)} messages ({size(counts.octets)}) were received and "
        f"{number(counts.deliveries)} deliveries made; {number(counts.deferrals)} were "
        f"put off, {number(counts.failures)} failed, {number(counts.rejects)} "
        "messages or recipients were rejected."
    )


def _early(result: LogReport, view: View) -> Iterator[str]:
    parts = {
        way: logs_page_pipelining.early(result.pipelining.total, way)
        for way in view.directions
    }
    told = [
        f"{percent(part.value)} of {'what' if number_ else 'the mail that'} could "
        f"{_COULD[way]} early{'' if number_ else ' did'}"
        for number_, (way, part) in enumerate(
            (way, part) for way, part in parts.items() if part.of
        )
    ]
    if not told:
        yield "No mail could use early pipelining."
        return
    yield f"{words(told)}."
    trips = [result.round_trips[way].total for way in view.directions]
    saved = sum(each.saved for each in trips)
    yield (
        f"That saved {number(saved)} round trips{_worth(saved)}; "
        f"{number(sum(each.possible for each in trips))} more were possible."
    )


def _worth(saved: float) -> str:
    minutes = saved * _ROUND_TRIP / 60
    if minutes < 2:
        return ""
    time = (
        f"{number(minutes / 60)} hours" if minutes > 120 else f"{minutes:.0f} minutes"
    )
    return f", or {time} of waiting where each takes 50 ms"


def _warning(result: LogReport) -> str:
    """What keeps the page from saying more."""
    counts = result.pipelining
    if counts.mixed:
        return (
            "For a part of the time this log does not record pipelining; shares are "
            "those of the rest."
        )
    if counts.selector is Selector.ON or not (
        result.messages.arrivals_smtp or result.messages.deliveries_remote
    ):
        return ""
    return (
        "This log does not record pipelining, so the page says nothing of it. "
        "`log_selector = +pipelining` in Exim's configuration makes it do so."
    )


def _tiles(result: LogReport, view: View) -> Iterator[Tile]:
    counts = result.messages
    if result.pipelining.selector is Selector.ON:
        for way in view.directions:
            part = logs_page_pipelining.early(result.pipelining.total, way)
            word = logs_page_pipelining.WORDS[way]
            detail = f"{number(part.count)} of {number(part.of)} that could be"
            yield Tile(f"{word} early", percent(part.value), detail, way)
        trips = [result.round_trips[way].total for way in view.directions]
        saved, least = sum(t.saved for t in trips), sum(t.at_least for t in trips)
        more = f"at least {number(least)}"
        yield Tile("round trips saved", number(saved), more, "early")
        hosts = [result.hosts[way] for way in view.directions]
        never = sum(each.offered - each.early for each in hosts)
        of = sum(each.offered for each in hosts)
        detail = f"of {number(of)} that could"
        yield Tile("hosts never early", number(never), detail, "offered")
    yield Tile("received", number(counts.arrivals), size(counts.octets), "in")
    remote = f"{number(counts.deliveries_remote)} to hosts"
    yield Tile("delivered", number(counts.deliveries), remote, "out")
    tried = counts.deliveries + counts.deferrals + counts.failures
    trouble = percent(counts.failures / tried if tried else None)
    yield Tile("deferrals", number(counts.deferrals), "put off, tried again",
               "deferred")  # fmt: skip
    detail = f"{trouble} of attempts"
    yield Tile("failures", number(counts.failures), detail, "failed")
