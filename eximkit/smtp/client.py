"""The client's side of a connection: commands out, the replies to each of them in.

    client = Client()
    for event in client.feed(octets_read):
        write(client.send(commands.Ehlo("client.example")))

No sockets, no clock. What is sent is checked against the table of `states.py` as if all
that is outstanding succeeded, and against what may be sent without waiting: nothing,
unless the server offers PIPELINING (RFC 2920) or offered early pipelining before.
`sender.py` makes deliveries of it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp import commands, data, ehlo
from eximkit.smtp.commands import Bdat, Command
from eximkit.smtp.events import Replied
from eximkit.smtp.replies import Reply, ReplyReader
from eximkit.smtp.states import (
    CLOSING,
    GROUP_LAST,
    Kind,
    State,
    Step,
    after,
    hoped,
    in_order,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.smtp.ehlo import Offer

_BARRIERS = frozenset({Step.STARTTLS, Step.AUTH, Step.RESPONSE, Step.QUIT})
"""Nothing is ever sent behind these: what follows depends on the answer."""
_CONTENT_ENDS = frozenset({Step.CONTENT, Step.BDAT_LAST, Step.FINAL})
_ROWS = {
    Step.RCPT: State.MAIL,
    Step.DATA: State.RCPT,
    Step.CONTENT: State.CONTENT,
    Step.BDAT: State.CHUNKS,
    Step.BDAT_LAST: State.CHUNKS,
}
"""By whose row a reply is judged when what the step was sent in hope of has failed."""


class Client:
    """One connection, from its banner to its end.

    early: what the server offered before, to be sent upon without waiting; None to
    wait. The connection may not even be there yet when `send` is called.
    """

    def __init__(self, early: Offer | None = None) -> None:
        self.state = State.CONNECTED
        self.offer: Offer | None = None
        """What the response to EHLO offers; None before it and after HELO."""
        self._early = early
        self._hoped = State.CONNECTED
        self._outstanding: deque[tuple[Step, Command | None]] = deque(
            [(Step.BANNER, None)]
        )
        self._replies = ReplyReader()
        self._recipients = 0
        self.sent_early = False
        """Whether a command left before the banner had come."""

    @property
    def outstanding(self) -> tuple[Step, ...]:
        """Steps that wait for their replies, in order."""
        return tuple(step for step, _ in self._outstanding)

    @property
    def in_doubt(self) -> bool:
        """A whole message has been sent and its fate is not known yet."""
        return any(step in _CONTENT_ENDS for step, _ in self._outstanding)

    @property
    def talked_to(self) -> bool:
        """The server has said something that nothing was asked for, or begun to.

        Send nothing then: what it is comes from `feed`, 421 or an error.
        """
        return not self._outstanding and len(self._replies) > 0

    def may_send(self, step: Step) -> bool:
        """Whether this is in order now and need not wait for a reply."""
        if self.talked_to or not in_order(self._assumed, step):
            return False
        if not self._outstanding:
            return True
        last = self._outstanding[-1][0]
        if last in _BARRIERS:
            return False
        if last is Step.BANNER:
            return self._early is not None and step is Step.EHLO
        early = self.offer is None and self._early is not None
        pipelines = self._pipelines(self._early if early else self.offer)
        if last is Step.EHLO:
            return early and (pipelines or step in _BARRIERS)
        return pipelines and last not in GROUP_LAST

    @staticmethod
    def _pipelines(offer: Offer | None) -> bool:
        return offer is not None and offer.pipelining

    @property
    def _assumed(self) -> State:
        """The state that the replies will lead to if all goes well."""
        if self._hoped is State.CONNECTED and self._early is not None:
            # The banner is taken for granted: that is what early means.
            return State.GREETED
        return self._hoped

    def send(self, command: Command, as_is: bool = False) -> bytes:
        """The octets of a command. as_is: see `commands.encode`.

        Raises LocalProtocolError for what is out of order or has to wait. The octets of
        a chunk follow through `chunk`.
        """
        if isinstance(command, Bdat):
            raise LocalProtocolError("a chunk is sent by Client.chunk")
        octets = commands.encode(command, as_is)
        self._expect(command.step, command)
        return octets

    def _expect(self, step: Step, command: Command | None = None) -> None:
        if not self.may_send(step):
            raise LocalProtocolError(
                f"{step.value} cannot be sent now ({self._hoped.value})"
            )
        if self._outstanding and self._outstanding[0][0] is Step.BANNER:
            self.sent_early = True
        self._hoped = hoped(self._assumed, step)
        self._outstanding.append((step, command))

    def content(self, message: bytes) -> bytes:
        """A whole message behind a 354, and its end. Lines of it end in CRLF."""
        octets = data.stuffed(message)
        self._expect(Step.CONTENT)
        return octets

    def nothing(self) -> bytes:
        """The lone dot that ends a message which nobody is to get (RFC 2920 3.1)."""
        return self.content(b"")

    def chunk(self, octets: bytes, last: bool) -> bytes:
        """A BDAT command with its octets. last: the message ends with it."""
        command = Bdat(len(octets), last)
        line = commands.encode(command)
        self._expect(command.step, command)
        return line + octets

    def respond(self, line: str) -> bytes:
        """A line of an AUTH exchange, in base64, or `*` to end it."""
        octets = line.encode("ascii")
        if b"\r" in octets or b"\n" in octets:
            raise LocalProtocolError("a line end in a line of AUTH")
        self._expect(Step.RESPONSE)
        return octets + b"\r\n"

    def secured(self, early: Offer | None = None) -> None:
        """The TLS handshake is done; what was known before it is void (RFC 3207 4.2).

        early: what the server offered under TLS before. On a connection that begins
        with TLS, call this not at all: `early` is given to the constructor.
        """
        if self.state is not State.SECURING:
            raise LocalProtocolError("TLS without STARTTLS")
        self.state = self._hoped = State.GREETED
        self.offer = None
        self._early = early

    def feed(self, octets: bytes) -> Iterator[Replied]:
        """Replies, each with what it answers. Send in between as you like.

        Raises RemoteProtocolError for what is no reply, for a reply that cannot be, and
        for octets that nothing was asked for: answers given in advance would be taken
        for those of later commands. The connection is of no use after that.
        """
        if self.state is not State.CLOSED:
            self._replies.add(octets)
        return self._events()

    def _events(self) -> Iterator[Replied]:
        while self.state is not State.CLOSED:
            if self.state is State.SECURING:
                self._no_octets("behind the reply to STARTTLS")
                return
            if self.talked_to:
                yield from self._unasked()
                return
            answer = self._replies.next()
            if answer is None:
                return
            yield self._matched(answer)

    def _no_octets(self, where: str) -> None:
        dropped = self._replies.clear()
        if dropped:
            raise RemoteProtocolError(f"{dropped} octets in clear {where}")

    def _unasked(self) -> Iterator[Replied]:
        """421 may come at any time (RFC 5321 3.8); nothing else comes unasked."""
        if not self._replies.may_be_closing:
            raise RemoteProtocolError("a reply that nothing was asked for")
        answer = self._replies.next()
        if answer is not None:
            self._closed()
            yield Replied(Step.QUIT, answer, unasked=True)

    def _matched(self, answer: Reply) -> Replied:
        step, command = self._outstanding.popleft()
        state = after(self._row(step), step, answer.code)
        if state is None:
            raise RemoteProtocolError(f"{answer} is no reply to {step.value}")
        if answer.code == CLOSING:
            self._closed()
            return Replied(step, answer, command)
        self._move(step, answer, state)
        if step is Step.EHLO and answer.positive:
            self.offer = ehlo.parse(answer)
        elif step is Step.HELO and answer.positive:
            self.offer = None
            self._early = None
        return Replied(step, answer, command)

    def _row(self, step: Step) -> State:
        if in_order(self.state, step):
            return self.state
        return _ROWS.get(step, State.READY)

    def _move(self, step: Step, answer: Reply, state: State) -> None:
        if not answer.refused or in_order(self.state, step):
            self.state = state
        if step is Step.MAIL:
            self._recipients = 0
        elif step is Step.RCPT and answer.positive:
            self._recipients += 1
        elif step in (Step.CONTENT, Step.BDAT_LAST) and answer.kind is Kind.MORE:
            self._await_verdicts(answer)
        if not self._outstanding:
            self._hoped = self.state

    def _await_verdicts(self, answer: Reply) -> None:
        if answer.code != 353:
            raise RemoteProtocolError(f"{answer} is no reply to a message")
        verdicts: list[tuple[Step, Command | None]] = [
            (Step.VERDICT, None)
        ] * self._recipients
        self._outstanding.extendleft([(Step.FINAL, None), *verdicts])

    def _closed(self) -> None:
        self.state = self._hoped = State.CLOSED
        self._outstanding.clear()
        self._replies.clear()
