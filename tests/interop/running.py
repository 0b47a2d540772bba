"""A reference server in a thread of the test, and clients that are only sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from eximkit.interop import certs, endpoint, tls
from eximkit.interop.endpoint import Endpoint
from eximkit.interop.house import Bounds, Door, House
from eximkit.interop.offering import Offering
from eximkit.interop.spool import Discard
from eximkit.smtp import Service, auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.interop.mainlog import MainLog
    from eximkit.interop.spool import Draft, Envelope, Spool
    from eximkit.interop.transcript import Transcript

PATIENCE = 60.0
NAME = "mx.example"
ACCOUNTS = {"ann": "s3cret"}
EARLY = Service(name=NAME, starttls=True, mechanisms=auth.MECHANISMS)
STRICT = Service(name=NAME, starttls=True, mechanisms=auth.MECHANISMS, early="")
CERTIFICATE = certs.throw_away(NAME, "127.0.0.1", "::1")


@dataclass
class Kept:
    """A spool in memory: what was taken responsibility for."""

    slow: bool = False
    keeps: bool = True
    messages: list[tuple[Envelope, bytes]] = field(default_factory=list)
    dropped: int = 0

    def begin(self, envelope: Envelope) -> Draft:
        return _Draft(self, envelope)

    @property
    def contents(self) -> list[bytes]:
        return [content for _, content in self.messages]


class _Draft:
    def __init__(self, spool: Kept, envelope: Envelope) -> None:
        self._spool = spool
        self._envelope = envelope
        self._content = bytearray()

    def write(self, octets: bytes) -> None:
        self._content += octets

    def keep(self) -> None:
        self._spool.messages.append((self._envelope, bytes(self._content)))

    def drop(self) -> None:
        self._spool.dropped += 1


@dataclass
class Running:
    """Where a server listens, and the server, which lives in another thread."""

    port: int
    tls_port: int
    house: House

    def call(self, what: Callable[[], object]) -> None:
        """Within the server's own thread."""
        self.house.loop.call_soon_threadsafe(what)

    def wait(self, until: Callable[[House], bool]) -> None:
        """Until something is true of the server. Fails when it does not become so."""
        done = threading.Event()

        def look() -> None:
            if until(self.house):
                done.set()
            else:
                self.house.loop.call_later(0.01, look)

        self.call(look)
        assert done.wait(PATIENCE)

    def client(
        self, secure: bool = False, context: ssl.SSLContext | None = None
    ) -> Wire:
        return Wire.to(self.tls_port if secure else self.port, secure, context)


@contextmanager
def running(
    service: Service = EARLY,
    spool: Spool | None = None,
    bounds: Bounds | None = None,
    log: MainLog | None = None,
    transcript: Transcript | None = None,
    tls_version: str = "",
    fast_open: bool = False,
) -> Iterator[Running]:
    """A server on loopback; what it leaves behind is a failure."""
    house = House(
        Offering(service, accounts=ACCOUNTS),
        Discard() if spool is None else spool,
        CERTIFICATE.context(tls_version),
        bounds or Bounds(wait=PATIENCE, drain_seconds=10, stop=10),
        log,
        transcript,
        NAME,
    )
    doors = [
        Door(endpoint.listening(Endpoint("127.0.0.1", 0), 128, fast_open), secure,
             fast_open)
        for secure in (False, True)
    ]  # fmt: skip
    ports = [endpoint.bound(door.listener).port for door in doors]
    ready = threading.Event()
    faults: list[BaseException | str] = []

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, what: faults.append(str(what)))
        house.open(doors)
        ready.set()
        await house.run()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - the test is to know
            faults.append(error)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(PATIENCE)
    assert not faults, faults
    try:
        yield Running(ports[0], ports[1], house)
    finally:
        with suppress(RuntimeError):
            house.loop.call_soon_threadsafe(house.stop)
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert not faults, faults[:3]
        assert house.connections == 0


def trusting(version: str = "") -> ssl.SSLContext:
    """A client's context that any certificate will do for."""
    return tls.client_context(version)


class Wire:
    """A client that says what it is told to."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.got = b""

    @classmethod
    def to(
        cls, port: int, secure: bool = False, context: ssl.SSLContext | None = None
    ) -> Wire:
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not secure:
            return cls(raw)
        made = context or trusting()
        return cls(made.wrap_socket(raw, server_hostname=NAME))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def half_close(self) -> None:
        """Say that nothing more comes."""
        if isinstance(self.socket, ssl.SSLSocket):
            # What close_notify says is for the other side to see; the FIN is enough.
            socket.socket.shutdown(self.socket, socket.SHUT_WR)
        else:
            self.socket.shutdown(socket.SHUT_WR)

    def read(self, replies: int) -> list[int]:
        """The codes of so many replies, or of fewer where the server ends."""
        while len(codes(self.got)) < replies:
            try:
                octets = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                break
            if not octets:
                break
            self.got += octets
        found = codes(self.got)
        self.got = b""
        return found

    def read_all(self) -> list[int]:
        """The codes of all replies up to the end, which must be no reset."""
        while octets := self.socket.recv(65536):
            self.got += octets
        found = codes(self.got)
        self.got = b""
        return found

    def starttls(self, context: ssl.SSLContext | None = None) -> None:
        """The handshake, once the server has said that it may begin."""
        made = context or trusting()
        self.socket = made.wrap_socket(self.socket, server_hostname=NAME)


def codes(octets: bytes) -> list[int]:
    """The code of each reply that is complete."""
    lines = octets.split(b"\r\n")[:-1]
    for line in lines:
        assert line[:3].isdigit(), line
        assert line[3:4] in (b" ", b"-"), line
    return [int(line[:3]) for line in lines if line[3:4] == b" "]
