"""The sections of a page that a full count fills: delays, reasons, leagues."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from eximkit.logs.usage import Share
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
    share,
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
    ("queue", "Time on the queue", "From arrival to completion"),
    ("receive", "Time of receiving", "RT= of the log"),
    ("delivery", "Time of delivering", "DT= of the log"),
)
_TO_HOSTS = {"queue": "queue_remote", "delivery": "delivery_remote"}
"""The same of what went to hosts."""
_REASONS = (
    ("errors", "Errors by reason", "failed"),
    ("rejections", "Rejections by reason", "rejected"),
    ("temporary_rejections", "Temporary rejections by reason", "deferred"),
)
KINDS = {
    "host": "hosts", "domain": "domains of hosts", "email": "addresses",
    "original": "addresses, with the original ones", "edomain": "domains of addresses",
    "local": "local parts", "local_domain": "local domains",
}  # fmt: skip
"""What leagues are of."""


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
        if not times.total:
            continue
        told = {"all": times}
        if name in _TO_HOSTS:
            remote: Distribution = getattr(traffic.times, _TO_HOSTS[name])
            if remote.total:
                told["to hosts"] = remote
        figure = _distribution(name, title, about, told)
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
            for each in _league(f"{way} {KINDS[kind]}", league, view)
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


def _distribution(
    name: str, title: str, about: str, told: Mapping[str, Distribution]
) -> Figure:
    """Times by length; one bar for each boundary, as far as there is something."""
    times = told["all"]
    names = [f"under {_time(times.boundaries[0])}"] if times.boundaries else ["any"]
    names += [f"{_time(a)} to {_time(b)}" for a, b in pairwise(times.boundaries)]
    if times.boundaries:
        names.append(f"{_time(times.boundaries[-1])} and more")
    means = [
        f"{number(each.total)}{'' if word == 'all' else f' {word}'}, "
        f"{_time(_mean(each))} on average"
        for word, each in told.items()
    ]
    says = f"{about}: {'; '.join(means)}."
    last = max(n for n, counted in enumerate(times.counts) if counted)
    bars = [
        Row(
            each,
            (("in", counted),),
            f"{number(counted)} ({percent(counted / times.total)})",
        )
        for each, counted in zip(names[: last + 1], times.counts, strict=False)
    ]
    columns = [list(_shares(each)) for each in told.values()]
    rows = tuple(
        (label(each), *(cell for cells in row for cell in cells))
        for each, *row in zip(names, *columns, strict=True)
    )
    heads = ("time", *("messages", "share", "so far") * len(told))
    spans = tuple((word, 3) for word in told) if len(told) > 1 else ()
    ident = f"time-{name}"
    return Figure(
        ident, title, says, (Table(title, heads, rows, spans),),
        charts.lying(Caption(ident, title, says), bars),
    )  # fmt: skip


def _shares(times: Distribution) -> Iterator[tuple[Cell, Cell, Cell]]:
    reached = 0
    for counted in times.counts:
        reached += counted
        part = Share(counted, times.total)
        yield count(counted), share(part), share(Share(reached, times.total))


def _time(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{round(seconds / length, 1):g} {unit}"
    return f"{seconds:g} s"


def _counted(title: str, word: str, found: Reasons, colour: str, view: View) -> Table:
    most = found.rows[0].total
    rows, _ = bounded(
        (
            of_log(row.text) if row.text.strip() else label("none given"),
            count(row.total, most, colour),
        )
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
