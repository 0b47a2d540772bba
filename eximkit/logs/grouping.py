"""The counts of a log by day, hour, host, transport and so on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs.usage import (
    IN_FORMS,
    NONE,
    OUT_FORMS,
    Recorded,
    Usage,
    asked,
    is_transaction,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eximkit.logs.summary import Arrival, Delivery, OfDay, Received, Summary

CLEAR = "clear"
"""The key of what was not encrypted."""
UNNAMED = "-"
"""The key of what the log does not name."""

EVENT_COUNTS = {
    "deferral": "deferrals", "failure": "failures", "completed": "completed",
    "frozen": "frozen", "reject": "rejects",
}  # fmt: skip
"""Events that are reported by the day and by the hour, under these names."""


@dataclass(slots=True)
class Tally:
    """What was counted of one group.

    inbound: messages from hosts, by L form. outbound: deliveries to hosts, repeats
    (`->`) included, by L form. usage: the same as counts that shares are made of.
    events: by the names of EVENT_COUNTS, for groups of time.
    """

    arrivals: int = 0
    octets: int = 0
    deliveries: int = 0
    inbound: dict[str, int] = field(default_factory=dict)
    outbound: dict[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    events: dict[str, int] = field(default_factory=dict)

    def receive(self, arrival: Arrival, count: int, recorded: Recorded) -> None:
        """Count the messages of a kind."""
        self.arrivals += count
        if arrival.over_smtp:
            form = arrival.form or NONE
            self.inbound[form] = self.inbound.get(form, 0) + count
            self.usage.inbound.add(arrival.form, count, asked=asked(arrival, recorded))

    def deliver(self, delivery: Delivery, count: int, recorded: Recorded) -> None:
        """Count the deliveries of a kind."""
        self.deliveries += count
        if delivery.remote:
            form = delivery.form or NONE
            self.outbound[form] = self.outbound.get(form, 0) + count
        if is_transaction(delivery):
            self.usage.outbound.add(
                delivery.form,
                count,
                asked=delivery.hour in recorded,
                continued=delivery.continued,
            )


class Dimension(NamedTuple):
    """A way to group: the key of an arrival and of a delivery, None for neither.

    chronological: the groups have an order of their own, that of time.
    """

    arrival: Callable[[Arrival | Received], str | None]
    delivery: Callable[[Delivery], str | None]
    chronological: bool = False


def _nothing(_key: object) -> None:
    return None


DIMENSIONS = {
    "day": Dimension(lambda a: a.hour[:10], lambda d: d.hour[:10], True),
    "hour": Dimension(lambda a: a.hour, lambda d: d.hour, True),
    "transport": Dimension(_nothing, lambda d: d.transport or UNNAMED),
    "router": Dimension(_nothing, lambda d: d.router or UNNAMED),
    "proto": Dimension(lambda a: a.protocol or UNNAMED, _nothing),
    "tls": Dimension(
        lambda a: (a.tls or CLEAR) if a.over_smtp else None,
        lambda d: (d.tls or CLEAR) if d.remote else None,
    ),
}
"""All of them but by host, which `Summary` counts apart."""

MONTH = Dimension(lambda a: a.hour[:7], lambda d: d.hour[:7], True)
HOUR_OF_DAY = Dimension(lambda a: a.hour[11:13], lambda d: d.hour[11:13], True)
ALL = Dimension(lambda _: "", lambda _: "")

HOST, HOUR = "host", "hour"
NAMES = ("day", HOUR, HOST, "transport", "router", "proto", "tls")
"""What can be grouped by."""


def grouped(
    summary: Summary | OfDay, dimension: Dimension, recorded: Recorded
) -> dict[str, Tally]:
    """The tallies by key: in the order of time, or the largest first."""
    table: dict[str, Tally] = {}
    for arrival, count in summary.arrivals.items():
        key = dimension.arrival(arrival)
        if key is not None:
            _of(table, key).receive(arrival, count, recorded)
    for received, octets in summary.received.items():
        key = dimension.arrival(received)
        if key is not None:
            _of(table, key).octets += octets
    for delivery, count in summary.deliveries.items():
        key = dimension.delivery(delivery)
        if key is not None:
            _of(table, key).deliver(delivery, count, recorded)
    if not dimension.chronological:
        return dict(sorted(table.items(), key=_by_size))
    return dict(sorted(table.items()))


def with_events(
    table: dict[str, Tally], summary: Summary, key: Callable[[str], str]
) -> dict[str, Tally]:
    """The table with what is counted by the hour alone. key: the group of an hour."""
    for (hour, event), count in summary.events.items():
        name = EVENT_COUNTS.get(event)
        if name is not None:
            events = _of(table, key(hour)).events
            events[name] = events.get(name, 0) + count
    return dict(sorted(table.items()))


def by_host(summary: Summary) -> dict[str, Tally]:
    """The tallies of hosts by address, the largest first. Usage is by lines here."""
    table: dict[str, Tally] = {}
    for address, kinds in summary.hosts["in"].counts.items():
        tally = _of(table, text(address))
        for kind, count in kinds.items():
            form = text(kind)
            tally.arrivals += count
            tally.inbound[form or NONE] = count
            tally.usage.inbound.add(form, count, asked=bool(form))
    for address, kinds in summary.hosts["out"].counts.items():
        tally = _of(table, text(address))
        for kind, count in kinds.items():
            form = text(kind)
            tally.deliveries += count
            tally.outbound[form or NONE] = count
            tally.usage.outbound.add(form, count, asked=bool(form), continued=False)
    for address, kinds in summary.octets_of_hosts.counts.items():
        _of(table, text(address)).octets += sum(kinds.values())
    return dict(sorted(table.items(), key=_by_size))


def complete(counts: dict[str, int], forms: Iterable[str]) -> dict[str, int]:
    """Counts by form, those of none first and zeros included."""
    return {form: counts.get(form, 0) for form in (NONE, *forms)}


def complete_inbound(counts: dict[str, int]) -> dict[str, int]:
    """The inbound counts, zeros included."""
    return complete(counts, IN_FORMS)


def complete_outbound(counts: dict[str, int]) -> dict[str, int]:
    """The outbound counts, zeros included."""
    return complete(counts, OUT_FORMS)


def text(octets: bytes) -> str:
    """Words of a log as text; none of those counted here holds more than ASCII."""
    return octets.decode("ascii", "backslashreplace")


def _of(table: dict[str, Tally], key: str) -> Tally:
    tally = table.get(key)
    if tally is None:
        tally = table[key] = Tally()
    return tally


def _by_size(row: tuple[str, Tally]) -> tuple[int, str]:
    key, tally = row
    return -(tally.arrivals + tally.deliveries), key
