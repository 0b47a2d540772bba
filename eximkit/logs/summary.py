"""What a stretch of log says, as counts that add up.

`scan()` makes a `Summary` of each chunk; they add up to that of the whole log, in any
order and grouping.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from eximkit.logs.bounded import (
    CONNECTION_LIMIT,
    HOST_LIMIT,
    BoundedCounts,
    BoundedSet,
    add_counts,
)
from eximkit.logs.stretches import Stretches
from eximkit.logs.traffic_counts import TrafficCounts

EVENTS = (
    "completed", "deferral", "failure", "frozen", "reject", "sync_greeting",
    "sync_not_advertised", "sync_advertised", "other",
)  # fmt: skip
"""What is counted by the hour alone. other: entries that are none of those counted."""


class Arrival(NamedTuple):
    """The messages received in an hour that have all this in common.

    hour: `YYYY-MM-DD HH` as written in the log, or the day alone where hours were not
    asked for. over_smtp: from a host (H= is there).
    null_sender: from `<>`. form: of the L field, "" without one. protocol: P=, "" where
    there is none. tls: the version of X=, such as `TLS1.3`, "" in clear.
    """

    hour: str
    over_smtp: bool
    null_sender: bool
    form: str
    protocol: str
    tls: str


class Delivery(NamedTuple):
    """The deliveries of an hour that have all this in common.

    flag: `=>`, `->` or `>>`. remote: to a host (H= is there). continued: on a
    connection that an earlier message had opened (`]*`). The rest as in `Arrival`.
    """

    hour: str
    flag: str
    remote: bool
    continued: bool
    form: str
    tls: str
    router: str
    transport: str


class Received(NamedTuple):
    """The octets (S=) received in an hour; the rest as in `Arrival` where asked for."""

    hour: str
    over_smtp: bool = False
    protocol: str = ""
    tls: str = ""


@dataclass(slots=True)
class OfDay:
    """Counts as in `Summary`, their hours being those of the day, `HH`."""

    events: dict[tuple[str, str], int] = field(default_factory=dict)
    arrivals: dict[Arrival, int] = field(default_factory=dict)
    received: dict[Received, int] = field(default_factory=dict)
    deliveries: dict[Delivery, int] = field(default_factory=dict)

    def update(self, other: OfDay) -> None:
        """Add others to these."""
        add_counts(self.events, other.events)
        add_counts(self.arrivals, other.arrivals)
        add_counts(self.received, other.received)
        add_counts(self.deliveries, other.deliveries)


@dataclass(slots=True)
class Summary:
    """The counts of some log.

    lines, octets: of log text, as read. garbage: lines that are not one whole entry.
    unparsed: entries that look like events and are not understood, and free text of no
    known kind; they are counted as `other`.
    hosts: by "in" and "out", the lines by address and L form. octets_of_hosts: S= by
    sending address, where that was asked for. connections: one member for each inbound
    connection that can be told from others (by port or Ci=), its first octet `*` where
    it was early, `-` otherwise. traffic: what eximstats tells, where it was asked for.
    """

    lines: int = 0
    octets: int = 0
    garbage: int = 0
    unparsed: int = 0
    events: dict[tuple[str, str], int] = field(default_factory=dict)
    """By hour and one of EVENTS."""
    arrivals: dict[Arrival, int] = field(default_factory=dict)
    received: dict[Received, int] = field(default_factory=dict)
    deliveries: dict[Delivery, int] = field(default_factory=dict)
    hosts: dict[str, BoundedCounts] = field(
        default_factory=lambda: {d: BoundedCounts(HOST_LIMIT) for d in ("in", "out")}
    )
    octets_of_hosts: BoundedCounts = field(
        default_factory=lambda: BoundedCounts(HOST_LIMIT)
    )
    connections: BoundedSet = field(
        default_factory=lambda: BoundedSet(CONNECTION_LIMIT)
    )
    stretches: Stretches = field(default_factory=Stretches)
    few_hours: bool = False
    """Whether hours are told apart only as long as they are few (`hours.py`) ..."""
    of_day: OfDay | None = None
    """... and, once they are many, the same by the hour of the day."""
    traffic: TrafficCounts | None = None

    def update(self, other: Summary) -> None:
        """Add another summary to this one."""
        if self.few_hours or other.few_hours:
            from eximkit.logs import hours

            hours.add(self, other)
        else:
            self.add(other)

    def add(self, other: Summary) -> None:
        """The same where both count hours alike."""
        self.lines += other.lines
        self.octets += other.octets
        self.garbage += other.garbage
        self.unparsed += other.unparsed
        add_counts(self.events, other.events)
        add_counts(self.deliveries, other.deliveries)
        add_counts(self.arrivals, other.arrivals)
        add_counts(self.received, other.received)
        for direction, table in self.hosts.items():
            table.update(other.hosts[direction])
        self.octets_of_hosts.update(other.octets_of_hosts)
        self.connections.merge(other.connections)
        self.stretches.update(other.stretches)
        if other.of_day is not None:
            self.of_day = self.of_day or OfDay()
            self.of_day.update(other.of_day)
        if other.traffic is not None:
            self.traffic = self.traffic or TrafficCounts()
            self.traffic.update(other.traffic)

    def __add__(self, other: Summary) -> Summary:
        """The summary of both."""
        total = Summary()
        total.update(self)
        total.update(other)
        return total
