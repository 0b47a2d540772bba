"""A conversation as flights: what leaves on one side without waiting for the other.

From what an observer of the link can see, and no more: TLS records have types and
lengths in clear, and that is enough to find the content and to count the dialogue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.interop.conversation import Conversation

HANDSHAKE, CHANGE_CIPHER, ALERT, DATA = 22, 20, 21, 23
"""Types of TLS records (RFC 8446 5.1)."""
LARGE = 2048
"""Octets of a record that is content: no handshake and no envelope comes near it."""

_HELLO = re.compile(rb"\x16\x03[\x00-\x04]")
_ACCEPTS = re.compile(rb"^250(?: [^\n]*)?\n", re.MULTILINE)
_FINISHED = 100
"""Octets that no Finished of TLS 1.3 has (37 or 53 and 16 for the seal)."""


@dataclass(frozen=True, slots=True)
class Record:
    """A TLS record. offset: of its first octet in its stream. first: of its payload."""

    offset: int
    kind: int
    size: int
    first: int


@dataclass(slots=True)
class Flight:
    """Pieces in one direction. at: when the first left or came, by the client's clock.

    clear: octets outside of TLS. records: those that begin in it. hidden: how many of
    those of type DATA belong to the handshake all the same (TLS 1.3). finishes: the
    client's Finished is in it. end: offset in its stream behind its last octet.
    """

    at: float
    up: bool
    clear: bytes = b""
    records: list[Record] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    hidden: int = 0
    finishes: bool = False
    end: int = 0

    @property
    def speaks(self) -> bool:
        """Whether it is part of the SMTP dialogue, and not of TCP or TLS alone."""
        data = sum(record.kind == DATA for record in self.records)
        return bool(self.clear) or data > self.hidden


def records_of(stream: bytes) -> tuple[int, list[Record]]:
    """Where TLS begins in a stream, and its records; the stream's length for nowhere.

    A text of SMTP holds no octets like those that begin a handshake.
    """
    begin = _HELLO.search(stream)
    if begin is None:
        return len(stream), []
    place = begin.start()
    found = []
    while place + 5 <= len(stream):
        kind, size = stream[place], int.from_bytes(stream[place + 3 : place + 5], "big")
        if kind not in (HANDSHAKE, CHANGE_CIPHER, ALERT, DATA):
            break
        first = stream[place + 5] if place + 5 < len(stream) else 0
        found.append(Record(place, kind, size, first))
        place += 5 + size
    return begin.start(), found


def flights(talk: Conversation, apart: float = inf) -> list[Flight]:
    """A conversation in flights, those of TCP's own handshake and farewell included.

    apart: seconds of silence that end a flight, though nothing has come in between.
    """
    sides = {up: records_of(talk.stream(up)) for up in (True, False)}
    finished = _finished(talk)
    place = {True: 0, False: 0}
    kept: dict[bool, list[Record]] = {True: [], False: []}
    result: list[Flight] = []
    done = False
    before = 0.0
    for piece in talk.pieces:
        begin, records = sides[piece.up]
        start = place[piece.up]
        end = place[piece.up] = start + len(piece.octets)
        here = [record for record in records if start <= record.offset < end]
        if here and all(record.kind == CHANGE_CIPHER for record in here):
            # TLS 1.3 sends one to please onlookers, as soon as it can: no flight.
            kept[piece.up] += here
            continue
        last = result[-1] if result else None
        opening = "SYN" in piece.marks or (last is not None and "SYN" in last.marks)
        pause = piece.at - before > apart
        before = piece.at
        if last is None or last.up is not piece.up or opening or pause:
            last = Flight(piece.at, piece.up)
            result.append(last)
        last.clear += piece.octets[: max(0, begin - start)]
        last.records += kept[piece.up] + here
        last.marks += piece.marks
        last.end = end
        kept[piece.up] = []
        if finished is not None and not done:
            last.finishes = done = piece.up and finished in here
            data = [record for record in last.records if record.kind == DATA]
            last.hidden = int(done) if piece.up else len(data)
    return result


def _finished(talk: Conversation) -> Record | None:
    """The client's Finished under TLS 1.3, which looks like data; None before that."""
    _, records = records_of(talk.stream(up=True))
    for record in records:
        if record.kind == HANDSHAKE and record.offset != records[0].offset:
            return None  # TLS 1.2 goes on in clear
        if record.kind == DATA:
            return record if record.size < _FINISHED else None
    return None


def content_at(talk: Conversation, token: str) -> float | None:
    """When the first octet of the content left; None where it did not.

    token: stands in the first packet of the content, where that is in clear. Under TLS
    the content is the first record that is large.
    """
    stream = talk.stream(up=True)
    begin, records = records_of(stream)
    place = stream.find(token.encode(), 0, begin)
    if place < 0:
        large = [record.offset for record in records if record.size >= LARGE]
        if not large:
            return None
        place = large[0]
    return talk.when(up=True, offset=place)


def accepted_at(talk: Conversation) -> float | None:
    """When the reply that accepts the message had come; None where TLS hides it.

    It is the last 250 of all: behind it there is the reply to QUIT, or nothing.
    """
    stream = talk.stream(up=False)
    begin, _ = records_of(stream)
    ends = [reply.end() for reply in _ACCEPTS.finditer(stream)]
    if not ends or begin < len(stream):
        return None
    return talk.when(up=False, offset=ends[-1] - 1)


def trips_before(talk: Conversation, moment: float) -> int:
    """One-way trips of the dialogue that end before something leaves the client.

    What leaves with it in one flight does not have to be waited for.
    """
    speaking = [flight for flight in flights(talk) if flight.speaks]
    directions = [flight.up for flight in speaking if flight.at < moment]
    runs = list(_runs(directions))
    # The flight in which it leaves itself may have begun earlier.
    return len(runs) - bool(runs and runs[-1])


def _runs(values: list[bool]) -> Iterator[bool]:
    last: bool | None = None
    for value in values:
        if value is not last:
            yield value
        last = value
