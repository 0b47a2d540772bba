"""A client and a server joined in memory, and servers that follow a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from eximkit.smtp import Delivery, Sender, Server, Service
from eximkit.smtp.auth import Account
from eximkit.smtp.early import Record, Tls, Wish
from eximkit.smtp.ehlo import Offer
from eximkit.smtp.events import (
    Authenticating,
    Content,
    ContentEnded,
    Received,
    Refused,
    ServerEvent,
)
from eximkit.smtp.message import Message, Outcome
from eximkit.smtp.replies import Reply, reply
from eximkit.smtp.route import Route

NOW = 1_800_000_000
ACCOUNT = Account("ann", "s3cret")
CONTENT = b"Subject: x\r\n\r\n.one\r\n..two\r\n.\r\n\r\nend\r\n"
Pieces = Callable[[bytes], Iterator[bytes]]


def whole(octets: bytes) -> Iterator[bytes]:
    yield octets


def single(octets: bytes) -> Iterator[bytes]:
    for at in range(len(octets)):
        yield octets[at : at + 1]


def halves(at: int) -> Pieces:
    return lambda octets: iter((octets[:at], octets[at:]))


def message(
    *recipients: str, content: bytes = CONTENT, sender: str = "s@a.example"
) -> Message:
    return Message(sender, recipients or ("r@b.example",), content)


def challenge() -> bytes:
    return b"<1.2@mx.example>"


@dataclass
class Mailbox:
    """What a server has taken responsibility for."""

    messages: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    refuse: dict[str, Reply] = field(default_factory=dict)
    """Recipients that are refused, and how."""
    verdicts: dict[str, Reply] = field(default_factory=dict)
    """Recipients that are refused when the message has been seen."""
    final: Reply | None = None
    commands: list[object] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)
    account: Account = ACCOUNT

    def answer(self, server: Server, event: ServerEvent) -> bytes:
        match event:
            case Content(octets):
                self.content += octets
                return b""
            case ContentEnded():
                return self.ended(server, event)
            case Authenticating(proof) if proof.shows(self.account.password):
                return server.send(reply(235, "2.7.0 Welcome"))
            case Received(command):
                self.commands.append(command)
                recipient = getattr(command, "recipient", "")
                return server.send(self.refuse.get(recipient, event.reply))
            case Refused():
                self.refusals.append(event)
        return server.send(event.reply)

    def ended(self, server: Server, event: ContentEnded) -> bytes:
        content, self.content = bytes(self.content), bytearray()
        answer = self.final or event.reply
        got = tuple(r for r in event.recipients if r not in self.verdicts)
        if answer.positive and got:
            self.messages.append((event.sender, got, content))
        if event.verdicts:
            each = [self.verdicts.get(r, reply(250, "OK")) for r in event.recipients]
            return server.send_verdicts(each, answer)
        return server.send(answer)


@dataclass
class Link:
    """A connection. trips: how often the direction of talk changed."""

    sender: Sender
    server: Server
    box: Mailbox
    pieces: Pieces = whole
    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)
    flights: list[bytes] = field(default_factory=list)
    handshakes: int = 0

    def serve(self, octets: bytes) -> bytes:
        out = bytearray()
        for piece in self.pieces(octets) if octets else (b"",):
            for event in self.server.feed(piece):
                out += self.box.answer(self.server, event)
        return bytes(out)

    def run(self) -> None:
        sender, server = self.sender, self.server
        for _ in range(2000):
            octets = sender.output()
            self.up += octets
            if octets:
                self.flights.append(octets)
            answer = self.serve(octets)
            self.down += answer
            for piece in self.pieces(answer):
                sender.feed(piece)
            if sender.finished:
                return
            if sender.handshaking:
                assert server.handshaking
                assert sender.output() == b""
                self.handshakes += 1
                server.secured()
                sender.secured()
                continue
            if not octets and not answer:
                assert server.closed, "both wait"
                sender.lost("closed")
                return
        raise AssertionError("no end")


def deliver(
    delivery: Delivery,
    servers: Sequence[Server],
    box: Mailbox,
    pieces: Pieces = whole,
) -> list[Link]:
    """Drive a delivery over as many connections as it wants, a server for each."""
    links = []
    for server in servers:
        link = Link(delivery.sender, server, box, pieces)
        link.run()
        links.append(link)
        if not delivery.redial():
            return links
    raise AssertionError("one connection more than there are servers")


def server(service: Service, tls: Tls = Tls.NONE) -> Server:
    return Server(service, secure=tls is Tls.ON_CONNECT, challenge=challenge)


def learn(service: Service, tls: Tls = Tls.NONE) -> Record:
    """The record that a first contact leaves."""
    delivery = Delivery(Route("c.example", tls), Wish(tls=tls), [message()], None, NOW)
    deliver(delivery, [server(service, tls)], Mailbox())
    assert delivery.memory.record is not None
    return delivery.memory.record


def fates(delivery: Delivery) -> list[str]:
    return [o.fate.value for outcomes in delivery.outcomes() for o in outcomes]


@dataclass
class Script:
    """A server that says what it is told to, whatever it hears.

    answers: for each flight of the client, what is sent back; None closes.
    """

    answers: list[bytes | None]
    heard: list[bytes] = field(default_factory=list)

    def run(self, sender: Sender) -> None:
        answers = iter(self.answers)
        while not sender.finished:
            self.heard.append(sender.output())
            answer = next(answers, None)
            if answer is None:
                sender.lost("closed by the server")
                return
            sender.feed(answer)


def offer(*keywords: str) -> Offer:
    words = [keyword.split() for keyword in keywords]
    return Offer({first: tuple(rest) for first, *rest in words})


def outcome(delivery: Delivery) -> Outcome:
    ((only,),) = delivery.outcomes()
    return only
