"""The lines of a log, one by one, to `TrafficCounts`.

What the substitution of `shapes.py` leaves of a line as its details is looked at here,
in the order of the log: messages are followed from their arrival to their end. All that
lines may have in common is added up by their raw keys first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from eximkit.logs import clock
from eximkit.logs.far_ends import LONGEST, details_of
from eximkit.logs.followed import (
    DELAYED,
    EVENTS_LIMIT,
    FAILED,
    OPEN_LIMIT,
    REMOTE,
    Begun,
    Event,
    Fragment,
    Span,
    applied,
    unclaimed,
)
from eximkit.logs.line import parse_line
from eximkit.logs.possessive import compiled
from eximkit.logs.rejections import Rejection, rejection, rejection_of
from eximkit.logs.shapes import DETAILS
from eximkit.logs.traffic_counts import (
    DELIVERED,
    DELIVERY_LOCAL,
    DELIVERY_REMOTE,
    RECEIVE,
    RECEIVED,
    TrafficCounts,
)
from eximkit.logs.values import seconds

if TYPE_CHECKING:
    from eximkit.logs.record import LogRecord

KEYS_LIMIT = 50_000
"""So many raw keys of a sort are kept before they are added up."""

_TIME, _OCTETS, _SOURCE, _FLAGS = range(4)
"""Of an open message, as a list."""
_REJECTIONS = frozenset(
    {b"reject", b"sync_greeting", b"sync_not_advertised", b"sync_advertised"}
)
_ARRIVALS, _DELIVERIES = frozenset({b"A", b"M"}), frozenset({b"R", b"D"})
_REMOTE = {b"R": REMOTE, b"D": 0}
_TIMES = {b"R": DELIVERY_REMOTE, b"D": DELIVERY_LOCAL}
_LAST_TIME = compiled(rb" DT=-?[0-9.wdhms]++\r?+\Z")


class Ledger:
    """Adds what the lines of one log say, one after the other, to counts.

    year: of lines that carry none. source: which log they are of.
    """

    def __init__(self, counts: TrafficCounts, year: int | None, source: int) -> None:
        self._counts = counts
        self._year = year
        self._source = source
        self._span: tuple[int, int] | None = None
        self._open: dict[bytes, list[Any]] = {}
        self._early: dict[bytes, list[Event]] = {}
        self._received: dict[bytes, int] = defaultdict(int)
        self._delivered: dict[bytes, int] = defaultdict(int)
        self._sources: dict[bytes, list[int]] = {}
        self._targets: dict[bytes, list[int]] = {}
        self._relays: dict[tuple[bytes, bytes], int] = defaultdict(int)
        self._errors: dict[bytes, int] = defaultdict(int)
        self._rejections: dict[tuple[bytes, bytes], int] = defaultdict(int)
        self._times: dict[tuple[bytes, bytes], int] = defaultdict(int)
        self._queued: dict[tuple[int, int], int] = defaultdict(int)
        self._marked: dict[int, int] = defaultdict(int)

    def _clear(self) -> None:
        """Forget what was added up. (`take` goes on with the same tables.)"""
        for table in (
            self._received, self._delivered, self._sources, self._targets,
            self._relays, self._errors, self._rejections, self._times, self._queued,
            self._marked,
        ):  # fmt: skip
            table.clear()

    def begin(self, start: int, end: int) -> None:
        """Say where in the log the lines are that follow."""
        if self._span is not None and self._span[1] == start:
            self._span = self._span[0], end
        else:
            self._end_span()
            self._span = start, end

    def finish(self) -> None:
        """Put down all that was taken."""
        self.fold()
        self._end_span()

    def take(self, text: bytes) -> tuple[bytes, list[LogRecord]]:
        """Take in the details of lines, the tokens of each among them.

        Gives back the tokens, and the records of lines of no known shape, whose tokens
        are left out.
        """
        columns = text.split(b"\0")
        tokens = columns[DETAILS::DETAILS]
        records: list[LogRecord] = []
        # All that is looked up for each line is at hand.
        following, early = self._open, self._early
        received, delivered = self._received, self._delivered
        sources, targets, times = self._sources, self._targets, self._times
        each = iter(columns)
        next(each)
        for kind, stamp, number, flag, size, key, protocol, spent, spent_2, _ in zip(
            *[each] * DETAILS, strict=True
        ):
            if kind in _DELIVERIES:
                row = targets.get(key)
                if row is None:
                    row = targets[key] = [0, 0, 0]
                row[1] += 1
                if flag == b"-":
                    # What counts for a transaction came with its first address.
                    continue
                row[0] += 1
                delivered[stamp[-8:-3]] += 1
                if spent:
                    times[kind, spent] += 1
                message = following.get(number)
                if message is None:
                    self._wait(number, Event(_REMOTE[kind], key))
                    continue
                row[2] += message[_OCTETS]
                if kind == b"R":
                    message[_FLAGS] |= REMOTE
                    self._relays[message[_SOURCE], key] += 1
            elif kind == b"completed":
                message = following.pop(number, None)
                if message is None:
                    self._wait(number, Event(completed=self._time(stamp)))
                    continue
                first = message[_TIME]
                if first[:-2] == stamp[:-2]:
                    took = int(stamp[-2:]) - int(first[-2:])
                else:
                    took = self._time(stamp) - self._time(first)
                self._queued[took, message[_FLAGS] & REMOTE] += 1
            elif kind in _ARRIVALS:
                octets = int(size)
                received[stamp[-8:-3]] += 1
                row = sources.get(key)
                if row is None:
                    row = sources[key] = [0, 0]
                row[0] += 1
                row[1] += octets
                if spent := spent_2 or spent:
                    times[RECEIVE + protocol, spent] += 1
                following[number] = message = [stamp, octets, key, 0]
                if number in early:
                    self._claim(number, message)
            elif kind == b"deferral":
                self._event(number, DELAYED)
            elif kind == b"failure":
                self._errors[key.partition(b"\n")[0]] += 1
                self._event(number, FAILED)
            elif kind in _REJECTIONS:
                address, rejected, _ = key.split(b"\n", 2)
                self._rejections[address, rejected] += 1
            elif kind == b"?":
                records.append(record := parse_line(flag, self._year))
                if (found := rejection(record)) is not None:
                    self._reject(found, 1)
                elif known := details_of(record):
                    self.take(known)
        if records:
            kinds = columns[1::DETAILS]
            tokens = [t for kind, t in zip(kinds, tokens, strict=True) if kind != b"?"]
        if max(len(sources), len(targets), len(self._relays)) > KEYS_LIMIT:
            self.fold()
        if len(following) + len(early) > OPEN_LIMIT:
            self._forget()
        return b"".join(tokens), records

    def _time(self, stamp: bytes) -> int:
        return clock.seconds(stamp, self._year)

    def _begun(self, message: list[Any]) -> Begun:
        return Begun(self._time(message[_TIME]), message[_OCTETS], message[_SOURCE])

    def _claim(self, number: bytes, message: list[Any]) -> None:
        """Lines of a message that came before its arrival."""
        events = self._early.pop(number)
        early = unclaimed(events)
        if len(early) < len(events):
            self._early[number] = events[: len(events) - len(early)]
        begun = self._begun(message)
        for event in early:
            message[_FLAGS] = applied(begun, message[_FLAGS], event, self._counts)

    def _event(self, number: bytes, flag: int) -> None:
        message = self._open.get(number)
        if message is None:
            self._wait(number, Event(flag))
        elif not message[_FLAGS] & flag:
            message[_FLAGS] |= flag
            self._marked[flag] += 1

    def _wait(self, number: bytes, event: Event) -> None:
        """Keep a line of a message whose arrival was not seen."""
        events = self._early.setdefault(number, [])
        if len(events) < EVENTS_LIMIT:
            events.append(event)

    def _reject(self, found: Rejection, count: int) -> None:
        name, hosts = (
            ("temporary_rejections", "temporarily_rejected_hosts")
            if found.temporary
            else ("rejections", "rejected_hosts")
        )
        self._counts.tables[name].add(found.reason, count)
        self._counts.tables[hosts].add(found.host, count)

    def _forget(self) -> None:
        """Follow no more those that have been open for longest."""
        counts = self._counts.followed
        for table in (self._early, self._open):
            excess = len(table) - OPEN_LIMIT // 2
            for number in list(table)[: max(excess, 0)]:
                del table[number]
                counts.lost += 1

    def _end_span(self) -> None:
        if self._span is None:
            return
        fragments = {
            number: Fragment(tuple(events)) for number, events in self._early.items()
        }
        for number, message in self._open.items():
            before = fragments.get(number, Fragment())
            fragments[number] = Fragment(
                before.events, self._begun(message), message[_FLAGS]
            )
        start, end = self._span
        self._counts.followed.add(Span(self._source, start, end, fragments))
        self._span, self._open, self._early = None, {}, {}

    def fold(self) -> None:
        """Add up what was kept by raw keys."""
        counts = self._counts
        for what, clocks in ((RECEIVED, self._received), (DELIVERED, self._delivered)):
            table = counts.minutes.setdefault(what, {})
            for text, number in clocks.items():
                minute = clock.minute_of_day(text)
                table[minute] = table.get(minute, 0) + number
        for source, (messages, octets) in self._sources.items():
            counts.receive(source, messages, octets)
        for target, (messages, addresses, octets) in self._targets.items():
            counts.deliver(target, messages, addresses, octets)
        for (source, target), messages in self._relays.items():
            counts.relay(source, target, messages)
        for text, number in self._errors.items():
            counts.tables["errors"].add(_error(text), number)
        for (address, text), number in self._rejections.items():
            self._reject(rejection_of(address, text), number)
        for (kind, took), number in self._times.items():
            name = _TIMES.get(kind, kind)
            counts.spend(name, round(seconds(took.decode()) * 1000), number)
        for (spent, remote), number in self._queued.items():
            counts.complete(Begun(0, 0, b""), remote, spent, number)
        for flag, number in self._marked.items():
            counts.mark(flag, number)
        self._clear()


def _error(text: bytes) -> bytes:
    """An error without the time it took, and not too long."""
    return _LAST_TIME.sub(b"", text)[:LONGEST]
