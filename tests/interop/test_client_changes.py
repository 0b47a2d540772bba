"""Servers that have changed since they were remembered, over real sockets.

One test for each row of the table of what Exim does then; the first words of each name
the row. Where Exim loses mail, the message arrives here or is put off.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from eximkit.smtp import Service
from eximkit.smtp.auth import Account
from eximkit.smtp.early import Cached, Record, Tls, Wish
from eximkit.smtp.message import Fate
from tests.interop.peers import Peer, Script, answers, honest, plan, trial
from tests.smtp.wire import ACCOUNT, CONTENT, NOW, Mailbox, offer

if TYPE_CHECKING:
    from eximkit.interop.courier import Plan

OFFER = ("PIPELINING", "PIPECONNECT")
DATA = Record(NOW, offer(*OFFER))
BDAT = Record(NOW, offer(*OFFER, "CHUNKING"))
SECURE = Record(NOW, offer(*OFFER, "STARTTLS"), offer(*OFFER))
CRYPTED = Record(NOW, crypted=offer(*OFFER))
SERVICE = Service("mx.example", chunking=False, prdr=False, smtputf8=False)
STRICT = dataclasses.replace(SERVICE, early="")
RECORDS = {Tls.NONE: DATA, Tls.STARTTLS: SECURE, Tls.ON_CONNECT: CRYPTED}
MODES = pytest.mark.parametrize("tls", Tls, ids=lambda tls: tls.value)


def service(tls: Tls, of: Service = SERVICE) -> Service:
    return dataclasses.replace(of, starttls=tls is Tls.STARTTLS)


def taken(box: Mailbox) -> list[bytes]:
    return [content for _, _, content in box.messages]


def hello(*keywords: str) -> bytes:
    lines = ("mx", *keywords)
    last = len(lines) - 1
    return b"".join(
        f"250{'-' if n < last else ' '}{line}\r\n".encode()
        for n, line in enumerate(lines)
    )


# -- no longer advertises --------------------------------------------------------------


def test_tolerated_though_no_longer_advertised() -> None:
    replies = b"220 mx\r\n" + hello("PIPELINING") + b"250 a\r\n250 b\r\n354 c\r\n"
    found = trial(
        plan(), answers(b"", replies, b"250 taken\r\n221 bye\r\n"), record=DATA
    )
    assert found.fates == ["delivered"]
    assert (found.delivered.cached, found.record) == (Cached.CLEARED, None)


@MODES
def test_strict_and_no_longer_advertising(tls: Tls) -> None:
    box = Mailbox()
    strict = honest(service(tls, STRICT), box, tls)
    found = trial(plan(tls), strict, strict, record=RECORDS[tls])
    assert (found.fates, taken(box)) == (["delivered"], [CONTENT])
    assert found.delivered.redialled
    assert (found.delivered.cached, found.record) == (Cached.CLEARED, None)


def test_strict_with_the_message_in_the_first_flight() -> None:
    box = Mailbox()
    strict = honest(STRICT, box)
    found = trial(plan(), strict, strict, record=BDAT)
    assert CONTENT in found.heard(0)
    assert (found.fates, taken(box)) == (["delivered"], [CONTENT])


def resets(after: bytes) -> Script:
    """Hears so much, and breaks the connection without a word."""

    async def script(peer: Peer) -> None:
        await peer.hear(after)
        peer.reset()

    return script


def test_strict_and_all_that_arrives_is_a_reset() -> None:
    box = Mailbox()
    found = trial(plan(), resets(b"DATA\r\n"), honest(STRICT, box), record=DATA)
    assert (found.fates, taken(box)) == (["delivered"], [CONTENT])


def test_strict_and_a_reset_when_the_message_has_left() -> None:
    found = trial(plan(), resets(b"QUIT\r\n"), record=BDAT)
    assert found.outcome.fate is Fate.DEFERRED
    assert found.outcome.in_doubt
    assert found.record is None


# -- banners and hellos ----------------------------------------------------------------


async def closes(peer: Peer) -> None:
    """Ends the connection without a word."""
    await peer.glance()


async def breaks_off(peer: Peer) -> None:
    """Ends the connection within a word."""
    await peer.glance()
    await peer.say(b"220 m")


TURNED_AWAY: dict[str, Script] = {
    "421 banner": answers(b"421 later\r\n"),
    "5xx banner": answers(b"554 no\r\n", b"221 bye\r\n"),
    "no banner": closes,
    "421 to EHLO": answers(b"220 mx\r\n", b"421 later\r\n", None),
    "half a banner": breaks_off,
}


@pytest.mark.parametrize("name", TURNED_AWAY)
@pytest.mark.parametrize("tls", [Tls.NONE, Tls.STARTTLS], ids=lambda tls: tls.value)
def test_turned_away_at_the_door(name: str, tls: Tls) -> None:
    box = Mailbox()
    again = honest(service(tls), box, tls)
    found = trial(plan(tls), TURNED_AWAY[name], again, record=RECORDS[tls])
    assert (found.fates, taken(box)) == (["delivered"], [CONTENT])
    assert not found.delivered.last.early
    assert found.delivered.cached is Cached.CLEARED


@pytest.mark.parametrize("name", TURNED_AWAY)
def test_turned_away_at_the_door_twice(name: str) -> None:
    script = TURNED_AWAY[name]
    found = trial(plan(), script, script, record=DATA)
    expected = ["rejected"] if "5xx" in name else ["deferred"]
    assert found.fates == expected
    assert not found.outcome.in_doubt


def within_tls(*replies: bytes | None) -> Script:
    inner = answers(*replies)

    async def script(peer: Peer) -> None:
        await peer.starttls()
        await inner(peer)

    return script


@pytest.mark.parametrize(
    "script",
    [
        within_tls(b"421 later\r\n"),
        within_tls(b"554 no\r\n"),
        within_tls(b"220 mx\r\n502 EHLO?\r\n503 a\r\n503 b\r\n503 c\r\n"),
        within_tls(None),
    ],
    ids=["421", "554", "HELO only", "no banner"],
)
def test_turned_away_within_tls_on_connect(script: Script) -> None:
    box = Mailbox()
    tls = Tls.ON_CONNECT
    found = trial(plan(tls), script, honest(SERVICE, box, tls), record=CRYPTED)
    assert (found.fates, taken(box)) == (["delivered"], [CONTENT])


async def helo_only(peer: Peer) -> None:
    """A server of before 1995."""
    await peer.say(b"220 mx\r\n")
    replies = {
        b"EHLO": b"502 what?\r\n",
        b"MAIL": b"503 a\r\n",
        b"RCPT": b"503 b\r\n",
        b"DATA": b"503 c\r\n",
        b"QUIT": b"221 bye\r\n",
    }
    while True:
        verb = (await peer.hear(b"\r\n"))[:4]
        if verb == b"HELO":
            replies |= {b"MAIL": b"250 a\r\n", b"RCPT": b"250 b\r\n"}
            replies[b"DATA"] = b"354 c\r\n"
        await peer.say(replies.get(verb, b"250 mx\r\n"))
        if verb == b"DATA" and replies[b"DATA"].startswith(b"354"):
            await peer.hear(b"\r\n.\r\n")
            await peer.say(b"250 taken\r\n")


@pytest.mark.parametrize("record", [DATA, SECURE], ids=["clear", "starttls"])
def test_helo_only(record: Record) -> None:
    tls = Tls.STARTTLS if record is SECURE else Tls.NONE
    found = trial(plan(tls), helo_only, helo_only, record=record)
    assert found.fates == ["delivered"]
    assert found.delivered.last.hello == "HELO c.example"
    assert b"MAIL" not in found.heard(1).partition(b"HELO")[0]


# -- offers that have changed ----------------------------------------------------------


def test_drops_size_and_refuses_the_parameter() -> None:
    sized = Record(NOW, offer(*OFFER, "SIZE 1000000"))
    early = answers(
        b"", b"220 mx\r\n" + hello(*OFFER) + b"555 SIZE?\r\n503 b\r\n503 c\r\n"
    )
    again = answers(
        b"220 mx\r\n", hello(*OFFER), b"250 a\r\n250 b\r\n354 c\r\n",
        b"250 d\r\n221 e\r\n",
    )  # fmt: skip
    found = trial(plan(), early, again, record=sized)
    assert b"SIZE=" in found.heard(0)
    assert b"SIZE=" not in found.heard(1)
    assert found.fates == ["delivered"]
    assert found.delivered.cached is Cached.REWRITTEN


def test_adds_chunking() -> None:
    box = Mailbox()
    server = honest(dataclasses.replace(SERVICE, chunking=True), box)
    found = trial(plan(), server, record=DATA)
    assert b"DATA\r\n" in found.heard(0)
    assert found.delivered.cached is Cached.REWRITTEN
    found = trial(plan(), server, record=found.record)
    assert b"BDAT" in found.heard(0)
    assert (found.delivered.cached, len(box.messages)) == (Cached.HIT, 2)


def test_drops_pipelining_only() -> None:
    replies = b"220 mx\r\n" + hello("PIPECONNECT") + b"250 a\r\n250 b\r\n354 c\r\n"
    found = trial(
        plan(), answers(b"", replies, b"250 d\r\n", b"221 e\r\n"), record=DATA
    )
    assert found.fates == ["delivered"]
    assert not found.delivered.redialled


# -- AUTH ------------------------------------------------------------------------------


AUTH = Record(NOW, offer(*OFFER, "AUTH CRAM-MD5"))


@pytest.mark.parametrize("required", [True, False])
def test_auth_is_gone(required: bool) -> None:
    box = Mailbox()
    how = plan(account=ACCOUNT, auth_required=required)
    found = trial(how, *[honest(SERVICE, box)] * 2, record=AUTH)
    assert found.fates == (["deferred"] if required else ["delivered"])
    assert len(box.messages) == (not required)


def test_auth_has_other_mechanisms() -> None:
    box = Mailbox()
    other = dataclasses.replace(SERVICE, mechanisms=("PLAIN",), clear_passwords=True)
    how = plan(account=ACCOUNT, auth_required=True, clear_passwords=True)
    found = trial(how, *[honest(other, box)] * 2, record=AUTH)
    # Behind a mechanism that shows nothing, the password is not shown in clear.
    assert found.fates == ["deferred"]
    assert b"AUTH PLAIN" not in found.heard(0) + found.heard(1)
    # The change is noticed, and the next delivery is right.
    found = trial(how, honest(other, box), record=found.record)
    assert (found.fates, len(box.messages)) == (["delivered"], 1)


def test_auth_changes_under_tls() -> None:
    box = Mailbox()
    before = Record(NOW, offer(*OFFER, "STARTTLS"), offer(*OFFER, "AUTH LOGIN"))
    now = dataclasses.replace(SERVICE, starttls=True, mechanisms=("PLAIN",))
    how = plan(Tls.STARTTLS, account=ACCOUNT, auth_required=True)
    found = trial(how, *[honest(now, box, Tls.STARTTLS)] * 2, record=before)
    assert (found.fates, taken(box)) == (["delivered"], [CONTENT])


def test_passwords_never_leave_early_in_clear() -> None:
    box = Mailbox()
    plain = dataclasses.replace(SERVICE, mechanisms=("PLAIN",), clear_passwords=True)
    remembered = Record(NOW, offer(*OFFER, "AUTH PLAIN LOGIN"))
    how = plan(account=Account("ann", "s3cret"), clear_passwords=True)
    found = trial(how, honest(plain, box), record=remembered)
    flights = [e for e in found.transcript.events if e.what == "commands"]
    assert flights[0].text == "EHLO c.example\r\n"
    assert found.delivered.last.mechanism == "PLAIN"


# -- STARTTLS --------------------------------------------------------------------------


@pytest.mark.parametrize("required", [True, False])
def test_starttls_is_gone(required: bool) -> None:
    box = Mailbox()
    how = plan(Tls.STARTTLS, tls_required=required)
    found = trial(how, honest(SERVICE, box), record=SECURE)
    assert found.fates == (["deferred"] if required else ["delivered"])
    assert len(box.messages) == (not required)


@pytest.mark.parametrize("required", [True, False])
def test_starttls_is_refused_for_now(required: bool) -> None:
    replies = b"220 mx\r\n" + hello(*OFFER, "STARTTLS") + b"454 not now\r\n"
    rest = (b"250 a\r\n250 b\r\n354 c\r\n", b"250 d\r\n221 e\r\n")
    script = answers(b"", replies, *([b"221 bye\r\n"] if required else rest))
    found = trial(plan(Tls.STARTTLS, tls_required=required), script, record=SECURE)
    assert found.fates == (["deferred"] if required else ["delivered"])
    assert (b"MAIL" in found.heard(0)) is not required


def test_the_stale_bit_does_not_survive_the_redial() -> None:
    box = Mailbox()
    found = trial(plan(Tls.STARTTLS), closes, honest(SERVICE, box), record=SECURE)
    assert b"STARTTLS" in found.heard(0)
    assert b"STARTTLS" not in found.heard(1)
    assert (found.fates, taken(box)) == (["delivered"], [CONTENT])


@pytest.mark.parametrize("required", [True, False])
def test_plaintext_behind_the_answer_to_starttls(required: bool) -> None:
    go = b"220 go ahead\r\n" + hello(*OFFER) + b"250 a\r\n"
    script = answers(b"", b"220 mx\r\n" + hello(*OFFER, "STARTTLS") + go)
    found = trial(plan(Tls.STARTTLS, tls_required=required), script, record=SECURE)
    assert found.fates == ["deferred"]
    assert "in clear" in found.outcome.reason
    assert b"MAIL" not in found.heard(0)


def test_a_handshake_that_fails() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear(b"STARTTLS\r\n")
        await peer.say(b"220 mx\r\n" + hello(*OFFER, "STARTTLS") + b"220 go\r\n")
        while not peer.heard.endswith(b"\0"):
            await peer.listen()
            if len(peer.heard) > 100:
                break
        await peer.send(b"500 what is this?\r\n")
        await peer.rest()

    found = trial(plan(Tls.STARTTLS), script, record=SECURE)
    assert found.fates == ["deferred"]
    assert found.outcome.reason.startswith("TLS handshake failed")


# -- replies that do not match ---------------------------------------------------------


def test_a_reply_too_many() -> None:
    replies = b"220 mx\r\n" + hello(*OFFER) + b"250 x\r\n250 a\r\n250 b\r\n354 c\r\n"
    found = trial(plan(), answers(b"", replies), record=DATA)
    assert found.fates == ["deferred"]
    assert CONTENT not in found.heard(0)


def test_nobody_is_accepted_and_content_is_asked_for_all_the_same() -> None:
    replies = b"220 mx\r\n" + hello(*OFFER) + b"250 a\r\n550 nobody\r\n354 go\r\n"
    found = trial(
        plan(), answers(b"", replies, b"554 no recipients\r\n221 bye\r\n"), record=DATA
    )
    assert found.fates == ["rejected"]
    assert found.outcome.reason == "550 nobody"
    assert found.heard(0).partition(b"DATA\r\n")[2].startswith(b".\r\n")
    assert CONTENT not in found.heard(0)


def test_250_to_data_and_to_a_chunk_that_is_not_read() -> None:
    replies = b"220 mx\r\n" + hello(*OFFER) + b"250 a\r\n250 b\r\n250 c\r\n"
    found = trial(plan(), answers(b"", replies), record=DATA)
    assert found.fates == ["deferred"]
    assert CONTENT not in found.heard(0)


# -- options ---------------------------------------------------------------------------


def test_pipelining_that_is_to_be_avoided_wins() -> None:
    box = Mailbox()
    how = plan(wish=Wish(pipelining=False), pipelining=False)
    record: Record | None = DATA
    for _ in range(3):
        found = trial(how, honest(SERVICE, box), record=record)
        assert found.fates == ["delivered"]
        assert not found.delivered.last.early
        assert not found.delivered.last.used_pipelining
        record = found.record or DATA
    assert len(box.messages) == 3


def test_never_means_never_and_leaves_the_record() -> None:
    box = Mailbox()
    found = trial(plan(wish=Wish(early=False)), honest(SERVICE, box), record=DATA)
    assert (found.fates, found.record) == (["delivered"], DATA)
    assert not found.delivered.last.early


# -- a pool behind one address ---------------------------------------------------------


def test_a_keyword_that_flaps_costs_two_connections_at_most() -> None:
    box = Mailbox()
    record: Record | None = None
    how: Plan = plan()
    for number in range(6):
        early = honest(SERVICE, box)
        strict = honest(STRICT, box)
        scripts = [early, strict][number % 2 :][:1]
        if record is not None and number % 2:
            scripts.append(strict)
        found = trial(how, *scripts, record=record)
        assert found.fates == ["delivered"]
        record = found.record
    assert taken(box) == [CONTENT] * 6
