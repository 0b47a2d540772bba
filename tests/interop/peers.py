"""Servers on real sockets that follow a script, for what a client makes of them."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eximkit.interop import dialling
from eximkit.interop.cache import EhloCache
from eximkit.interop.certs import ThrowAway, throw_away
from eximkit.interop.courier import Courier, Delivered, Plan
from eximkit.interop.dialogue import Manner, Timeouts
from eximkit.interop.tls import TlsError, TlsLayer, client_context, server_layer
from eximkit.interop.transcript import Event, Transcript, of_connection, round_trips
from eximkit.smtp import Server, Service
from eximkit.smtp.early import Record, Tls, Wish
from eximkit.smtp.route import Route
from tests.smtp.wire import NOW, Mailbox, challenge, message, whole

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from eximkit.interop.dialling import Target
    from eximkit.smtp.message import Message, Outcome

PATIENCE = 30.0
"""Seconds that a test waits for what must come."""
Script = Callable[["Peer"], Awaitable[None]]
Pieces = Callable[[bytes], Iterator[bytes]]


@cache
def certificate() -> ThrowAway:
    return throw_away("localhost", "127.0.0.1", "mx.example")


@cache
def server_side(version: str) -> ssl.SSLContext:
    return certificate().context(version)


class Gone(Exception):
    """The client has closed its side."""


class Cut(Exception):
    """The server has said all that it may."""


@dataclass
class Peer:
    """A connection as the script of a server sees it. heard: all that came."""

    sock: socket.socket
    pieces: Pieces = whole
    heard: bytearray = field(default_factory=bytearray)
    layer: TlsLayer | None = None
    ended: bool = False
    left: int | None = None
    """Octets that may still be said; then the connection is cut."""
    said: int = 0
    _used: int = 0

    async def say(self, octets: bytes) -> None:
        """In clear, or encrypted once there is TLS."""
        if self.left is not None and len(octets) >= self.left:
            octets, cut = octets[: self.left], True
        else:
            cut = False
        self.said += len(octets)
        if self.left is not None:
            self.left -= len(octets)
        await self._say(octets)
        if cut:
            # The client has all of it before the end comes.
            raise Cut

    async def _say(self, octets: bytes) -> None:
        for piece in self.pieces(octets):
            if self.layer is not None and self.layer.established:
                self.layer.write(piece)
                piece = self.layer.outgoing()  # noqa: PLW2901
            await self.send(piece)

    async def send(self, octets: bytes) -> None:
        """As they are, and let the client read them before anything follows."""
        await asyncio.get_running_loop().sock_sendall(self.sock, octets)
        for _ in range(4):
            await asyncio.sleep(0)

    async def hear(self, until: bytes) -> bytes:
        """What comes up to and with this. Raises Gone."""
        while (end := self.heard.find(until, self._used)) < 0:
            await self.listen()
        end += len(until)
        said = bytes(self.heard[self._used : end])
        self._used = end
        return said

    async def glance(self) -> None:
        """Read what has come already, as a server that enforces its turn does."""
        for _ in range(8):
            await asyncio.sleep(0)
        if self.layer is None:
            with suppress(BlockingIOError):
                self.heard += self.sock.recv(65536)

    async def listen(self) -> None:
        """Read once."""
        octets = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        if not octets:
            self.ended = True
            raise Gone
        if self.layer is not None:
            octets = self.layer.feed(octets)
            if self.layer.ended and not octets:
                self.ended = True
                raise Gone
        self.heard += octets

    async def rest(self) -> bytes:
        """All that still comes, up to the end of what the client sends."""
        with suppress(Gone):
            while True:
                await self.listen()
        said = bytes(self.heard[self._used :])
        self._used = len(self.heard)
        return said

    async def starttls(self, version: str = "") -> None:
        """The handshake, in which what the client says in clear is no good."""
        assert self._used == len(self.heard), "octets in clear behind STARTTLS"
        self.layer = server_layer(server_side(version))
        loop = asyncio.get_running_loop()
        while not self.layer.established:
            octets = await loop.sock_recv(self.sock, 65536)
            if not octets:
                raise Gone
            try:
                self.heard += self.layer.feed(octets)
            except TlsError:
                await self.send(self.layer.outgoing())
                raise Gone from None
            await self.send(self.layer.outgoing())

    def reset(self) -> None:
        """End the connection as a crash does."""
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.sock.close()

    def end(self) -> None:
        """Say that nothing follows."""
        self.sock.shutdown(socket.SHUT_WR)


@dataclass
class Place:
    """A server that is there. peers: the connections so far."""

    target: Target
    peers: list[Peer] = field(default_factory=list)
    surplus: int = 0
    """Connections for which there was no script."""


@asynccontextmanager
async def serving(
    *scripts: Script, pieces: Pieces = whole, address: str = "127.0.0.1"
) -> AsyncIterator[Place]:
    """A server with a script for each connection, in their order.

    A script that fails fails the test; all of them have to come to their end.
    """
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen(128)
        listener.setblocking(False)
        place = Place(dialling.literal(address, listener.getsockname()[1]))
        running = []

        async def accept() -> None:
            waiting = iter(scripts)
            while True:
                sock, _ = await loop.sock_accept(listener)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                script = next(waiting, None)
                if script is None:
                    place.surplus += 1
                    sock.close()
                    continue
                peer = Peer(sock, pieces)
                place.peers.append(peer)
                running.append(asyncio.create_task(follow(script, peer)))

        accepting = asyncio.create_task(accept())
        try:
            yield place
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*running)
        finally:
            for task in (accepting, *running):
                task.cancel()
            await asyncio.gather(accepting, *running, return_exceptions=True)


async def follow(script: Script, peer: Peer) -> None:
    try:
        await script(peer)
    except (Gone, ConnectionError):
        pass
    finally:
        peer.sock.close()


def answers(*replies: bytes | None) -> Script:
    """Says each of these when the client has said something new; None closes.

    The first is said at once where it is not b"". At the end it waits for the client.
    """

    async def script(peer: Peer) -> None:
        for number, octets in enumerate(replies):
            if number:
                known = len(peer.heard)
                while len(peer.heard) == known:
                    await peer.listen()
            if octets is None:
                return
            await peer.say(octets)
        await peer.rest()

    return script


def honest(
    service: Service, box: Mailbox, tls: Tls = Tls.NONE, version: str = ""
) -> Script:
    """The server of `eximkit.smtp`."""

    async def script(peer: Peer) -> None:
        server = Server(service, secure=tls is Tls.ON_CONNECT, challenge=challenge)
        if tls is Tls.ON_CONNECT:
            await peer.starttls(version)
        await peer.glance()
        at = 0
        while True:
            octets = bytes(peer.heard[at:])
            at = len(peer.heard)
            out = bytearray()
            for event in server.feed(octets):
                out += box.answer(server, event)
            if out:
                await peer.say(bytes(out))
            if server.handshaking:
                peer.heard.clear()
                peer._used = at = 0
                await peer.starttls(version)
                server.secured()
                at = 0
                continue
            if server.closed:
                break
            if len(peer.heard) == at:
                await peer.listen()
        peer.end()
        await peer.rest()

    return script


def cut(script: Script, at: int, reset: bool) -> Script:
    """The same, cut off behind so many octets of the server."""

    async def shorter(peer: Peer) -> None:
        peer.left = at
        with suppress(Cut):
            await script(peer)
            return
        if reset:
            peer.reset()

    return shorter


@dataclass
class Trial:
    """A delivery that is over."""

    delivered: Delivered
    place: Place
    record: Record | None
    transcript: Transcript

    @property
    def fates(self) -> list[str]:
        return [o.fate.value for each in self.delivered.outcomes for o in each]

    @property
    def outcome(self) -> Outcome:
        ((only,),) = self.delivered.outcomes
        return only

    def heard(self, number: int) -> bytes:
        """What the server heard on its n-th connection."""
        return bytes(self.place.peers[number].heard)


def descriptors() -> set[tuple[str, str]]:
    """What this process has open: each number, and what it stands for."""
    found: set[tuple[str, str]] = set()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with suppress(FileNotFoundError):  # the list's own
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))  # noqa: PTH115
    return found


def trial(
    how: Plan,
    *scripts: Script,
    record: Record | None = None,
    messages: Sequence[Message] = (),
    pieces: Pieces = whole,
    path: Path | None = None,
    address: str = "127.0.0.1",
    spare: int = 0,
) -> Trial:
    """Deliver to servers that follow these scripts, all of which must be needed.

    record: what is in the cache before. path: of the cache, None for a new one. spare:
    how many of the last scripts need not be. Looks that no descriptor is left behind.
    """
    before = descriptors()
    with tempfile.TemporaryDirectory(prefix="eximkit-") as folder:
        cache = EhloCache(path or Path(folder) / "ehlo.sqlite")

        async def run() -> Trial:
            async with asyncio.timeout(2 * PATIENCE):
                async with serving(*scripts, pieces=pieces, address=address) as place:
                    key = how.key_of(place.target)
                    if record is not None:
                        cache.put(key, record)
                    told = Transcript("client")
                    courier = Courier(how, cache, told, clock=lambda: NOW)
                    sent = await courier.deliver(place.target, messages or [message()])
                return Trial(sent, place, cache.get(key), told)

        try:
            found = asyncio.run(run())
        finally:
            cache.close()
    # What another test left to the garbage collector may have gone meanwhile.
    assert not descriptors() - before, "a descriptor is left behind"
    assert found.place.surplus == 0, "one connection more than expected"
    least = len(scripts) - spare
    assert len(found.place.peers) >= least, "a connection less than expected"
    for attempt, events in zip(found.delivered.attempts, _each(found), strict=True):
        assert attempt.round_trips in (None, round_trips(events))
    return found


def _each(found: Trial) -> Iterator[list[Event]]:
    for number in range(1, found.transcript.connections + 1):
        yield of_connection(found.transcript.events, number)


def plan(
    tls: Tls = Tls.NONE,
    *,
    wish: Wish | None = None,
    manner: Manner | None = None,
    version: str = "",
    **route: object,
) -> Plan:
    """How the tests send: to anybody's certificate, and soon out of patience."""
    required = bool(route.get("tls_required"))
    return Plan(
        Route("c.example", tls, **route),  # type: ignore[arg-type]
        wish or Wish(tls=tls, tls_required=required),
        manner
        or Manner(
            context=None if tls is Tls.NONE else client_context(version),
            timeouts=Timeouts().capped(PATIENCE),
        ),
    )
