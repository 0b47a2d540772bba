"""A client's socket that never blocks: octets out in one piece, octets in, one clock.

The event loop calls back and nothing runs between its calls, so that thousands of
connections cost no more than their sockets. Whoever owns a wire is told, by one call,
of what happens to it, and closes it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Protocol

from eximkit.interop import dialling
from eximkit.interop.transcript import TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.interop.dialling import Target
    from eximkit.interop.transcript import Recorder

_READ = 65536


class Owner(Protocol):
    """Who is told what happens to a wire."""

    def connected(self) -> None:
        """The connection is there."""

    def left(self) -> None:
        """Some octets have gone to the kernel."""

    def received(self, octets: bytes) -> None:
        """Octets have come."""

    def unreached(self, why: str) -> None:
        """No connection came about."""

    def lost(self, why: str) -> None:
        """The connection is over."""

    def late(self) -> None:
        """Nobody has any patience left."""

    def failed(self, error: BaseException) -> None:
        """One of the methods above has raised this."""


class Wire:
    """One connection, from the SYN on.

    local: this side's address and port. syn_data: the server took data from the SYN.
    waits: how often the server was waited for, for the handshake of TCP too. pending:
    octets that the kernel has not taken. written: how many it has. broken: why it takes
    no more, "" if it does. errno: of the last error, 0 for none.
    """

    def __init__(
        self, target: Target, owner: Owner, recorder: Recorder | None = None
    ) -> None:
        self.target = target
        self.local = ("", 0)
        self.is_connected = False
        self.syn_data = False
        self.waits = 0
        self.written = 0
        self.pending = b""
        self.broken = ""
        self.errno = 0
        self._owner = owner
        self._recorder = recorder
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._fast_open = False
        self._waiting = True
        self._writing = False
        self._ended = self._shut = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def dial(self, interface: str, octets: bytes, syn: int | None) -> None:
        """Begin to connect. See `dialling.connect`."""
        self.pending = octets
        self._fast_open = syn is not None
        try:
            self._socket = dialling.open_socket(self.target, interface)
            if self._recorder:
                self._recorder.tcp("connect", str(self.target))
            self._left(self._connect(self._socket, octets, syn))
        except BlockingIOError:
            pass
        except OSError as error:
            self._unreached(error)
            return
        self.local = self._sock.getsockname()[:2]
        self._loop.add_writer(self._sock, self._call, self._connecting)

    def _connect(self, sock: socket.socket, octets: bytes, syn: int | None) -> int:
        try:
            return dialling.connect(sock, self.target, octets, syn)
        except OSError as error:
            if syn is None or error.errno != errno.EOPNOTSUPP:
                raise
        self._fast_open = False
        return dialling.connect(sock, self.target, octets, None)

    def write(self, octets: bytes) -> None:
        """Write, at once and in one piece as far as the kernel takes it."""
        self.pending = self.pending + octets if self.pending else octets
        if self.is_connected and self.pending and not self._writing:
            self._write()

    def end(self) -> None:
        """Send nothing more, once what is pending has left. May be said twice."""
        if not self._ended:
            self._ended = self._shut = True
            self._shut_down()

    def patience(self, seconds: float) -> None:
        """Wait so long from now before the owner is told that it is late."""
        self._deadline = self._loop.time() + seconds
        timer = self._timer
        if timer is None or timer.when() > self._deadline:
            if timer is not None:
                timer.cancel()
            self._arm()

    def close(self) -> None:
        """Let go of the socket and of the clock."""
        if self._timer is not None:
            self._timer.cancel()
        sock, self._socket = self._socket, None
        if sock is not None:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
            sock.close()
            if self._recorder:
                self._recorder.tcp("closed")

    @property
    def _sock(self) -> socket.socket:
        if self._socket is None:
            raise RuntimeError("a wire that is closed")
        return self._socket

    def _call(self, work: Callable[[], None]) -> None:
        """Do what the loop asks for; an error in it is the owner's, not the loop's."""
        if self._socket is None:
            return
        try:
            work()
        except Exception as error:  # noqa: BLE001 - all of them
            self._owner.failed(error)

    def _connecting(self) -> None:
        """The connection is there, or it failed."""
        sock = self._sock
        self._loop.remove_writer(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._unreached(OSError(code, ""))
            return
        self.is_connected = True
        if self._fast_open:
            self.syn_data = dialling.took_syn_data(sock)
            # What the server says first was under way with the SYN's own answer.
            self._waiting = not dialling.used_cookie(sock)
        if self._recorder:
            here = dialling.literal(*self.local)
            self._recorder.tcp("connected", f"{here}{', data in SYN' * self.syn_data}")
        self.waits += 1
        self._loop.add_reader(sock, self._call, self._readable)
        if self.pending:
            self._write()
        self._owner.connected()

    def _reason(self, error: OSError) -> str:
        self.errno = error.errno or 0
        return dialling.reason(error)

    def _unreached(self, error: OSError) -> None:
        why = f"{self.target}: {self._reason(error)}"
        if self._recorder:
            self._recorder.tcp("failed", why)
        self._owner.unreached(why)

    def _write(self) -> None:
        try:
            self._left(self._sock.send(self.pending))
        except BlockingIOError:
            pass
        except OSError as error:
            # What the server said before it closed may still be there to be read.
            self.broken = self._reason(error)
        blocked = bool(self.pending) and not self.broken
        if blocked != self._writing:
            self._writing = blocked
            if blocked:
                self._loop.add_writer(self._sock, self._call, self._write)
            else:
                self._loop.remove_writer(self._sock)
        self._shut_down()

    def _left(self, count: int) -> None:
        if count == 0:
            return
        if self._recorder:
            self._recorder.wire(TO_SERVER, count)
        self.written += count
        self.pending = self.pending[count:]
        self._waiting = True
        self._owner.left()

    def _shut_down(self) -> None:
        if not self._shut or self.pending or self.broken:
            return
        self._shut = False
        if self._recorder:
            self._recorder.tcp("fin", direction=TO_SERVER)
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.broken = self._reason(error)

    def _readable(self) -> None:
        try:
            octets = self._sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError as error:
            why = self._reason(error)
            if self._recorder:
                self._recorder.tcp("reset", why, TO_CLIENT)
            self._owner.lost(why)
            return
        if not octets:
            if self._recorder:
                self._recorder.tcp("fin", direction=TO_CLIENT)
            self._owner.lost(self.broken or "the server closed the connection")
            return
        if self._recorder:
            self._recorder.wire(TO_CLIENT, len(octets))
        self.waits += self._waiting
        self._waiting = False
        self._owner.received(octets)

    def _arm(self) -> None:
        self._timer = self._loop.call_at(self._deadline, self._call, self._late)

    def _late(self) -> None:
        if self._loop.time() < self._deadline:
            self._arm()
        else:
            self._timer = None
            self._owner.late()
