"""The server's side of a connection: octets in, events out, a reply to each of them.

    server = Server(Service(name="mx.example"))
    for event in server.feed(octets_read):        # b"" at first, for the banner
        if not isinstance(event, Content):
            write(server.send(decided(event)))

One event at a time: the next is there when the one before it is answered, since what a
command means hangs on the replies before it. So a reply to each step, in order, is not
a matter of care. Each event brings the reply that suits if nothing speaks against it.
What `send` gives may be collected, and must be written before anything is waited for.

No sockets, no clock. Limits are those of `service.py`; memory is bounded by them and by
what is fed at once. Nothing here raises for what a client does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp import auth, commands, replies
from eximkit.smtp.commands import Auth, Bdat, Data, StartTls
from eximkit.smtp.data import DotReader
from eximkit.smtp.events import (
    Authenticating,
    Challenge,
    Content,
    ContentEnded,
    Opened,
    Received,
    Refused,
    ServerEvent,
)
from eximkit.smtp.intake import Intake
from eximkit.smtp.lines import TooLong
from eximkit.smtp.receiving import Receiving, told
from eximkit.smtp.replies import Reply, reply
from eximkit.smtp.session import ANSWERS, answer, auth_fault, disorder, fault
from eximkit.smtp.states import (
    CLOSING,
    GROUP_LAST,
    NO_MAIL,
    TRANSITIONS,
    State,
    Step,
    after,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eximkit.smtp.commands import Command
    from eximkit.smtp.service import Service

# Looked at with every command: by a name of this module in a third of the time.
_CONNECTED, _CLOSED, _SECURING = State.CONNECTED, State.CLOSED, State.SECURING
_EHLO, _STARTTLS, _DATA, _QUIT = Step.EHLO, Step.STARTTLS, Step.DATA, Step.QUIT
TLS_RECORD = b"\x16\x03"
"""How a ClientHello begins (RFC 8446 5.1). No text that is SMTP holds these octets."""

OUT_OF_SYNC = reply(554, "5.5.0 SMTP synchronization error: wait for the reply")
"""Input was there that should have waited: this very reply, in no other case."""
_TOO_LONG = reply(500, "5.5.2 Line too long")
_BARE_LF = reply(500, "5.5.2 Lines end in CRLF, not in LF")
_TLS_HERE = reply(554, "5.5.0 TLS without STARTTLS and its reply")


class Server(Receiving):
    """One connection, from its banner to its end.

    secure: the connection began with TLS. challenge: makes a challenge for CRAM-MD5,
    another one each time, in the form of a message id (RFC 2195 2).
    """

    def __init__(
        self,
        service: Service,
        secure: bool = False,
        challenge: Callable[[], bytes] | None = None,
    ) -> None:
        super().__init__(service, secure)
        self.dropped = 0
        """Octets of plaintext behind STARTTLS that were not acted on."""
        self._challenge = challenge
        self._due: ServerEvent | None = None
        self._exchange: auth.ServerSide | None = None

    @property
    def closed(self) -> bool:
        """Nothing more will be said: write what there is, read and drop the rest."""
        return self.state is State.CLOSED

    @property
    def handshaking(self) -> bool:
        """STARTTLS was accepted: write that, then the TLS handshake, then `secured`."""
        return self.state is State.SECURING

    @property
    def receiving(self) -> bool:
        """Within a message, or a part of one."""
        return self._reader is not None

    @property
    def waiting(self) -> ServerEvent | None:
        """The event that is to be answered next. Read no more until then."""
        return self._due

    @property
    def buffered(self) -> int:
        """Octets that were fed and are not used yet."""
        return len(self._buffer)

    @property
    def ahead(self) -> bytes:
        """The first of those octets."""
        return self._buffer.peek(80)

    def feed(self, octets: bytes) -> Iterator[ServerEvent]:
        """Octets as read, and the events that they complete."""
        if octets and self.state is not _CLOSED:
            if self.state is _SECURING:
                raise LocalProtocolError("these octets belong to the TLS handshake")
            self._buffer.add(octets)
        return self.events()

    def events(self) -> Iterator[ServerEvent]:
        """Events that need no further octets. The first of a connection is Opened."""
        while self._due is None and (event := self._next()) is not None:
            if type(event) is not Content:
                self._due = event
            yield event

    def send(self, given: Reply, close: bool = False) -> bytes:
        """The reply to the event that is due, as octets. close: and end with it.

        Raises LocalProtocolError for a reply that the event cannot have.
        """
        event = self._due
        if event is None:
            raise LocalProtocolError("no reply is due")
        if type(event) is Opened and self._talks_early():
            # It began to talk while the banner was being thought about.
            given, close = OUT_OF_SYNC, True
        octets = replies.encode(given)
        if type(event) is Refused:
            close = close or event.fatal
        else:
            state = after(self.state, self._step, given.code)
            # What has not been kept whole is not to be accepted.
            spoilt = self._intake.too_large and self._ends_some(event)
            if state is None or (given.code < 400 and spoilt):
                raise LocalProtocolError(f"{given} cannot answer {self._step.value}")
            self.state = state
            if type(event) is Received:
                self._did(event.command, given)
            else:
                self._moved(event, given)
        self._due = None
        if close or given.code == CLOSING:
            self.state = _CLOSED
        if self.state is _CLOSED:
            self._buffer.clear()
        return octets

    def send_verdicts(self, verdicts: Sequence[Reply], final: Reply) -> bytes:
        """PRDR: an answer for each recipient of a message, in order, and for it all."""
        event = self._due
        if not isinstance(event, ContentEnded) or not event.verdicts:
            raise LocalProtocolError("no verdicts were asked for")
        if len(verdicts) != len(event.recipients):
            raise LocalProtocolError("a message needs a verdict for each recipient")
        announced = replies.encode(reply(353, "PRDR content analysis has started"))
        each = b"".join(map(replies.encode, verdicts))
        return announced + each + self.send(final)

    def secured(self) -> None:
        """The TLS handshake is done: what the client said is void (RFC 3207 4.2)."""
        if not self.handshaking:
            raise LocalProtocolError("TLS without STARTTLS")
        self.state = State.GREETED
        self.session.forget()

    def _talks_early(self) -> bool:
        """Input is there before the banner; at fault if that was not offered."""
        if not self._buffer.unused or not self.service.in_step:
            return False
        self.session.use.early = self._takes_early
        return not self._takes_early

    def _moved(self, event: ServerEvent, given: Reply) -> None:
        """What a reply brings about."""
        if isinstance(event, ContentEnded):
            self.session.message_ended()
        elif isinstance(event, Authenticating):
            if given.positive:
                self.session.account = event.proof.name
        elif isinstance(event, Challenge) and given.refused:
            self._exchange = None

    def _did(self, command: Command, given: Reply) -> None:
        if given.code >= 400:
            if type(command) is Data and self._buffer.unused:
                # The content came without waiting. It is no list of commands.
                self.state = _CLOSED
        elif type(command) is Data:
            self._intake = Intake(self.service.size)
            self._reader = DotReader()
        elif type(command) is StartTls:
            self.dropped += self._buffer.clear()
        else:
            self.session.accepted(command)

    def _next(self) -> ServerEvent | None:
        state = self.state
        if state is _CLOSED or state is _SECURING:
            return None
        if state is _CONNECTED:
            if self._talks_early():
                return Refused(self._buffer.take(80), OUT_OF_SYNC, fatal=True)
            self._step = Step.BANNER
            return Opened(self.service.welcome)
        if self._reader is not None:
            return self._content(self._reader)
        try:
            line = self._buffer.line()
        except TooLong:
            self._give_up_exchange()
            return self._error(b"", _TOO_LONG)
        if line is None:
            buffer = self._buffer
            return self._stuck() if buffer.unused or buffer.skipping else None
        if not line.endswith(b"\r\n"):
            return Refused(line, _BARE_LF, fatal=True)
        line = line[:-2]
        if self._exchange is not None:
            return self._response(line, self._exchange)
        return self._command(line)

    def _stuck(self) -> Refused | None:
        """The fault in a line that is not complete, if it need not be."""
        if self._buffer.startswith(TLS_RECORD):
            return Refused(TLS_RECORD, _TLS_HERE, fatal=True)
        if self._buffer.hopeless:
            return Refused(b"", _TOO_LONG, fatal=True)
        return None

    def _command(self, line: bytes) -> ServerEvent | None:
        try:
            command = commands.parse(line)
        except commands.Unknown as error:
            self.session.unknown += 1
            if self.session.unknown > self.service.most_unknown:
                text = "5.5.0 Too many unrecognized commands"
                return Refused(line, reply(500, text), fatal=True)
            return Refused(line, told(error))
        except RemoteProtocolError as error:
            if line[:4].upper() == b"BDAT":
                return self._bad_chunk(line, told(error))
            return self._error(line, told(error))
        if type(command) is Bdat:
            return self._begin_chunk(line, command)
        step = command.step
        if self._buffer.unused and self._out_of_sync(step):
            return Refused(line, OUT_OF_SYNC, fatal=True)
        if step in NO_MAIL and self.session.idled(self.state, step):
            text = "5.7.0 Too many commands that are not mail"
            return Refused(line, reply(554, text), fatal=True)
        if step is _DATA:
            self._before_data = False
        if step not in TRANSITIONS[self.state]:
            # Content that came without waiting must not be read as commands.
            fatal = step is _DATA and len(self._buffer) > 0
            return self._error(line, disorder(self.session, self.state, step), fatal)
        if type(command) is Auth:
            return self._auth(line, command)
        wrong = fault(self.session, command)
        if wrong is not None:
            return Refused(line, wrong, fatal=wrong.code == CLOSING)
        self._step = step
        given = ANSWERS.get(step)
        return Received(command, given or answer(self.session, command))

    def _out_of_sync(self, step: Step) -> bool:
        """Whether it is a fault that there is more input behind this command.

        Early pipelining lets everything pass up to the first DATA or BDAT.
        """
        session = self.session
        free = self._takes_early and self._before_data
        if step is _QUIT or not (self.service.in_step or step is _STARTTLS):
            return False
        if session.hello is not None and not session.pipelines:
            return True
        if step is _STARTTLS:
            # A ClientHello that did not wait for the 220 cannot be told for certain
            # from text in front of it. Its sender is told so, instead of waiting for
            # the answer to a hello that was dropped. Text is dropped if the command is
            # accepted, and answered if it is not.
            return not free or TLS_RECORD in self._buffer
        if step in GROUP_LAST:
            session.use.early |= free and session.secure and step is _EHLO
            return not free
        session.use.pipelined |= session.pipelines
        return False

    def _auth(self, line: bytes, command: Auth) -> ServerEvent:
        shown = b" ".join(line.split()[:2])
        wrong = auth_fault(self.session, command)
        if wrong is not None:
            return self._error(shown, wrong)
        name, challenge = command.mechanism, b""
        if name == "CRAM-MD5":
            if self._challenge is None:
                return Refused(shown, reply(454, "4.7.0 Not possible now"))
            challenge = self._challenge()
        self._exchange = auth.ServerSide(name, challenge)
        self._step = Step.AUTH
        return self._exchanged(shown, command.initial, self._exchange.begin)

    def _response(self, line: bytes, exchange: auth.ServerSide) -> ServerEvent:
        self._step = Step.RESPONSE
        text = line.decode("ascii", "replace")
        return self._exchanged(b"", text, exchange.answer)

    def _give_up_exchange(self) -> None:
        if self._exchange is not None:
            self._exchange = None
            self.state = State.READY

    def _exchanged(
        self, shown: bytes, text: str, answered: Callable[[str], bytes | auth.Proof]
    ) -> ServerEvent:
        try:
            result = answered(text)
        except RemoteProtocolError as error:
            self._give_up_exchange()
            return self._error(shown, told(error))
        if isinstance(result, auth.Proof):
            self._exchange = None
            return Authenticating(result, reply(535, "5.7.8 Authentication failed"))
        return Challenge(reply(334, auth.encode(result)))
