"""The sections on pipelining: forms, shares, change over time, hosts, round trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.logs.pipelining import meaning
from eximkit.logs.stretches import Selector
from eximkit.logs.usage import NONE
from eximkit.report.bars import bar
from eximkit.report.logs_figures import INDENT, number, percent, shown, table, with_bars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eximkit.logs.grouping import Tally
    from eximkit.logs.result import LogReport, Period
    from eximkit.logs.usage import Share
    from eximkit.report.logs_view import View

_BAR = 20
_MOST_DAYS = 31
"""More days than these are shown as months."""

_ORDER = ("L*", "L*-", "L.", "L.-", "L", "L-", NONE)
_WITHOUT = {"in": "PIPELINING not offered, or HELO", "out": "PIPELINING not offered"}
_TITLES = {
    "in": "Received over SMTP, by L field", "out": "Delivered to hosts, by L field",
}  # fmt: skip
_SHARES = {
    "in": {
        "offered": "were offered PIPELINING",
        "used": "used PIPELINING",
        "early_offered": "were offered early pipelining",
        "early": "used early pipelining",
    },
    "out": {
        "used": "used PIPELINING",
        "early": "were early, of those on new connections",
    },
}


def sections(result: LogReport, view: View) -> Iterator[tuple[str, Iterator[str]]]:
    """Titles and lines; nothing on pipelining where the log does not record it."""
    if result.pipelining.selector is Selector.ON:
        for way in view.directions:
            yield _TITLES[way], _forms(result, way, view)
        yield from _over_time(result, view)
        for way in view.directions:
            yield _REFUSING[way], _refusing(result, way, view)
        yield "Round trips saved by early pipelining", _saved(result, view)
    if result.pipelining.mixed:
        yield "The log selector `pipelining`", _stretches(result)


def _forms(result: LogReport, way: str, view: View) -> Iterator[str]:
    counts = result.pipelining.inbound if way == "in" else result.pipelining.outbound
    total = sum(counts.values())
    rows = [
        (form, number(count), percent(count / total), _meaning(form, way))
        for form in _ORDER
        if (count := counts.get(form, 0))
    ]
    yield from table(rows, align="<>><")
    if not rows:
        return
    usage = result.pipelining.total.usage
    shares = (usage.inbound if way == "in" else usage.outbound).shares()
    told = [
        (
            _SHARES[way][name],
            f"{number(share.count)} of {number(share.of)}",
            percent(share.value),
        )
        for name, share in shares.items()
        if share.of
    ]
    bars = [share.value for share in shares.values() if share.of]
    if told:
        yield ""
        yield from with_bars(told, bars, "<>>", view)
    if way == "in":
        yield from _connections(result)
    elif usage.outbound.continued:
        further = number(usage.outbound.continued)
        yield f"{INDENT}{further} went over a connection that was open already."


def _meaning(form: str, way: str) -> str:
    return _WITHOUT[way] if form == NONE else meaning(form, way).meaning


def _connections(result: LogReport) -> Iterator[str]:
    found = result.connections
    if found is not None:
        about = "" if found.exact else "about "
        yield (
            f"{INDENT}They came over {about}{number(found.total)} connections, "
            f"{number(found.early)} of them early."
        )
    refused = result.messages.sync_errors["sync_greeting"]
    if refused:
        yield (
            f"{INDENT}Besides, {number(refused)} talked before the greeting and were "
            "refused for it."
        )


def _early(way: str, tally: Tally) -> Share:
    usage = tally.usage
    return (usage.inbound if way == "in" else usage.outbound).shares()["early"]


def _over_time(result: LogReport, view: View) -> Iterator[tuple[str, Iterator[str]]]:
    table_ = result.days if len(result.days) <= _MOST_DAYS else result.months
    if sum(any(_early(w, t).of for w in view.directions) for t in table_.values()) > 1:
        yield (
            "Early pipelining over time, of what could be early",
            _periods(table_, result, view),
        )


def _periods(
    periods: Mapping[str, Tally], result: LogReport, view: View
) -> Iterator[str]:
    heads = {"in": "received", "out": "delivered"}
    rows = []
    for key, tally in periods.items():
        row = [key]
        for way in view.directions:
            share = _early(way, tally).value
            row += [percent(share), bar(share, _BAR, unicode=view.unicode)]
        rows.append(row)
    head = [""]
    for way in view.directions:
        head += [heads[way], ""]
    yield from table(rows, head, "<" + "><" * len(view.directions))
    counts = result.pipelining
    seen = {"in": counts.early_in, "out": counts.early_out}
    for way in view.directions:
        if seen[way].first:
            yield f"{INDENT}{heads[way]}: {_first_and_last(seen[way])}"


def _first_and_last(period: Period) -> str:
    if period.first == period.last:
        return f"early on {period.first} only"
    return f"first early on {period.first}, last on {period.last}"


_REFUSING = {
    "in": "Clients that are offered early pipelining and never use it",
    "out": "Hosts with PIPELINING that were never greeted early",
}


def _refusing(result: LogReport, way: str, view: View) -> Iterator[str]:
    hosts = result.hosts[way]
    never = hosts.offered - hosts.early
    if not never:
        return
    yield (
        f"{INDENT}{number(never)} of {number(hosts.offered)} hosts; "
        f"{number(hosts.refused)} of the messages; the busiest:"
    )
    yield from table(
        [
            (shown(row.address, 39, view), number(row.total))
            for row in hosts.refusing[: min(view.top, 5)]
        ],
        align="<>",
    )


def _saved(result: LogReport, view: View) -> Iterator[str]:
    words = {"in": "received", "out": "delivered"}
    rows = []
    for way in view.directions:
        saved = result.round_trips[way]
        each = [*saved.rows, saved.total] if len(saved.rows) > 1 else saved.rows
        for row in each:
            name = "all" if row is each[-1] and len(each) > 1 else row.tls or "clear"
            rows.append(
                (
                    words[way] if row is each[0] else "",
                    name,
                    number(row.connections),
                    number(row.saved),
                    number(row.at_least),
                    number(row.dialogue),
                    number(row.possible),
                )
            )
    if any(row[2] != "0" for row in rows):
        heads = (
            "", "", "early", "saved", "at least", "in dialogue", "could be saved",
        )  # fmt: skip
        yield from table(rows, heads, "<<>>>>>")


def _stretches(result: LogReport) -> Iterator[str]:
    """When it was on and when off; what says neither is passed over."""
    known = [
        (stretch.first, stretch.last, stretch.selector.value)
        for stretch in result.pipelining.stretches
        if stretch.selector is not Selector.UNKNOWN
    ]
    spans: list[tuple[str, str, str]] = []
    for first, last, word in known:
        if spans and spans[-1][2] == word:
            spans[-1] = (min(spans[-1][0], first), max(spans[-1][1], last), word)
        else:
            spans.append((first, last, word))
    for first, last, word in spans[:_MOST_SPANS]:
        yield f"{INDENT}{word:3}  {first} to {last}"
    if len(spans) > _MOST_SPANS:
        yield f"{INDENT}and {len(spans) - _MOST_SPANS} more changes"


_MOST_SPANS = 12
