"""Settings of a route and of a service that a real configuration brings with it."""

from __future__ import annotations

import pytest

from eximkit.smtp.auth import Account, ClientSide, Proof, ServerSide, encode
from eximkit.smtp.delivery import Delivery
from eximkit.smtp.early import Tls, Wish
from eximkit.smtp.ehlo import Limits
from eximkit.smtp.message import Fate
from eximkit.smtp.route import Route
from eximkit.smtp.service import Service
from tests.smtp.wire import (
    NOW,
    Mailbox,
    Script,
    deliver,
    fates,
    learn,
    message,
    outcome,
    server,
)

EVERYTHING = Service(name="mx.example", starttls=True)


def test_a_client_that_only_says_helo() -> None:
    route = Route("c.example", Tls.STARTTLS, extended=False)
    delivery = Delivery(route, Wish(early=False), [message()], None, NOW)
    box = Mailbox()
    (link,) = deliver(delivery, [server(EVERYTHING)], box)
    assert link.up.startswith(b"HELO c.example\r\nMAIL FROM:<s@a.example>\r\n")
    assert len(box.messages) == 1
    assert fates(delivery) == ["delivered"]


@pytest.mark.parametrize(
    ("code", "clear", "delivered"),
    [(b"454", True, True), (b"454", False, False), (b"502", False, True)],
)
def test_what_a_refused_starttls_means(
    code: bytes, clear: bool, delivered: bool
) -> None:
    route = Route("c.example", Tls.STARTTLS, clear_after_tempfail=clear)
    delivery = Delivery(route, Wish(early=False), [message()], None, NOW)
    Script([
        b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", code + b" not now\r\n",
        b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 taken\r\n", b"221 bye\r\n",
    ]).run(delivery.sender)  # fmt: skip
    delivery.redial()
    assert (outcome(delivery).fate is Fate.DELIVERED) is delivered
    if not delivered:
        assert outcome(delivery).reason == "TLS may come later: 454 not now"


@pytest.mark.parametrize("early", [False, True])
def test_no_more_recipients_than_the_route_wants(early: bool) -> None:
    names = [f"r{number}@b.example" for number in range(7)]
    record = learn(EVERYTHING) if early else None
    route = Route("c.example", most_recipients=3)
    delivery = Delivery(route, Wish(early=early), [message(*names)], record, NOW)
    box = Mailbox()
    deliver(delivery, [server(EVERYTHING)], box)
    assert [len(recipients) for _, recipients, _ in box.messages] == [3, 3, 1]
    assert fates(delivery) == ["delivered"] * 7


@pytest.mark.parametrize(
    ("own", "offered", "limit"), [(0, 5, 5), (3, 5, 3), (9, 5, 5), (3, 0, 3), (0, 0, 0)]
)
def test_the_smaller_limit_counts(own: int, offered: int, limit: int) -> None:
    limits = Route("c.example", most_recipients=own).limits(Limits(1, offered, 2))
    assert limits == Limits(1, limit, 2)


# -- a service -------------------------------------------------------------------------


def test_a_banner_of_several_lines() -> None:
    talk = server(Service(banner=("mx.example hello", "to you")))
    (event,) = talk.feed(b"")
    said = talk.send(event.reply)  # type: ignore[union-attr]
    assert said == b"220-mx.example hello\r\n220 to you\r\n"
    assert Service(name="a", greeting="").opening == ("a",)


def test_responses_to_ehlo_are_kept_and_bounded() -> None:
    service = Service(name="mx.example", starttls=True)
    clear, secure = (service.hello("c.example", secure) for secure in (False, True))
    assert clear.lines[0] == secure.lines[0] == "mx.example Hello c.example"
    assert "STARTTLS" in clear.lines
    assert "STARTTLS" not in secure.lines
    assert service.hello("c.example", secure=False) is clear
    for number in range(5000):
        name = f"c{number}.example"
        assert service.hello(name, secure=False).lines[0].endswith(f" {name}")
    assert len(service._greeted) <= 256


def test_mechanisms_that_wait_for_tls() -> None:
    every = ("PLAIN", "LOGIN", "CRAM-MD5")
    service = Service(
        mechanisms=every, clear_passwords=True,
        tls_mechanisms=frozenset({"LOGIN", "CRAM-MD5"}),
    )  # fmt: skip
    assert service.offered_mechanisms(secure=False) == ("PLAIN",)
    assert service.offered_mechanisms(secure=True) == every


@pytest.mark.parametrize("early", ["", "PIPECONNECT"])
def test_a_server_that_does_not_insist_on_being_waited_for(early: str) -> None:
    talk = server(Service(early=early, in_step=False))
    octets = b"HELO c.example\r\nNOOP\r\nEHLO c.example\r\nNOOP\r\nQUIT\r\n"
    codes = []
    for event in talk.feed(octets):
        codes.append(event.reply.code)  # type: ignore[union-attr]
        talk.send(event.reply)  # type: ignore[union-attr]
    assert codes == [220, 250, 250, 250, 250, 221]
    assert not talk.session.use.early


def test_plaintext_behind_starttls_is_dropped_all_the_same() -> None:
    talk = server(Service(starttls=True, in_step=False))
    out = []
    for event in talk.feed(
        b"EHLO c.example\r\nSTARTTLS\r\nMAIL FROM:<a@b.example>\r\n"
    ):
        out.append(event.reply.code)  # type: ignore[union-attr]
        talk.send(event.reply)  # type: ignore[union-attr]
    assert out == [220, 250, 220]
    assert talk.handshaking
    assert talk.dropped == len(b"MAIL FROM:<a@b.example>\r\n")


# -- a proof ---------------------------------------------------------------------------


def shown(mechanism: str) -> Proof:
    side = ServerSide(mechanism, b"<1@x>")
    client = ClientSide(mechanism, Account("ann", "s3cret", "bob"))
    found = side.begin(client.initial)
    while isinstance(found, bytes):
        found = side.answer(client.answer(encode(found)))
    return found


@pytest.mark.parametrize(
    ("mechanism", "responses"),
    [
        ("PLAIN", (b"bob", b"ann", b"s3cret")), ("LOGIN", (b"ann", b"s3cret")),
        ("CRAM-MD5", ()),
    ],
)  # fmt: skip
def test_responses(mechanism: str, responses: tuple[bytes, ...]) -> None:
    proof = shown(mechanism)
    assert proof.responses() == responses
    assert "s3cret" not in repr(proof)
