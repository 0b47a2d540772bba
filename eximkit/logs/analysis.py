"""From logs to counts to what they mean."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.logs import roundtrips
from eximkit.logs.grouping import (
    ALL,
    DIMENSIONS,
    HOST,
    HOUR,
    HOUR_OF_DAY,
    MONTH,
    NAMES,
    Tally,
    by_host,
    complete_inbound,
    complete_outbound,
    grouped,
    text,
    with_events,
)
from eximkit.logs.parallel import summarise
from eximkit.logs.pattern_counts import checked_patterns
from eximkit.logs.result import (
    Connections,
    HostRow,
    Hosts,
    LogReport,
    Messages,
    Period,
    Pipelining,
    Saved,
)
from eximkit.logs.scan import BY_HOST, BY_HOUR, BY_SESSION, FEW_HOURS, TRAFFIC
from eximkit.logs.sources import Paths, gather, named
from eximkit.logs.stretches import Evidence, Selector
from eximkit.logs.traffic import TrafficTerms
from eximkit.logs.traffic_counts import PATTERN
from eximkit.logs.traffic_report import checked, told
from eximkit.logs.usage import NONE, Recorded, is_transaction
from eximkit.logs.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from eximkit.logs.bounded import BoundedCounts
    from eximkit.logs.summary import Summary

TOP = 50
"""How many hosts are listed, unless somebody says otherwise."""

TRAFFIC_TERMS = TrafficTerms()

_COSTLY = {
    HOST: BY_HOST, HOUR: BY_HOUR, "proto": BY_SESSION, "tls": BY_SESSION,
}  # fmt: skip

MERGEABLE = frozenset({BY_HOST, BY_SESSION, FEW_HOURS, TRAFFIC})
"""What is counted where a report is to be merged: enough for all that can be asked of
it then, but for single hours of a long time."""


def analyse(
    summary: Summary,
    *,
    sources: Iterable[str] = (),
    by: Iterable[str] = (),
    top: int = TOP,
    problems: Iterable[str] = (),
    notes: Iterable[str] = (),
    terms: TrafficTerms = TRAFFIC_TERMS,
) -> LogReport:
    """Turn counts into a report.

    by: names of `grouping.NAMES`. top: how many of a list to tell. problems, notes: of
    the reading, to be handed on. terms: of traffic, where that was counted. Raises
    SettingsError for terms that cannot be kept.
    """
    stretches = tuple(piece.evidence for piece in summary.stretches)
    recorded = Recorded(stretches)
    total = grouped(summary, ALL, recorded).get("", Tally())
    days = with_events(
        grouped(summary, DIMENSIONS["day"], recorded), summary, lambda hour: hour[:10]
    )
    connections = _connections(summary)
    groups = tuple(dict.fromkeys(by))
    return LogReport(
        sources=tuple(sources),
        octets=summary.octets,
        lines=summary.lines,
        garbage=summary.garbage,
        unparsed=summary.unparsed,
        messages=_messages(summary, total),
        pipelining=Pipelining(
            complete_inbound(total.inbound),
            complete_outbound(total.outbound),
            overall(stretches),
            _joined(stretches),
            total,
            _period(days, lambda tally: tally.usage.inbound.early),
            _period(days, lambda tally: tally.outbound.get("L*", 0)),
        ),
        hosts={
            "in": _hosts(summary.hosts["in"], top, "."),
            "out": _hosts(summary.hosts["out"], top, ""),
        },
        connections=connections,
        round_trips=_saved(summary, total, connections),
        days=days,
        months=grouped(summary, MONTH, recorded),
        hours_of_day=_hours_of_day(summary, recorded, HOUR in groups),
        groups={name: _group(summary, name, recorded) for name in groups},
        hours=_group(summary, HOUR, recorded) if _by_hour(summary) else {},
        volume=_volume(summary, top),
        traffic=None if summary.traffic is None else told(summary.traffic, terms, top),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def wanted(
    by: Iterable[str], traffic: bool = False, patterns: Iterable[str] = ()
) -> frozenset[str]:
    """What `summarise` has to count for these groups, beside what it always does.

    traffic: what eximstats tells, too. patterns: the user's, as `NAME=REGEX`.
    """
    costly = {_COSTLY[name] for name in by if name in _COSTLY}
    costly.update(PATTERN + pattern for pattern in patterns)
    return frozenset(costly | {TRAFFIC} if traffic else costly)


def analyse_logs(
    paths: Paths | Iterable[Paths],
    *,
    by: Iterable[str] = (),
    top: int = TOP,
    since: datetime | None = None,
    until: datetime | None = None,
    jobs: int = 1,
    year: int | None = None,
    traffic: TrafficTerms | None = None,
    patterns: Iterable[str] = (),
) -> LogReport:
    """What a log says, or several say together.

    paths: files, compressed or not, patterns for files, `-` for standard input. by,
    top: as for `analyse`. since, until: the time looked at, the end not included, by
    the clock of the log. jobs: how many processes read at once. year: of the last
    entries of logs that carry none, instead of that in which the file was last written.
    traffic: how to tell what eximstats tells, None for not at all. patterns: lines to
    count with it, as `NAME=REGEX`.
    What could only be read in part is among the report's problems; raises InputError
    where nothing could, SettingsError for groups of no name.
    """
    groups = tuple(by)
    unknown = [name for name in groups if name not in NAMES]
    if unknown:
        raise SettingsError(
            f"logs cannot be grouped by {unknown[0]!r}; only by {', '.join(NAMES)}"
        )
    patterns = tuple(patterns)
    checked_patterns(patterns)
    if traffic is not None:
        checked(traffic)
    with gather(named(paths), year) as found:
        outcome = summarise(
            found.sources,
            jobs=jobs,
            wanted=wanted(groups, traffic is not None, patterns),
            window=Window.between(since, until),
        )
        problems = [*found.problems, *outcome.problems]
        return analyse(
            outcome.summary,
            sources=[source.path for source in found.sources],
            by=groups,
            top=top,
            problems=[f"{problem.path}: {problem.reason}" for problem in problems],
            terms=traffic or TRAFFIC_TERMS,
        )


def overall(stretches: Iterable[Evidence]) -> Selector:
    """The selector of a whole log: on if it was on at any time."""
    found = {stretch.selector for stretch in stretches}
    for selector in (Selector.ON, Selector.OFF):
        if selector in found:
            return selector
    return _together(stretches)


def _together(stretches: Iterable[Evidence]) -> Selector:
    """What stretches say together of which each alone has too little in it."""
    whole = Evidence()
    for stretch in stretches:
        whole += stretch
    return whole.selector


def _joined(stretches: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Stretches, neighbours that say the same put together."""
    joined: list[Evidence] = []
    for stretch in stretches:
        before = joined[-1] if joined else None
        if before is not None and (
            (before.selector, before.version) == (stretch.selector, stretch.version)
        ):
            joined[-1] = before + stretch
        else:
            joined.append(stretch)
    return tuple(joined)


def _messages(summary: Summary, total: Tally) -> Messages:
    events: dict[str, int] = {}
    for (_hour, name), count in summary.events.items():
        events[name] = events.get(name, 0) + count
    return Messages(
        arrivals=total.arrivals,
        arrivals_smtp=sum(total.inbound.values()),
        arrivals_null_sender=sum(
            count for key, count in summary.arrivals.items() if key.null_sender
        ),
        octets=total.octets,
        deliveries=total.deliveries,
        deliveries_remote=sum(total.outbound.values()),
        deferrals=events.get("deferral", 0),
        failures=events.get("failure", 0),
        completed=events.get("completed", 0),
        frozen=events.get("frozen", 0),
        rejects=events.get("reject", 0),
        sync_errors={
            name: events.get(name, 0)
            for name in ("sync_greeting", "sync_not_advertised", "sync_advertised")
        },
    )


def _period(days: Mapping[str, Tally], early: Callable[[Tally], int]) -> Period:
    found = [day for day, tally in days.items() if early(tally)]
    return Period(found[0], found[-1]) if found else Period()


def _group(summary: Summary, name: str, recorded: Recorded) -> Mapping[str, Tally]:
    if name == HOST:
        return by_host(summary)
    table = grouped(summary, DIMENSIONS[name], recorded)
    if name == "day":
        return with_events(table, summary, lambda hour: hour[:10])
    return with_events(table, summary, str) if name == HOUR else table


def _by_hour(summary: Summary) -> bool:
    """Whether the log was so short that its hours are told apart unasked."""
    return summary.few_hours and summary.of_day is None


def _hours_of_day(
    summary: Summary, recorded: Recorded, asked: bool
) -> Mapping[str, Tally]:
    if summary.of_day is not None:
        return grouped(summary.of_day, DIMENSIONS[HOUR], recorded)
    if asked or summary.few_hours:
        return grouped(summary, HOUR_OF_DAY, recorded)
    return {}


def _hosts(table: BoundedCounts, top: int, offer: str) -> Hosts:
    """offer: how the forms of those begin, after L, that could have been early."""
    refusing: list[tuple[bytes, dict[bytes, int]]] = []
    offered = early = refused = 0
    sign = b"L" + offer.encode()
    for row in table.counts.items():
        used = any(b"*" in form for form in row[1])
        if used or any(form.startswith(sign) for form in row[1]):
            offered += 1
            early += used
            if not used:
                refusing.append(row)
                refused += sum(row[1].values())
    return Hosts(
        len(table.counts),
        sum(table.overflow.values()),
        _busiest(table.counts.items(), top),
        offered,
        early,
        _busiest(refusing, top),
        refused,
    )


def _busiest(
    rows: Iterable[tuple[bytes, Mapping[bytes, int]]], top: int
) -> tuple[HostRow, ...]:
    found = nsmallest(top, rows, key=lambda row: (-sum(row[1].values()), row[0]))
    return tuple(
        HostRow(
            text(address),
            sum(kinds.values()),
            {text(form) or NONE: kinds[form] for form in sorted(kinds)},
        )
        for address, kinds in found
    )


def _volume(summary: Summary, top: int) -> tuple[tuple[str, int], ...]:
    rows = [
        (text(address), sum(kinds.values()))
        for address, kinds in summary.octets_of_hosts.counts.items()
    ]
    return tuple(nsmallest(top, rows, key=lambda row: (-row[1], row[0])))


def _connections(summary: Summary) -> Connections | None:
    found = summary.connections
    if not found.members:
        return None
    early = sum(member.startswith(b"*") for member in found.members)
    return Connections(
        round(len(found.members) / found.share),
        round(early / found.share),
        not found.dropped,
    )


def _saved(
    summary: Summary, total: Tally, connections: Connections | None
) -> dict[str, Saved]:
    """The round trips saved in both directions.

    A connection that brings several messages is greeted once, yet each of them carries
    its form, so inbound messages are scaled to connections where these can be counted.
    """
    received: dict[str, dict[str, int]] = {}
    for arrival, messages in summary.arrivals.items():
        if arrival.form:
            _add(received, arrival.tls, arrival.form, messages)
    sent: dict[str, dict[str, int]] = {}
    for delivery, count in summary.deliveries.items():
        if delivery.form and is_transaction(delivery) and not delivery.continued:
            _add(sent, delivery.tls, delivery.form, count)
    scale = _scale(total, connections)
    inbound = Saved(
        roundtrips.by_tls(received, scale), "connections" if scale else "messages"
    )
    return {"in": inbound, "out": Saved(roundtrips.by_tls(sent), "connections")}


def _scale(total: Tally, connections: Connections | None) -> roundtrips.Scale | None:
    """Connections for each inbound message, None where they were not told apart."""
    early = total.usage.inbound.early
    late = sum(total.inbound.values()) - early
    if connections is None or connections.early > early:
        return None
    others = connections.total - connections.early
    return roundtrips.Scale(
        connections.early / early if early else 1.0,
        min(others / late, 1.0) if late else 1.0,
    )


def _add(table: dict[str, dict[str, int]], tls: str, form: str, count: int) -> None:
    forms = table.setdefault(tls, {})
    forms[form] = forms.get(form, 0) + count
