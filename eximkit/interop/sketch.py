"""A conversation as the rows of a sequence diagram: who said what, and when.

What is in clear is named by its commands and replies, TLS by its records. What is
within those is known to those who have the keys: a transcript of either side names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING

from eximkit.interop.flights import (
    ALERT,
    CHANGE_CIPHER,
    DATA,
    HANDSHAKE,
    LARGE,
    flights,
)
from eximkit.interop.transcript import TO_SERVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eximkit.interop.conversation import Conversation
    from eximkit.interop.flights import Flight
    from eximkit.interop.transcript import Event

_SAID = {
    1: "ClientHello", 2: "ServerHello", 4: "ticket", 11: "Certificate",
    12: "ServerKeyExchange", 14: "ServerHelloDone", 16: "ClientKeyExchange",
}  # fmt: skip
_CODE = re.compile(rb"(\d{3})([ -]?)")
_CHUNK = re.compile(rb"BDAT\s+(\d{1,9})(\s+LAST)?\s*$", re.IGNORECASE)
_VERB = re.compile(
    rb"(AUTH +[A-Z0-9-]{1,20}|BDAT +\d{1,20}(?: +LAST)?|[A-Z]{3,10})\b", re.IGNORECASE
)
_ALERT = 19
"""Octets of an alert under TLS 1.3, where it looks like data (2, 1 and 16)."""
_CERTIFICATE = 256
"""Octets that no certificate does with."""
_MOST = 8
"""Different labels that a row names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One flight. leaves, arrives: seconds since the SYN. up: from the client."""

    leaves: float
    arrives: float
    up: bool
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A conversation, drawn. rtt: seconds, 0 for a link without a delay."""

    title: str
    rtt: float
    rows: tuple[Row, ...]


def draw(
    title: str,
    talk: Conversation,
    rtt: float,
    inside: Iterable[Event] = (),
    side: str = "client",
) -> Drawing:
    """The rows of a conversation.

    inside: of a transcript of this connection. side: whose it is, client or server.
    """
    found = flights(talk, apart=rtt / 4 or inf)
    told = _told(found, inside, side)
    labels = {up: _Reader(talk, up) for up in (True, False)}
    rows = []
    for number, flight in enumerate(found):
        at = flight.at - talk.began
        names = labels[flight.up].take(len(flight.clear))
        names += _records(flight, told.get(number))
        # A SYN comes first, whatever is in it; a FIN comes last.
        marks = [mark for mark in flight.marks if mark == "SYN"]
        if marks and not flight.up:
            marks = ["SYN-ACK"]
        ends = [mark for mark in flight.marks if mark != "SYN"]
        text = ", ".join(_short([*marks, *names, *ends]))
        leaves, arrives = (at, at + rtt / 2) if flight.up else (at - rtt / 2, at)
        rows.append(Row(leaves, arrives, flight.up, text))
    # They were seen at the client, where what the server says has been on its way.
    rows.sort(key=attrgetter("leaves"))
    return Drawing(title, rtt, tuple(rows))


def _short(names: Sequence[str]) -> list[str]:
    """Names without repetitions, and not too many of them."""
    runs = [(name, len(list(run))) for name, run in groupby(names)]
    texts = [name if count == 1 else f"{count} x {name}" for name, count in runs]
    more = len(texts) - _MOST
    return texts if more <= 1 else [*texts[: _MOST - 1], f"and {more + 1} more"]


def _told(
    found: Sequence[Flight], inside: Iterable[Event], side: str
) -> dict[int, list[str]]:
    """For each flight under TLS what a transcript says of its content.

    Octets are counted on either side of TLS: no clock is needed.
    """
    result: dict[int, list[str]] = {}
    passed = {True: 0, False: 0}
    for event in inside:
        up = event.dir == TO_SERVER
        if event.layer == "wire":
            passed[up] += event.octets
        elif event.layer == "smtp":
            # A server notes what it answers before that leaves, all else is behind.
            at = passed[up] - (side == "client" or up)
            for number, flight in enumerate(found):
                if flight.up is up and at < flight.end:
                    result.setdefault(number, []).extend(_of_event(event))
                    break
    return result


def _of_event(event: Event) -> list[str]:
    if event.what == "content":
        content = f"content ({event.octets} octets)"
        return [event.text.strip(), content] if event.text.strip() else [content]
    octets = event.text.encode("utf-8", "replace")
    if event.what == "replies":
        return _replies(octets)
    return [_command(line) for line in octets.splitlines() if line]


def _records(flight: Flight, told: list[str] | None) -> list[str]:
    """TLS records by name. told: what is in those of SMTP, if that is known."""
    names: list[str] = []
    changed = False
    data = []
    for record in flight.records:
        if record.kind == CHANGE_CIPHER:
            changed = True
        elif record.kind == DATA:
            data.append(record)
        elif record.kind == HANDSHAKE:
            # What TLS 1.2 encrypts begins with a number that means nothing.
            said = "Finished" if changed else _SAID.get(record.first, "handshake")
            names.append(said)
    if flight.finishes:
        names.append("Finished")
    elif flight.hidden:
        hidden = sum(record.size for record in data[: flight.hidden])
        names += ["Certificate"] * (hidden > _CERTIFICATE) + ["Finished"]
    data = data[flight.hidden :]
    sizes = [record.size for record in data if record.size != _ALERT]
    plain = sum(record.kind == ALERT for record in flight.records)
    alerts = ["alert"] * (plain + len(data) - len(sizes))
    if told is not None and sizes:
        return [*names, "[" + ", ".join(_short(told)) + "]", *alerts]
    content = ["[content]" if s >= LARGE else f"[{s} octets]" for s in sizes]
    return [*names, *content, *alerts]


def _command(line: bytes) -> str:
    """A command without its arguments: nothing of what a peer makes up is shown."""
    found = _VERB.match(line)
    return " ".join(found[1].upper().decode().split()) if found else "…"


def _replies(octets: bytes) -> list[str]:
    found = [_CODE.match(line) for line in octets.splitlines()]
    return [f"{m[1].decode()}{'-' if m[2] == b'-' else ''}" for m in found if m]


class _Reader:
    """Names what is in clear, in order, as much of it as is asked for."""

    def __init__(self, talk: Conversation, up: bool) -> None:
        stream = talk.stream(up)
        self._labels = _said(stream) if up else _answered(stream)
        self._place = 0

    def take(self, octets: int) -> list[str]:
        """The names of what begins in the next octets."""
        self._place += octets
        names = []
        while self._labels and self._labels[0][0] < self._place:
            names.append(self._labels.pop(0)[1])
        return names


def _said(stream: bytes) -> list[tuple[int, str]]:
    """Commands and content of a client, each with where it begins."""
    found: list[tuple[int, str]] = []
    place = 0
    while place < len(stream):
        end = stream.find(b"\n", place) + 1 or len(stream)
        line = stream[place:end]
        found.append((place, _command(line)))
        place = end
        chunk = _CHUNK.match(line)
        if chunk:
            size = min(int(chunk[1]), len(stream) - place)
            if size:
                found.append((place, f"content ({size} octets)"))
            place += size
        elif line.strip().upper() == b"DATA" and place < len(stream):
            dot = stream.find(b"\r\n.\r\n", place)
            size = (len(stream) if dot < 0 else dot + 2) - place
            found.append((place, f"content ({size} octets)"))
            place += size
            if dot >= 0:
                found.append((place, "."))
                place += 3
    return found


def _answered(stream: bytes) -> list[tuple[int, str]]:
    found = []
    place = 0
    for line in stream.splitlines(keepends=True):
        found += [(place, name) for name in _replies(line)]
        place += len(line)
    return found
