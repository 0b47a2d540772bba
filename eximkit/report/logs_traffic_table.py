"""What eximstats tells, as sections of the report for people."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eximkit.report.bars import bar
from eximkit.report.logs_figures import (
    INDENT,
    PAGE,
    number,
    percent,
    shown,
    size,
    table,
)
from eximkit.source import display, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eximkit.logs.traffic import (
        Distribution,
        League,
        LeagueRow,
        Reasons,
        Relayed,
        Traffic,
    )
    from eximkit.report.logs_view import View

_KEY = 46
"""Columns for the keys of leagues."""
_BAR = 24
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_WORDS = {
    "host": ("hosts", "hosts"),
    "domain": ("domains of hosts", "domains of hosts"),
    "email": ("senders", "recipients"),
    "original": ("", "recipients, with the original addresses"),
    "edomain": ("domains of senders", "domains of recipients"),
    "local": ("local users", "local recipients"),
    "local_domain": ("", "local domains"),
}
"""How leagues are called that are sources, and that are destinations."""


def sections(
    traffic: Traffic, view: View, leagues: Sequence[str]
) -> Iterator[tuple[str, Iterator[str]]]:
    """Titles and lines. leagues: which of them to show."""
    yield "Grand total", _totals(traffic)
    yield "Deliveries by transport", _transports(traffic.transports, view)
    yield _histogram_title(traffic), _histogram(traffic, view)
    for pattern in traffic.patterns:
        yield (
            f"Lines with {_safe(pattern.name)}: {number(pattern.total)}",
            _bars(pattern.histogram, traffic.histogram.interval, view),
        )
    times = traffic.times
    yield "Time on the queue", _times({
        "all messages": times.queue, "sent to hosts": times.queue_remote,
    })  # fmt: skip
    yield "Time to deliver (DT=)", _times({
        "all deliveries": times.delivery, "to hosts": times.delivery_remote,
    })  # fmt: skip
    yield "Time to receive (RT=)", _times({"all messages": times.receive})
    yield "Rejections", _reasons(traffic.rejections.reasons, view)
    yield (
        "Temporary rejections",
        _reasons(traffic.temporary_rejections.reasons, view),
    )
    yield "Hosts most often rejected", _reasons(traffic.rejections.hosts, view)
    yield (
        "Hosts most often rejected for a time",
        _reasons(traffic.temporary_rejections.hosts, view),
    )
    for name in leagues:
        for place, (side, verb) in enumerate(
            ((traffic.sources, "Sent by"), (traffic.destinations, "Delivered to"))
        ):
            if name in side:
                yield from _league(f"{verb} {_WORDS[name][place]}", side[name], view)
    yield "Relayed messages", _relayed(traffic.relayed, view)
    yield "Errors", _errors(traffic.errors, view)


def _safe(text: str) -> str:
    return display(octets(text))


def _totals(traffic: Traffic) -> Iterator[str]:
    received, delivered = traffic.received, traffic.delivered
    rejected, put_off = traffic.rejections, traffic.temporary_rejections
    heads = (
        "", "messages", "addresses", "size", "hosts", "domains", "emails", "edomains",
    )  # fmt: skip
    rows = [
        (name, number(t.messages), number(t.addresses) if t.addresses else "",
         size(t.octets), number(t.hosts), number(t.domains), number(t.emails),
         number(t.edomains))
        for name, t in (("received", received), ("delivered", delivered))
    ]  # fmt: skip
    rows += [
        (
            name,
            number(found.reasons.total),
            "",
            "",
            number(found.hosts.seen),
            "",
            "",
            "",
        )
        for name, found in (("rejected", rejected), ("for a time", put_off))
        if found.reasons.total
    ]
    yield from table(rows, heads, "<>>>>>>>")
    for name, count in (("delayed", received.delayed), ("failed", received.failed)):
        share = count / received.messages if received.messages else None
        yield (
            f"{INDENT}{name}: at least one address of {number(count)} messages "
            f"({percent(share)})"
        )


def _transports(rows: Sequence[LeagueRow], view: View) -> Iterator[str]:
    yield from table(
        [
            (shown(row.key, _KEY, view), number(row.messages), number(row.addresses),
             size(row.octets))
            for row in rows
        ],
        ("", "messages", "addresses", "size") if rows else (),
        "<>>>",
    )  # fmt: skip


def _histogram_title(traffic: Traffic) -> str:
    minutes = traffic.histogram.interval
    each = "hour" if minutes == 60 else f"{minutes} minutes"
    return f"Received and delivered in each {each} of the day"


def _histogram(traffic: Traffic, view: View) -> Iterator[str]:
    found = traffic.histogram
    most = max((*found.received, *found.delivered))
    if not most:
        return
    yield from table(
        [
            (_clock(place * found.interval), number(received),
             bar(received / most, _BAR, unicode=view.unicode).ljust(_BAR),
             number(delivered), bar(delivered / most, _BAR, unicode=view.unicode))
            for place, (received, delivered) in enumerate(
                zip(found.received, found.delivered, strict=True)
            )
        ],
        ("", "received", "", "delivered", ""),
        "<><><",
    )  # fmt: skip


def _bars(counts: Sequence[int], interval: int, view: View) -> Iterator[str]:
    most = max(counts)
    if most:
        yield from table(
            [
                (_clock(place * interval), number(count),
                 bar(count / most, 2 * _BAR, unicode=view.unicode))
                for place, count in enumerate(counts)
            ],
            align="<><",
        )  # fmt: skip


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _times(found: Mapping[str, Distribution]) -> Iterator[str]:
    columns = [each for each in found.values() if each.total]
    if not columns:
        return
    boundaries = columns[0].boundaries
    names = [f"under {_length(boundary)}" for boundary in boundaries]
    names.append(f"{_length(boundaries[-1])} or more")
    rows = []
    before = [0] * len(columns)
    for place, name in enumerate(names):
        counts = [each.counts[place] for each in columns]
        before = [a + b for a, b in zip(before, counts, strict=True)]
        if any(counts):
            rows.append([name])
            for each, count, so_far in zip(columns, counts, before, strict=True):
                rows[-1] += [
                    number(count),
                    percent(count / each.total),
                    percent(so_far / each.total),
                ]
    heads = [""]
    for name, each in found.items():
        if each.total:
            heads += [name, "share", "so far"]
    yield from table(rows, heads, "<" + ">>>" * len(columns))
    mean = ", ".join(
        f"{name} {each.seconds / each.total:,.1f} s"
        for name, each in found.items()
        if each.total
    )
    yield f"{INDENT}on average: {mean}"


def _length(seconds: float) -> str:
    """A time in the largest unit of which it is a whole number."""
    for unit, name in _UNITS:
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"


def _league(
    title: str, league: League, view: View
) -> Iterator[tuple[str, Iterator[str]]]:
    yield f"{title}, by messages", _rows(league.by_messages, league, view)
    yield f"{title}, by size", _rows(league.by_octets, league, view)


def _rows(rows: Sequence[LeagueRow], league: League, view: View) -> Iterator[str]:
    kept = rows[: view.top]
    if not kept:
        return
    addresses = any(row.addresses for row in kept)
    cells = [
        (
            shown(row.key or "-", _KEY - 12 * addresses, view), number(row.messages),
            *((number(row.addresses),) if addresses else ()),
            size(row.octets), size(row.average),
        )
        for row in kept
    ]  # fmt: skip
    heads = ["", "messages", *(["addresses"] if addresses else []), "size", "average"]
    yield from table(cells, heads, "<" + ">" * (len(heads) - 1))
    yield from _more(league.seen - len(kept), league.left_out, "messages of others")


def _more(rest: int, left_out: int, of_others: str) -> Iterator[str]:
    if left_out:
        yield f"{INDENT}and more, with {number(left_out)} {of_others} not told apart"
    elif rest > 0:
        yield f"{INDENT}and {number(rest)} more: --top shows them"


def _reasons(reasons: Reasons, view: View) -> Iterator[str]:
    kept = reasons.rows[: view.top]
    yield from table(
        [(number(row.total), shown(row.text or "-", 64, view)) for row in kept],
        align="><",
    )
    yield from _more(reasons.seen - len(kept), reasons.left_out, "lines")


def _relayed(relayed: Relayed, view: View) -> Iterator[str]:
    kept = relayed.rows[: view.top]
    for row in kept:
        for start, host, address in (
            (f"{number(row.total):>8}  ", row.from_host, row.sender),
            (" " * 7 + "=> ", row.to_host, row.recipient),
        ):
            room = PAGE - len(start) - 1
            left = shown(host, min(len(_safe(host)), room // 2), view)
            yield f"{start}{left} {shown(address, room - len(left), view)}"
    if kept:
        yield f"{INDENT}together {number(relayed.total)}"
        yield from _more(relayed.seen - len(kept), relayed.left_out, "messages")


def _errors(errors: Reasons, view: View) -> Iterator[str]:
    kept = errors.rows[: view.top]
    for row in kept:
        yield from _wrapped(f"{number(row.total):>6}  ", _safe(row.text))
    if kept:
        yield f"{INDENT}together {number(errors.total)}"
        yield from _more(errors.seen - len(kept), errors.left_out, "lines")


def _wrapped(start: str, text: str) -> Iterable[str]:
    return textwrap.wrap(
        text, PAGE, initial_indent=start, subsequent_indent=" " * len(start),
        break_on_hyphens=False, max_lines=8, placeholder=" ...",
    )  # fmt: skip
