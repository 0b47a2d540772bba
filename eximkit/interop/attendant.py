"""What a client of the reference server is answered, and what becomes of its mail.

One `Attendant` for each connection. It knows neither sockets nor TLS: events of
`smtp.Server` go in, octets of replies come out, and what matters is logged.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit.errors import RemoteProtocolError
from eximkit.interop import mainlog
from eximkit.interop.message_ids import message_id
from eximkit.interop.spool import NOTHING, Draft, Envelope, NotKept
from eximkit.smtp import commands
from eximkit.smtp.commands import Bdat, Ehlo, Helo, Mail, Quit, Rcpt
from eximkit.smtp.events import (
    Authenticating,
    ContentEnded,
    Opened,
    Received,
    Refused,
)
from eximkit.smtp.replies import reply
from eximkit.smtp.server import OUT_OF_SYNC
from eximkit.smtp.states import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.interop.acl_options import Verdict
    from eximkit.interop.mainlog import MainLog, Peer, Tls
    from eximkit.interop.offering import Policy
    from eximkit.interop.service_options import Client
    from eximkit.interop.spool import Spool
    from eximkit.smtp import Server
    from eximkit.smtp.commands import Command
    from eximkit.smtp.events import Challenge
    from eximkit.smtp.replies import Reply

    Answered = Opened | Received | Authenticating | Refused | Challenge | ContentEnded

ROUTER = "reference"
"""For R= of deliveries: there are no routers here."""
_LOGGED_VERBS = (b"MAIL", b"RCPT", b"AUTH")
_ACCEPTED = reply(250, "2.1.5 Accepted")
_WELCOME = reply(235, "2.7.0 Authentication succeeded")


class Counts:
    """What a server has done so far."""

    __slots__ = ("connections", "early", "messages", "octets", "turned_away")

    def __init__(self) -> None:
        self.connections = 0
        self.early = 0
        self.messages = 0
        self.octets = 0
        self.turned_away = 0


class Attendant:
    """Answers one client. quit: it has said goodbye, and nothing behind that.

    flush: writes what has been answered so far; called before what takes long.
    """

    __slots__ = (
        "_account",
        "_client",
        "_counts",
        "_draft",
        "_failure",
        "_flush",
        "_identity",
        "_judge",
        "_log",
        "_policy",
        "_server",
        "_spool",
        "_tfo",
        "quit",
        "tls",
    )

    def __init__(
        self,
        server: Server,
        client: Client,
        policy: Policy,
        spool: Spool,
        counts: Counts,
        log: MainLog | None,
        tfo: str,
        flush: Callable[[], None],
    ) -> None:
        self._server = server
        self._client = client
        self._policy = policy
        self._judge = policy.judge(client)
        self._spool = spool
        self._counts = counts
        self._log = log
        self._tfo = tfo
        self._flush = flush
        self._draft: Draft | None = None
        self._failure: Reply | None = None
        self._identity = ""
        self._account = ("", "")
        self.tls: Tls | None = None
        self.quit = False

    def answer(self, event: Answered) -> bytes:
        """The reply to an event, as octets."""
        kind = type(event)
        server = self._server
        if kind is Received:
            octets = self._received(event)  # type: ignore[arg-type]
        elif kind is ContentEnded:
            return self._message(event)  # type: ignore[arg-type]
        else:
            octets = self._other(event)
        begun = self._draft is not None or self._failure is not None
        if begun and server.session.mail is None:
            self._drop()
        return octets

    def content(self, octets: bytes) -> None:
        """More of the message that is on its way."""
        if self._failure is not None:
            return
        try:
            draft = self._draft or self._begin()
            draft.write(octets)
        except NotKept as error:
            self._draft = None
            self._failure = error.reply

    def over(self) -> None:
        """The connection is no more; what was not complete is dropped."""
        self._drop()
        # It leads back to here, and would have to be found by the garbage collector.
        self._flush = _nothing

    def peer(self) -> Peer:
        """The client, as log lines name it."""
        client, hello = self._client, self._server.session.hello
        return mainlog.Peer(
            client.address,
            client.port,
            client.name,
            hello.name if hello is not None else "",
            client.local,
            client.local_port,
        )

    def _received(self, event: Received) -> bytes:
        given, command = event.reply, event.command
        kind = type(command)
        if kind is Bdat:
            if self._failure is not None and not given.refused:
                given = self._failure
        elif kind is Quit:
            self.quit = not self._server.buffered
        elif self._judge is not None and not given.refused:
            verdict = self._judge.command(command, self._server.session, self._account)
            if verdict is not None:
                if self._log is not None:
                    self._log_verdict(command, verdict, self._log)
                return self._server.send(verdict.reply, close=verdict.close)
        return self._server.send(given)

    def _log_verdict(self, command: Command, verdict: Verdict, log: MainLog) -> None:
        peer, mail = self.peer(), self._server.session.mail
        sender = None
        match command:
            case Ehlo(name) | Helo(name):
                what, peer = f"EHLO or HELO {name}", replace(peer, helo=name)
            case Rcpt(recipient):
                what = f"RCPT <{recipient}>"
                sender = mail.sender if mail is not None else ""
            case Mail(sender_):
                what = f"MAIL <{sender_}>"
            case _:
                what = command.step.value
        log.rejected(
            what, peer, verdict.log, sender=sender, tls=self.tls,
            temporarily=not verdict.reply.permanent,
        )  # fmt: skip

    def _other(self, event: Answered) -> bytes:
        given = event.reply
        match event:
            case Opened():
                turned_away = self._policy.refusal(self._client)
                if turned_away is not None:
                    if self._log is not None:
                        self._log.refused(self.peer(), "host_reject_connection")
                    return self._server.send(turned_away, close=True)
                verdict = self._judge.connection() if self._judge is not None else None
                if verdict is not None:
                    if self._log is not None:
                        self._log.rejected(
                            'connection in "connect" ACL', self.peer(), verdict.log,
                            temporarily=not verdict.reply.permanent,
                        )  # fmt: skip
                    return self._server.send(verdict.reply, close=True)
            case Authenticating(proof):
                by = self._policy.authenticator(proof.mechanism)
                who = self._policy.authenticated(proof, self._client)
                if who is not None:
                    given = _WELCOME
                    self._account = (by, who)
                elif self._log is not None:
                    self._log.authentication_failed(
                        by, self.peer(), str(given), proof.name
                    )
            case Refused() if self._log is not None:
                self._refused(event, self._log)
        return self._server.send(given)

    def _refused(self, event: Refused, log: MainLog) -> None:
        server, given = self._server, event.reply
        if given is OUT_OF_SYNC:
            if server.state is State.CONNECTED:
                log.sync_error(self.peer(), event.line)
            else:
                log.sync_error(
                    self.peer(),
                    server.ahead,
                    command=event.line,
                    advertised=server.session.pipelines,
                )
        elif event.fatal:
            log.dropped(self.peer(), given.text, event.line)
        elif event.line[:4].upper() in _LOGGED_VERBS:
            log.rejected(
                _named(event.line),
                self.peer(),
                given.text,
                tls=self.tls,
                temporarily=not given.permanent,
            )

    def _begin(self) -> Draft:
        self._identity = message_id()
        envelope = self._envelope() if self._spool.keeps else NOTHING
        self._draft = self._spool.begin(envelope)
        return self._draft

    def _envelope(self) -> Envelope:
        session = self._server.session
        hello = session.hello.name if session.hello is not None else ""
        return Envelope(
            self._identity,
            session.mail.sender if session.mail else "",
            tuple(rcpt.recipient for rcpt in session.recipients),
            session.service.name,
            f"{hello} ([{self._client.address}])",
            self._protocol(),
        )

    def _protocol(self) -> str:
        session = self._server.session
        mail = session.mail
        return mainlog.protocol(
            session.extended,
            session.secure,
            bool(session.account),
            mail is not None and "SMTPUTF8" in mail.parameters,
        )

    def _message(self, event: ContentEnded) -> bytes:
        """A message is complete: it is kept, or the client learns that it is not."""
        given = event.reply
        failure, self._failure = self._failure, None
        if given.refused or failure is not None:
            given = given if given.refused else failure or given
        else:
            try:
                draft = self._draft or self._begin()
                if self._spool.slow:
                    self._flush()
                draft.keep()
                self._draft = None
                given = reply(250, f"2.6.0 OK id={self._identity}")
            except NotKept as error:
                self._draft = None
                given = error.reply
        self._drop()
        if given.positive:
            counts = self._counts
            counts.messages += 1
            counts.octets += event.size
            counts.early += self._server.session.use.early
            if self._log is not None:
                self._kept(event, self._log)
        elif self._log is not None:
            self._log.rejected(
                "after DATA",
                self.peer(),
                given.text,
                message_id=self._identity,
                sender=event.sender,
                tls=self.tls,
                temporarily=not given.permanent,
            )
        if event.verdicts:
            return self._server.send_verdicts(
                [_ACCEPTED if given.positive else given] * len(event.recipients), given
            )
        return self._server.send(given)

    def _kept(self, event: ContentEnded, log: MainLog) -> None:
        session, peer = self._server.session, self.peer()
        log.arrival(
            self._identity,
            event.sender,
            peer,
            size=event.size,
            protocol=self._protocol(),
            form=mainlog.inbound_form(session.use),
            tls=self.tls,
            tfo=self._tfo if session.messages == 0 else "",
            authenticated=self._account if session.account else ("", ""),
            prdr=event.verdicts,
            chunked=session.use.chunked,
        )
        log.completed(self._identity)

    def _drop(self) -> None:
        if self._draft is not None:
            self._draft.drop()
            self._draft = None
        self._failure = None


def _nothing() -> None:
    """Nobody is there to be written to."""


def _named(line: bytes) -> str:
    """A command as Exim names it where it logs that it was rejected."""
    try:
        command = commands.parse(line)
    except RemoteProtocolError:
        return line.decode("utf-8", "surrogateescape")
    if isinstance(command, Mail):
        return f"MAIL <{command.sender}>"
    if isinstance(command, Rcpt):
        return f"RCPT <{command.recipient}>"
    return command.step.value


def challenge(name: str) -> Callable[[], bytes]:
    """Makes challenges for CRAM-MD5, none of them twice (RFC 2195 2)."""

    def made() -> bytes:
        return f"<{secrets.randbits(64)}.{int(time.time())}@{name}>".encode()

    return made
