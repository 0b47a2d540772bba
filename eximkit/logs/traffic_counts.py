"""What eximstats tells of a log, as counts that add up.

Like all of a `Summary` they are the same in whatever order the parts of a log are
added. `ledger.py` makes them, `traffic_report.py` says what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.logs.bounded import HOST_LIMIT, KEY_LIMIT, BoundedTotals, add_counts
from eximkit.logs.far_ends import (
    client,
    recipient,
    relay,
    sender,
    server,
    transport,
    user,
)
from eximkit.logs.followed import DELAYED, FAILED, REMOTE, Followed

if TYPE_CHECKING:
    from eximkit.logs.followed import Begun

_WIDE = 3
TABLES = {
    "transports": (KEY_LIMIT, _WIDE),
    "source_hosts": (HOST_LIMIT, _WIDE),
    "senders": (KEY_LIMIT, _WIDE),
    "users": (KEY_LIMIT, _WIDE),
    "destination_hosts": (HOST_LIMIT, _WIDE),
    "recipients": (KEY_LIMIT, _WIDE),
    "relays": (KEY_LIMIT, 1),
    "errors": (KEY_LIMIT, 1),
    "rejections": (KEY_LIMIT, 1),
    "rejected_hosts": (HOST_LIMIT, 1),
    "temporary_rejections": (KEY_LIMIT, 1),
    "temporarily_rejected_hosts": (HOST_LIMIT, 1),
    "times": (4 * KEY_LIMIT, 2),
}
"""How many keys each table holds, and how many numbers each key has: messages,
addresses and octets; or how often it occurred; or that and a sum of milliseconds."""

RECEIVED, DELIVERED, PATTERN = "received", "delivered", "pattern "
"""Whose minutes are counted. That of a pattern ends with its name."""
QUEUE_LOCAL, QUEUE_REMOTE = b"queue local", b"queue remote"
DELIVERY_LOCAL, DELIVERY_REMOTE = b"delivery local", b"delivery remote"
RECEIVE = b"receive "
"""The kinds of times. That of receiving ends with the protocol."""

HUNDREDTHS_TO, SECONDS_TO, MINUTES_TO = 10_000, 3_600_000, 86_400_000
"""Times in milliseconds are told apart by the hundredth of a second below the first of
these, then by the second, by the minute, and by the hour. That bounds how many there
are."""
_LONGEST = 10_000 * 3_600_000


@dataclass(slots=True)
class TrafficCounts:
    """The mail of some log.

    totals: messages `delayed` and `failed`. minutes: of what was RECEIVED and
    DELIVERED, and of lines that the user's patterns matched, the counts by the minute
    of the day; -1 is that of a line without a time. tables: as in TABLES; the parts of
    keys have NUL octets between them. followed: messages that are not complete.
    """

    totals: dict[str, int] = field(default_factory=dict)
    minutes: dict[str, dict[int, int]] = field(default_factory=dict)
    tables: dict[str, BoundedTotals] = field(
        default_factory=lambda: {
            name: BoundedTotals(*form) for name, form in TABLES.items()
        }
    )
    followed: Followed = field(default_factory=Followed)

    def update(self, other: TrafficCounts) -> None:
        """Add other counts to these."""
        add_counts(self.totals, other.totals)
        for name, counts in other.minutes.items():
            add_counts(self.minutes.setdefault(name, {}), counts)
        for name, table in self.tables.items():
            table.update(other.tables[name])
        self.followed.update(other.followed, self)

    def settled(self) -> TrafficCounts:
        """With what parts say together that do not follow one another."""
        together = TrafficCounts()
        if not self.followed.settled(together):
            return self
        total = TrafficCounts()
        total.update(self)
        total.update(together)
        return total

    def receive(self, source: bytes, messages: int, octets: int) -> None:
        """Messages from one place."""
        numbers = messages, 0, octets
        self.tables["source_hosts"].add(client(source), *numbers)
        self.tables["senders"].add(sender(source), *numbers)
        if local := user(source):
            self.tables["users"].add(local, *numbers)

    def deliver(
        self, target: bytes, messages: int, addresses: int, octets: int
    ) -> None:
        """Deliveries to one place."""
        numbers = messages, addresses, octets
        self.tables["transports"].add(transport(target), *numbers)
        self.tables["destination_hosts"].add(server(target), *numbers)
        self.tables["recipients"].add(recipient(target), *numbers)

    def relay(self, source: bytes, target: bytes, messages: int) -> None:
        """Messages that came from one place and went to another, relayed or not."""
        key = relay(source, target)
        if key:
            self.tables["relays"].add(key, messages)

    def spend(self, name: bytes, milliseconds: int, count: int = 1) -> None:
        """Times of a kind; those of clocks that stepped back are none."""
        milliseconds = max(milliseconds, 0)
        key = b"%b\0%d" % (name, rounded(milliseconds))
        self.tables["times"].add(key, count, count * milliseconds)

    def mark(self, flags: int, messages: int = 1) -> None:
        """Messages that have flags."""
        for flag, name in ((DELAYED, "delayed"), (FAILED, "failed")):
            if flags & flag:
                self.totals[name] = self.totals.get(name, 0) + messages

    def complete(self, begun: Begun, flags: int, time: int, messages: int = 1) -> None:
        """Messages that are complete."""
        spent = (time - begun.time) * 1000
        self.spend(QUEUE_REMOTE if flags & REMOTE else QUEUE_LOCAL, spent, messages)

    def credit(self, begun: Begun, target: bytes) -> None:
        """A delivery that was counted, of a message that is now known."""
        self.deliver(target, 0, 0, begun.octets)
        self.relay(begun.source, target, 1)


def rounded(milliseconds: int) -> int:
    """A time as it is told apart from others, rounded down; negative ones are 0."""
    if milliseconds < HUNDREDTHS_TO:
        unit = 10
    elif milliseconds < SECONDS_TO:
        unit = 1000
    else:
        unit = 60_000 if milliseconds < MINUTES_TO else 3_600_000
    return min(max(milliseconds, 0), _LONGEST) // unit * unit
