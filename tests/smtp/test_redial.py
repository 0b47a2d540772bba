"""What a client makes of servers that fail it, by the word and by the octet."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.smtp import Delivery, Server, Service
from eximkit.smtp.early import Cached, Record, Tls, Wish
from eximkit.smtp.events import Content, ContentEnded, ServerEvent
from eximkit.smtp.message import Fate
from eximkit.smtp.replies import reply
from eximkit.smtp.route import Route
from tests.smtp.wire import (
    CONTENT,
    NOW,
    Link,
    Mailbox,
    Script,
    deliver,
    fates,
    learn,
    message,
    offer,
    outcome,
    server,
)

OFFER = ("PIPELINING", "PIPECONNECT")
EHLO = b"250-mx\r\n250-PIPELINING\r\n250 PIPECONNECT\r\n"
DATA = Record(NOW, offer(*OFFER))
BDAT = Record(NOW, offer(*OFFER, "CHUNKING"))
SECURE = Record(NOW, offer(*OFFER, "STARTTLS"), offer(*OFFER))
PLAIN: list[bytes | None] = [
    b"220 mx\r\n",
    b"250 mx\r\n",
    b"250 a\r\n",
    b"250 b\r\n",
    b"354 c\r\n",
]
DELIVERS: list[bytes | None] = [b"", *PLAIN, b"250 taken\r\n", b"221 bye\r\n"]


def sent(
    record: Record | None, *answers: list[bytes | None], **changes: object
) -> tuple[Delivery, list[Script]]:
    """A delivery to servers that follow a script each."""
    how = dataclasses.replace(Route("c.example"), **changes)  # type: ignore[arg-type]
    wish = Wish(tls=how.tls, tls_required=how.tls_required)
    delivery = Delivery(how, wish, [message()], record, NOW)
    scripts = [Script([*each]) for each in answers]
    for number, script in enumerate(scripts, 1):
        script.run(delivery.sender)
        again = delivery.redial()
        assert again is (number < len(scripts)), delivery.why_redialled
    return delivery, scripts


REFUSALS: dict[str, list[bytes | None]] = {
    "554 sync error": [b"554 SMTP synchronization error\r\n", None],
    "554, then what it says to the rest": [b"554 no\r\n503 a\r\n503 b\r\n503 c\r\n"],
    "421 banner": [b"421 later\r\n"],
    "no banner": [None],
    "half a banner": [b"220 m", None],
    "no banner, something else": [b"SSH-2.0-x\r\n"],
    "a banner of two minds": [b"220-mx\r\n550 mx\r\n"],
    "HELO only": [b"220 mx\r\n502 EHLO?\r\n503 a\r\n503 b\r\n503 c\r\n"],
    "421 to EHLO": [b"220 mx\r\n421 later\r\n"],
    "451 to EHLO": [b"220 mx\r\n451 later\r\n"],
    "EHLO and no answer": [b"220 mx\r\n", None],
    "an answer in advance of the banner": [b"250 mx\r\n"],
}


@pytest.mark.parametrize("answers", REFUSALS.values(), ids=REFUSALS)
def test_a_hello_that_fails_early_says_nothing_about_the_message(
    answers: list[bytes | None],
) -> None:
    delivery, scripts = sent(DATA, answers, DELIVERS)
    assert fates(delivery) == ["delivered"]
    assert delivery.memory.cached is Cached.CLEARED
    assert [said for said in scripts[1].heard if said][:2] == [
        b"EHLO c.example\r\n", b"MAIL FROM:<s@a.example>\r\n",
    ]  # fmt: skip


@pytest.mark.parametrize("answers", REFUSALS.values(), ids=REFUSALS)
def test_the_same_failure_again_is_the_answer(answers: list[bytes | None]) -> None:
    delivery, _ = sent(DATA, answers, [b"", *answers])
    assert fates(delivery)[0] != "delivered"
    assert delivery.redialled


@pytest.mark.parametrize("answers", REFUSALS.values(), ids=REFUSALS)
def test_starttls_early_is_no_different(answers: list[bytes | None]) -> None:
    delivery, scripts = sent(SECURE, answers, DELIVERS, tls=Tls.STARTTLS)
    assert scripts[0].heard[0] == b"EHLO c.example\r\nSTARTTLS\r\n"
    assert fates(delivery) == ["delivered"]


def test_a_server_that_takes_helo_only() -> None:
    helo = [b"", b"220 mx\r\n", b"502 what\r\n", *PLAIN[1:], b"250 taken\r\n"]
    delivery, scripts = sent(DATA, REFUSALS["HELO only"], helo)
    assert b"HELO c.example\r\n" in scripts[1].heard
    assert fates(delivery) == ["delivered"]


def test_what_a_redial_is_told_counts() -> None:
    refused: list[bytes | None] = [b"", b"550 go away\r\n"]
    delivery, _ = sent(DATA, refused[1:], refused)
    assert outcome(delivery).fate is Fate.REJECTED
    delivery, _ = sent(DATA, [None], [b"", None])
    assert outcome(delivery).fate is Fate.DEFERRED


# -- a message that has left with the first flight -------------------------------------


def test_a_refused_banner_answers_the_content_too() -> None:
    delivery, scripts = sent(BDAT, REFUSALS["554 sync error"], DELIVERS)
    assert CONTENT in scripts[0].heard[0]
    assert fates(delivery) == ["delivered"]
    assert not outcome(delivery).in_doubt


@pytest.mark.parametrize(
    "answers",
    [
        [None],
        [b"220 mx\r\n", None],
        [b"22", None],
        [b"220 mx\r\n502 what\r\n", None],
        [b"220 mx\r\n502 what\r\n250 a\r\n250 b\r\n", None],
        [b"220 mx\r\n" + EHLO, None],
        [b"220 mx\r\n" + EHLO + b"250 a\r\n250 b\r\n", None],
        [b"220 mx\r\nwhat?\r\n"],
    ],
)
def test_no_redial_once_a_message_may_have_been_taken(
    answers: list[bytes | None],
) -> None:
    delivery, _ = sent(BDAT, answers)
    assert outcome(delivery).fate is Fate.DEFERRED
    assert outcome(delivery).in_doubt


def test_no_redial_once_a_message_was_taken() -> None:
    delivery, _ = sent(
        BDAT, [b"220 mx\r\n502 what\r\n250 a\r\n250 b\r\n", b"250 taken\r\n"]
    )
    assert fates(delivery) == ["delivered"]


def test_a_redial_once_the_message_was_refused_for_want_of_a_hello() -> None:
    delivery, _ = sent(BDAT, [REFUSALS["HELO only"][0]], DELIVERS)
    assert fates(delivery) == ["delivered"]


def test_a_redial_once_the_envelope_was_refused_for_want_of_a_hello() -> None:
    lost: list[bytes | None] = [b"220 mx\r\n502 what\r\n503 a\r\n503 b\r\n", None]
    delivery, _ = sent(BDAT, lost, DELIVERS)
    assert fates(delivery) == ["delivered"]


def test_a_lost_connection_with_nothing_in_doubt() -> None:
    answers: list[bytes | None] = [b"220 mx\r\n" + EHLO + b"250 a\r\n", None]
    delivery, _ = sent(DATA, answers)
    assert outcome(delivery).fate is Fate.DEFERRED
    assert not outcome(delivery).in_doubt


def test_a_connection_that_ends_without_221() -> None:
    answers: list[bytes | None] = [*DELIVERS[:-1], None]
    delivery, _ = sent(None, answers)
    assert fates(delivery) == ["delivered"]


# -- what the real response to EHLO leaves standing ------------------------------------


NO_KEYWORD = b"220 mx\r\n250-mx\r\n250 PIPELINING\r\n"


@pytest.mark.parametrize(
    "replies",
    [
        b"550 a\r\n503 b\r\n503 c\r\n",
        b"250 a\r\n550 b\r\n503 c\r\n",
        b"250 a\r\n250 b\r\n500 c\r\n",
        b"250 a\r\n550 b\r\n354 c\r\n",
    ],
)
def test_a_withdrawn_keyword_and_a_refusal(replies: bytes) -> None:
    delivery, _ = sent(DATA, [NO_KEYWORD + replies], DELIVERS)
    assert fates(delivery) == ["delivered"]


def test_a_withdrawn_keyword_and_a_deferral() -> None:
    delivery, _ = sent(
        DATA, [NO_KEYWORD + b"450 a\r\n503 b\r\n503 c\r\n", b"221 x\r\n"]
    )
    assert fates(delivery) == ["deferred"]


@pytest.mark.parametrize(
    "replies",
    [
        b"250 a\r\n250 b\r\n555 c\r\n250 taken\r\n221 bye\r\n",
        b"250 a\r\n250 b\r\n555 c\r\n",
    ],
)
def test_a_doubtful_refusal_is_no_rejection(replies: bytes) -> None:
    two = [message("a@b.example", "b@b.example")]
    delivery = Delivery(Route("c"), Wish(), two, BDAT, NOW)
    Script([NO_KEYWORD + replies, None]).run(delivery.sender)
    assert not delivery.redial()
    first = "delivered" if b"taken" in replies else "deferred"
    assert fates(delivery) == [first, "deferred"]
    (outcomes,) = delivery.outcomes()
    assert [each.in_doubt for each in outcomes] == [first == "deferred", False]


def test_with_the_keyword_a_refusal_is_a_refusal() -> None:
    replies = b"250 a\r\n550 b\r\n503 c\r\n"
    delivery, _ = sent(DATA, [b"220 mx\r\n" + EHLO + replies, b"221 bye\r\n"])
    assert fates(delivery) == ["rejected"]


def test_nobody_to_send_to_and_354_all_the_same() -> None:
    for codes in (b"250 a\r\n550 b\r\n354 c\r\n", b"550 a\r\n503 b\r\n354 c\r\n"):
        answers: list[bytes | None] = [b"220 mx\r\n" + EHLO + codes, b"554 d\r\n"]
        delivery, (script,) = sent(DATA, [*answers, b"221 bye\r\n"])
        assert script.heard[1:] == [b".\r\n", b"QUIT\r\n"]
        assert fates(delivery) == ["rejected"]


def test_a_reply_too_many_delivers_nothing_twice() -> None:
    shifted = b"220 mx\r\n" + EHLO + b"250 extra\r\n250 a\r\n250 b\r\n354 c\r\n"
    delivery, (script,) = sent(DATA, [shifted])
    assert fates(delivery) == ["deferred"]
    assert CONTENT not in b"".join(script.heard)


@pytest.mark.parametrize("more", [b"\0", b"250 taken\r\n", b"421 going\r\n"])
def test_more_behind_354_than_was_asked_for(more: bytes) -> None:
    for code in (b"250", b"550"):
        go = b"250 a\r\n" + code + b" b\r\n354 c\r\n" + more
        delivery, (script,) = sent(DATA, [b"220 mx\r\n" + EHLO + go])
        assert fates(delivery) == ["deferred" if code == b"250" else "rejected"]
        assert CONTENT not in b"".join(script.heard)


def test_data_answered_with_250() -> None:
    delivery, _ = sent(DATA, [b"220 mx\r\n" + EHLO + b"250 a\r\n250 b\r\n250 c\r\n"])
    assert fates(delivery) == ["deferred"]


@pytest.mark.parametrize("required", [False, True])
def test_454_to_starttls(required: bool) -> None:
    hello = b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250-PIPECONNECT\r\n250 STARTTLS\r\n"
    answers: list[bytes | None] = [hello + b"454 not now\r\n"]
    rest = (
        [b"221 x\r\n"] if required else [b"250 a\r\n250 b\r\n354 c\r\n", b"250 d\r\n"]
    )
    delivery, (script,) = sent(
        SECURE, [*answers, *rest], tls=Tls.STARTTLS, tls_required=required
    )
    assert fates(delivery) == ["deferred" if required else "delivered"]
    assert (b"MAIL" in b"".join(script.heard)) is not required


@pytest.mark.parametrize("more", [b"2", b"250 in clear\r\n", EHLO, b"\x16\x03\x03"])
@pytest.mark.parametrize("required", [False, True])
def test_plaintext_behind_the_reply_to_starttls(more: bytes, required: bool) -> None:
    hello = b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250-PIPECONNECT\r\n250 STARTTLS\r\n"
    delivery, _ = sent(
        SECURE, [hello + b"220 go\r\n" + more],
        tls=Tls.STARTTLS, tls_required=required,
    )  # fmt: skip
    assert outcome(delivery).fate is Fate.DEFERRED
    assert "in clear" in outcome(delivery).reason
    assert not delivery.sender.handshaking


def test_a_handshake_that_fails() -> None:
    hello = b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250-PIPECONNECT\r\n250 STARTTLS\r\n"
    delivery = Delivery(
        Route("c", Tls.STARTTLS), Wish(tls=Tls.STARTTLS), [message()], SECURE, NOW
    )
    delivery.sender.output()
    delivery.sender.feed(hello + b"220 go\r\n")
    assert delivery.sender.handshaking
    delivery.sender.lost("certificate expired")
    assert delivery.sender.finished
    assert not delivery.sender.handshaking
    assert outcome(delivery).reason == "certificate expired"


def test_421_behind_a_recipient() -> None:
    replies = b"250 a\r\n421 going\r\n"
    delivery, _ = sent(DATA, [b"220 mx\r\n" + EHLO + replies])
    assert outcome(delivery).fate is Fate.DEFERRED
    assert "421 going" in outcome(delivery).reason


def test_an_error_in_the_second_message_leaves_the_first() -> None:
    delivery = Delivery(Route("c"), Wish(), [message(), message()], DATA, NOW)
    hello = b"220 mx\r\n" + EHLO + b"250 a\r\n250 b\r\n354 c\r\n"
    Script([hello, b"250 taken\r\n", b"250 a\r\n", None]).run(delivery.sender)
    assert not delivery.redial()
    assert fates(delivery) == ["delivered", "deferred"]


# -- any fault, anywhere ---------------------------------------------------------------


@dataclasses.dataclass
class Faulty(Mailbox):
    """A server that keeps to SMTP and says, at one place, something else.

    at: before which reply. code: of what it says there instead, 0 to hang up before the
    reply is sent, 1 to hang up behind it. The taking of a message is not undone.
    """

    at: int = 0
    code: int = 0
    count: int = 0
    hung_up: bool = False

    def answer(self, server: Server, event: ServerEvent) -> bytes:
        if self.hung_up:
            return b"" if isinstance(event, Content) else self.silent(server, event)
        if isinstance(event, Content):
            return super().answer(server, event)
        self.count += 1
        if self.count != self.at + 1:
            return super().answer(server, event)
        if self.code > 1:
            if isinstance(event, ContentEnded):
                self.content = bytearray()
            return server.send(reply(self.code, "fault"))
        said = super().answer(server, event)
        self.hung_up = True
        return said if self.code else b""

    def silent(self, server: Server, event: ServerEvent) -> bytes:
        assert not isinstance(event, Content)
        server.send(reply(421, "gone"))
        return b""


class FaultyLink(Link):
    def run(self) -> None:
        sender = self.sender
        while not sender.finished:
            octets = sender.output()
            answer = self.serve(octets)
            for piece in self.pieces(answer):
                sender.feed(piece)
            box = self.box
            assert isinstance(box, Faulty)
            if sender.handshaking:
                self.server.secured()
                sender.secured()
            elif box.hung_up or self.server.closed or not (octets or answer):
                sender.lost("closed")


SERVICES = [
    Service(name="mx", chunking=chunking, starttls=starttls, early=early)
    for chunking in (False, True)
    for starttls in (False, True)
    for early in ("PIPECONNECT", "")
]


@given(
    st.sampled_from(SERVICES),
    st.sampled_from(SERVICES),
    st.sampled_from([Tls.NONE, Tls.STARTTLS]),
    st.tuples(st.integers(0, 12), st.integers(0, 12)),
    st.tuples(*[st.sampled_from([0, 1, 421, 450, 503, 554])] * 2),
    st.integers(1, 3),
)
def test_a_redial_never_delivers_twice(
    before: Service,
    now: Service,
    tls: Tls,
    at: tuple[int, int],
    codes: tuple[int, int],
    messages: int,
) -> None:
    record = None
    if before.early:
        record = learn(before, tls)
    letters = [
        message(content=b"Subject: %d\r\n\r\nx\r\n" % n) for n in range(messages)
    ]
    delivery = Delivery(Route("c.example", tls), Wish(tls=tls), letters, record, NOW)
    boxes = []
    for place, code in zip(at, codes, strict=True):
        boxes.append(Faulty(at=place, code=code))
        FaultyLink(delivery.sender, server(now, tls), boxes[-1]).run()
        if not delivery.redial():
            break
    assert delivery.sender.finished, "a second redial"
    taken = [content for box in boxes for *_, content in box.messages]
    assert len(taken) == len(set(taken))
    for letter, (result,) in zip(letters, delivery.outcomes(), strict=True):
        if result.fate is Fate.DELIVERED:
            assert letter.content in taken
        elif not result.in_doubt:
            assert letter.content not in taken


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from([
                b"220 x\r\n", b"250 x\r\n", EHLO, b"354 x\r\n", b"550 x\r\n", b"250-a",
                b"421 x\r\n", b"503 x\r\n", b"334 x\r\n", b"353 x\r\n", b"221 x\r\n",
                b"220 mx\r\n" + EHLO, b"250 a\r\n250 b\r\n354 c\r\n",
            ]),
        ),
        max_size=15,
    ),
    st.sampled_from([None, DATA, BDAT, SECURE]),
    st.sampled_from(Tls),
)  # fmt: skip
def test_a_sender_stands_anything(
    parts: list[bytes], record: Record | None, tls: Tls
) -> None:
    delivery = Delivery(
        Route("c.example", tls, prdr=True), Wish(tls=tls),
        [message(), message("a@b.example", "c@b.example")], record, NOW,
    )  # fmt: skip
    for _ in range(2):
        sender = delivery.sender
        for part in parts:
            sender.output()
            if sender.handshaking:
                sender.secured()
            sender.feed(part)
        sender.lost("closed")
        assert sender.finished
        if not delivery.redial():
            break
    assert len(fates(delivery)) == 3
    assert not delivery.redial()


def test_a_deferral_keeps_what_was_decided() -> None:
    box = Mailbox(refuse={"x@b.example": reply(550, "no")})
    serves = Service(name="mx")
    both = Delivery(
        Route("c"), Wish(), [message("x@b.example"), message()], learn(serves), NOW
    )
    deliver(both, [server(serves)], box)
    assert fates(both) == ["rejected", "delivered"]
