"""What went over a link, as its client's end saw it: pieces of octets with their times.

A packet link gives its capture, a proxy what it carried; from here on both are the
same: a list of conversations, one for each TCP connection.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from eximkit.errors import InputError
from eximkit.interop.link_carrier import PCAP_HEADER, PCAP_MAGIC, PCAP_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIN, _SYN, _RST = 0x01, 0x02, 0x04
_NAMES = ((_SYN, "SYN"), (_FIN, "FIN"), (_RST, "RST"))


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets that left (up: client to server) or came at one moment.

    at: seconds of the monotonic clock, at the client's end. marks: SYN, FIN, RST. Where
    octets are sent again, or were seen before, they are left out.
    """

    at: float
    up: bool
    octets: bytes = b""
    marks: tuple[str, ...] = ()


@dataclass(slots=True)
class Conversation:
    """One TCP connection. began: when its SYN left, or when it was accepted."""

    began: float
    port: int
    pieces: list[Piece] = field(default_factory=list)

    def stream(self, up: bool) -> bytes:
        """All that was said in one direction."""
        return b"".join(piece.octets for piece in self.pieces if piece.up is up)

    def when(self, up: bool, offset: int) -> float | None:
        """When the octet at an offset of a stream left or came."""
        for piece in self.pieces:
            if piece.up is up:
                if offset < len(piece.octets):
                    return piece.at
                offset -= len(piece.octets)
        return None


@dataclass(slots=True)
class _Tracked:
    """A conversation while its packets are read.

    next: for each direction the number of the octet that is new.
    """

    conversation: Conversation
    next: dict[bool, int] = field(default_factory=dict)


def read_capture(path: Path, client: str, offset: float) -> list[Conversation]:
    """The conversations of a capture, in order. client: address of the client's end.

    offset: of its time stamps, seconds, taken off here. A packet that is not complete
    yet ends the reading. Raises InputError.
    """
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    head = octets[: PCAP_HEADER.size]
    if len(head) < PCAP_HEADER.size or PCAP_HEADER.unpack(head)[0] != PCAP_MAGIC:
        raise InputError(f"{path}: no capture with nanoseconds")
    near = socket.inet_aton(client)
    tracked: dict[int, _Tracked] = {}
    found: list[Conversation] = []
    for at, packet in _packets(octets):
        segment = _segment(packet)
        if segment is None:
            continue
        up = segment.source == near
        port = segment.ports[0 if up else 1]
        known = tracked.get(port)
        if up and segment.flags & _SYN and _opens(known, segment.sequence):
            known = _Tracked(Conversation(at - offset, port))
            tracked[port] = known
            found.append(known.conversation)
        if known is not None:
            _add(known, at - offset, up, segment)
    return found


def _opens(known: _Tracked | None, sequence: int) -> bool:
    """Whether a SYN opens a connection, and is not one that is sent once more."""
    return known is None or known.next.get(True, -1) != _number(sequence + 1)


def _number(value: int) -> int:
    return value % (1 << 32)


def _add(tracked: _Tracked, at: float, up: bool, segment: _Segment) -> None:
    opening = bool(segment.flags & _SYN)
    first = _number(segment.sequence + opening)
    new = up not in tracked.next
    seen = _number(tracked.next.setdefault(up, first) - first)
    if seen >= 1 << 31:
        seen = 0  # something in between is missing; what is here counts
    end = len(segment.payload)
    bits = segment.flags & _RST
    bits |= segment.flags & _SYN if new else 0
    bits |= segment.flags & _FIN if seen <= end else 0
    octets = segment.payload[seen:]
    if octets or bits:
        marks = tuple(name for bit, name in _NAMES if bits & bit)
        tracked.conversation.pieces.append(Piece(at, up, octets, marks))
        tracked.next[up] = _number(first + end + bool(bits & _FIN))


def _packets(octets: bytes) -> Iterator[tuple[float, bytes]]:
    place = PCAP_HEADER.size
    while place + PCAP_RECORD.size <= len(octets):
        seconds, nano, size, _ = PCAP_RECORD.unpack_from(octets, place)
        place += PCAP_RECORD.size
        if place + size > len(octets):
            return
        yield seconds + nano / 1e9, octets[place : place + size]
        place += size


class _Segment(NamedTuple):
    """What is used of a TCP segment. ports: its source and its target."""

    source: bytes
    ports: tuple[int, int]
    sequence: int
    flags: int
    payload: bytes


def _segment(packet: bytes) -> _Segment | None:
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
        return None
    begin = (packet[0] & 0x0F) * 4
    if len(packet) < begin + 20:
        return None
    total = int.from_bytes(packet[2:4], "big")
    source, target, sequence, _, offset, flags = struct.unpack_from(
        "!HHIIBB", packet, begin
    )
    payload = packet[begin + (offset >> 4) * 4 : total]
    return _Segment(packet[12:16], (source, target), sequence, flags, payload)
