"""The sections of a page that a full count fills: delays, reasons, leagues."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from eximkit.report import charts
from eximkit.report.charts import Caption, Row
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
    volume,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from eximkit.logs.traffic import (
        Distribution,
        League,
        LeagueRow,
        Reasons,
        Relayed,
        Traffic,
    )
    from eximkit.report.logs_view import View

_TIMES = (
    ("queue", "Time on the queue", "from arrival to completion"),
    ("queue_remote", "Time on the queue, with a delivery to a host", ""),
    ("receive", "Time of receiving", "RT= of the log"),
    ("delivery", "Time of delivering", "DT= of the log"),
    ("delivery_remote", "Time of delivering to hosts", "DT= of the log"),
)
_REASONS = (
    ("errors", "Errors by reason", "failed"),
    ("rejections", "Rejections by reason", "rejected"),
    ("temporary_rejections", "Temporary rejections by reason", "deferred"),
)
_KINDS = {
    "host": "hosts", "domain": "domains of hosts", "email": "addresses",
    "original": "addresses, with the original ones", "edomain": "domains of addresses",
    "local": "local parts", "local_domain": "local domains",
}  # fmt: skip


def totals(traffic: Traffic) -> Figure:
    """The grand totals."""
    title = "Grand totals"
    names = ("messages", "addresses", "hosts", "domains", "emails", "edomains",
             "delayed", "failed")  # fmt: skip
    rows = tuple(
        (
            label(word),
            volume(each.octets),
            *(count(getattr(each, name)) for name in names),
        )
        for word, each in (
            ("received", traffic.received),
            ("delivered", traffic.delivered),
        )
    )
    heads = ("", "size", "messages", "addresses", "hosts", "domains of hosts",
             "different addresses", "domains of addresses", "delayed", "failed",
             )  # fmt: skip
    says = (
        "Messages delivered are transactions; delayed and failed are messages with at "
        "least one such address."
    )
    return Figure("totals", title, says, (Table(title, heads, rows),))


def delays(traffic: Traffic) -> Iterator[Figure]:
    """How long messages took."""
    for name, title, about in _TIMES:
        times: Distribution = getattr(traffic.times, name)
        if times.total:
            figure = _distribution(name, title, about, times)
            if name == "receive" and traffic.times.receive_by_protocol:
                further = _by_protocol(title, traffic.times.receive_by_protocol)
                figure = replace(figure, tables=(*figure.tables, further))
            yield figure


def _by_protocol(title: str, protocols: Mapping[str, Distribution]) -> Table:
    rows, more = bounded(
        (
            of_log(protocol),
            count(times.total),
            Cell(_time(_mean(times)), str(_mean(times))),
        )
        for protocol, times in protocols.items()
        if times.total
    )
    heads = ("protocol", "messages", "mean")
    return Table(f"{title} by protocol", heads, rows, more=more)


def _mean(times: Distribution) -> float:
    return round(times.seconds / times.total, 1)


def reasons(traffic: Traffic, view: View) -> Iterator[Figure]:
    """Why messages failed or were rejected, and whose."""
    for name, title, colour in _REASONS:
        found = getattr(traffic, name)
        by_reason: Reasons = found if name == "errors" else found.reasons
        tables = []
        if by_reason.rows:
            tables.append(_counted(title, "reason", by_reason, colour, view))
        if name != "errors" and found.hosts.rows:
            by_host = title.replace("reason", "client")
            tables.append(_counted(by_host, "client", found.hosts, colour, view))
        if tables:
            says = f"{number(by_reason.total)} in all."
            yield Figure(f"reasons-{name}", title, says, tuple(tables))


def leagues(traffic: Traffic, view: View) -> Section | None:
    """The busiest senders and receivers, transports and relays."""
    figures = []
    for way, word, kinds in (
        ("Sending", "Who sent most", traffic.sources),
        ("Receiving", "Who received most", traffic.destinations),
    ):
        tables = [
            each
            for kind, league in kinds.items()
            for each in _league(f"{way} {_KINDS[kind]}", league, view)
        ]
        if tables:
            says = "By messages and by volume."
            figures.append(Figure(f"league-{way.lower()}", word, says, tuple(tables)))
    if traffic.transports:
        figures.append(_transports(traffic.transports))
    if traffic.relayed.rows:
        figures.append(_relayed(traffic.relayed, view))
    if traffic.patterns:
        title = "Patterns"
        rows, more = bounded((of_log(p.name), count(p.total))
                             for p in traffic.patterns)  # fmt: skip
        table = Table(title, ("pattern", "lines"), rows, more=more)
        figures.append(Figure("patterns", title, "Lines that matched.", (table,)))
    if not figures:
        return None
    return Section("leagues", "Who sends and receives", (), tuple(figures))


def _distribution(name: str, title: str, about: str, times: Distribution) -> Figure:
    """Times by length; one bar for each boundary."""
    names = [f"under {_time(times.boundaries[0])}"] if times.boundaries else ["any"]
    names += [
        f"{_time(low)} to {_time(high)}" for low, high in pairwise(times.boundaries)
    ]
    if times.boundaries:
        names.append(f"{_time(times.boundaries[-1])} and more")
    total = times.total
    reached, shares = 0, []
    for each in times.counts:
        reached += each
        shares.append(reached / total)
    says = f"{number(total)} times, {_time(_mean(times))} in the mean"
    says += f"; {about}." if about else "."
    bars = [
        Row(each, (("in", counted),), f"{number(counted)} ({percent(counted / total)})")
        for each, counted in zip(names, times.counts, strict=True)
    ]
    rows = tuple(
        (
            label(each),
            count(counted),
            Cell(percent(counted / total), f"{counted / total:.6f}"),
            Cell(percent(part), f"{part:.6f}"),
        )
        for each, counted, part in zip(names, times.counts, shares, strict=True)
    )
    table = Table(title, ("time", "messages", "share", "share so far"), rows)
    ident = f"time-{name.replace('_', '-')}"
    return Figure(
        ident, title, says, (table,), charts.lying(Caption(ident, title, says), bars)
    )


def _time(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{round(seconds / length, 1):g} {unit}"
    return f"{seconds:g} s"


def _counted(title: str, word: str, found: Reasons, colour: str, view: View) -> Table:
    most = found.rows[0].total
    rows, _ = bounded(
        (of_log(row.text), count(row.total, most, colour))
        for row in found.rows[: view.top]
    )
    return Table(title, (word, "times"), rows, more=found.seen - len(rows))


def _league(title: str, league: League, view: View) -> Iterator[Table]:
    for order, found, by_octets in (
        ("messages", league.by_messages, False),
        ("volume", league.by_octets, True),
    ):
        rows = _rows(found[: view.top], by_octets=by_octets)
        if rows:
            yield Table(
                f"{title} by {order}", _heads(found), rows,
                more=league.seen - len(rows),
            )  # fmt: skip


def _heads(rows: Sequence[LeagueRow]) -> tuple[str, ...]:
    addresses = ("addresses",) if any(row.addresses for row in rows) else ()
    return "", "messages", *addresses, "size", "each"


def _rows(
    rows: Sequence[LeagueRow], *, by_octets: bool
) -> tuple[tuple[Cell, ...], ...]:
    if not rows:
        return ()
    addresses = any(row.addresses for row in rows)
    most = rows[0].octets if by_octets else rows[0].messages
    kept, _ = bounded(
        (
            of_log(row.key),
            count(row.messages, None if by_octets else most, "plain"),
            *([count(row.addresses)] if addresses else []),
            volume(row.octets, most if by_octets else None, "plain"),
            volume(row.average),
        )
        for row in rows
    )
    return kept


def _transports(found: Sequence[LeagueRow]) -> Figure:
    title = "Deliveries by transport"
    most = max(row.messages for row in found)
    rows, more = bounded(
        (
            of_log(row.key),
            count(row.messages, most, "plain"),
            count(row.addresses),
            volume(row.octets),
        )
        for row in found
    )
    heads = ("transport", "messages", "addresses", "size")
    table = Table(title, heads, rows, more=more)
    says = f"{number(len(found))} transports."
    return Figure("transports", title, says, (table,))


def _relayed(found: Relayed, view: View) -> Figure:
    title = "Relayed messages"
    rows, _ = bounded(
        (
            of_log(f"{row.from_host} {row.sender}"),
            of_log(f"{row.to_host} {row.recipient}"),
            count(row.total),
        )
        for row in found.rows[: view.top]
    )
    table = Table(title, ("from", "to", "times"), rows, more=found.seen - len(rows))
    says = f"{number(found.total)} from a remote host to a remote host."
    return Figure("relayed", title, says, (table,))
