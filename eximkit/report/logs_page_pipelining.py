"""The sections of a page on early pipelining: when, who, how, and what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.logs.grouping import Tally
from eximkit.logs.pipelining import meaning
from eximkit.logs.stretches import Selector
from eximkit.logs.usage import NONE
from eximkit.report import charts
from eximkit.report.charts import Caption, Row, Series
from eximkit.report.logs_figures import number, percent
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
    share,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eximkit.logs.result import HostRow, LogReport
    from eximkit.logs.roundtrips import Trips
    from eximkit.logs.usage import Share
    from eximkit.report.logs_periods import Timeline
    from eximkit.report.logs_view import View

WORDS = {"in": "received", "out": "delivered"}
_TITLES = {"in": "Received over SMTP", "out": "Delivered to hosts"}
_STATES = {
    "in": (
        ("early", "early", ("L*", "L*-")),
        ("offered", "offered early, not used", ("L.", "L.-")),
        ("plain", "PIPELINING, early not offered", ("L", "L-")),
        ("none", "no PIPELINING, or HELO", (NONE,)),
    ),
    "out": (
        ("early", "early", ("L*",)),
        ("plain", "PIPELINING, not early", ("L",)),
        ("none", "no PIPELINING", (NONE,)),
    ),
}
"""Colours, names and L forms; the first is the lowest in a stack."""
_FORMS = {
    "in": ("L*", "L*-", "L.", "L.-", "L", "L-", NONE),
    "out": ("L*", "L", NONE),
}  # fmt: skip


def sections(report: LogReport, times: Timeline, view: View) -> Iterator[Section]:
    """None of them where the log does not record pipelining."""
    if report.pipelining.selector is not Selector.ON:
        return
    forms = [_forms(report, times, way) for way in view.directions]
    yield Section(
        "early", "Early pipelining over time", tuple(_seen(report, view)),
        (_shares(report, times, view), *forms),
    )  # fmt: skip
    yield Section(
        "hosts", "Who could be early and is not", (),
        (_hosts(report, view), *_refusing(report, view)),
    )  # fmt: skip
    by = [
        *_by_key(report.groups.get("tls", {}), "tls", "TLS", view),
        *_by_key(report.hours_of_day, "hour", "hour of day", view),
    ]
    if by:
        yield Section("when", "By TLS and by hour of day", (), tuple(by))
    yield Section("trips", "Round trips saved", (), (_saved(report, view),))


def early(tally: Tally, way: str) -> Share:
    """The early ones, of those that could be."""
    usage = tally.usage
    return (usage.inbound if way == "in" else usage.outbound).shares()["early"]


def _seen(report: LogReport, view: View) -> Iterator[str]:
    pipelining = report.pipelining
    for way, period in (("in", pipelining.early_in), ("out", pipelining.early_out)):
        if way in view.directions and period.first:
            when = (
                f"on {period.first} only"
                if period.first == period.last
                else f"first on {period.first} and last on {period.last}"
            )
            yield f"Early mail was {WORDS[way]} {when}."


def _shares(report: LogReport, times: Timeline, view: View) -> Figure:
    total = report.pipelining.total
    shares = {way: percent(early(total, way).value) for way in view.directions}
    title = "Early, of what could be early"
    could = {
        "in": "Received, messages from clients that were offered it could be early.",
        "out": "Delivered, the transactions that a new connection with PIPELINING "
        "began with could be.",
    }
    told = words([f"{shares[way]} of what was {WORDS[way]}" for way in shares])
    says = " ".join([f"In all: {told}.", *(could[way] for way in shares)])
    chart = None
    if times.drawn:
        series = [
            Series(
                f"{WORDS[way]} {shares[way]}",
                way,
                tuple(early(each.tally, way).value for each in times.stretches),
                WORDS[way],
            )
            for way in shares
        ]
        chart = charts.lines(Caption("early-shares", title, says), times.ticks, series)

    def cells(tally: Tally) -> tuple[Cell, ...]:
        return tuple(
            cell for way in view.directions for cell in _part(early(tally, way), way)
        )

    table = over_time(
        "Early pipelining", times, ("early", "could be", "share") * len(shares),
        cells, total, [(WORDS[way], 3) for way in shares],
    )  # fmt: skip
    return Figure("early-shares", title, says, (table,), chart)


def _part(part: Share, colour: str) -> tuple[Cell, Cell, Cell]:
    return count(part.count), count(part.of), share(part, colour)


def _forms(report: LogReport, times: Timeline, way: str) -> Figure:
    """How many messages of each L form there were, over time."""
    total = report.pipelining.total
    sums = _lines(total, way)
    of = sum(sums.values())
    title = f"{_TITLES[way]}, by L field"
    leading = [
        f"{number(_sum(sums, forms))} {name}"
        for _, name, forms in _STATES[way]
        if _sum(sums, forms)
    ]
    says = f"{number(of)} in all: {words(leading)}." if of else "There were none."
    chart = None
    if times.drawn and of:
        series = [
            Series(
                f"{name}: {number(_sum(sums, forms))} "
                f"({percent(_sum(sums, forms) / of)})",
                colour,
                tuple(
                    float(_sum(_lines(each.tally, way), forms))
                    for each in times.stretches
                ),
            )
            for colour, name, forms in _STATES[way]
            if _sum(sums, forms)
        ]
        name = f"forms-{way}"
        chart = charts.stacked(Caption(name, title, says), times.ticks, series)

    def cells(tally: Tally) -> tuple[Cell, ...]:
        return tuple(count(_lines(tally, way).get(form, 0)) for form in _FORMS[way])

    meanings = [
        (of_log(form), count(sums.get(form, 0)), label(_meaning(form, way)))
        for form in _FORMS[way]
        if sums.get(form)
    ]
    tables = [over_time(f"{_TITLES[way]}: L fields", times, _FORMS[way], cells, total)]
    if meanings:
        heads = ("L field", "lines", "what it says")
        tables.insert(0, Table(f"{_TITLES[way]}", heads, tuple(meanings)))
    return Figure(f"forms-{way}", title, says, tuple(tables), chart)


def _lines(tally: Tally, way: str) -> Mapping[str, int]:
    return tally.inbound if way == "in" else tally.outbound


def _sum(counts: Mapping[str, int], forms: tuple[str, ...]) -> int:
    return sum(counts.get(form, 0) for form in forms)


def _meaning(form: str, way: str) -> str:
    if form == NONE:
        return _STATES[way][-1][1]
    return meaning(form, way).meaning


def _hosts(report: LogReport, view: View) -> Figure:
    """How many hosts could be early, and how many ever were."""
    title = "Hosts that could be early"
    rows, bars, told = [], [], []
    who = {"in": "clients that were offered it", "out": "hosts with PIPELINING"}
    for way in view.directions:
        hosts = report.hosts[way]
        never = hosts.offered - hosts.early
        rows.append(
            (
                label(WORDS[way]),
                count(hosts.offered),
                count(hosts.early),
                count(never),
                count(hosts.refused),
            )
        )
        bars.append(
            Row(
                WORDS[way],
                (("early", hosts.early), ("offered", never)),
                f"{number(never)} of {number(hosts.offered)} never",
            )
        )
        told.append(
            f"{number(never)} of {number(hosts.offered)} {who[way]} never "
            f"{'used it' if way == 'in' else 'got mail early'}"
        )
    says = f"{words(told)}."
    key = (("early", "early at least once"), ("offered", "never early"))
    table = Table(
        "Hosts that could be early",
        ("", "could be", "early once or more", "never", "lines of these"),
        tuple(rows),
    )
    chart = charts.lying(Caption("hosts", title, says), bars, key)
    return Figure("early-hosts", title, says, (table,), chart)


_NEVER = {
    "in": (
        "Clients that are offered early pipelining and never use it",
        "They could save a round trip or more on each connection: their side decides.",
    ),
    "out": (
        "Hosts with PIPELINING that were never greeted early",
        "Whether they offer it is not in the log; `eximkit interop probe HOST` tells.",
    ),
}


def _refusing(report: LogReport, view: View) -> Iterator[Figure]:
    for way in view.directions:
        hosts = report.hosts[way]
        found = hosts.refusing[: view.top]
        if not found:
            continue
        title, says = _NEVER[way]
        forms = [
            form for form in _FORMS[way] if any(row.forms.get(form) for row in found)
        ]
        rows, _ = bounded(_host(row, found[0].total, forms) for row in found)
        table = Table(
            title, ("host", "lines", *forms), rows,
            more=hosts.offered - hosts.early - len(rows),
        )  # fmt: skip
        yield Figure(f"never-{way}", title, says, (table,))


def _host(row: HostRow, most: int, forms: list[str]) -> tuple[Cell, ...]:
    return (
        of_log(row.address),
        count(row.total, most, "offered"),
        *(count(row.forms.get(form, 0)) for form in forms),
    )


def _by_key(
    groups: Mapping[str, Tally], name: str, word: str, view: View
) -> Iterator[Figure]:
    """How early each of some groups is: one bar for a group and direction."""
    if not groups:
        return
    title = f"Early pipelining by {word}"
    total: dict[str, Share] = {}
    for way in view.directions:
        parts = {key: early(tally, way) for key, tally in groups.items()}
        known = {key: part for key, part in parts.items() if part.of}
        if known:
            best = max(known, key=lambda key: known[key].value or 0)
            total[f"{percent(known[best].value)} {WORDS[way]} ({best})"] = known[best]
    says = f"The largest share: {words(list(total))}." if total else "There was none."
    rows = [
        (
            label(key),
            *(
                cell
                for way in view.directions
                for cell in _part(early(tally, way), way)
            ),
        )
        for key, tally in groups.items()
    ]
    heads = ("early", "could be", "share") * len(view.directions)
    kept, more = bounded(rows)
    table = Table(
        title, (word, *heads), kept, tuple((WORDS[w], 3) for w in view.directions),
        more=more,
    )  # fmt: skip
    chart = None
    if total:
        caption = Caption(f"by-{name}", title, says)
        draw = _hourly if name == "hour" else _beside
        chart = draw(caption, groups, view)
    yield Figure(f"by-{name}", title, says, (table,), chart)


def _beside(caption: Caption, groups: Mapping[str, Tally], view: View) -> charts.Chart:
    bars = []
    for way in view.directions:
        for key, tally in list(groups.items())[:8]:
            part = early(tally, way)
            bars.append(
                Row(
                    f"{WORDS[way]}, {key}",
                    (("early", part.count), ("offered", part.of - part.count)),
                    f"{percent(part.value)} of {number(part.of)}",
                )
            )
    words_ = (("early", "early"), ("offered", "could have been early"))
    return charts.lying(caption, bars, words_)


def _hourly(caption: Caption, groups: Mapping[str, Tally], view: View) -> charts.Chart:
    hours = [f"{hour:02}" for hour in range(24)]
    series = [
        Series(
            f"{WORDS[way]}: share that was early", way,
            tuple(early(groups.get(hour, Tally()), way).value for hour in hours),
            WORDS[way],
        )
        for way in view.directions
    ]  # fmt: skip
    return charts.lines(caption, hours, series)


def _saved(report: LogReport, view: View) -> Figure:
    title = "Round trips saved by early pipelining"
    rows: list[tuple[Cell, ...]] = []
    bars, told = [], []
    for way in view.directions:
        saved = report.round_trips[way]
        told.append(
            f"{number(saved.total.saved)} saved and {number(saved.total.possible)} "
            f"more possible on what was {WORDS[way]}"
        )
        for row in saved.rows:
            name = f"{WORDS[way]}, {row.tls or 'clear'}"
            rows.append((label(name), *_trips(row)))
            bars.append(
                Row(
                    name,
                    (("early", row.saved), ("offered", row.possible)),
                    f"{number(row.saved)} saved",
                )
            )
        rows.append((label(f"{WORDS[way]}, all"), *_trips(saved.total)))
    says = f"{words(told)}."
    says = says[0].upper() + says[1:]
    heads = ("", "early", "saved", "at least", "in dialogue", "could be saved")
    key = (("early", "saved"), ("offered", "could be saved besides"))
    chart = None
    if any(row.saved or row.possible for w in view.directions
           for row in report.round_trips[w].rows):  # fmt: skip
        chart = charts.lying(Caption("saved", title, says), bars, key)
    return Figure("saved", title, says, (Table(title, heads, tuple(rows)),), chart)


def _trips(row: Trips) -> tuple[Cell, ...]:
    return tuple(
        count(value)
        for value in (
            row.connections, row.saved, row.at_least, row.dialogue, row.possible,
        )
    )  # fmt: skip
