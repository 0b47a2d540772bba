"""What a server knows of a client, and what it answers by that knowledge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eximkit.smtp import parameters
from eximkit.smtp.commands import Ehlo, Helo, Mail, Rcpt, Rset, StartTls
from eximkit.smtp.replies import Reply, reply
from eximkit.smtp.states import CLOSING, NO_MAIL, State, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from eximkit.smtp.commands import Auth, Command
    from eximkit.smtp.service import Service

TOO_LARGE = reply(552, "5.3.4 Message too large")

ANSWERS: dict[Step, Reply] = {
    Step.MAIL: reply(250, "2.1.0 OK"),
    Step.RCPT: reply(250, "2.1.5 Accepted"),
    Step.DATA: reply(354, "Enter message, ending with a line that has only a dot"),
    Step.RSET: reply(250, "2.0.0 Reset OK"),
    Step.NOOP: reply(250, "2.0.0 OK"),
    Step.VRFY: reply(252, "2.5.2 Not verified; mail will be tried"),
    Step.HELP: reply(214, "2.0.0 RFC 5321 and what EHLO lists"),
    Step.STARTTLS: reply(220, "2.0.0 TLS go ahead"),
}
"""Positive replies that are the same for everybody."""
_TRANSACTION = frozenset({State.MAIL, State.RCPT, State.CHUNKS, State.BROKEN})


@dataclass(slots=True)
class Use:
    """What was made use of on a connection; a log line tells of it.

    early: input came before the banner or, under TLS, behind EHLO. chunked: of the last
    message.
    """

    pipelining_offered: bool = False
    pipelined: bool = False
    early_offered: bool = False
    early: bool = False
    chunked: bool = False


@dataclass(slots=True)
class Session:
    """A client, as far as it has said who it is and what it wants.

    hello: its last greeting. account: whom it has proved to be. mail, recipients: of
    the transaction, accepted ones only.
    """

    service: Service
    secure: bool
    hello: Ehlo | Helo | None = None
    account: str = ""
    mail: Mail | None = None
    recipients: list[Rcpt] = field(default_factory=list)
    use: Use = field(default_factory=Use)
    messages: int = 0
    tried: int = 0
    unknown: int = 0
    errors: int = 0
    idle: int = 0
    extended: bool = False
    """The client greeted with EHLO."""
    pipelines: bool = False
    """The client may send groups of commands."""

    @property
    def wants_verdicts(self) -> bool:
        """PRDR was asked for, and there are verdicts to tell apart."""
        asked = self.mail is not None and "PRDR" in self.mail.parameters
        return asked and len(self.recipients) > 1

    def reset(self) -> None:
        """There is no transaction."""
        self.mail = None
        self.recipients = []

    def forget(self) -> None:
        """What was said in clear does not count under TLS (RFC 3207 4.2)."""
        self.secure = True
        self.hello = None
        self.extended = self.pipelines = False
        self.account = ""
        self.reset()

    def accepted(self, command: Command) -> None:
        """What follows of a command that was answered positively."""
        if type(command) is Rcpt:
            self.recipients.append(command)
        elif type(command) is Mail:
            self.mail = command
            self.tried = 0
            self.use.chunked = False
        elif isinstance(command, Ehlo | Helo):
            self.hello = command
            self.extended = isinstance(command, Ehlo)
            self.pipelines = self.extended and self.service.pipelining
            self.reset()
            self.use.pipelining_offered = self.pipelines
            self.use.early_offered = self.extended and self.service.takes_early
        elif isinstance(command, Rset):
            self.reset()

    def message_ended(self) -> None:
        self.messages += 1
        self.idle = 0
        self.reset()

    def idled(self, state: State, step: Step) -> bool:
        """Whether this is one command too many that brings no mail nearer."""
        if step in NO_MAIL and not (step is Step.RSET and state in _TRANSACTION):
            self.idle += 1
        return self.idle > self.service.most_idle


def answer(session: Session, command: Command) -> Reply:
    """The positive reply to a command."""
    given = ANSWERS.get(command.step)
    if given is not None:
        return given
    service = session.service
    match command:
        case Ehlo(client):
            return service.hello(client, session.secure)
        case Helo(client):
            return reply(250, f"{service.name} Hello {client}")
        case _:
            return service.farewell


def disorder(session: Session, state: State, step: Step) -> Reply:
    """The reply to a command that is out of order."""
    if state is State.GREETED:
        return reply(503, "5.5.1 EHLO or HELO first")
    if state is State.MAIL and step is not Step.MAIL and session.mail is not None:
        return reply(503, "5.5.1 No valid recipients")
    return reply(503, "5.5.1 Out of order")


def fault(session: Session, command: Command) -> Reply | None:
    """What speaks against a command that is in order; 421 ends the connection."""
    looked_at = _FAULTS.get(type(command))
    return looked_at(session, command) if looked_at is not None else None


def auth_fault(session: Session, command: Auth) -> Reply | None:
    """What speaks against an AUTH that is in order."""
    service, name = session.service, command.mechanism
    if session.account:
        return reply(503, "5.5.1 Authenticated already")
    if name in service.offered_mechanisms(session.secure):
        return None
    if name in service.mechanisms:
        return reply(538, "5.7.11 TLS first")
    return reply(504, "5.5.4 Mechanism not offered")


def _offered(session: Session) -> Mapping[str, object]:
    if not session.extended:
        return {}
    return session.service.offer(session.secure).keywords


def _mail_fault(session: Session, command: Mail) -> Reply | None:
    service = session.service
    if session.messages >= service.most_messages:
        return reply(CLOSING, "4.7.0 Too many messages on one connection")
    if command.parameters:
        name = parameters.not_offered(command.parameters, Step.MAIL, _offered(session))
        if name:
            return reply(555, f"5.5.4 {name} is not offered")
        if 0 < service.size < int(command.parameters.get("SIZE") or 0):
            return TOO_LARGE
    return None


def _rcpt_fault(session: Session, command: Rcpt) -> Reply | None:
    session.tried += 1
    most = session.service.most_recipients
    if session.tried > 10 * most:
        return reply(CLOSING, "4.5.3 Too many recipients")
    if command.parameters:
        name = parameters.not_offered(command.parameters, Step.RCPT, _offered(session))
        if name:
            return reply(555, f"5.5.4 {name} is not offered")
    of_mail: Container[str] = session.mail.parameters if session.mail else ()
    if not command.recipient.isascii() and "SMTPUTF8" not in of_mail:
        return reply(553, "5.6.7 MAIL was without SMTPUTF8")
    if len(session.recipients) >= most:
        return reply(452, "4.5.3 Too many recipients")
    return None


def _starttls_fault(session: Session, command: StartTls) -> Reply | None:  # noqa: ARG001
    if session.service.starttls and not session.secure:
        return None
    return reply(503, "5.5.1 STARTTLS is not offered")


_FAULTS: dict[type[Command], Callable[[Session, Any], Reply | None]] = {
    Mail: _mail_fault,
    Rcpt: _rcpt_fault,
    StartTls: _starttls_fault,
}
