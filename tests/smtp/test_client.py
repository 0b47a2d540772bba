from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp import Client
from eximkit.smtp.commands import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Helo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
)
from eximkit.smtp.states import State, Step
from tests.smtp.wire import offer, single, whole

if TYPE_CHECKING:
    from eximkit.smtp.events import Replied

PIPED = offer("PIPELINING", "PIPECONNECT", "CHUNKING", "STARTTLS", "AUTH PLAIN")
EHLO = b"250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
HELLO, MAIL, RCPT = Ehlo("c.example"), Mail("s@a.example"), Rcpt("r@b.example")


def heard(client: Client, octets: bytes) -> list[Replied]:
    return list(client.feed(octets))


def ready(response: bytes = EHLO) -> Client:
    client = Client()
    heard(client, b"220 mx.example\r\n")
    client.send(HELLO)
    heard(client, response)
    return client


def test_a_client_waits() -> None:
    client = Client()
    with pytest.raises(LocalProtocolError):
        client.send(HELLO)
    heard(client, b"220 mx.example\r\n")
    client.send(HELLO)
    with pytest.raises(LocalProtocolError):
        client.send(MAIL)
    heard(client, EHLO)
    group = client.send(MAIL) + client.send(RCPT) + client.send(Data())
    assert group == b"MAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\nDATA\r\n"
    with pytest.raises(LocalProtocolError):
        client.send(Quit())


def test_without_pipelining_it_waits_for_everything() -> None:
    client = ready(b"250 mx.example\r\n")
    client.send(MAIL)
    for command in (RCPT, Rset(), Quit(), Noop()):
        with pytest.raises(LocalProtocolError):
            client.send(command)
    heard(client, b"250 OK\r\n")
    client.send(RCPT)


@pytest.mark.parametrize("last", [StartTls(), Auth("PLAIN", "AA=="), Quit(), Data()])
def test_nothing_goes_behind_the_last_of_a_group(last: Command) -> None:
    client = Client(early=PIPED)
    client.send(HELLO)
    if isinstance(last, Data):
        client.send(MAIL)
        client.send(RCPT)
    client.send(last)
    for command in (MAIL, RCPT, Noop(), Rset(), Quit()):
        with pytest.raises(LocalProtocolError):
            client.send(command)


def test_early() -> None:
    client = Client(early=PIPED)
    for command in (HELLO, MAIL, RCPT, Data()):
        client.send(command)
    assert client.sent_early
    assert client.outstanding == (
        Step.BANNER, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA,
    )  # fmt: skip
    replies = heard(client, b"220 mx\r\n" + EHLO + b"250 a\r\n250 b\r\n354 go\r\n")
    assert [event.step for event in replies] == [
        Step.BANNER, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA,
    ]  # fmt: skip
    assert client.content(b"x\r\n") + client.send(Quit()) == b"x\r\n.\r\nQUIT\r\n"
    assert client.in_doubt
    replies = heard(client, b"250 taken\r\n221 bye\r\n")
    assert [event.step for event in replies] == [Step.CONTENT, Step.QUIT]
    assert client.state is State.CLOSED
    assert not client.in_doubt


def test_early_by_an_offer_without_pipelining_is_ehlo_and_no_more() -> None:
    client = Client(early=offer("PIPECONNECT"))
    client.send(HELLO)
    with pytest.raises(LocalProtocolError):
        client.send(MAIL)


def test_a_withdrawn_keyword_ends_early_mode() -> None:
    client = Client(early=PIPED)
    client.send(HELLO)
    heard(client, b"220 mx\r\n250 mx.example\r\n")
    assert client.offer is not None
    client.send(MAIL)
    with pytest.raises(LocalProtocolError):
        client.send(RCPT)


def test_order_is_kept() -> None:
    client = ready()
    for command in (RCPT, Data()):
        with pytest.raises(LocalProtocolError):
            client.send(command)
    with pytest.raises(LocalProtocolError):
        client.content(b"")
    with pytest.raises(LocalProtocolError):
        client.respond("AA==")
    with pytest.raises(LocalProtocolError):
        client.secured()
    with pytest.raises(LocalProtocolError):
        client.send(Bdat(3, last=True))


def test_chunks() -> None:
    client = ready()
    client.send(MAIL)
    client.send(RCPT)
    assert client.chunk(b"a\n.", last=False) == b"BDAT 3\r\na\n."
    assert client.chunk(b"", last=True) == b"BDAT 0 LAST\r\n"
    assert client.in_doubt
    heard(client, b"250 a\r\n250 b\r\n250 c\r\n250 d\r\n")
    assert client.state is State.READY


def test_a_message_for_nobody() -> None:
    client = ready()
    for command in (MAIL, RCPT, Data()):
        client.send(command)
    heard(client, b"250 a\r\n550 b\r\n354 go\r\n")
    assert client.nothing() == b".\r\n"
    heard(client, b"554 no\r\n")
    assert client.state is State.READY


def test_verdicts() -> None:
    client = ready()
    for command in (MAIL, RCPT, RCPT, RCPT, Data()):
        client.send(command)
    heard(client, b"250 a\r\n250 b\r\n550 c\r\n250 d\r\n354 go\r\n")
    client.content(b"")
    client.send(Quit())
    replies = heard(client, b"353 wait\r\n250 b\r\n550 d\r\n250 all\r\n221 bye\r\n")
    assert [event.step for event in replies] == [
        Step.CONTENT, Step.VERDICT, Step.VERDICT, Step.FINAL, Step.QUIT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "talk",
    [
        [b"220 a\r\n250 b\r\n"],
        [b"354 a\r\n"],
        [b"220 a\r\n", HELLO, b"354 b\r\n"],
        [b"220 a\r\n", HELLO, b"250 b\r\n250 c\r\n"],
        [b"220 a\r\n", HELLO, EHLO, MAIL, b"354 a\r\n"],
        [b"220 a\r\n", HELLO, EHLO, MAIL, RCPT, Data(), b"250 a\r\n250 b\r\n250 c\r\n"],
        [b"220 a\r\n", HELLO, EHLO, MAIL, RCPT, b"250 a\r\n250 b\r\n250 c\r\n"],
        [b"220 a\r\n", HELLO, EHLO, b"x"],
        [b"220 a\r\n", HELLO, EHLO, b"4210 x\r\n"],
        [b"220 a\r\n", HELLO, EHLO, StartTls(), b"220 go\r\n250 b\r\n"],
        [b"220 a\r\n", HELLO, EHLO, StartTls(), b"220 go\r\nx"],
        [b"220-a\r\n", b"250 b\r\n"],
        [b"hello\r\n"],
    ],
)
def test_a_server_out_of_step(talk: list[bytes | Command]) -> None:
    client = Client()
    for part in talk[:-1]:
        if isinstance(part, bytes):
            heard(client, part)
        else:
            client.send(part)
    last = talk[-1]
    assert isinstance(last, bytes)
    with pytest.raises(RemoteProtocolError):
        heard(client, last)


def test_replies_in_advance_do_not_answer_later_commands() -> None:
    client = Client()
    events = client.feed(b"220 a\r\n250 b\r\n")
    assert next(events).step is Step.BANNER
    assert client.talked_to
    with pytest.raises(LocalProtocolError):
        client.send(HELLO)
    with pytest.raises(RemoteProtocolError):
        next(events)


def test_421_at_any_time() -> None:
    client = ready()
    (event,) = heard(client, b"421 going\r\n")
    assert event.unasked
    assert client.state is State.CLOSED
    client = ready()
    assert heard(client, b"42") == []
    assert not client.may_send(Step.MAIL)
    (event,) = heard(client, b"1-go\r\n421 now\r\n")
    assert event.unasked
    client = ready()
    client.send(MAIL)
    (event,) = heard(client, b"421 going\r\n250 what\r\n")
    assert (event.step, event.unasked) == (Step.MAIL, False)
    assert client.state is State.CLOSED
    assert heard(client, b"250 what\r\n") == []


def test_starttls_voids_what_was_known() -> None:
    client = ready()
    client.send(StartTls())
    heard(client, b"220 go\r\n")
    assert client.state is State.SECURING
    client.secured()
    assert client.offer is None
    with pytest.raises(LocalProtocolError):
        client.send(MAIL)
    client.send(HELLO)
    with pytest.raises(LocalProtocolError):
        client.send(MAIL)


def test_early_under_tls() -> None:
    client = ready()
    client.send(StartTls())
    heard(client, b"220 go\r\n")
    client.secured(PIPED)
    for command in (HELLO, MAIL, RCPT):
        client.send(command)


def test_helo() -> None:
    client = Client()
    heard(client, b"220 mx\r\n")
    client.send(HELLO)
    heard(client, b"502 what\r\n")
    client.send(Helo("c.example"))
    heard(client, b"250 mx\r\n")
    assert client.offer is None
    client.send(MAIL)


def test_auth_line_by_line() -> None:
    client = ready()
    client.send(Auth("LOGIN"))
    (event,) = heard(client, b"334 VXNlcm5hbWU6\r\n")
    assert event.reply.text == "VXNlcm5hbWU6"
    assert client.respond("YW5u") == b"YW5u\r\n"
    with pytest.raises(LocalProtocolError):
        client.send(MAIL)
    heard(client, b"235 in\r\n")
    client.send(MAIL)


SENT = (HELLO, MAIL, RCPT, RCPT, Data())
CODES = st.sampled_from([b"250", b"450", b"550", b"503"])


@given(st.lists(CODES, min_size=3, max_size=3), st.sampled_from([b"354", b"503"]))
def test_replies_match_commands_in_number_and_order(
    codes: list[bytes], last: bytes
) -> None:
    octets = b"220 mx\r\n" + EHLO
    octets += b"".join(code + b" x\r\n" for code in (*codes, last))
    seen = []
    for pieces in (whole, single):
        client = Client(early=PIPED)
        for command in SENT:
            client.send(command)
        got = [event for piece in pieces(octets) for event in client.feed(piece)]
        seen.append(got)
        assert [event.command for event in got[1:]] == list(SENT)
        assert [b"%d" % event.reply.code for event in got[2:]] == [*codes, last]
        assert client.outstanding == ()
        assert client.state is (State.CONTENT if last == b"354" else after_group(codes))
    assert seen[0] == seen[1]


def after_group(codes: list[bytes]) -> State:
    if b"250" in codes[1:]:
        return State.RCPT
    return State.MAIL if codes[0] == b"250" else State.READY


def test_every_cut_of_a_dialogue_gives_the_same() -> None:
    octets = b"220-a\r\n220 b\r\n" + EHLO + b"250 a\r\n450 b\r\n250 c\r\n354 d\r\n"
    expected = None
    for cut in range(len(octets) + 1):
        client = Client(early=PIPED)
        for command in SENT:
            client.send(command)
        got = heard(client, octets[:cut]) + heard(client, octets[cut:])
        expected = expected or got
        assert got == expected


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([
                b"220 x\r\n", b"250 x\r\n", b"250-x\r\n", b"354 x\r\n", b"334 \r\n",
                b"421 x\r\n", b"550 x\r\n", b"353 x\r\n", b"x" * 5000, b"\r\n",
            ]),
        )
    ),
    st.booleans(),
)  # fmt: skip
def test_a_client_stands_anything(parts: list[bytes], early: bool) -> None:
    client = Client(early=PIPED if early else None)
    todo: list[Command] = [HELLO, MAIL, RCPT, Data(), Quit()]
    with suppress(RemoteProtocolError):
        for part in parts:
            while todo and client.may_send(todo[0].step):
                client.send(todo.pop(0))
            heard(client, part)
            assert len(client._replies) < 5000
