"""Messages of which a part of a log has the beginning or the end alone.

What a delivery counts in octets, and how long a message was on the queue, takes two
lines of one message, and these may be far apart. Each part of a log keeps what it has
of messages that are not complete; where parts are put together that follow one another,
so are these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

OPEN_LIMIT = 200_000
"""So many messages are followed at a time in each part; others are not."""
EVENTS_LIMIT = 1_000
"""So many lines of a message of unknown beginning are kept."""

DELAYED, FAILED, REMOTE = 1, 2, 4
"""What is known of a message: an address of it was put off, or failed; a delivery went
to a host."""


class Begun(NamedTuple):
    """The arrival of a message: its time in seconds, octets, and where from."""

    time: int
    octets: int
    source: bytes


class Event(NamedTuple):
    """A later line of a message.

    flags: what it adds to them. target: of a delivery, where to. completed: the time in
    seconds, if it is `Completed`.
    """

    flags: int = 0
    target: bytes = b""
    completed: int | None = None


class Fragment(NamedTuple):
    """A message as far as a part of the log has it.

    events: lines before its arrival, or without one. begun: its arrival, if it was not
    complete in the end; flags: of what came after that.
    """

    events: tuple[Event, ...] = ()
    begun: Begun | None = None
    flags: int = 0


class Account(Protocol):
    """Where it is put down what lines say together."""

    def credit(self, begun: Begun, target: bytes) -> None:
        """A delivery that was counted, of a message that is now known."""

    def mark(self, flags: int) -> None:
        """A message has flags that it had not before."""

    def complete(self, begun: Begun, flags: int, time: int) -> None:
        """A message is complete."""


class Span(NamedTuple):
    """A part of one log, [start, end) in octets of its text, and what is open in it."""

    source: int
    start: int
    end: int
    fragments: dict[bytes, Fragment]


@dataclass(slots=True)
class Followed:
    """What is open in the parts of all logs. Neighbours are joined.

    lost: messages that were too many to be followed.
    """

    spans: dict[tuple[int, int], Span] = field(default_factory=dict)
    """By source and start."""
    lost: int = 0

    def add(self, span: Span) -> None:
        """Take in a part that overlaps none of those that are there."""
        self.spans[span.source, span.start] = span

    def update(self, other: Followed, account: Account) -> None:
        """Take in those of other parts. What becomes complete goes to the account."""
        self.lost += other.lost
        self.spans.update(other.spans)
        joined: dict[tuple[int, int], Span] = {}
        before: Span | None = None
        for key in sorted(self.spans):
            span = self.spans[key]
            if before is not None and (before.source, before.end) == span[:2]:
                fragments = self._joined((before, span), account)
                span = before._replace(end=span.end, fragments=fragments)
            joined[span.source, span.start] = before = span
        self.spans = joined

    def settled(self, account: Account) -> bool:
        """Put down what all parts say together; whether there was anything."""
        if len(self.spans) < 2:
            return False
        self._joined([self.spans[key] for key in sorted(self.spans)], account)
        return True

    def _joined(self, spans: Iterable[Span], account: Account) -> dict[bytes, Fragment]:
        """What stays open of parts in their order."""
        first, *others = spans
        fragments = dict(first.fragments)
        for span in others:
            for number, fragment in span.fragments.items():
                before = fragments.pop(number, None)
                after = fragment
                if before is not None:
                    after = continued(before, fragment, account)
                if after.events or after.begun is not None:
                    fragments[number] = after
        if len(fragments) > OPEN_LIMIT:
            # Those that have been open for longest.
            excess = len(fragments) - OPEN_LIMIT
            self.lost += excess
            for number in list(fragments)[:excess]:
                del fragments[number]
        return fragments


def continued(before: Fragment, after: Fragment, account: Account) -> Fragment:
    """A message of which two parts are known, the later one behind."""
    begun, flags = before.begun, before.flags
    events = list(before.events)
    for event in after.events:
        if begun is None:
            events.append(event)
        elif event.completed is not None:
            account.complete(begun, flags, event.completed)
            begun, flags = None, 0
        else:
            flags = applied(begun, flags, event, account)
    if after.begun is None:
        return Fragment(tuple(events[:EVENTS_LIMIT]), begun, flags)
    early = unclaimed(events) if begun is None else []
    begun, flags = after.begun, after.flags
    for event in early:
        flags = applied(begun, flags, event, account)
    kept = events[: len(events) - len(early)]
    return Fragment(tuple(kept[:EVENTS_LIMIT]), begun, flags)


def unclaimed(events: list[Event]) -> list[Event]:
    """The events behind the last `Completed`: those of the message that now arrives."""
    for place in range(len(events), 0, -1):
        if events[place - 1].completed is not None:
            return events[place:]
    return events[:]


def applied(begun: Begun, flags: int, event: Event, account: Account) -> int:
    """Put down a line of a message whose arrival is known; its flags then."""
    if event.target:
        account.credit(begun, event.target)
    new = event.flags & ~flags
    if new:
        account.mark(new)
    return flags | new
