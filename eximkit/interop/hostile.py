r"""A client that keeps to nothing, played by a script, and what a server answers.

Lines of `say`: `> text` sends a line, `>> text` octets with escapes (`\r\n`, `\x00`),
`* N text` a line N times, `< 220` waits for a reply with this code, `fin` ends what is
sent. Lines that follow one another are sent at once.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from eximkit.interop.conversation import Conversation, Piece
from eximkit.interop.link import End
from eximkit.interop.peer import arrivals_of
from eximkit.interop.result import ScenarioResult, Verdict
from eximkit.interop.scenario import setup_of
from eximkit.interop.sketch import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.interop.bench import Bench
    from eximkit.interop.peer import ServerPeer
    from eximkit.interop.result import Pairing
    from eximkit.interop.scenario import Scenario

WAYS = ("early", "waiting")
"""Before the banner, or when it has been read."""
LONGEST = 20.0
"""Seconds for a server to answer or to close."""
_QUIET = 0.1
_FINAL = re.compile(rb"^(\d{3})(?: [^\n]*)?\n", re.MULTILINE)
_AFTER = ["< 220", "> EHLO after.example", "< 250", "> QUIT", "< 221"]


async def run_hostile(
    scenario: Scenario, pairing: Pairing, bench: Bench
) -> ScenarioResult:
    """Try what a server does. Raises InteropError."""
    table = scenario.seen_by(pairing.client, pairing.server)
    table |= table.get(pairing.server, {})
    result = ScenarioResult(scenario.name, pairing)
    server = bench.server(pairing.server, setup_of(table), End())
    await server.start()
    try:
        faults = []
        for way in table.get("ways", WAYS):
            told = {**table, **table.get(way, {})}
            faults += [f"{way}: {fault}" for fault in await _way(told, way, server)]
        talk = await _talk(_steps(table, "early"), server.port, "", False)
        result.drawings.append(draw("early", talk.seen, 0.0))
        faults += await _still_there(server)
    finally:
        await server.stop()
    faults += _log_faults(table, server)
    if faults:
        result.outcome, result.reason = Verdict.FAILED, "; ".join(faults)
    return result


def _steps(table: dict[str, Any], way: str) -> list[str]:
    return [*(["< 220"] if way == "waiting" else []), *table["say"]]


async def _way(table: dict[str, Any], way: str, server: ServerPeer) -> list[str]:
    """One way of beginning; where input is cut, once for each place."""
    steps, cut = _steps(table, way), table.get("each", "")
    wanted, closes = table.get("replies", ""), bool(table.get("closes"))
    if not cut:
        talk = await _talk(steps, server.port, wanted, closes)
        return talk.faults(wanted, closes)
    whole = b"".join(_octets(step) for step in steps if step[0] in ">*")
    begin = ["< 220"] if way == "waiting" else []
    limit = asyncio.Semaphore(8)

    async def at(place: int) -> list[str]:
        async with limit:
            talk = _Talk(server.port)
            await talk.run([*begin, whole[:place], cut if cut != "split" else b""])
            if cut != "split":
                await talk.end()
                return []
            await asyncio.sleep(0.002)
            await talk.run([whole[place:]])
            await talk.until(wanted, closes)
            return talk.faults(wanted, closes)

    every = await asyncio.gather(*(at(n) for n in range(1, len(whole))))
    bad = [(n, faults) for n, faults in enumerate(every, 1) if faults]
    return [f"cut at octet {bad[0][0]}: {bad[0][1][0]}"] if bad else []


async def _talk(steps: Sequence[str], port: int, wanted: str, closes: bool) -> _Talk:
    talk = _Talk(port)
    await talk.run(steps)
    await talk.until(wanted, closes)
    return talk


class _Talk:
    """One connection. heard: all that the server said. closed: it hung up."""

    def __init__(self, port: int) -> None:
        self.heard = b""
        self.closed = False
        self.wrong = ""
        self.seen = Conversation(time.monotonic(), port)
        self._port = port
        self._read = 0
        self._socket: socket.socket | None = None
        self._waiting = b""

    def codes(self) -> str:
        """The codes of the replies so far, blanks between them."""
        return " ".join(m[1].decode() for m in _FINAL.finditer(self.heard))

    def faults(self, wanted: str, closes: bool) -> list[str]:
        found = [self.wrong] if self.wrong else []
        if wanted and not re.fullmatch(wanted, self.codes()):
            found.append(f"the replies are {self.codes() or 'none'}, not {wanted}")
        if closes and not self.closed:
            found.append("the server does not close")
        return found

    async def run(self, steps: Sequence[str | bytes]) -> None:
        for step in steps:
            if isinstance(step, bytes):
                self._waiting += step
            elif step[0] in ">*":
                self._waiting += _octets(step)
            elif step[0] == "<":
                await self._send()
                await self._expect(step[1:].strip())
            else:
                await self._send()
                self._finish(step)
        await self._send()

    def _finish(self, step: str) -> None:
        if self._socket is not None:
            with suppress(OSError):
                if step == "reset":
                    linger = b"\1\0\0\0\0\0\0\0"
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self._socket.close()
                else:
                    self._socket.shutdown(socket.SHUT_WR)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            # Not by way of the event loop: what comes first is to be there at once.
            self._socket = socket.create_connection(("127.0.0.1", self._port), LONGEST)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        if octets:
            self._note(octets, up=True)
            # Whoever is turned away may not be read to the end.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(LONGEST):
                    loop = asyncio.get_running_loop()
                    await loop.sock_sendall(there, octets)

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
        octets = b""
        with suppress(TimeoutError):
            try:
                async with asyncio.timeout(seconds):
                    loop = asyncio.get_running_loop()
                    octets = await loop.sock_recv(self._connected(), 65536)
                self.closed = not octets
            except ConnectionError:
                # A reset: what was said before it may be lost.
                self.closed = True
        if octets:
            self._note(octets, up=False)
            self.heard += octets
        return bool(octets)

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
        if self._socket is not None:
            self._socket.close()


def _octets(step: str) -> bytes:
    if step.startswith(">>"):
        text = step[2:].removeprefix(" ")
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    if step.startswith("*"):
        count, _, text = step[1:].strip().partition(" ")
        return (text.encode() + b"\r\n") * int(count)
    return step[1:].removeprefix(" ").encode() + b"\r\n"


async def _still_there(server: ServerPeer) -> list[str]:
    """Whether others are served behind it as before."""
    talk = await _talk(_AFTER, server.port, "", False)
    return [f"others are not served any more: {talk.wrong}"] if talk.wrong else []


def _log_faults(table: dict[str, Any], server: ServerPeer) -> list[str]:
    log = server.log()
    faults = []
    taken = len(arrivals_of(log))
    if bool(taken) is not bool(table.get("message", 0)):
        faults.append(f"{taken} messages were taken")
    if (wanted := table.get("log", "")) not in log:
        faults.append(f"the log does not tell of {wanted!r}")
    return faults
