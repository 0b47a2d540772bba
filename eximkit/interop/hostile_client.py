r"""A client that says what a script tells it to, however wrong that is.

Lines of a script: `> text` sends a line, `>> text` octets with escapes (`\r\n`), `* N
text` a line N times, `x N text` octets N times, `~ S text` octets with S seconds
between any two. `< 220` waits for a reply with this code. `tls` makes a TLS handshake,
`hello` sends the beginning of one and does not wait. `fin` ends what is sent. What
follows one another without a wait is sent at once.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING

from eximkit.errors import InputError, InteropError
from eximkit.interop.channel import RESET
from eximkit.interop.conversation import Conversation, Piece
from eximkit.interop.tls import TlsError, TlsLayer, client_context, client_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 20.0
"""Seconds for a server to answer or to close."""
_QUIET = 0.1
_READ = 65536
_RECORDS = (b"\x14", b"\x15", b"\x16", b"\x17")
"""First octets of TLS records; no reply begins so."""
_FINAL = re.compile(rb"^(\d{3})(?: [^\n]*)?\n", re.MULTILINE)


class HostileClient:
    """One connection to a port of the loopback interface. Raises InteropError for none.

    heard: all that the server said, decrypted. closed: it hung up, or there was a
    reset. wrong: what was not as the script wants it, "" for nothing. seen: what went
    over the wire.
    """

    def __init__(self, port: int) -> None:
        self.heard = b""
        self.closed = False
        self.wrong = ""
        self.seen = Conversation(time.monotonic(), port)
        self._port = port
        self._read = 0
        self._socket: socket.socket | None = None
        self._waiting = b""
        self._layer: TlsLayer | None = None
        self._secure = False
        self._earnest = False

    def codes(self) -> str:
        """The codes of the replies so far, blanks between them."""
        return " ".join(m[1].decode() for m in _FINAL.finditer(self.heard))

    def faults(self, wanted: str, closes: bool) -> list[str]:
        """What is not as it should be. wanted: the codes, as a regular expression."""
        found = [self.wrong] if self.wrong else []
        if wanted and not re.fullmatch(wanted, self.codes()):
            found.append(f"the replies are {self._told() or 'none'}, not {wanted}")
        if closes and not self.closed:
            found.append("the server does not close")
        return found

    def _told(self) -> str:
        """The codes without repetitions: `220 9 x 250 221`."""
        runs = [(code, len(list(run))) for code, run in groupby(self.codes().split())]
        return " ".join(code if n == 1 else f"{n} x {code}" for code, n in runs)

    async def run(self, steps: Sequence[str | bytes]) -> None:
        """Follow a script, or its part that comes next. Raises InputError."""
        for step in steps:
            if isinstance(step, bytes):
                self._waiting += step
            elif step[0] in ">*x":
                self._waiting += octets_of(step)
            else:
                await self._do(step)
        await self._send()

    async def _do(self, step: str) -> None:
        verb, _, rest = step.partition(" ")
        if verb == "hello":
            # With what is sent before it, in one segment.
            self._waiting += self._begin_tls()
            return
        await self._send()
        if verb == "<":
            await self._expect(rest.strip())
        elif verb == "~":
            pause, _, text = rest.partition(" ")
            for octet in _unescaped(text):
                self._waiting += bytes([octet])
                await self._send()
                await asyncio.sleep(float(pause))
        elif verb == "tls":
            await self._handshake()
        elif verb in ("fin", "reset"):
            self._finish(verb)
        else:
            raise InputError(f"no such step: {step!r}")

    def _finish(self, step: str) -> None:
        if self._socket is not None:
            with suppress(OSError):
                if step == "reset":
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    self._socket.close()
                    self.closed = True
                else:
                    self._socket.shutdown(socket.SHUT_WR)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            # Not by way of the event loop: what comes first is to be there at once.
            self._socket = _dialled(self._port, early=bool(self._waiting))
            if self._waiting:
                with suppress(BlockingIOError):
                    self._socket.setblocking(False)
                    sent = self._socket.send(self._waiting)
                    self._note(self._waiting[:sent], up=True)
                    self._waiting = self._waiting[sent:]
            self._socket.setblocking(False)
        return self._socket

    def _note(self, octets: bytes, *, up: bool) -> None:
        self.seen.pieces.append(Piece(time.monotonic(), up, octets))

    async def _send(self) -> None:
        there = self._connected()
        octets, self._waiting = self._waiting, b""
        if octets and self._layer is not None and self._layer.established:
            self._layer.write(octets)
            octets = self._layer.outgoing()
        await self._put(there, octets)

    async def _put(self, there: socket.socket, octets: bytes) -> None:
        if octets:
            self._note(octets, up=True)
            # Whoever is turned away may not be read to the end.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(LONGEST):
                    loop = asyncio.get_running_loop()
                    await loop.sock_sendall(there, octets)

    def _begin_tls(self) -> bytes:
        self._layer = client_layer(client_context(), "server.example")
        self._layer.handshake()
        return self._layer.outgoing()

    async def _handshake(self) -> None:
        there = self._connected()
        self._earnest = True
        await self._put(there, self._begin_tls())
        while self._layer is not None and not self._layer.established:
            if not await self._hear(LONGEST):
                self.wrong = self.wrong or "TLS does not come about"
                return
            await self._put(there, self._layer.outgoing())

    async def _expect(self, code: str) -> None:
        while not (found := _FINAL.search(self.heard, self._read)):
            if not await self._hear(LONGEST):
                self.wrong = self.wrong or f"no {code} comes"
                return
        self._read = found.end()
        if code and found[1].decode() != code:
            self.wrong = self.wrong or f"{found[1].decode()} comes instead of {code}"

    async def _hear(self, seconds: float) -> bool:
        """Read once. Whether something came."""
        there = self._connected()
        # A `sock_recv` that is given up may have taken octets with it.
        if not await _readable(there, seconds):
            return False
        try:
            octets = there.recv(_READ)
        except BlockingIOError:
            return False
        except ConnectionError:
            # A reset: what was said before it may be lost.
            octets = b""
        self.closed = not octets
        if octets:
            self._note(octets, up=False)
            self.heard += self._clear(octets)
        return bool(octets)

    def _clear(self, octets: bytes) -> bytes:
        # Whoever begins TLS unasked may be answered in clear first, or for good.
        self._secure = self._secure or octets[:1] in _RECORDS
        if self._layer is None or not self._secure:
            return octets
        try:
            return self._layer.feed(octets)
        except TlsError:
            # Where a handshake was only begun, an alert is as good as a hang-up.
            if self._earnest:
                self.wrong = self.wrong or "TLS breaks off"
            return b""

    async def until(self, wanted: str, closes: bool) -> None:
        """Read until all is there, and whatever is there beyond that."""
        deadline = time.monotonic() + LONGEST
        while not self.closed and time.monotonic() < deadline:
            complete = wanted and re.fullmatch(wanted, self.codes()) and not closes
            enough = complete or not (wanted or closes)
            if not await self._hear(_QUIET) and enough:
                break
        await self.end()

    async def end(self) -> None:
        """Close it."""
        if self._socket is not None:
            self._socket.close()


def _dialled(port: int, *, early: bool) -> socket.socket:
    """A connection. early: the last ACK of the handshake waits for what is said first.

    Raises InteropError.
    """
    dialled = socket.socket()
    dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if early:
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    dialled.settimeout(LONGEST)
    try:
        dialled.connect(("127.0.0.1", port))
    except OSError as error:
        dialled.close()
        raise InteropError(f"no connection: {error.strerror}") from error
    return dialled


async def _readable(there: socket.socket, seconds: float) -> bool:
    """Whether there is something to be read, or the end of it, within so long."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(there, ready.set)
    try:
        async with asyncio.timeout(seconds):
            await ready.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(there)
    return True


def octets_of(step: str) -> bytes:
    """What a step that only sends comes to. Raises InputError."""
    try:
        if step.startswith(">>"):
            return _unescaped(step[2:].removeprefix(" "))
        if step[0] in "*x":
            count, _, text = step[1:].strip().partition(" ")
            each = _unescaped(text) if step[0] == "x" else text.encode() + b"\r\n"
            return each * int(count)
    except ValueError as error:
        raise InputError(f"no such step: {step!r}: {error}") from None
    return step[1:].removeprefix(" ").encode() + b"\r\n"


def _unescaped(text: str) -> bytes:
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
