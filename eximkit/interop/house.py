"""The reference server: who is let in, for how long, and how it all ends.

Everything runs in one thread and one event loop; nothing waits for anything but
sockets, and for the disk where messages are kept.
"""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_WR
from typing import TYPE_CHECKING, Any

from eximkit.interop import mainlog, poller
from eximkit.interop.attendant import Counts, challenge
from eximkit.interop.connection import Connection
from eximkit.interop.endpoint import bound, fast_open_form
from eximkit.interop.server_notes import Notes
from eximkit.interop.service_options import Client
from eximkit.smtp.replies import encode, reply

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from eximkit.interop.endpoint import Endpoint
    from eximkit.interop.mainlog import MainLog
    from eximkit.interop.offering import Policy
    from eximkit.interop.poller import Poller
    from eximkit.interop.spool import Spool
    from eximkit.interop.transcript import Transcript

_BATCH = 32
"""Connections that are accepted before the others have their turn."""
_SWEEP = 1.0
_SWEEP_AT_END = 0.1
_PAUSE = 0.5
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_TOO_MANY = encode(reply(421, "4.3.2 Too many connections: please try again later"))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a server takes.

    connections, per_address: at the same time, 0 for any number. wait: seconds for one
    command, whatever arrives of it, and for the client to read what it is told. whole:
    seconds for one connection. drain_*: what is read behind the last word. stop:
    seconds that clients have to finish when the server is to stop.
    """

    connections: int = 1000
    per_address: int = 0
    wait: float = 300.0
    whole: float = 3600.0
    drain_seconds: float = 5.0
    drain_octets: int = 1 << 20
    stop: float = 10.0


@dataclass(frozen=True, slots=True)
class Door:
    """A socket that listens. secure: TLS comes first. fast_open: may be in use."""

    listener: socket.socket
    secure: bool = False
    fast_open: bool = False


class House:
    """A server with its doors open, from `open` to the end of `run`."""

    def __init__(
        self,
        policy: Policy,
        spool: Spool,
        context: ssl.SSLContext | None = None,
        bounds: Bounds | None = None,
        log: MainLog | None = None,
        transcript: Transcript | None = None,
        name: str = "localhost",
        complain: Callable[[str], object] | None = None,
    ) -> None:
        self.policy = policy
        self.spool = spool
        self.context = context
        self.bounds = bounds or Bounds()
        self.log = log
        self.counts = Counts()
        self.challenge = challenge(name)
        self.loop: asyncio.AbstractEventLoop
        self.poller: Poller
        self._transcript = transcript
        self._complain = complain
        self._complained = False
        self._connections: dict[Connection, None] = {}
        self._of_address: Counter[str] = Counter()
        self._doors: list[Door] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stop_at: float | None = None
        self._over: asyncio.Future[None]

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    def open(self, doors: list[Door]) -> None:
        """Let clients in. To be called within the event loop that serves them."""
        self.loop = asyncio.get_running_loop()
        self._over = self.loop.create_future()
        self.poller = poller.made(self.loop)
        self._doors = doors
        for door in doors:
            self._attend(door)
        self._timer = self.loop.call_later(_SWEEP, self._sweep)

    async def run(self) -> None:
        """Until it has been stopped and the last client is gone."""
        try:
            await self._over
        finally:
            self.abort()

    def stop(self) -> None:
        """No new connections; those that there are finish, within `bounds.stop`."""
        if self._stop_at is not None:
            return
        self._stop_at = self.loop.time() + self.bounds.stop
        self._close_doors()
        self._sweep()

    def abort(self) -> None:
        """End everything now."""
        self._close_doors()
        for connection in list(self._connections):
            connection.close()
        self.poller.close()
        if self._timer is not None:
            self._timer.cancel()
        if not self._over.done():
            self._over.set_result(None)

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
        del self._connections[connection]
        if self.bounds.per_address:
            self._of_address[connection.client.address] -= 1
            if not self._of_address[connection.client.address]:
                del self._of_address[connection.client.address]

    def defect(self, context: dict[str, Any]) -> None:
        """Something went wrong that never should: the connection is closed already."""
        error = context.get("exception")
        what = f"{type(error).__name__}: {error}" if error else context["message"]
        if self._complain is not None:
            self._complain(f"internal error: {what}")

    # -- who comes in --------------------------------------------------------------

    def _attend(self, door: Door) -> None:
        here = bound(door.listener)
        self.loop.add_reader(door.listener.fileno(), self._accept, door, here)

    def _accept(self, door: Door, here: Endpoint) -> None:
        for _ in range(_BATCH):
            try:
                connection, peer = door.listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._pause(door, error)
                return
            self._let_in(door, here, connection, peer[0], peer[1])

    def _let_in(
        self,
        door: Door,
        here: Endpoint,
        connection: socket.socket,
        address: str,
        port: int,
    ) -> None:
        connection.setblocking(False)
        bounds = self.bounds
        if bounds.per_address:
            full = self._of_address[address] >= bounds.per_address
        else:
            full = False
        if full or 0 < bounds.connections <= len(self._connections):
            self._turn_away(door, connection, address)
            return
        client = Client(address, port, "", here.address, here.port)
        tfo = fast_open_form(connection) if door.fast_open else ""
        notes = None
        if self._transcript is not None:
            notes = Notes(self._transcript.recorder())
        new = Connection(self, connection, client, door.secure, tfo, notes)
        self.counts.connections += 1
        self._connections[new] = None
        if bounds.per_address:
            self._of_address[address] += 1
        if self.log is not None:
            self.log.connected(new.peer, len(self._connections))
        new.start()

    def _turn_away(self, door: Door, connection: socket.socket, address: str) -> None:
        """One too many. It is told, and not waited for: this may be a flood."""
        self.counts.turned_away += 1
        if self.log is not None:
            self.log.refused(mainlog.Peer(address), "too many connections")
        with suppress(OSError):
            if not door.secure:
                connection.send(_TOO_MANY)
                connection.shutdown(SHUT_WR)
                connection.recv(65536)
        connection.close()

    def _pause(self, door: Door, error: OSError) -> None:
        """Nothing more can be opened: wait for somebody to leave."""
        if self._complain is not None and not self._complained:
            self._complained = True
            self._complain(f"no more connections can be taken: {error.strerror}")
        self.loop.remove_reader(door.listener.fileno())
        self.loop.call_later(_PAUSE, self._resume, door)

    def _resume(self, door: Door) -> None:
        if self._stop_at is None and door in self._doors:
            self._attend(door)

    # -- who has to go -------------------------------------------------------------

    def _sweep(self) -> None:
        """Look at every deadline: one timer for all, not one for each."""
        now = self.loop.time()
        for connection in [c for c in self._connections if c.deadline <= now]:
            connection.overdue()
        if self._stop_at is not None:
            for connection in list(self._connections):
                connection.told_to_leave(at_once=now >= self._stop_at)
            if now >= self._stop_at + self.bounds.drain_seconds:
                self.abort()
            if not self._connections and not self._over.done():
                self._over.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        if not self._over.done():
            pause = _SWEEP if self._stop_at is None else _SWEEP_AT_END
            self._timer = self.loop.call_later(pause, self._sweep)

    def _close_doors(self) -> None:
        for door in self._doors:
            self.loop.remove_reader(door.listener.fileno())
            door.listener.close()
        self._doors = []
