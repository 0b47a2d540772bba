"""From `TrafficCounts` to what they mean: `Traffic`."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.logs.far_ends import (
    LOCAL,
    address_domain,
    host_domain,
)
from eximkit.logs.traffic import (
    INTERVALS,
    Counted,
    Distribution,
    Histogram,
    League,
    LeagueRow,
    PatternCount,
    Reasons,
    Rejections,
    Relay,
    Relayed,
    Times,
    Totals,
    Traffic,
    TrafficTerms,
)
from eximkit.logs.traffic_counts import (
    DELIVERED,
    DELIVERY_LOCAL,
    DELIVERY_REMOTE,
    MINUTES_TO,
    PATTERN,
    QUEUE_LOCAL,
    QUEUE_REMOTE,
    RECEIVE,
    RECEIVED,
    SECONDS_TO,
    TrafficCounts,
    rounded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eximkit.logs.bounded import BoundedTotals

_Rows = dict[bytes, tuple[int, int, int]]
_LOCAL, _REMOTE = b"l", b"r"


def told(counts: TrafficCounts, terms: TrafficTerms, top: int) -> Traffic:
    """What counts mean. top: how many of a list to tell. Raises SettingsError."""
    checked(terms)
    counts = counts.settled()
    sources = _sources(counts)
    destinations = _destinations(counts)
    times = _times(counts)
    left_out = {name: table.overflow for name, table in counts.tables.items()}
    delivered = _sum(counts.tables["destination_hosts"])
    received = _sum(counts.tables["source_hosts"])
    return Traffic(
        received=Totals(
            octets=received[2],
            messages=received[0],
            **_seen(sources),
            delayed=counts.totals.get("delayed", 0),
            failed=counts.totals.get("failed", 0),
        ),
        delivered=Totals(
            octets=delivered[2],
            messages=delivered[0],
            addresses=delivered[1],
            **_seen(destinations),
        ),
        histogram=Histogram(
            terms.interval,
            _bars(counts.minutes.get(RECEIVED, {}), terms.interval),
            _bars(counts.minutes.get(DELIVERED, {}), terms.interval),
        ),
        sources={
            name: _league(rows, top, left_out[_TABLE_OF_SOURCES[name]])
            for name, rows in sources.items()
        },
        destinations={
            name: _league(rows, top, left_out[_table_of(name)])
            for name, rows in destinations.items()
        },
        transports=tuple(
            LeagueRow(text(key), *numbers)
            for key, numbers in sorted(counts.tables["transports"].totals.items())
        ),
        relayed=_relayed(counts.tables["relays"], top),
        errors=_reasons(counts.tables["errors"], top),
        rejections=Rejections(
            _reasons(counts.tables["rejections"], top),
            _reasons(counts.tables["rejected_hosts"], top),
        ),
        temporary_rejections=Rejections(
            _reasons(counts.tables["temporary_rejections"], top),
            _reasons(counts.tables["temporarily_rejected_hosts"], top),
        ),
        times=_told_times(times, terms),
        patterns=tuple(
            PatternCount(
                name.removeprefix(PATTERN),
                sum(minutes.values()),
                _bars(minutes, terms.interval),
            )
            for name, minutes in sorted(counts.minutes.items())
            if name.startswith(PATTERN)
        ),
        not_followed=counts.followed.lost,
    )


_TABLE_OF_SOURCES = {
    "host": "source_hosts", "domain": "source_hosts", "email": "senders",
    "edomain": "senders", "local": "users",
}  # fmt: skip


def _table_of(name: str) -> str:
    return "destination_hosts" if name in {"host", "domain"} else "recipients"


def checked(terms: TrafficTerms) -> None:
    """Raises SettingsError for terms that cannot be kept."""
    if terms.interval not in INTERVALS:
        raise SettingsError(
            f"a histogram of {terms.interval} minutes; only what divides an hour: "
            f"{', '.join(map(str, INTERVALS))}"
        )
    for times in (terms.queue_times, terms.receive_times, terms.delivery_times):
        if not times or any(b <= a for a, b in zip((0.0, *times), times, strict=False)):
            raise SettingsError("boundaries of times have to rise from above 0")
        for time in times:
            milliseconds = round(time * 1000)
            if rounded(milliseconds) != milliseconds:
                raise SettingsError(
                    f"times are not told apart at {time:g} seconds: above "
                    f"{SECONDS_TO // 3_600_000} hour whole minutes are, above "
                    f"{MINUTES_TO // 3_600_000} whole hours"
                )


def text(octets: bytes) -> str:
    r"""Words of a log; octets that are no UTF-8 become escapes such as `\xe9`."""
    return octets.decode("utf-8", "backslashreplace")


def _grouped(table: BoundedTotals, key: Callable[[bytes], bytes | None]) -> _Rows:
    """The rows of a table by another key; None leaves them out."""
    rows: dict[bytes, list[int]] = {}
    for before, numbers in table.totals.items():
        after = key(before)
        if after is None:
            continue
        row = rows.setdefault(after, [0, 0, 0])
        for place, number in enumerate(numbers):
            row[place] += number
    return {name: (a, b, c) for name, (a, b, c) in rows.items()}


def _sources(counts: TrafficCounts) -> dict[str, _Rows]:
    hosts, senders = counts.tables["source_hosts"], counts.tables["senders"]
    return {
        "host": _grouped(hosts, _same),
        "domain": _grouped(hosts, _domain_of_host),
        "email": _grouped(senders, _same),
        "edomain": _grouped(senders, _domain_of_sender),
        "local": _grouped(counts.tables["users"], _same),
    }


def _destinations(counts: TrafficCounts) -> dict[str, _Rows]:
    hosts, recipients = counts.tables["destination_hosts"], counts.tables["recipients"]
    return {
        "host": _grouped(hosts, _same),
        "domain": _grouped(hosts, _domain_of_host),
        "email": _grouped(recipients, lambda key: key.split(b"\0")[1]),
        "original": _grouped(recipients, _with_original),
        "edomain": _grouped(
            recipients, lambda key: address_domain(key.split(b"\0")[1])
        ),
        "local": _grouped(recipients, _local),
        "local_domain": _grouped(recipients, _local_domain),
    }


def _same(key: bytes) -> bytes:
    return key


def _domain_of_host(host: bytes) -> bytes:
    return LOCAL if host == LOCAL else host_domain(host)


def _domain_of_sender(sender: bytes) -> bytes:
    return sender if sender == b"<>" else address_domain(sender)


def _with_original(key: bytes) -> bytes:
    _, address, original = key.split(b"\0")
    return b"%b <%b>" % (address, original) if original else address


def _local(key: bytes) -> bytes | None:
    """Of local deliveries: a user; a pipe or a file, with the address that has it."""
    where, address, original = key.split(b"\0")
    if where != _LOCAL:
        return None
    if address.startswith((b"|", b"/")) and original:
        return b"%b <%b>" % (address, original)
    return address


def _local_domain(key: bytes) -> bytes | None:
    where, address, original = key.split(b"\0")
    return address_domain(original or address) if where == _LOCAL else None


def _seen(leagues: Mapping[str, _Rows]) -> dict[str, int]:
    return {
        f"{name}s": len(leagues[name])
        for name in ("host", "domain", "email", "edomain")
    }


def _sum(table: BoundedTotals) -> list[int]:
    return [
        sum(column)
        for column in zip(
            *table.totals.values(), table.overflow or (0, 0, 0), strict=True
        )
    ]


def _bars(minutes: Mapping[int, int], interval: int) -> tuple[int, ...]:
    bars = [0] * (1440 // interval)
    for minute, count in minutes.items():
        if minute >= 0:
            bars[minute // interval] += count
    return tuple(bars)


def _league(rows: _Rows, top: int, left_out: list[int]) -> League:
    def listed(first: int, second: int) -> tuple[LeagueRow, ...]:
        best = nsmallest(
            top, rows.items(), key=lambda row: (-row[1][first], -row[1][second], row[0])
        )
        return tuple(LeagueRow(text(key), *numbers) for key, numbers in best)

    return League(listed(0, 2), listed(2, 0), len(rows), left_out[0] if left_out else 0)


def _most(table: BoundedTotals, top: int) -> list[tuple[bytes, list[int]]]:
    return nsmallest(top, table.totals.items(), key=lambda row: (-row[1][0], row[0]))


def _reasons(table: BoundedTotals, top: int) -> Reasons:
    best = _most(table, top)
    left_out = sum(table.overflow)
    return Reasons(
        tuple(Counted(text(key), row[0]) for key, row in best),
        sum(row[0] for row in table.totals.values()) + left_out,
        len(table.totals),
        left_out,
    )


def _relayed(table: BoundedTotals, top: int) -> Relayed:
    best = _most(table, top)
    left_out = sum(table.overflow)
    return Relayed(
        tuple(_relay(key, row[0]) for key, row in best),
        sum(row[0] for row in table.totals.values()) + left_out,
        len(table.totals),
        left_out,
    )


def _relay(key: bytes, total: int) -> Relay:
    from_host, sender, to_host, recipient = map(text, key.split(b"\0"))
    return Relay(from_host, sender, to_host, recipient, total)


_Spent = dict[int, tuple[int, int]]
"""By the rounded time in milliseconds, how often it occurred and the exact sum."""


def _times(counts: TrafficCounts) -> dict[bytes, _Spent]:
    times: dict[bytes, _Spent] = {}
    for key, (count, total) in counts.tables["times"].totals.items():
        name, _, milliseconds = key.rpartition(b"\0")
        times.setdefault(name, {})[int(milliseconds)] = count, total
    return times


def _told_times(times: Mapping[bytes, _Spent], terms: TrafficTerms) -> Times:
    received = {
        name.removeprefix(RECEIVE): spent
        for name, spent in times.items()
        if name.startswith(RECEIVE)
    }

    def of(boundaries: tuple[float, ...], *names: bytes) -> Distribution:
        return _distribution([times.get(name, {}) for name in names], boundaries)

    queue, delivery = terms.queue_times, terms.delivery_times
    return Times(
        queue=of(queue, QUEUE_LOCAL, QUEUE_REMOTE),
        queue_remote=of(queue, QUEUE_REMOTE),
        receive=_distribution(received.values(), terms.receive_times),
        receive_by_protocol={
            text(name) or "-": _distribution([spent], terms.receive_times)
            for name, spent in sorted(received.items())
        },
        delivery=of(delivery, DELIVERY_LOCAL, DELIVERY_REMOTE),
        delivery_remote=of(delivery, DELIVERY_REMOTE),
    )


def _distribution(
    times: Iterable[_Spent], boundaries: tuple[float, ...]
) -> Distribution:
    counts = [0] * (len(boundaries) + 1)
    total = 0
    limits = [round(boundary * 1000) for boundary in boundaries]
    for spent in times:
        for milliseconds, (count, together) in spent.items():
            place = sum(limit <= milliseconds for limit in limits)
            counts[place] += count
            total += together
    return Distribution(boundaries, tuple(counts), total / 1000)
