r"""What went over the wire and when: events, their lines of JSON, round trips counted.

A `Transcript` belongs to one side and holds all its connections; a `Recorder` notes
what happens on one of them. The clock is an argument. Secrets are taken out before an
event exists: of AUTH the mechanism is kept, of content its size.

    transcript = Transcript("client", remote="192.0.2.1:25", write=file.write)
    recorder = transcript.recorder()
    recorder.tcp("connect")
    recorder.wire(TO_SERVER, 120)
    recorder.commands(b"EHLO client.example\r\n")
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from eximkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SCHEMA = "eximkit.transcript/1"
TO_SERVER, TO_CLIENT = ">", "<"
LAYERS = ("tcp", "wire", "smtp", "tls")
LONGEST_TEXT = 16384
"""Characters of an event's text; what is longer ends in an ellipsis."""
LONGEST_LINE = 1 << 17
"""Octets of a line that is read back."""
SECRET = "***"  # noqa: S105 - what stands in the place of one

_AUTH = re.compile(
    r"^([ \t]*AUTH[ \t]+\S+[ \t]+)[^\r\n]+", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    connection: 1 for the first. t: seconds of a monotonic clock. dir: > is client to
    server, < server to client, "" for what has no direction. layer: tcp (connect,
    connected, accepted, fin, closed, reset), wire (octets handed to or read from the
    socket), smtp (commands, content, replies), tls (client-hello, handshake,
    established).
    """

    connection: int
    t: float
    dir: str
    layer: str
    what: str
    octets: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. side: client or server. local, remote: address:port, or ""."""

    side: str
    local: str = ""
    remote: str = ""


@dataclass(slots=True)
class Transcript:
    """The events of one side.

    write: takes each line as it comes, None for nowhere. keep: whether events are kept
    in memory, too; without `write` they are.
    """

    side: str
    local: str = ""
    remote: str = ""
    write: Callable[[bytes], object] | None = None
    clock: Callable[[], float] = time.monotonic
    events: list[Event] = field(default_factory=list)
    connections: int = 0
    keep: bool = False

    def __post_init__(self) -> None:
        if self.write is not None:
            self.write(_line(_header(self)))

    def recorder(self) -> Recorder:
        """For a new connection."""
        self.connections += 1
        return Recorder(self, self.connections)

    def add(self, event: Event) -> None:
        if self.write is not None:
            self.write(_line(asdict(event)))
        if self.keep or self.write is None:
            self.events.append(event)

    def lines(self) -> Iterator[bytes]:
        """The whole of what is kept, as a file holds it."""
        yield _line(_header(self))
        for event in self.events:
            yield _line(asdict(event))


class Recorder:
    """Notes what happens on one connection."""

    __slots__ = ("_transcript", "connection")

    def __init__(self, transcript: Transcript, connection: int) -> None:
        self._transcript = transcript
        self.connection = connection

    def tcp(self, what: str, text: str = "", direction: str = "") -> None:
        """What happens to the socket; "connect" immediately before the SYN leaves."""
        self._note(direction, "tcp", what, 0, text)

    def wire(self, direction: str, octets: int, what: str = "octets") -> None:
        """So many octets were handed to the socket, or read from it."""
        self._note(direction, "wire", what, octets)

    def tls(
        self, what: str, text: str = "", direction: str = "", octets: int = 0
    ) -> None:
        """client-hello, handshake, established."""
        self._note(direction, "tls", what, octets, text)

    def commands(self, octets: bytes, exchange: bool = False) -> None:
        """Commands in one piece, of whole lines: AUTH is known by its beginning.

        exchange: they answer a challenge of AUTH.
        """
        text = SECRET + "\r\n" if exchange else _AUTH.sub(rf"\1{SECRET}", shown(octets))
        self._note(TO_SERVER, "smtp", "commands", len(octets), text)

    def content(self, octets: int, text: str = "") -> None:
        """Octets of a message. text: the BDAT command before them, if there is one."""
        self._note(TO_SERVER, "smtp", "content", octets, text)

    def replies(self, octets: bytes) -> None:
        """Replies in one piece."""
        self._note(TO_CLIENT, "smtp", "replies", len(octets), shown(octets))

    def _note(
        self, direction: str, layer: str, what: str, octets: int, text: str = ""
    ) -> None:
        now = self._transcript.clock()
        if len(text) > LONGEST_TEXT:
            text = text[:LONGEST_TEXT] + "…"
        self._transcript.add(
            Event(self.connection, now, direction, layer, what, octets, text)
        )


def shown(octets: bytes) -> str:
    r"""Octets as a transcript has them: what is not UTF-8 as `\xff`."""
    return octets[: LONGEST_TEXT + 1].decode("utf-8", "backslashreplace")


def _header(transcript: Transcript) -> dict[str, str]:
    return {
        "schema": SCHEMA,
        "side": transcript.side,
        "local": transcript.local,
        "remote": transcript.remote,
    }


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def read(lines: Iterable[bytes], name: str) -> tuple[Header, list[Event]]:
    """A transcript from the lines of a file. name: of the file, for errors.

    A last line that was cut short is left out: whoever wrote it may have been killed.
    Raises InputError for what is no transcript.
    """
    header: Header | None = None
    events: list[Event] = []
    cut = 0
    for number, line in enumerate(lines, 1):
        if cut:
            raise InputError(f"{name}: line {cut} is cut short")
        if not line.endswith(b"\n"):
            cut = number
            continue
        fields = _fields(line, f"{name}: line {number}")
        if header is None:
            header = _read_header(fields, name)
        else:
            events.append(_event(fields, f"{name}: line {number}"))
    if header is None:
        raise InputError(f"{name}: no transcript of eximkit")
    return header, events


def _fields(line: bytes, where: str) -> dict[str, object]:
    try:
        value = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InputError(f"{where} is no JSON object")
    return value


def _read_header(fields: dict[str, object], name: str) -> Header:
    if fields.get("schema") != SCHEMA:
        raise InputError(f"{name}: no transcript of eximkit ({SCHEMA})")
    side, local, remote = (str(fields.get(k, "")) for k in ("side", "local", "remote"))
    return Header(side, local, remote)


_TYPES: dict[str, tuple[type, ...]] = {
    "connection": (int,), "t": (float, int), "dir": (str,), "layer": (str,),
    "what": (str,), "octets": (int,), "text": (str,),
}  # fmt: skip


def _event(fields: dict[str, object], where: str) -> Event:
    for name, types in _TYPES.items():
        if not isinstance(fields.get(name), types):
            raise InputError(f"{where}: {name} is missing or of no use")
    known = {name: fields[name] for name in _TYPES}
    if known["layer"] not in LAYERS or known["dir"] not in ("", TO_SERVER, TO_CLIENT):
        raise InputError(f"{where}: no such layer or direction")
    return Event(**known)  # type: ignore[arg-type]


def of_connection(events: Iterable[Event], connection: int) -> list[Event]:
    """The events of one connection."""
    return [event for event in events if event.connection == connection]


def _before_content(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if event.layer == "smtp" and event.what == "content":
            return
        yield event


def one_way_trips(events: Iterable[Event]) -> int:
    """Trips of the dialogue that end before the first content leaves.

    events: of one connection. What is said in one direction without waiting for the
    other side is one trip, half a round trip; content that leaves in one flight with
    commands waits for none of them. TCP and TLS do not count: these are the figures
    that the proposal publishes (5 to 2 in clear, 9 to 4 with STARTTLS).
    """
    runs = [""]
    for event in _before_content(events):
        if event.layer == "smtp" and event.dir != runs[-1]:
            runs.append(event.dir)
    # What the content leaves with is not over before it.
    return len(runs) - 1 - (runs[-1] == TO_SERVER)


def round_trips(events: Iterable[Event]) -> int:
    """How often a client waits for the server before its first content leaves.

    events: of one connection, at the client. The handshakes of TCP and TLS are among
    them. What answers data in the SYN is under way together with the SYN's own answer.
    """
    waits, waiting = 0, True
    for event in _before_content(events):
        if event.layer == "tcp" and event.what == "connected":
            waits += 1
            waiting = waiting and "data in SYN" not in event.text
        elif event.layer == "wire":
            if event.dir == TO_CLIENT and waiting:
                waits += 1
            waiting = event.dir == TO_SERVER
    return waits


def stopwatch(events: Iterable[Event]) -> float | None:
    """Seconds from the client's SYN to its first content; None if there is none."""
    began = None
    for event in events:
        if event.layer == "tcp" and event.what == "connect":
            began = event.t
        elif event.layer == "smtp" and event.what == "content":
            return None if began is None else event.t - began
    return None
