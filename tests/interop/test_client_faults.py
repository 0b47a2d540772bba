"""Connections that go wrong somewhere: at each octet, at each reply, in each mode.

What holds everywhere: no message is lost, none is delivered twice, and none is held to
be rejected for what the network did.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import pytest

from eximkit.interop.dialogue import Manner, Timeouts
from eximkit.smtp import Service
from eximkit.smtp.early import Record, Tls
from eximkit.smtp.message import Fate
from eximkit.smtp.replies import reply
from tests.interop.peers import Peer, Script, answers, cut, honest, plan, trial
from tests.smtp.wire import (
    ACCOUNT,
    CONTENT,
    NOW,
    Mailbox,
    halves,
    message,
    offer,
    single,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.interop.courier import Plan
    from tests.interop.peers import Trial

OFFER = ("PIPELINING", "PIPECONNECT")
DATA = Record(NOW, offer(*OFFER))
BDAT = Record(NOW, offer(*OFFER, "CHUNKING"))
SECURE = Record(NOW, offer(*OFFER, "STARTTLS"), offer(*OFFER))
AUTH = Record(NOW, offer(*OFFER, "STARTTLS"), offer(*OFFER, "AUTH PLAIN"))
CRYPTED = Record(NOW, crypted=offer(*OFFER))
SERVICE = Service("mx", chunking=False, prdr=False, smtputf8=False)
HELLO = b"250-mx\r\n250-PIPELINING\r\n250 PIPECONNECT\r\n"


@dataclasses.dataclass(frozen=True)
class Way:
    """A sequence. record: what is remembered before, None for a first contact."""

    how: Plan
    service: Service
    record: Record | None

    def server(self, box: Mailbox) -> Script:
        return honest(self.service, box, self.how.route.tls)


def way(
    record: Record | None, tls: Tls = Tls.NONE, auth: bool = False, **service: object
) -> Way:
    if auth:
        service["mechanisms"] = ("PLAIN",)
    service["starttls"] = tls is Tls.STARTTLS
    changed = dataclasses.replace(SERVICE, **service)  # type: ignore[arg-type]
    return Way(
        plan(tls, account=ACCOUNT if auth else None, auth_required=auth),
        changed,
        record,
    )


WAYS = {
    "first": way(None),
    "data": way(DATA),
    "bdat": way(BDAT, chunking=True),
    "starttls": way(SECURE, Tls.STARTTLS),
    "auth": way(AUTH, Tls.STARTTLS, auth=True),
    "on-connect": way(CRYPTED, Tls.ON_CONNECT),
}
EACH = pytest.mark.parametrize("name", WAYS)


def impatient(seconds: float = 0.3) -> Plan:
    return plan(manner=Manner(timeouts=Timeouts().capped(seconds)))


def sound(found: Trial, box: Mailbox) -> None:
    """No message is lost, and none is there twice."""
    outcome, count = found.outcome, len(box.messages)
    assert outcome.fate is not Fate.REJECTED
    if outcome.fate is Fate.DELIVERED:
        assert count == 1
    elif outcome.in_doubt:
        assert count <= 1
    else:
        assert count == 0
    assert all(content == CONTENT for _, _, content in box.messages)


# -- octets in pieces, and connections that break between two of them ------------------


@EACH
def test_one_octet_at_a_time(name: str) -> None:
    box, each = Mailbox(), WAYS[name]
    found = trial(each.how, each.server(box), record=each.record, pieces=single)
    assert (found.fates, len(box.messages)) == (["delivered"], 1)
    assert found.delivered.last.early is (each.record is not None)


@EACH
def test_all_splits_of_two(name: str) -> None:
    each = WAYS[name]
    # Where TLS is in between, what is split are its records.
    step = 3 if name == "data" else 13
    for at in range(1, 180, step):
        box = Mailbox()
        found = trial(each.how, each.server(box), record=each.record, pieces=halves(at))
        assert (found.fates, len(box.messages)) == (["delivered"], 1)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@EACH
def test_cut_off_behind_each_octet(name: str, reset: bool) -> None:
    each = WAYS[name]
    whole = trial(each.how, each.server(Mailbox()), record=each.record)
    octets = whole.place.peers[0].said
    step = 2 if name == "data" else 9
    fates = set()
    for at in (*range(0, octets, step), octets):
        box = Mailbox()
        server = each.server(box)
        found = trial(
            each.how, cut(server, at, reset), server, record=each.record, spare=1
        )
        sound(found, box)
        if found.delivered.redialled:
            assert each.record is not None
            assert found.fates == ["delivered"]
        fates.add(found.fates[0])
    assert "delivered" in fates


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.ON_CONNECT], ids=["start", "first"])
def test_broken_off_within_the_handshake_of_tls(tls: Tls) -> None:
    record = SECURE if tls is Tls.STARTTLS else CRYPTED

    async def script(peer: Peer) -> None:
        if tls is Tls.STARTTLS:
            await peer.say(b"220 mx\r\n")
            await peer.hear(b"STARTTLS\r\n")
            await peer.say(HELLO.replace(b" PIPE", b"-PIPE") + b"250 STARTTLS\r\n")
            await peer.say(b"220 go\r\n")
        # Half of a ClientHello is not waited for.
        await peer.hear(b"\x16")
        peer.reset()

    box = Mailbox()
    service = dataclasses.replace(SERVICE, starttls=tls is Tls.STARTTLS)
    found = trial(plan(tls), script, honest(service, box, tls), record=record, spare=1)
    sound(found, box)


# -- replies ---------------------------------------------------------------------------

EARLY = (b"220 mx\r\n", HELLO, b"250 a\r\n", b"250 b\r\n", b"354 c\r\n")
LATE = (b"250 taken\r\n", b"221 bye\r\n")


def telling(replies: Sequence[bytes], taken: list[bytes], late: bytes) -> Script:
    """Answers early input with these, and what follows it with the others."""

    async def script(peer: Peer) -> None:
        await peer.hear(b"DATA\r\n")
        await peer.say(b"".join(replies))
        await peer.hear(b"\r\n.\r\n")
        taken.append(bytes(peer.heard))
        await peer.say(late)
        await peer.rest()

    return script


@pytest.mark.parametrize("place", range(7))
def test_421_in_place_of_each_reply(place: int) -> None:
    replies = [*EARLY, *LATE]
    replies[place:] = [b"421 going down\r\n"]
    first = answers(b"", b"".join(replies[:5]), *replies[5:], None)
    box = Mailbox()
    again = [honest(SERVICE, box)] if place < 2 else []
    found = trial(plan(), first, *again, record=DATA)
    if place in (0, 1, 6):
        assert found.fates == ["delivered"]
    else:
        assert found.fates == ["deferred"]
        assert not found.outcome.in_doubt
    assert found.delivered.redialled is (place < 2)
    assert (CONTENT in found.heard(0)) is False  # it is stuffed with dots
    assert (b"\r\n.\r\n" in found.heard(0)) is (place > 4)


@pytest.mark.parametrize("place", range(5))
def test_a_reply_twice(place: int) -> None:
    taken: list[bytes] = []
    replies = [*EARLY[: place + 1], *EARLY[place:]]
    box = Mailbox()
    first = telling(replies, taken, b"".join(LATE))
    found = trial(plan(), first, honest(SERVICE, box), record=DATA, spare=1)
    assert found.outcome.fate is not Fate.REJECTED
    if found.outcome.fate is Fate.DELIVERED:
        assert len(taken) + len(box.messages) == 1
    else:
        assert not box.messages


@pytest.mark.parametrize("place", range(6))
def test_a_reply_that_never_comes(place: int) -> None:
    replies = [*EARLY[:place], *EARLY[place + 1 :]]
    taken: list[bytes] = []
    box = Mailbox()
    late = b"" if place == 5 else b"".join(LATE)
    first = telling(replies, taken, late)
    found = trial(impatient(), first, honest(SERVICE, box), record=DATA, spare=1)
    assert found.outcome.fate is not Fate.REJECTED
    assert len(taken) + len(box.messages) <= 1
    if place == 5:
        assert found.outcome.in_doubt


def test_replies_before_there_were_commands() -> None:
    ahead = b"".join((*EARLY, *LATE))
    found = trial(plan(), answers(ahead))
    # Nobody has taken a message that has not been sent.
    assert found.fates == ["deferred"]
    assert b"DATA" not in found.heard(0)


@pytest.mark.parametrize("chunked", [False, True], ids=["DATA", "BDAT"])
def test_no_recipient_is_taken(chunked: bool) -> None:
    box = Mailbox()
    nobody = honest(dataclasses.replace(SERVICE, chunking=chunked), box)
    to = ("a@b.example", "c@b.example")
    box.refuse = {each: reply(550, "nobody") for each in to}
    found = trial(
        plan(), nobody, record=BDAT if chunked else DATA, messages=[message(*to)]
    )
    assert found.fates == ["rejected", "rejected"]
    assert box.messages == []


def test_a_chunk_that_is_answered_before_it_is_read() -> None:
    content = b"Subject: x\r\n\r\n" + b"x" * 70 * 1024 * 30 + b"\r\n"
    lines = HELLO.replace(b" PIPE", b"-PIPE") + b"250 CHUNKING\r\n"
    replies = b"220 mx\r\n" + lines + b"250 a\r\n250 b\r\n250 taken\r\n"

    async def script(peer: Peer) -> None:
        await peer.hear(b"LAST\r\n")
        await peer.say(replies)
        await peer.hear(b"QUIT\r\n")
        await peer.say(b"221 bye\r\n")
        await peer.rest()

    sent = [message(content=content)]
    found = trial(plan(), script, record=BDAT, messages=sent)
    assert found.fates == ["delivered"]
    assert content in found.heard(0)


BANNERS = {
    "several lines": (b"220-mx\r\n220-a\r\n220 b\r\n", True),
    "no CR": (b"220 mx\n", False),
    "only a code": (b"220\r\n", True),
    "no code": (b"mx is here\r\n", False),
    "another code in the second line": (b"220-mx\r\n250 b\r\n", False),
    "a code that there is not": (b"920 mx\r\n", False),
    "a line without an end": (b"220 " + b"x" * 70_000, False),
    "lines without an end": (b"220-mx\r\n" * 20_000, False),
    "a NUL": (b"220 m\0x\r\n", False),
    "octets": (b"220 m\xffx\r\n", True),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x28\r\n", False),
}


@pytest.mark.parametrize("early", [False, True], ids=["first", "early"])
@pytest.mark.parametrize("name", BANNERS)
def test_banners(name: str, early: bool) -> None:
    banner, fine = BANNERS[name]

    async def script(peer: Peer) -> None:
        if early:
            await peer.hear(b"DATA\r\n")
            await peer.say(banner + b"".join(EARLY[1:]))
        else:
            await peer.say(banner)
            await peer.hear(b"EHLO c.example\r\n")
            await peer.say(HELLO)
            await peer.hear(b"DATA\r\n")
            await peer.say(b"".join(EARLY[2:]))
        await peer.hear(b"\r\n.\r\n")
        await peer.say(b"".join(LATE))
        await peer.rest()

    again = [honest(SERVICE, Mailbox())] if early and not fine else []
    found = trial(plan(), script, *again, record=DATA if early else None)
    assert found.fates == (["delivered"] if fine or early else ["deferred"])
    assert found.delivered.redialled is bool(again)


def test_a_hello_of_two_hundred_lines() -> None:
    lines = b"".join(b"250-X-%d %s\r\n" % (n, b"y" * 400) for n in range(200))
    replies = (b"220 mx\r\n", b"250-mx\r\n" + lines + b"250 PIPELINING\r\n")
    found = trial(
        plan(), answers(*replies, b"".join(EARLY[2:]), b"".join(LATE)), record=None
    )
    assert found.fates in (["delivered"], ["deferred"])
    assert len(found.place.peers) == 1


# -- servers that are slow -------------------------------------------------------------


async def silent(peer: Peer) -> None:
    await peer.rest()


def test_a_server_that_says_nothing() -> None:
    found = trial(impatient(), silent)
    assert found.fates == ["deferred"]
    assert found.outcome.reason == "timed out waiting for the reply to the connection"


def test_a_server_that_says_nothing_early_either() -> None:
    found = trial(impatient(), silent, silent, record=DATA)
    assert found.fates == ["deferred"]
    assert not found.outcome.in_doubt


def test_a_server_that_does_not_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear(b"DATA\r\n")
        await peer.say(b"".join(EARLY))
        gone = asyncio.Event()
        asyncio.get_running_loop().call_later(2, gone.set)
        await gone.wait()

    content = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 400_000
    found = trial(
        impatient(0.5), script, record=DATA, messages=[message(content=content)]
    )
    assert found.fates == ["deferred"]
    assert found.outcome.reason == "timed out: the server does not read"
    assert not found.outcome.in_doubt


def test_a_server_that_takes_its_time_for_each_octet() -> None:
    """No octet is an answer: patience is for what was asked, not for a trickle."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.say(b"2")
            await asyncio.sleep(0.02)

    found = trial(impatient(0.5), script)
    assert found.fates == ["deferred"]
