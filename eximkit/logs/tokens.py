"""Tokens, and records of the complete grammar, to the counts of a `Summary`.

What the substitution makes of a line is one token or more. A token is one of

    A2026-01-31<> P=esmtps L. X=TLS1.3 L.    a message received over SMTP from a host
    M2026-01-31 P=local                      a message received otherwise
    R2026-01-31=* R=… T=… X=TLS1.3 L*        a delivery to a host
    D2026-01-31- R=… T=…                     any other delivery
    completed2026-01-31                      one of the events of `summary.EVENTS`
    ?LINE                                    a line for the complete grammar
    A[192.0.2.1 L.        beside A or R: the host
    T2026-01-31DIGITS     beside A or M: the thousands of octets (S=)
    U2026-01-31DIGITS     and what is left of them
    T2026-01-31A P=esmtps L. X=TLS1.3 TAB DIGITS     the same by session; U too
    BA[192.0.2.1 TAB OCTETS                          the same by host
    CA2026-01-31[192.0.2.1:4711 L. TAB CI            the connection

The day may be an hour, `2026-01-31 18`, and either may be syslog's, `Jan 31 18`. What
was not in the line is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from eximkit.logs.bounded import add_counts
from eximkit.logs.line import parse_line
from eximkit.logs.record import ARRIVALS, DELIVERIES, Kind
from eximkit.logs.stretches import ENOUGH_HOSTS, Evidence
from eximkit.logs.summary import Arrival, Delivery, Received
from eximkit.logs.syntax import MONTH_NUMBERS
from eximkit.logs.values import tls_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.logs.record import LogRecord
    from eximkit.logs.summary import Summary

_FLAG_OF = {Kind.DELIVERY: "=>", Kind.FURTHER: "->", Kind.CUTTHROUGH: ">>"}
_EVENTS = {
    Kind.COMPLETED: "completed",
    Kind.DEFERRAL: "deferral",
    Kind.FAILURE: "failure",
    Kind.FROZEN: "frozen",
    Kind.REJECTION: "reject",
    Kind.TEMPORARY_REJECTION: "reject",
    Kind.SYNC_GREETING: "sync_greeting",
    Kind.SYNC_NOT_ADVERTISED: "sync_not_advertised",
    Kind.SYNC_ADVERTISED: "sync_advertised",
}
_FLAGS = {b"=": "=>", b"-": "->", b">": ">>"}


@dataclass(slots=True)
class _Seen:
    """What becomes `Evidence`."""

    hours: set[str] = field(default_factory=set)
    marked: int = 0
    offered: int = 0
    unmarked: int = 0
    hosts: set[bytes] = field(default_factory=set)
    version: str = ""

    def mark(self, form: str, count: int) -> None:
        self.marked += count
        if form not in {"L", "L-"}:
            self.offered += count

    def host(self, address: bytes) -> None:
        self.hosts.add(address)
        if len(self.hosts) > 16 * ENOUGH_HOSTS:
            self.hosts = set(sorted(self.hosts)[:ENOUGH_HOSTS])


class Fold:
    """Adds tokens and records to a summary, and keeps what tells of the selector."""

    def __init__(
        self,
        summary: Summary,
        year: int | None,
        *,
        by_host: bool,
        by_session: bool,
        by_hour: bool,
    ) -> None:
        self._summary = summary
        self._year = year
        self._by_host = by_host
        self._by_session = by_session
        self._hour_length = len("YYYY-MM-DD HH" if by_hour else "YYYY-MM-DD")
        self._clients = summary.hosts["in"]
        self._servers = summary.hosts["out"]
        self._seen = _Seen()

    def evidence(self) -> Evidence:
        """What was seen since this was last asked."""
        seen, self._seen = self._seen, _Seen()
        return Evidence(
            min(seen.hours, default=""),
            max(seen.hours, default=""),
            seen.marked,
            seen.offered,
            seen.unmarked,
            tuple(sorted(seen.hosts)[:ENOUGH_HOSTS]),
            seen.version,
        )

    def take(self, tokens: Mapping[bytes, int]) -> None:
        """Add tokens, each with how often it occurred."""
        for token, count in tokens.items():
            handler = _HANDLERS.get(token[:1])
            if handler is not None:
                handler(self, token, count)
            else:
                name, hour = _split_event(token)
                self._count_event(hour_text(hour, self._year), name, count)

    def _cut(self, token: bytes, start: int) -> tuple[str, bytes]:
        """The hour that stands at `start`, and what follows it."""
        length = self._hour_length
        if token[start] > _NINE:
            length += len("Jan 01") - len("2026-01-01")
        end = start + length
        return hour_text(token[start:end], self._year), token[end:]

    def _arrival(self, token: bytes, count: int) -> None:
        if token.startswith(b"[", 1):
            address, _, form = token[2:].partition(b" ")
            self._client(address, form, count)
            return
        hour, rest = self._cut(token, 1)
        self._receive(Arrival(hour, *_arrival_kind(token[:1], rest)), count)

    def _delivery(self, token: bytes, count: int) -> None:
        if token.startswith(b"[", 1):
            address, _, form = token[2:].partition(b" ")
            self._servers.add(address, form, count)
            return
        hour, rest = self._cut(token, 1)
        self._deliver(Delivery(hour, *_delivery_kind(token[:1], rest)), count)

    def _volume(self, token: bytes, count: int) -> None:
        hour, rest = self._cut(token, 1)
        session, _, digits = rest.rpartition(b"\t")
        octets = int(digits or b"0") * count
        if token.startswith(b"T"):
            octets *= 1000
        key = Received(hour, *_session(session)) if session else Received(hour)
        received = self._summary.received
        received[key] = received.get(key, 0) + octets

    def _client(self, address: bytes, form: bytes, count: int) -> None:
        self._clients.add(address, form, count)
        if not form:
            self._seen.host(address)

    def _connection(self, token: bytes, _count: int) -> None:
        if not token.startswith(b"CA"):
            return
        hour, rest = self._cut(token, 2)
        host, _, connection = rest.partition(b"\t")
        peer, _, form = host[1:].partition(b" ")
        self._connect(hour, peer, connection, b"*" in form)

    def _octets(self, token: bytes, count: int) -> None:
        address, _, octets = token[3:].partition(b"\t")
        if token.startswith(b"BA"):
            self._summary.octets_of_hosts.add(address, b"", count * int(octets))

    def _line(self, token: bytes, count: int) -> None:
        self.record(parse_line(token[1:], self._year), count)

    def record(self, record: LogRecord, count: int = 1) -> None:
        """Add a line that the complete grammar has read, `count` times over."""
        hour = record.stamp[: self._hour_length]
        if record.kind in ARRIVALS:
            self._record_arrival(record, hour, count)
        elif record.kind in DELIVERIES:
            self._record_delivery(record, hour, count)
        elif record.kind is Kind.GARBAGE:
            self._summary.garbage += count
        else:
            self._summary.unparsed += count * (record.kind is Kind.UNPARSED)
            self._count_event(hour, _EVENTS.get(record.kind, "other"), count)
            if record.kind is Kind.DAEMON_START:
                self._seen.version = record.version

    def _record_arrival(self, record: LogRecord, hour: str, count: int) -> None:
        size = record.size or 0
        key = Arrival(
            hour,
            record.over_smtp,
            not record.sender,
            record.form,
            record.protocol,
            record.tls_version,
        )
        self._receive(key, count)
        received = Received(hour)
        if self._by_session:
            received = Received(hour, key.over_smtp, key.protocol, key.tls)
        add_counts(self._summary.received, {received: count * size})
        if not key.over_smtp:
            return
        address, form = record.ip.encode(), record.form.encode()
        self._client(address, form, count)
        if record.port is not None or record.connection_id:
            port = b"" if record.port is None else b":%d" % record.port
            connection = record.connection_id.encode("utf-8", "surrogateescape")
            self._connect(hour, address + port, connection, b"*" in form)
        if self._by_host:
            self._summary.octets_of_hosts.add(address, b"", count * size)

    def _record_delivery(self, record: LogRecord, hour: str, count: int) -> None:
        key = Delivery(
            hour,
            _FLAG_OF[record.kind],
            record.remote,
            record.continued,
            record.form,
            record.tls_version,
            record.router,
            record.transport,
        )
        self._deliver(key, count)
        if record.remote:
            self._servers.add(record.ip.encode(), record.form.encode(), count)

    def _receive(self, key: Arrival, messages: int) -> None:
        arrivals = self._summary.arrivals
        arrivals[key] = arrivals.get(key, 0) + messages
        if key.over_smtp:
            seen = self._seen
            seen.hours.add(key.hour)
            if key.form:
                seen.mark(key.form, messages)
            elif extended(key.protocol):
                seen.unmarked += messages

    def _deliver(self, key: Delivery, count: int) -> None:
        deliveries = self._summary.deliveries
        deliveries[key] = deliveries.get(key, 0) + count
        if key.form:
            self._seen.hours.add(key.hour)
            self._seen.mark(key.form, count)

    def _connect(self, hour: str, peer: bytes, connection: bytes, early: bool) -> None:
        member = b"%b%b\t%b\t%b" % (
            b"*" if early else b"-", hour[:10].encode(), peer, connection,
        )  # fmt: skip
        self._summary.connections.update((member,))

    def _count_event(self, hour: str, name: str, count: int) -> None:
        events = self._summary.events
        events[hour, name] = events.get((hour, name), 0) + count


_HANDLERS: dict[bytes, Callable[[Fold, bytes, int], None]] = {
    b"A": Fold._arrival,  # noqa: SLF001
    b"M": Fold._arrival,  # noqa: SLF001
    b"R": Fold._delivery,  # noqa: SLF001
    b"D": Fold._delivery,  # noqa: SLF001
    b"T": Fold._volume,  # noqa: SLF001
    b"U": Fold._volume,  # noqa: SLF001
    b"C": Fold._connection,  # noqa: SLF001
    b"B": Fold._octets,  # noqa: SLF001
    b"?": Fold._line,  # noqa: SLF001
}
_NINE = ord("9")


@lru_cache(maxsize=4096)
def _split_event(token: bytes) -> tuple[str, bytes]:
    """The name of an event and its hour."""
    hour = token.lstrip(b"abcdefghijklmnopqrstuvwxyz_")
    return token[: len(token) - len(hour)].decode(), hour


@lru_cache(maxsize=4096)
def hour_text(hour: bytes, year: int | None) -> str:
    """The hour of a token as `YYYY-MM-DD HH`; without any year it is 0000."""
    text = hour.decode()
    if text[0].isdigit():
        return text.replace("T", " ")
    month, day = MONTH_NUMBERS[hour[:3]], int(text[4:6])
    return f"{year or 0:04d}-{month:02d}-{day:02d}{text[6:].replace('  ', ' 0')}"


@lru_cache(maxsize=4096)
def _arrival_kind(name: bytes, rest: bytes) -> tuple[bool, bool, str, str, str]:
    """The fields of `Arrival` behind the hour, from those of a token."""
    null = rest.startswith(b"<>")
    over_smtp, protocol, tls = _session(name + rest.removeprefix(b"<>"))
    last = rest.rpartition(b" ")[2]
    form = last.decode() if last.startswith(b"L") else ""
    return over_smtp, null, form, protocol, tls


@lru_cache(maxsize=4096)
def _delivery_kind(
    name: bytes, rest: bytes
) -> tuple[str, bool, bool, str, str, str, str]:
    """The fields of `Delivery` behind the hour, from those of a token."""
    flags, router, transport, *others = rest.split(b" ")
    words = [_text(word) for word in others]
    return (
        _FLAGS[flags[:1]], name == b"R", flags.endswith(b"*"),
        next((word for word in words if word.startswith("L")), ""),
        next((tls_version(w[2:]) for w in words if w.startswith("X=")), ""),
        _text(router[2:]), _text(transport[2:]),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _session(session: bytes) -> tuple[bool, str, str]:
    """The fields of `Received` behind the hour, from those of a token."""
    name, *words = session.split(b" ")
    protocol = _text(words[0][2:]) if words else ""
    tls = next((_text(word[2:]) for word in words[1:] if word.startswith(b"X=")), "")
    return name == b"A", protocol, tls_version(tls)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=1024)
def extended(protocol: str) -> bool:
    """Whether a client of this protocol (P=) was told of extensions: EHLO or LHLO."""
    return protocol.removeprefix("utf8").startswith(("es", "lmtp"))
