"""A log report as one HTML page, with nothing in it that is anywhere else.

It needs the extra `report`: Jinja2 for the page, matplotlib for its charts. The same
report gives the same octets. Whatever a log holds stays text: the template escapes all
that it is given, after what does not print has been made visible.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

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
_DONE = {"in": "came early", "out": "went out early"}


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
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    return environment.get_template("logs.html.jinja")


def _visible(value: object) -> object:
    """Text without control characters, marks of direction and broken octets."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return display(octets(value))
    return value


def _sections(result: LogReport, times: Timeline, view: View) -> Iterator[Section]:
    yield from logs_page_pipelining.sections(result, times, view)
    if not (result.messages.arrivals or result.messages.deliveries or result.days):
        return
    yield logs_page_mail.flow(result, times, view)
    traffic = result.traffic
    figures = [logs_page_mail.trouble(result, times)]
    if traffic is not None:
        figures += logs_page_traffic.delays(traffic)
        figures += logs_page_traffic.reasons(traffic, view)
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
    told = []
    if result.pipelining.selector is Selector.ON:
        for way in view.directions:
            part = logs_page_pipelining.early(result.pipelining.total, way)
            what = logs_page_pipelining.WORDS[way]
            if part.of:
                told.append(
                    f"{percent(part.value)} of what could be {what} early "
                    f"({number(part.count)} of {number(part.of)})"
                )
    if told:
        trips = [result.round_trips[way].total for way in view.directions]
        yield f"Early pipelining was used for {words(told)}."
        yield (
            f"That saved {number(sum(t.saved for t in trips))} round trips; "
            f"{number(sum(t.possible for t in trips))} more were possible."
        )
    elif result.pipelining.selector is Selector.ON:
        yield "Nothing could use early pipelining: it was never offered."
    yield (
        f"{number(counts.arrivals)} messages ({size(counts.octets)}) were received and "
        f"{number(counts.deliveries)} deliveries made; "
        f"{number(counts.deferrals)} were put off, {number(counts.failures)} failed, "
        f"{number(counts.rejects)} were rejected."
    )


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
