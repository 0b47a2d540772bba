"""A server that is told what to say: for what no honest server would do on demand."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eximkit.errors import InputError
from eximkit.interop.certs import throw_away
from eximkit.interop.streams import StreamServer
from eximkit.interop.tls import TlsError, TlsLayer, server_layer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

EARLY = 0.4
"""Seconds that the banner waits for a client that talks before it."""
LONGEST = 20.0
"""Seconds that a connection may be silent."""
_DRAIN = 2.0
_READ = 65536
_CLOSE, _SILENT = "close", "silent"


@dataclass(frozen=True, slots=True)
class Script:
    """What to say on a connection.

    banner: "" to close instead. offers: lines of the response to EHLO; offers_tls:
    under TLS, the same without STARTTLS unless given. more, wide: so many lines more in
    that response, of so many octets. strict: whoever talks before the banner is turned
    away, with `turned_away`. replies: for commands (`EHLO`, …), `content` (the end of a
    message) and `RESPONSE` (within AUTH): a reply, several lines as they are, `close`,
    or `silent` for none. behind: octets right behind a reply. ends: what a reply ends
    with. pieces: each reply octet by octet.
    parameters: MAIL may have some. needs_auth: MAIL wants AUTH first. delay: seconds
    before a reply, by command or `banner`.
    """

    banner: str = "220 scripted.example ESMTP"
    offers: tuple[str, ...] = ("PIPELINING", "PIPECONNECT")
    offers_tls: tuple[str, ...] | None = None
    more: int = 0
    wide: int = 10
    strict: bool = False
    turned_away: str = "554 5.5.0 talks before the banner"
    replies: Mapping[str, str] = field(default_factory=dict)
    behind: Mapping[str, str] = field(default_factory=dict)
    ends: str = "\r\n"
    pieces: bool = False
    parameters: bool = True
    needs_auth: bool = False
    delay: Mapping[str, float] = field(default_factory=dict)

    def offered(self, secure: bool) -> tuple[str, ...]:
        if not secure:
            words = self.offers
        elif self.offers_tls is not None:
            words = self.offers_tls
        else:
            words = tuple(word for word in self.offers if word != "STARTTLS")
        lines = (f"X-{number} ".ljust(self.wide, "x") for number in range(self.more))
        return (*lines, *words)


def script_of(table: Mapping[str, Any], where: str) -> Script:
    """A script as a scenario has it. Raises InputError."""
    known = Script.__dataclass_fields__.keys()
    if unknown := table.keys() - known:
        raise InputError(f"{where}: no such key: {', '.join(sorted(unknown))}")
    lists = {key: tuple(table[key]) for key in ("offers", "offers_tls") if key in table}
    return Script(**{**table, **lists})


@dataclass(slots=True)
class Visit:
    """One connection. said: the verbs. clear: those that were said without TLS.

    accepted: messages that were answered with 2xx. early: it talked before the banner;
    before: with which verbs.
    """

    said: list[str] = field(default_factory=list)
    clear: list[str] = field(default_factory=list)
    accepted: int = 0
    early: bool = False
    before: list[str] = field(default_factory=list)


class ScriptedServer(StreamServer):
    """Goes by scripts.

    scripts: one for each connection, the last for all that follow. visits: the
    connections so far. on_connect: TLS at once.
    """

    def __init__(self, on_connect: bool = False) -> None:
        super().__init__()
        self.scripts: Sequence[Script] = (Script(),)
        self.visits: list[Visit] = []
        self._context = throw_away("scripted.example", "127.0.0.1").context()
        self._on_connect = on_connect
        self._next = 0

    def say(self, *scripts: Script) -> None:
        """From the next connection on, go by these."""
        self.scripts, self._next = scripts, 0
        self.visits = []

    async def attend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Go by the script whose turn it is."""
        script = self.scripts[min(self._next, len(self.scripts) - 1)]
        self._next += 1
        visit = Visit()
        self.visits.append(visit)
        talk = _Talk(script, visit, reader, writer, self._context)
        with suppress(TlsError):
            await talk.run(self._context if self._on_connect else None)


def _verb(line: bytes) -> str:
    return line.partition(b" ")[0].strip().upper().decode("latin-1")


class _Over(EOFError):
    """The connection is to be closed."""


class _Talk:
    """One connection."""

    def __init__(
        self,
        script: Script,
        visit: Visit,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext | None,
    ) -> None:
        self._script, self._visit = script, visit
        self._reader, self._writer = reader, writer
        self._context = context
        self._layer: TlsLayer | None = None
        self._input = b""
        self._output = b""
        self._greeted = self._known = False

    async def run(self, secure: ssl.SSLContext | None) -> None:
        script = self._script
        if secure is not None:
            await self._secure(secure)
        with suppress(TimeoutError):
            async with asyncio.timeout(EARLY):
                await self._read()
        self._visit.early = bool(self._input)
        self._visit.before = [_verb(line) for line in self._input.splitlines()]
        if script.strict and self._input:
            await self._farewell(script.turned_away)
        if not script.banner:
            raise _Over
        await self._pause("banner")
        await self._say(script.banner)
        while True:
            line = await self._line()
            await self._command(line.decode("latin-1").rstrip("\r\n"))

    async def _command(self, line: str) -> None:
        verb = _verb(line.encode("latin-1"))
        self._visit.said.append(verb)
        if self._layer is None:
            self._visit.clear.append(verb)
        await self._pause(verb)
        reply = self._script.replies.get(verb) or self._usual(verb, line)
        await self._say(reply)
        self._output += self._script.behind.get(verb, "").encode("latin-1")
        if verb == "BDAT":
            await self._chunk(line, reply)
        elif reply.startswith("354"):
            await self._content()
        elif reply.startswith("334"):
            await self._line()
            await self._say(self._script.replies.get("RESPONSE", "235 2.7.0 OK"))
            self._known = True
        elif verb == "STARTTLS" and reply.startswith("220") and self._context:
            # What came along in clear is not acted on (RFC 3207 4.2).
            self._input = b""
            await self._secure(self._context)
        elif reply.startswith("421") or verb == "QUIT":
            await self._flush()
            raise _Over

    def _usual(self, verb: str, line: str) -> str:
        if verb in ("EHLO", "HELO"):
            self._greeted = True
            lines = ["scripted.example"]
            if verb == "EHLO":
                lines += self._script.offered(self._layer is not None)
            last = len(lines) - 1
            return "\r\n".join(
                f"250{' ' if n == last else '-'}{text}" for n, text in enumerate(lines)
            )
        if verb == "AUTH":
            return self._auth(line.split()[1:2])
        if verb == "MAIL" and not self._greeted:
            return "503 5.5.1 say hello first"
        if verb == "MAIL" and self._script.needs_auth and not self._known:
            return "530 5.7.0 authentication required"
        if verb == "MAIL" and not self._script.parameters and line.count(" ") > 1:
            return "555 5.5.4 no such parameter"
        replies = {
            "MAIL": "250 2.1.0 OK", "RCPT": "250 2.1.5 OK", "DATA": "354 go on",
            "BDAT": "250 2.0.0 OK", "QUIT": "221 2.0.0 bye", "RSET": "250 2.0.0 OK",
            "NOOP": "250 2.0.0 OK",
            "STARTTLS": self._offered("STARTTLS", "220 2.0.0 go ahead"),
        }  # fmt: skip
        return replies.get(verb, "500 5.5.2 no such command")

    def _offered(self, keyword: str, reply: str) -> str:
        there = keyword in self._script.offered(self._layer is not None)
        return reply if there else "503 5.5.1 not offered"

    def _auth(self, mechanisms: list[str]) -> str:
        lines = self._script.offered(self._layer is not None)
        known = [line.split()[1:] for line in lines if line.startswith("AUTH ")]
        if not known:
            return "503 5.5.1 not offered"
        mechanism = mechanisms[0].upper() if mechanisms else ""
        if mechanism not in known[0]:
            return "504 5.5.4 no such mechanism"
        if mechanism == "CRAM-MD5":
            return "334 PDEuMUBzY3JpcHRlZC5leGFtcGxlPg=="
        self._known = True
        return "235 2.7.0 OK"

    async def _chunk(self, line: str, reply: str) -> None:
        words = line.split()
        size = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        while len(self._input) < size:
            await self._read()
        self._input = self._input[size:]
        final = self._script.replies.get("content")
        if final == _CLOSE:
            raise _Over
        self._visit.accepted += reply.startswith("2") and words[-1].upper() == "LAST"

    async def _content(self) -> None:
        while (await self._line()) != b".\r\n":
            pass
        await self._pause("content")
        final = self._script.replies.get("content", "250 2.0.0 OK id=scripted")
        self._visit.accepted += final.startswith("2")
        await self._say(final)
        if final.startswith("421"):
            await self._flush()
            raise _Over

    async def _say(self, reply: str) -> None:
        if reply == _CLOSE:
            await self._flush()
            raise _Over
        if reply == _SILENT:
            return
        octets = (reply + self._script.ends).encode("latin-1")
        if not self._script.pieces:
            self._output += octets
            return
        for octet in octets:
            self._output += bytes([octet])
            await self._flush()
            await asyncio.sleep(0)

    async def _pause(self, what: str) -> None:
        seconds = self._script.delay.get(what, 0.0)
        if seconds:
            await self._flush()
            await asyncio.sleep(seconds)

    async def _farewell(self, reply: str) -> None:
        """A last reply that the client can read: no reset behind it."""
        await self._say(reply)
        await self._flush()
        self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                while await self._reader.read(_READ):
                    pass
        raise _Over

    async def _line(self) -> bytes:
        while b"\n" not in self._input:
            await self._flush()
            await self._read()
        line, end, self._input = self._input.partition(b"\n")
        return line + end

    async def _read(self) -> None:
        async with asyncio.timeout(LONGEST):
            octets = await self._reader.read(_READ)
        if not octets:
            raise _Over
        if self._layer is not None:
            octets = self._layer.feed(octets)
            self._send(self._layer.outgoing())
        self._input += octets

    async def _flush(self) -> None:
        octets, self._output = self._output, b""
        if self._layer is not None:
            self._layer.write(octets)
            octets = self._layer.outgoing()
        self._send(octets)
        await self._writer.drain()

    def _send(self, octets: bytes) -> None:
        if octets:
            self._writer.write(octets)

    async def _secure(self, context: ssl.SSLContext) -> None:
        await self._flush()
        self._greeted = False
        layer = server_layer(context)
        self._layer = layer
        while not layer.established:
            await self._read()
