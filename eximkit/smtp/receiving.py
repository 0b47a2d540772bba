"""The half of a server that reads messages, by DATA and by chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.smtp import commands
from eximkit.smtp.commands import Bdat
from eximkit.smtp.data import ChunkReader, DotReader
from eximkit.smtp.events import Content, ContentEnded, Received, Refused
from eximkit.smtp.intake import Intake
from eximkit.smtp.lines import LineBuffer
from eximkit.smtp.replies import Reply, reply
from eximkit.smtp.session import TOO_LARGE, Session, disorder
from eximkit.smtp.states import State, Step, in_order

if TYPE_CHECKING:
    from eximkit.errors import RemoteProtocolError
    from eximkit.smtp.events import ServerEvent
    from eximkit.smtp.service import Service

_BARE = reply(550, "5.6.0 Lines of a message end in CRLF, CR and LF together")


def told(error: RemoteProtocolError) -> Reply:
    """The reply that suits what a client did wrong."""
    return reply(error.code, f"{error.status} {error.message}")


class Receiving:
    """Where a server stands, and what it does with the octets of messages."""

    def __init__(self, service: Service, secure: bool) -> None:
        self.service = service
        self.state = State.CONNECTED
        self.session = Session(service, secure)
        self._buffer = LineBuffer(commands.LONGEST_LINE)
        self._step = Step.BANNER
        self._reader: DotReader | ChunkReader | None = None
        self._chunk: Bdat | None = None
        self._refusal: Refused | None = None
        self._intake = Intake(service.size)
        self._takes_early = service.takes_early
        self._before_data = True

    def _error(self, line: bytes, given: Reply, fatal: bool = False) -> Refused:
        self.session.errors += 1
        if self.session.errors > self.service.most_errors:
            given = reply(given.code, "5.5.0 Too many syntax or protocol errors")
            fatal = True
        return Refused(line, given, fatal)

    def _ends_some(self, event: ServerEvent) -> bool:
        """Whether a message has ended, or a part of one."""
        if type(event) is Received:
            return type(event.command) is Bdat
        return type(event) is ContentEnded

    def _bad_chunk(self, line: bytes, given: Reply) -> ServerEvent | None:
        """A BDAT that is none. Its octets are skipped if it says how many they are."""
        size = commands.bdat_size(line)
        refusal = self._error(line, given, fatal=size is None)
        if refusal.fatal:
            return refusal
        return self._skip_chunk(size or 0, refusal)

    def _begin_chunk(self, line: bytes, command: Bdat) -> ServerEvent | None:
        self._before_data = False
        limit = self.service.size
        if 0 < 4 * limit < command.size:
            return Refused(line, TOO_LARGE, fatal=True)
        step = command.step
        if not self.service.chunking or not self.session.extended:
            text = "5.5.1 BDAT is not offered"
            return self._skip_chunk(command.size, self._error(line, reply(503, text)))
        if not in_order(self.state, step):
            given = disorder(self.session, self.state, step)
            return self._skip_chunk(command.size, self._error(line, given))
        if len(self._buffer) > command.size:
            self.session.use.pipelined |= self.session.pipelines
        if self.state is not State.CHUNKS:
            self._intake = Intake(limit)
        self.session.use.chunked = True
        self._chunk = command
        self._reader = ChunkReader(command.size)
        return self._content(self._reader)

    def _skip_chunk(self, size: int, refusal: Refused) -> ServerEvent | None:
        """The octets of a refused chunk are read all the same (RFC 3030 2)."""
        self._refusal = refusal
        self._reader = ChunkReader(size)
        return self._content(self._reader)

    def _content(self, reader: DotReader | ChunkReader) -> ServerEvent | None:
        """The next piece of a message, or its end."""
        if self._buffer.unused and not reader.ended:
            most = reader.left if isinstance(reader, ChunkReader) else 1 << 62
            octets, rest = reader.feed(self._buffer.take(most))
            if rest:
                self._buffer.add(rest)
            if self._refusal is None:
                kept = self._intake.kept(octets, reader)
                if kept:
                    return Content(kept)
        if not reader.ended:
            return None
        self._reader = None
        if self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            return refusal
        chunk, self._chunk = self._chunk, None
        if chunk is None or chunk.last:
            self._step = Step.CONTENT if chunk is None else Step.BDAT_LAST
            return self._ended()
        self._step = Step.BDAT
        text = f"2.0.0 {chunk.size} octets received"
        return Received(
            chunk, TOO_LARGE if self._intake.too_large else reply(250, text)
        )

    def _ended(self) -> ContentEnded:
        session, intake = self.session, self._intake
        intake.end()
        given = reply(250, "2.6.0 OK")
        if intake.too_large:
            given = TOO_LARGE
        elif intake.bare and not self.service.bare_ends:
            given = _BARE
        return ContentEnded(
            reply=given,
            sender=session.mail.sender if session.mail else "",
            recipients=tuple([rcpt.recipient for rcpt in session.recipients]),
            size=intake.size,
            bare=intake.bare,
            verdicts=session.wants_verdicts,
        )
