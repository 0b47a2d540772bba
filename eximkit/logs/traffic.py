"""What eximstats tells of a log, as data: mail flow, delays, errors, leagues.

It is counted where it is asked for (`scan.TRAFFIC`), and is then `LogReport.traffic`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

QUEUE_TIMES = (60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400)
"""Seconds on the queue that are told apart, unless somebody says otherwise."""
SHORT_TIMES = (1, 2, 4, 8, 15, 30, 60, 300)
"""The same for the times of receiving and delivering."""
INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
"""Minutes that a bar of a histogram may stand for: what divides an hour."""

SOURCES = ("host", "domain", "email", "edomain", "local")
"""Leagues of those that messages came from."""
DESTINATIONS = (
    "host", "domain", "email", "original", "edomain", "local", "local_domain",
)  # fmt: skip
"""Leagues of those that messages went to. original: addresses, with those that they
were made of. local, local_domain: of what was not sent to a host."""


@dataclass(frozen=True, slots=True)
class TrafficTerms:
    """How traffic is told of.

    interval: minutes for each bar of the histograms, one of INTERVALS. queue_times,
    receive_times, delivery_times: the boundaries of distributions in seconds, rising.
    """

    interval: int = 60
    queue_times: tuple[float, ...] = QUEUE_TIMES
    receive_times: tuple[float, ...] = SHORT_TIMES
    delivery_times: tuple[float, ...] = SHORT_TIMES


@dataclass(frozen=True, slots=True)
class Totals:
    """The grand total of one direction.

    octets: S= of the messages; a delivery counts that of its message, where the log has
    it. messages: received, or delivered in a transaction (`=>`). addresses: those
    delivered to (`=>`, `->`), 0 for what was received. hosts, domains, emails,
    edomains: how many different ones. delayed, failed: messages received with at least
    one such address.
    """

    octets: int = 0
    messages: int = 0
    addresses: int = 0
    hosts: int = 0
    domains: int = 0
    emails: int = 0
    edomains: int = 0
    delayed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Histogram:
    """Messages received and deliveries (`=>`) by the time of day, all days together.

    interval: minutes for each count; there are 1440 / interval of them, from 00:00 on.
    """

    interval: int
    received: tuple[int, ...]
    delivered: tuple[int, ...]


class LeagueRow(NamedTuple):
    """One of a league. addresses: delivered to; 0 in leagues of sources."""

    key: str
    messages: int
    addresses: int
    octets: int

    @property
    def average(self) -> int:
        """Octets for each message, rounded down."""
        return self.octets // self.messages if self.messages else 0


@dataclass(frozen=True, slots=True)
class League:
    """The busiest ones.

    by_messages, by_octets: the first `top` in either order; ties by the other number,
    then by key. seen: how many different ones there were, at least so many where
    `left_out` is not 0. left_out: messages of those that were not told apart.
    """

    by_messages: tuple[LeagueRow, ...]
    by_octets: tuple[LeagueRow, ...]
    seen: int
    left_out: int


class Counted(NamedTuple):
    """A text, and how often it occurred: `total`."""

    text: str
    total: int


@dataclass(frozen=True, slots=True)
class Reasons:
    """Texts by their counts, the most frequent `top`, ties by text.

    total: of all of them. seen: how many different ones, at least so many where
    `left_out` is not 0. left_out: counts of those that were not told apart.
    """

    rows: tuple[Counted, ...]
    total: int
    seen: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Rejections:
    """What was rejected: by reason, and by address of the client."""

    reasons: Reasons
    hosts: Reasons


class Relay(NamedTuple):
    """Messages from a remote host to a remote host."""

    from_host: str
    sender: str
    to_host: str
    recipient: str
    total: int


@dataclass(frozen=True, slots=True)
class Relayed:
    """The busiest `top` relays. total: of all. seen, left_out: as in `Reasons`."""

    rows: tuple[Relay, ...]
    total: int
    seen: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """Times by their length.

    boundaries: in seconds, rising. counts: how many were shorter than each boundary and
    not shorter than the one before; one more for the rest. seconds: all together.
    """

    boundaries: tuple[float, ...]
    counts: tuple[int, ...]
    seconds: float

    @property
    def total(self) -> int:
        """How many times were counted."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Times:
    """Distributions of times.

    queue: from arrival to `Completed`, by the stamps; queue_remote: those of messages
    with a delivery to a host. receive: RT=. receive_by_protocol: the same by P=.
    delivery: DT= of deliveries (`=>`); delivery_remote: those to hosts.
    """

    queue: Distribution
    queue_remote: Distribution
    receive: Distribution
    receive_by_protocol: Mapping[str, Distribution]
    delivery: Distribution
    delivery_remote: Distribution


@dataclass(frozen=True, slots=True)
class PatternCount:
    """Lines that a pattern of the user's matched: all, and by the time of day."""

    name: str
    total: int
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """The mail of a log.

    sources, destinations: leagues by SOURCES and DESTINATIONS. transports: rows by
    name, in the order of names. errors: of `**` lines. not_followed: messages that were
    not, for too many were open at once; their deliveries count without octets.
    """

    received: Totals
    delivered: Totals
    histogram: Histogram
    sources: Mapping[str, League]
    destinations: Mapping[str, League]
    transports: tuple[LeagueRow, ...]
    relayed: Relayed
    errors: Reasons
    rejections: Rejections
    temporary_rejections: Rejections
    times: Times
    patterns: tuple[PatternCount, ...] = field(default=())
    not_followed: int = 0
