from __future__ import annotations

import dataclasses
import itertools

import pytest

from eximkit.smtp import Delivery, Server, Service, auth, ehlo
from eximkit.smtp.commands import Auth, Ehlo, Mail, Rcpt
from eximkit.smtp.early import Cached, Record, Tls, Wish
from eximkit.smtp.ehlo import EARLY_KEYWORDS, Limits
from eximkit.smtp.events import Received, ServerEvent
from eximkit.smtp.replies import reply
from eximkit.smtp.route import Route
from tests.smtp.wire import (
    ACCOUNT,
    CONTENT,
    NOW,
    Link,
    Mailbox,
    deliver,
    fates,
    halves,
    learn,
    message,
    server,
    single,
    whole,
)

TWO = [message(), message("x@b.example", "y@b.example", "z@b.example")]


def service(tls: Tls, **changes: object) -> Service:
    made = Service(
        name="mx.example", starttls=tls is Tls.STARTTLS, mechanisms=auth.MECHANISMS
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def route(tls: Tls, **changes: object) -> Route:
    return dataclasses.replace(Route("c.example", tls), **changes)  # type: ignore[arg-type]


# -- all sequences ---------------------------------------------------------------------


MATRIX = list(itertools.product(Tls, (False, True), (False, True), (False, True)))


@pytest.mark.parametrize(("tls", "chunking", "login", "pipelining"), MATRIX)
@pytest.mark.parametrize("known", [False, True])
def test_every_sequence_delivers(
    tls: Tls, chunking: bool, login: bool, pipelining: bool, known: bool
) -> None:
    serves = service(tls, chunking=chunking)
    how = route(tls, account=ACCOUNT if login else None, pipelining=pipelining)
    wish = Wish(tls=tls, pipelining=pipelining)
    record = learn(serves, tls) if known else None
    early = known and pipelining
    seen: list[object] = []
    for pieces in (whole, single, *map(halves, range(1, 60, 7))):
        box = Mailbox()
        delivery = Delivery(how, wish, TWO, record, NOW)
        (link,) = deliver(delivery, [server(serves, tls)], box, pieces)
        assert fates(delivery) == ["delivered"] * 4
        assert [taken[2] for taken in box.messages] == [CONTENT] * 2
        assert delivery.sender.used_early is early
        assert link.server.session.use.early is early
        assert bool(link.server.session.account) is login
        assert link.handshakes == (tls is Tls.STARTTLS)
        assert link.server.closed
        assert delivery.sender.used_pipelining is pipelining
        seen.append((bytes(link.up), bytes(link.down), box.messages))
    assert all(each == seen[0] for each in seen)


def flights(
    tls: Tls, known: bool, chunking: bool = False, login: bool = False
) -> list[bytes]:
    """What the client says at once, flight by flight, for one message."""
    serves = service(tls, chunking=chunking)
    record = learn(serves, tls) if known else None
    how = route(tls, account=ACCOUNT if login else None, clear_passwords=True)
    delivery = Delivery(how, Wish(tls=tls), [message()], record, NOW)
    (link,) = deliver(delivery, [server(serves, tls)], Mailbox())
    return link.flights


@pytest.mark.parametrize(
    ("tls", "chunking", "normal", "early"),
    [
        (Tls.NONE, False, 3, 2),
        (Tls.NONE, True, 2, 1),
        (Tls.STARTTLS, False, 5, 3),
        (Tls.STARTTLS, True, 4, 2),
        (Tls.ON_CONNECT, False, 3, 2),
        (Tls.ON_CONNECT, True, 2, 1),
    ],
)
def test_how_many_flights_are_saved(
    tls: Tls, chunking: bool, normal: int, early: int
) -> None:
    assert len(flights(tls, False, chunking)) == normal
    assert len(flights(tls, True, chunking)) == early


def test_the_flights_themselves() -> None:
    envelope = b"MAIL FROM:<s@a.example> SIZE=%d\r\nRCPT TO:<r@b.example>\r\n"
    envelope %= len(CONTENT)
    assert flights(Tls.NONE, True)[0] == b"EHLO c.example\r\n" + envelope + b"DATA\r\n"
    assert flights(Tls.NONE, True)[1].endswith(b"\r\nend\r\n.\r\nQUIT\r\n")
    assert flights(Tls.STARTTLS, True)[0] == b"EHLO c.example\r\nSTARTTLS\r\n"
    (chunked,) = flights(Tls.NONE, True, chunking=True)
    bdat = b"BDAT %d LAST\r\n" % len(CONTENT)
    assert chunked == b"EHLO c.example\r\n" + envelope + bdat + CONTENT + b"QUIT\r\n"


def test_only_the_envelope_is_harmless() -> None:
    record = learn(service(Tls.NONE))
    sender = Delivery(Route("c.example"), Wish(), [message()], record, NOW).sender
    at = sender.harmless
    assert sender.output()[at:].startswith(b"BDAT ")
    assert sender.half_close
    assert sender.harmless == 0
    record = learn(service(Tls.NONE, chunking=False))
    sender = Delivery(Route("c.example"), Wish(), [message()], record, NOW).sender
    assert sender.harmless == len(sender.output())
    assert not sender.half_close


def test_a_syn_carries_no_quit() -> None:
    record = learn(service(Tls.NONE))
    sender = Delivery(Route("c.example"), Wish(), [message()], record, NOW).sender
    envelope, whole = sender.for_syn(False), sender.for_syn(True)
    assert envelope == sender.harmless
    octets = sender.output()
    assert octets[envelope:whole].startswith(b"BDAT ")
    assert octets[whole:] == b"QUIT\r\n"
    assert sender.for_syn(True) == sender.for_syn(False) == 0
    # Without a message QUIT may follow EHLO at once, and stays back all the same.
    sender = Delivery(Route("c.example"), Wish(), [], record, NOW).sender
    octets = sender.output()
    sender = Delivery(Route("c.example"), Wish(), [], record, NOW).sender
    assert octets[: sender.for_syn(False)] == b"EHLO c.example\r\n"


@pytest.mark.parametrize("keyword", EARLY_KEYWORDS)
def test_each_keyword_is_understood(keyword: str) -> None:
    serves = service(Tls.NONE, early=keyword)
    delivery = Delivery(Route("c.example"), Wish(), TWO, learn(serves), NOW)
    deliver(delivery, [server(serves)], Mailbox())
    assert delivery.sender.used_early
    assert delivery.memory.cached is Cached.HIT


# -- AUTH ------------------------------------------------------------------------------


def test_passwords_are_never_early_in_clear() -> None:
    plain = service(Tls.NONE, mechanisms=("PLAIN", "LOGIN"), clear_passwords=True)
    record = learn(plain)
    for allowed in (False, True):
        how = route(Tls.NONE, account=ACCOUNT, clear_passwords=allowed)
        box = Mailbox()
        delivery = Delivery(how, Wish(), [message()], record, NOW)
        (link,) = deliver(delivery, [server(plain)], box)
        assert link.flights[0] == b"EHLO c.example\r\n"
        assert any(isinstance(c, Mail) for c in box.commands)
        assert (b"AUTH" in link.up) is allowed
        assert (link.server.session.account == "ann") is allowed


def test_credentials_are_early_under_tls() -> None:
    (first, *_) = flights(Tls.ON_CONNECT, True, login=True)
    assert first.startswith(b"EHLO c.example\r\nAUTH PLAIN AGFubgBzM2NyZXQ=\r\n")
    assert b"MAIL" not in first
    first, second, *_ = flights(Tls.STARTTLS, True, login=True)
    assert first == b"EHLO c.example\r\nSTARTTLS\r\n"
    assert second.startswith(b"EHLO c.example\r\nAUTH PLAIN ")


def test_a_mechanism_that_shows_nothing_is_early_in_clear() -> None:
    (first, *_) = flights(Tls.NONE, True, login=True)
    assert first == b"EHLO c.example\r\nAUTH CRAM-MD5\r\n"


@pytest.mark.parametrize("required", [False, True])
def test_auth_that_fails(required: bool) -> None:
    serves = service(Tls.ON_CONNECT)
    box = Mailbox(account=auth.Account("ann", "other"))
    how = route(Tls.ON_CONNECT, account=ACCOUNT, auth_required=required)
    for record in (None, learn(serves, Tls.ON_CONNECT)):
        delivery = Delivery(how, Wish(tls=Tls.ON_CONNECT), [message()], record, NOW)
        deliver(delivery, [server(serves, Tls.ON_CONNECT)], box)
        assert fates(delivery) == ["deferred" if required else "delivered"]


def test_auth_that_is_not_offered() -> None:
    serves = service(Tls.NONE, mechanisms=())
    for required, fate in ((False, "delivered"), (True, "deferred")):
        how = route(Tls.NONE, account=ACCOUNT, auth_required=required)
        delivery = Delivery(how, Wish(), [message()], None, NOW)
        deliver(delivery, [server(serves)], Mailbox())
        assert fates(delivery) == [fate]


# -- recipients, messages, parameters --------------------------------------------------


@pytest.mark.parametrize("chunking", [False, True])
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_each_recipient_has_its_own_fate(
    chunking: bool, pipelining: bool, known: bool
) -> None:
    serves = service(Tls.NONE, chunking=chunking)
    box = Mailbox(refuse={
        "x@b.example": reply(550, "5.1.1 no"),
        "z@b.example": reply(450, "4.2.1 later"),
        "r@b.example": reply(550, "5.1.1 no"),
    })  # fmt: skip
    how = route(Tls.NONE, pipelining=pipelining)
    record = learn(serves) if known else None
    wish = Wish(pipelining=pipelining)
    delivery = Delivery(how, wish, [*TWO, message("v@b.example")], record, NOW)
    deliver(delivery, [server(serves)], box)
    assert fates(delivery) == [
        "rejected", "rejected", "delivered", "deferred", "delivered",
    ]  # fmt: skip
    assert [m[1] for m in box.messages] == [("y@b.example",), ("v@b.example",)]


@pytest.mark.parametrize("chunking", [False, True])
def test_verdicts_for_each_recipient(chunking: bool) -> None:
    box = Mailbox(verdicts={"y@b.example": reply(550, "5.7.1 spam")})
    how = route(Tls.NONE, prdr=True, chunking=chunking)
    serves = service(Tls.NONE)
    delivery = Delivery(how, Wish(), TWO, learn(serves), NOW)
    deliver(delivery, [server(serves)], box, single)
    assert fates(delivery) == ["delivered", "delivered", "rejected", "delivered"]


@pytest.mark.parametrize("chunking", [False, True])
def test_a_message_that_is_refused(chunking: bool) -> None:
    box = Mailbox(final=reply(554, "5.7.1 spam"))
    serves = service(Tls.NONE, chunking=chunking)
    for record in (None, learn(serves)):
        delivery = Delivery(Route("c.example"), Wish(), TWO, record, NOW)
        deliver(delivery, [server(serves)], box)
        assert fates(delivery) == ["rejected"] * 4
        assert not any(o.in_doubt for each in delivery.outcomes() for o in each)


def test_limits_of_the_server_split_a_message() -> None:
    serves = service(Tls.NONE, limits=Limits(recipients=2), most_recipients=2)
    for record in (None, learn(serves)):
        box = Mailbox()
        delivery = Delivery(Route("c.example"), Wish(), TWO, record, NOW)
        deliver(delivery, [server(serves)], box)
        assert [len(m[1]) for m in box.messages] == [1, 2, 1]
        assert fates(delivery) == ["delivered"] * 4
    domains = service(Tls.NONE, limits=Limits(domains=1))
    many = message("a@x.example", "b@x.example", "c@y.example")
    box = Mailbox()
    deliver(Delivery(Route("c"), Wish(), [many], None, NOW), [server(domains)], box)
    assert [len(m[1]) for m in box.messages] == [2, 1]


def test_a_limit_on_messages_leaves_the_rest() -> None:
    serves = service(Tls.NONE, limits=Limits(mails=1))
    delivery = Delivery(Route("c.example"), Wish(), TWO, None, NOW)
    deliver(delivery, [server(serves)], Mailbox())
    assert fates(delivery) == ["delivered"] + ["deferred"] * 3


def test_parameters_by_what_is_offered() -> None:
    odd = dataclasses.replace(
        message("grå@b.example", content="é\r\n".encode()),
        ret="HDRS", envid="a b", notify="NEVER",
    )  # fmt: skip
    box = Mailbox()
    delivery = Delivery(Route("c.example"), Wish(), [odd], None, NOW)
    deliver(delivery, [server(service(Tls.NONE, dsn=True))], box)
    (mail,) = (c for c in box.commands if isinstance(c, Mail))
    (rcpt,) = (c for c in box.commands if isinstance(c, Rcpt))
    assert mail.parameters == {
        "SIZE": "4", "BODY": "8BITMIME", "SMTPUTF8": None, "RET": "HDRS",
        "ENVID": "a+20b",
    }  # fmt: skip
    assert rcpt.parameters == {"NOTIFY": "NEVER"}
    assert fates(delivery) == ["delivered"]


def test_an_address_that_needs_smtputf8_is_not_sent_without() -> None:
    without = service(Tls.NONE, smtputf8=False)
    for record in (None, learn(without)):
        box = Mailbox()
        utf8 = message("grå@b.example")
        delivery = Delivery(Route("c"), Wish(), [utf8, message()], record, NOW)
        deliver(delivery, [server(without)], box)
        assert fates(delivery) == ["rejected", "delivered"]
    # What the memory lacks the server may offer by now.
    delivery = Delivery(Route("c"), Wish(), [message("grå@b.example")], record, NOW)
    deliver(delivery, [server(service(Tls.NONE))], Mailbox())
    assert fates(delivery) == ["delivered"]


# -- the server has changed ------------------------------------------------------------


Case = tuple[Tls, bool]
CASES = [(tls, chunking) for tls in Tls for chunking in (False, True)]


def changed(
    case: Case, how: Route, *now: Service, messages: int = 1, tls_required: bool = False
) -> tuple[Delivery, list[Link], Mailbox]:
    """A delivery by what a server offered, to servers as they are now."""
    tls, chunking = case
    record = learn(service(tls, chunking=chunking), tls)
    box = Mailbox()
    delivery = Delivery(
        how, Wish(tls=tls, tls_required=tls_required),
        [message()] * messages, record, NOW + 1,
    )  # fmt: skip
    links = deliver(delivery, [server(each, tls) for each in now], box)
    return delivery, links, box


@pytest.mark.parametrize("case", CASES)
def test_a_withdrawn_keyword_at_a_strict_server_costs_one_redial(case: Case) -> None:
    tls, chunking = case
    strict = service(tls, chunking=chunking, early="")
    delivery, links, box = changed(case, route(tls), strict, strict, messages=2)
    assert fates(delivery) == ["delivered"] * 2
    assert len(box.messages) == 2
    assert delivery.redialled
    assert "synchronization" in delivery.why_redialled
    assert delivery.memory.record is None
    assert delivery.memory.cached is Cached.CLEARED
    assert not links[1].sender.used_early


@pytest.mark.parametrize("case", CASES)
def test_a_keyword_that_comes_and_goes_costs_one_redial(case: Case) -> None:
    """A proxy that lets the keyword through and keeps to strict order itself."""
    tls, chunking = case
    strict = service(tls, chunking=chunking, early="")
    flapping = service(tls, chunking=chunking)
    delivery, _, box = changed(case, route(tls), strict, flapping)
    assert fates(delivery) == ["delivered"]
    assert len(box.messages) == 1
    # What it offers to who waits is not believed at once again.
    assert delivery.memory.record is None


class Understating(Mailbox):
    """Offers less than the server takes."""

    def __init__(self, offers: Service) -> None:
        super().__init__()
        self.offers = offers

    def answer(self, server: Server, event: ServerEvent) -> bytes:
        if isinstance(event, Received) and isinstance(event.command, Ehlo):
            offer = self.offers.offer(server.session.secure)
            return server.send(ehlo.response("mx.example", offer))
        return super().answer(server, event)


@pytest.mark.parametrize("case", CASES)
def test_a_withdrawn_keyword_at_a_server_that_does_not_mind(case: Case) -> None:
    tls, chunking = case
    takes = service(tls, chunking=chunking)
    box = Understating(service(tls, chunking=chunking, early=""))
    record = learn(takes, tls)
    delivery = Delivery(route(tls), Wish(tls=tls), [message()], record, NOW + 1)
    deliver(delivery, [server(takes, tls)], box)
    assert fates(delivery) == ["delivered"]
    assert len(box.messages) == 1
    assert not delivery.redialled
    assert delivery.memory.cached is Cached.CLEARED


@pytest.mark.parametrize("tls", Tls)
def test_a_change_that_hurts_nothing_is_carried_on_with(tls: Tls) -> None:
    old = service(tls, chunking=False)
    for new in (
        dataclasses.replace(old, size=7_000_000),
        dataclasses.replace(old, chunking=True),
        dataclasses.replace(old, prdr=False),
        dataclasses.replace(old, limits=Limits(recipients=9)),
        dataclasses.replace(old, mechanisms=("LOGIN",)),
        dataclasses.replace(old, early="X_PIPE_CONNECT"),
    ):
        if new.mechanisms != old.mechanisms and tls is Tls.STARTTLS:
            continue
        delivery, _, box = changed((tls, False), route(tls), new)
        assert fates(delivery) == ["delivered"]
        assert len(box.messages) == 1
        assert not delivery.redialled
        assert delivery.memory.cached is Cached.REWRITTEN


def test_chunking_that_is_new_is_used_next_time() -> None:
    delivery, (link,), _ = changed((Tls.NONE, False), Route("c"), service(Tls.NONE))
    assert b"DATA" in link.up
    again = Delivery(Route("c"), Wish(), [message()], delivery.memory.record, NOW + 2)
    (link,) = deliver(again, [server(service(Tls.NONE))], Mailbox())
    assert b"BDAT" in link.up
    assert again.memory.cached is Cached.HIT


@pytest.mark.parametrize("gone", ["smtputf8", "prdr", "dsn", "eight_bit"])
@pytest.mark.parametrize("chunking", [False, True])
def test_a_parameter_that_memory_allowed_is_tried_again_without(
    gone: str, chunking: bool
) -> None:
    before = service(Tls.NONE, chunking=chunking, dsn=True)
    now = dataclasses.replace(before, **{gone: False})  # type: ignore[arg-type]
    letter = dataclasses.replace(
        message("r@b.example", "x@b.example", content="é\r\n".encode()),
        sender="grå@a.example" if gone == "smtputf8" else "s@a.example",
        notify="NEVER", ret="HDRS",
    )  # fmt: skip
    box = Mailbox()
    how = route(Tls.NONE, prdr=True)
    delivery = Delivery(how, Wish(), [letter], learn(before), NOW + 1)
    deliver(delivery, [server(now), server(now)], box)
    assert delivery.redialled
    assert "not offered" in delivery.why_redialled
    utf8 = gone == "smtputf8"
    assert fates(delivery) == ["rejected" if utf8 else "delivered"] * 2
    assert len(box.messages) == (not utf8)
    assert delivery.memory.cached is Cached.REWRITTEN


def test_chunking_that_is_gone() -> None:
    now = service(Tls.NONE, chunking=False)
    delivery, links, box = changed((Tls.NONE, True), Route("c"), now, now)
    assert delivery.redialled
    assert fates(delivery) == ["delivered"]
    assert len(box.messages) == 1
    assert b"DATA" in links[1].up


@pytest.mark.parametrize("mechanisms", [(), ("LOGIN",)])
@pytest.mark.parametrize("required", [False, True])
def test_an_auth_list_that_changed(mechanisms: tuple[str, ...], required: bool) -> None:
    tls = Tls.ON_CONNECT
    now = service(tls, chunking=False, mechanisms=mechanisms)
    how = route(tls, account=ACCOUNT, auth_required=required)
    delivery, links, box = changed((tls, False), how, now, now)
    sent = [b"AUTH PLAIN" in link.up for link in links]
    assert sent == [True, False]
    expected = "delivered" if mechanisms or not required else "deferred"
    assert fates(delivery) == [expected]
    assert len(box.messages) == (expected == "delivered")
    assert bool(links[1].server.session.account) is bool(mechanisms)
    record = delivery.memory.record
    assert record is not None
    assert record.crypted is not None
    assert record.crypted.mechanisms == mechanisms


@pytest.mark.parametrize("required", [False, True])
def test_starttls_that_is_gone(required: bool) -> None:
    tls = Tls.STARTTLS
    now = service(tls, starttls=False)
    how = route(tls, tls_required=required, account=ACCOUNT)
    delivery, (link,), box = changed((tls, False), how, now, tls_required=required)
    assert b"STARTTLS" in link.up
    assert fates(delivery) == ["deferred" if required else "delivered"]
    assert len(box.messages) == (not required)
    assert b"PLAIN" not in link.up
    if required:
        assert b"MAIL" not in link.up
    assert delivery.memory.cached is Cached.REWRITTEN


def test_no_tls_and_tls_required() -> None:
    how = route(Tls.STARTTLS, tls_required=True)
    wish = Wish(tls=Tls.STARTTLS, tls_required=True)
    delivery = Delivery(how, wish, [message()], None, NOW)
    (link,) = deliver(delivery, [server(service(Tls.NONE))], Mailbox())
    assert fates(delivery) == ["deferred"]
    assert b"MAIL" not in link.up


def test_another_try_shows_nothing_to_who_took_the_tls_away() -> None:
    tls = Tls.STARTTLS
    old = service(tls)
    delivery = Delivery(
        route(tls, account=ACCOUNT, clear_passwords=True),
        Wish(tls=tls), [message()], learn(old, tls), NOW,
    )  # fmt: skip
    sender = delivery.sender
    link = Link(sender, server(old, tls), Mailbox())
    sender.feed(link.serve(sender.output()))
    link.server.secured()
    sender.secured()
    assert b"AUTH PLAIN" in sender.output()
    sender.lost("reset by peer")
    assert sender.redial
    assert delivery.redial()
    bare = service(Tls.NONE, clear_passwords=True)
    link = Link(delivery.sender, server(bare), box := Mailbox())
    link.run()
    assert b"250-AUTH PLAIN" in link.down
    assert not any(isinstance(c, Auth) for c in box.commands)
    assert b"AUTH" not in link.up
    assert not delivery.redial()
    assert fates(delivery) == ["delivered"]


def test_an_expired_or_future_record_costs_a_normal_connection() -> None:
    serves = service(Tls.NONE)
    for stamp in (1, NOW + 100):
        old = dataclasses.replace(learn(serves), stamp=stamp)
        delivery = Delivery(Route("c"), Wish(), [message()], old, NOW)
        deliver(delivery, [server(serves)], Mailbox())
        assert not delivery.sender.used_early
        assert delivery.memory.cached is Cached.EXPIRED
        assert delivery.memory.record == Record(NOW, learn(serves).clear)


@pytest.mark.parametrize(("tls", "chunking"), CASES)
def test_every_cut_of_every_flight(tls: Tls, chunking: bool) -> None:
    serves = service(tls, chunking=chunking)
    record = learn(serves, tls)
    seen = set()
    for cut in range(1, 330):
        delivery = Delivery(route(tls), Wish(tls=tls), [message()], record, NOW)
        (link,) = deliver(delivery, [server(serves, tls)], Mailbox(), halves(cut))
        seen.add((bytes(link.up), bytes(link.down), *fates(delivery)))
        assert max(map(len, link.flights)) < 330
    assert len(seen) == 1
