from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import LocalProtocolError
from eximkit.smtp import Server, Service, auth
from eximkit.smtp.commands import Ehlo, Mail, Noop, Rcpt
from eximkit.smtp.ehlo import EARLY_KEYWORDS, Limits
from eximkit.smtp.events import Content, ContentEnded, Opened, Received, Refused
from eximkit.smtp.replies import ReplyReader, reply
from eximkit.smtp.states import State
from tests.smtp.wire import Mailbox, Pieces, challenge, halves, single, whole

EARLY = Service(name="mx.example", starttls=True, mechanisms=auth.MECHANISMS)
STRICT = Service(name="mx.example", early="", starttls=True)
MAIL = b"MAIL FROM:<s@a.example>\r\n"
RCPT = b"RCPT TO:<r@b.example>\r\n"
ENVELOPE = MAIL + RCPT
GROUP = b"EHLO c.example\r\n" + ENVELOPE


class Talk:
    """A server, and what it has answered so far."""

    def __init__(self, service: Service = EARLY, secure: bool = False) -> None:
        self.server = Server(service, secure, challenge)
        self.box = Mailbox()
        self.out = b""

    def say(self, octets: bytes = b"", pieces: Pieces = whole) -> list[int]:
        """The codes that the server answers with."""
        start = len(self.out)
        for piece in pieces(octets) if octets else [b""]:
            for event in self.server.feed(piece):
                self.out += self.box.answer(self.server, event)
        reader = ReplyReader()
        reader.add(self.out[start:])
        codes = []
        while (answer := reader.next()) is not None:
            codes.append(answer.code)
        return codes

    def greeted(self) -> Talk:
        assert self.say() == [220]
        assert self.say(b"EHLO c.example\r\n") == [250]
        return self


# -- early input -----------------------------------------------------------------------


def test_early_input_is_taken_where_it_is_offered() -> None:
    talk = Talk()
    assert talk.say(GROUP + b"DATA\r\n") == [220, 250, 250, 250, 354]
    assert talk.server.session.use.early
    assert b"250-PIPECONNECT\r\n" in talk.out


def test_early_input_is_refused_where_it_is_not() -> None:
    talk = Talk(STRICT)
    assert talk.say(GROUP) == [554]
    assert talk.server.closed
    assert talk.say(b"RSET\r\n") == []
    assert talk.server.buffered == 0
    assert b"PIPECONNECT" not in talk.out


def test_early_input_while_the_banner_is_thought_about() -> None:
    for service, codes in ((STRICT, [554]), (EARLY, [220])):
        server = Server(service)
        (opened,) = server.events()
        assert isinstance(opened, Opened)
        assert list(server.feed(b"EHLO c.example\r\n")) == []
        assert [int(server.send(opened.reply)[:3])] == codes
        assert server.session.use.early == (service is EARLY)


def test_half_a_command_before_the_banner() -> None:
    talk = Talk()
    assert talk.say(b"EHLO c.ex") == [220]
    assert talk.say(b"ample\r\n") == [250]
    assert Talk(STRICT).say(b"E") == [554]


@pytest.mark.parametrize("keyword", EARLY_KEYWORDS)
def test_one_keyword_is_offered(keyword: str) -> None:
    talk = Talk(Service(early=keyword)).greeted()
    assert [name for name in EARLY_KEYWORDS if f"-{name}\r\n".encode() in talk.out] == [
        keyword
    ]


def test_no_keyword_without_pipelining() -> None:
    talk = Talk(Service(pipelining=False)).greeted()
    assert b"PIPE" not in talk.out


def test_the_freedom_ends_with_the_first_data() -> None:
    talk = Talk()
    assert talk.say(GROUP + b"DATA\r\n")[-1] == 354
    assert talk.say(b"x\r\n.\r\n") == [250]
    assert talk.say(b"NOOP\r\nRSET\r\n") == [554]
    assert talk.server.closed


@pytest.mark.parametrize("verb", [b"NOOP", b"HELP", b"VRFY x", b"FROB"])
def test_before_that_every_verb_may_be_followed(verb: bytes) -> None:
    talk = Talk()
    assert len(talk.say(b"EHLO c.example\r\n" + verb + b"\r\n" + ENVELOPE)) == 5
    assert not talk.server.closed


@pytest.mark.parametrize("verb", [b"NOOP", b"EHLO x.example", b"VRFY x", b"DATA"])
def test_elsewhere_the_last_of_a_group_is_the_last(verb: bytes) -> None:
    talk = Talk(STRICT).greeted()
    assert talk.say(ENVELOPE + verb + b"\r\nRSET\r\n") == [250, 250, 554]


def test_pipelining_without_early_input() -> None:
    talk = Talk(STRICT).greeted()
    assert talk.say(ENVELOPE + RCPT + b"DATA\r\n") == [250, 250, 250, 354]
    assert talk.server.session.use.pipelined


def test_groups_need_ehlo_and_pipelining() -> None:
    talk = Talk()
    assert talk.say(b"HELO c.example\r\n" + ENVELOPE) == [220, 250, 554]
    talk = Talk(Service(pipelining=False)).greeted()
    assert talk.say(ENVELOPE) == [554]


def test_early_under_tls() -> None:
    talk = Talk(EARLY, secure=True)
    assert talk.say(GROUP + b"DATA\r\n")[-1] == 354
    assert talk.server.session.use.early


# -- order -----------------------------------------------------------------------------


def test_order() -> None:
    talk = Talk().greeted()
    for line, code in (
        (b"RCPT TO:<r@b.example>", 503),
        (b"DATA", 503),
        (b"MAIL FROM:<s@a.example>", 250),
        (b"RSET", 250),
        (b"MAIL FROM:<s@a.example>", 250),
        (b"MAIL FROM:<s@a.example>", 503),
        (b"RCPT TO:<r@b.example>", 250),
        (b"EHLO c.example", 250),
        (b"QUIT", 221),
    ):
        assert talk.say(line + b"\r\n") == [code], line
    assert talk.server.closed


def test_mail_before_ehlo() -> None:
    assert Talk().say(ENVELOPE + b"EHLO c.example\r\n") == [220, 503, 503, 250]


def test_a_client_that_was_turned_away_can_only_quit() -> None:
    server = Server(STRICT)
    (opened,) = server.events()
    assert isinstance(opened, Opened)
    server.send(reply(554, "not you"))
    assert server.state is State.TURNED_AWAY
    (event,) = server.feed(b"EHLO c.example\r\n")
    assert isinstance(event, Refused)
    assert server.send(event.reply)[:3] == b"503"
    (event,) = server.feed(b"QUIT\r\n")
    assert isinstance(event, Received)
    assert server.send(event.reply)[:3] == b"221"


def test_events_wait_for_their_replies() -> None:
    server = Server(EARLY)
    events = server.feed(GROUP)
    opened = next(events)
    assert list(server.events()) == []
    assert server.waiting is opened
    with pytest.raises(LocalProtocolError):
        server.send(reply(354, "no"))
    assert isinstance(opened, Opened)
    server.send(opened.reply)
    hello = next(events)
    assert isinstance(hello, Received)
    assert hello.command == Ehlo("c.example")
    server.send(reply(451, "later"))
    (mail,) = server.events()
    assert isinstance(mail, Refused)
    server.send(mail.reply)
    (rcpt,) = server.events()
    assert isinstance(rcpt, Refused)
    server.send(reply(503))
    assert list(server.events()) == []
    with pytest.raises(LocalProtocolError):
        server.send(reply(503))


def test_replies_that_refuse_change_nothing() -> None:
    talk = Talk().greeted()
    talk.box.refuse = {"r@b.example": reply(550, "5.1.1 no")}
    assert talk.say(ENVELOPE + b"RCPT TO:<x@b.example>\r\nDATA\r\n")[1:] == [
        550, 250, 354,
    ]  # fmt: skip
    assert talk.say(b".\r\n") == [250]
    assert talk.box.messages[0][:2] == ("s@a.example", ("x@b.example",))


def test_all_recipients_refused() -> None:
    talk = Talk().greeted()
    talk.box.refuse = {"r@b.example": reply(550, "5.1.1 no")}
    assert talk.say(ENVELOPE + b"DATA\r\n") == [250, 550, 503]
    assert talk.say(b"BDAT 6 LAST\r\nRSET\r\n") == [503]
    assert talk.say(b"RSET\r\n") == [250]
    assert talk.box.messages == []


def test_content_that_did_not_wait_is_no_list_of_commands() -> None:
    talk = Talk()
    talk.box.refuse = {"r@b.example": reply(550, "5.1.1 no")}
    content = b"DATA\r\nQUIT\r\n.\r\n"
    assert talk.say(GROUP + content) == [220, 250, 250, 550, 503]
    assert talk.server.closed
    talk = Talk()
    assert talk.say(GROUP + content) == [220, 250, 250, 250, 354, 250]
    assert talk.box.messages[0][2] == b"QUIT\r\n"


# -- chunks ----------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [whole, single])
def test_chunks(pieces: Pieces) -> None:
    talk = Talk()
    octets = GROUP + b"BDAT 4\r\na\r\n.BDAT 0\r\nBDAT 7 LAST\r\n\r\nRSET\rQUIT\r\n"
    assert talk.say(octets, pieces) == [220, 250, 250, 250, 250, 250, 250, 221]
    assert talk.box.messages[0][2] == b"a\r\n.\r\nRSET\r"
    assert talk.server.session.use.chunked


@pytest.mark.parametrize("pieces", [whole, single])
@pytest.mark.parametrize(
    ("line", "code"),
    [(b"BDAT 6", 503), (b"BDAT 6 LAST", 503), (b"BDAT 6 FIRST", 501)],
)
def test_octets_of_a_refused_chunk_are_skipped(
    pieces: Pieces, line: bytes, code: int
) -> None:
    talk = Talk().greeted()
    assert talk.say(line + b"\r\nQUIT\r\nNOOP\r\n", pieces) == [code, 250]


@pytest.mark.parametrize("line", [b"BDAT", b"BDAT +5", b"BDAT -5", b"BDAT x LAST"])
def test_a_chunk_of_unknown_size_ends_the_connection(line: bytes) -> None:
    talk = Talk().greeted()
    assert talk.say(line + b"\r\nQUIT\r\n") == [501]
    assert talk.server.closed


def test_chunks_then_data() -> None:
    talk = Talk().greeted()
    assert talk.say(ENVELOPE + b"BDAT 1\r\nxDATA\r\n") == [250, 250, 250, 503]
    assert talk.say(b"QUIT\r\n") == [221]
    assert talk.box.messages == []


def test_chunks_that_are_too_large() -> None:
    talk = Talk(Service(size=10)).greeted()
    assert talk.say(ENVELOPE + b"BDAT 11\r\n" + b"x" * 11) == [250, 250, 552]
    assert talk.say(b"BDAT 1 LAST\r\nx") == [503]
    assert talk.say(b"RSET\r\n") == [250]
    assert talk.say(ENVELOPE + b"BDAT 11 LAST\r\n" + b"x" * 11) == [250, 250, 552]
    assert talk.say(ENVELOPE + b"BDAT 99999999\r\n" + b"x" * 11) == [250, 250, 552]
    assert talk.server.closed
    assert talk.box.messages == []


def test_chunks_where_they_are_not_offered() -> None:
    talk = Talk(Service(chunking=False)).greeted()
    assert talk.say(ENVELOPE + b"BDAT 6 LAST\r\nQUIT\r\n") == [250, 250, 503]
    assert not talk.server.closed


# -- limits ----------------------------------------------------------------------------


def test_size() -> None:
    talk = Talk(Service(size=10)).greeted()
    assert talk.say(b"MAIL FROM:<s@a.example> SIZE=11\r\n") == [552]
    assert talk.say(ENVELOPE + b"DATA\r\n") == [250, 250, 354]
    assert talk.say(b"x" * 11 + b"\r\n.\r\n") == [552]
    assert talk.box.messages == []
    server = talk.server
    assert talk.say(ENVELOPE + b"DATA\r\n")[-1] == 354
    *_, ended = server.feed(b"x" * 11 + b"\r\n.\r\n")
    assert isinstance(ended, ContentEnded)
    with pytest.raises(LocalProtocolError):
        server.send(reply(250, "I have it"))


def test_unknown_commands() -> None:
    talk = Talk()
    lines = b"GET / HTTP/1.1\r\nHost: x\r\nAccept: y\r\nCookie: z\r\nFoo: z\r\n\r\n"
    assert talk.say(lines) == [220, 500, 500, 500, 500]
    assert talk.server.closed


def test_errors() -> None:
    talk = Talk().greeted()
    assert talk.say(b"MAIL\r\n" * 5) == [501, 501, 501, 501]
    assert talk.server.closed


@pytest.mark.parametrize("command", [b"NOOP\r\n", b"RSET\r\n", b"EHLO x.example\r\n"])
def test_idle_commands(command: bytes) -> None:
    talk = Talk()
    codes = talk.say(b"EHLO c.example\r\n" + command * 100_000)
    assert codes == [220, *[250] * 10, 554]
    assert talk.server.buffered == 0


def test_resets_within_transactions_are_not_idle() -> None:
    talk = Talk().greeted()
    assert set(talk.say((ENVELOPE + b"RSET\r\n") * 50)) == {250}


def test_recipients() -> None:
    talk = Talk(Service(most_recipients=3, limits=Limits(recipients=3))).greeted()
    assert b"250-LIMITS RCPTMAX=3\r\n" in talk.out
    codes = talk.say(MAIL + RCPT * 10_000)
    assert codes == [250] * 4 + [452] * 27 + [421]
    assert talk.server.closed


def test_messages() -> None:
    talk = Talk(Service(most_messages=2)).greeted()
    for _ in range(2):
        assert talk.say(ENVELOPE + b"BDAT 0 LAST\r\n") == [250, 250, 250]
    assert talk.say(ENVELOPE) == [421]
    assert talk.server.closed


def test_long_lines() -> None:
    talk = Talk().greeted()
    assert talk.say(b"NOOP " + b"x" * 20_000 + b"\r\nNOOP\r\n") == [500, 250]
    assert talk.say(b"NOOP " + b"x" * 600 + b"\r\nNOOP\r\n") == [500, 250]
    assert talk.say(b"x" * 20_000, single) == []
    assert talk.server.buffered <= 12288
    assert talk.say(b"x" * 200_000) == [500]
    assert talk.server.closed


def test_odd_octets() -> None:
    talk = Talk().greeted()
    assert talk.say(b"NO\0OP\r\n") == [500]
    assert talk.say(b"NO\rOP\r\nNOOP\r\n") == [500, 250]
    assert talk.say(b"EHLO caf\xe9\r\n") == [501]
    assert talk.say(b"NOOP\nMAIL FROM:<s@a.example>\r\n") == [500]
    assert talk.server.closed


# -- parameters ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"MAIL FROM:<s@a.example> SIZE=1",
        b"MAIL FROM:<s@a.example> BODY=8BITMIME",
        "MAIL FROM:<grå@a.example> SMTPUTF8".encode(),
        b"MAIL FROM:<s@a.example> PRDR",
        b"MAIL FROM:<s@a.example> RET=FULL ENVID=x",
    ],
)
def test_parameters_are_taken_where_offered(line: bytes) -> None:
    bare = Service(size=0, eight_bit=False, smtputf8=False, prdr=False)
    assert Talk(Service(dsn=True)).greeted().say(line + b"\r\n") == [250]
    expected = [250] if b"SIZE" in line else [555]
    assert Talk(bare).greeted().say(line + b"\r\n") == expected
    helo = Talk(Service(dsn=True))
    assert helo.say() == [220]
    assert helo.say(b"HELO c.example\r\n") == [250]
    assert helo.say(line + b"\r\n") == [555]


def test_utf8_recipients_need_smtputf8() -> None:
    recipient = "RCPT TO:<grå@b.example>\r\n".encode()
    assert Talk().greeted().say(MAIL + recipient) == [250, 553]
    utf8 = b"MAIL FROM:<s@a.example> SMTPUTF8\r\n"
    assert Talk().greeted().say(utf8 + recipient) == [250, 250]


def test_prdr() -> None:
    talk = Talk().greeted()
    talk.box.verdicts = {"x@b.example": reply(550, "5.7.1 spam")}
    prdr = b"MAIL FROM:<s@a.example> PRDR\r\n"
    assert talk.say(prdr + RCPT + b"RCPT TO:<x@b.example>\r\nDATA\r\n")[-1] == 354
    assert talk.say(b"x\r\n.\r\n") == [353, 250, 550, 250]
    assert talk.box.messages[0][1] == ("r@b.example",)
    assert talk.say(prdr + RCPT + b"BDAT 0 LAST\r\n") == [250, 250, 250]


def test_bare_line_ends_are_kept_or_refused() -> None:
    for service, code in ((EARLY, 250), (Service(bare_ends=False), 550)):
        talk = Talk(service).greeted()
        assert talk.say(ENVELOPE + b"DATA\r\n")[-1] == 354
        assert talk.say(b"a\n.\nb\r\n.\r\n") == [code]
        if code == 250:
            assert talk.box.messages[0][2] == b"a\n.\nb\r\n"


# -- STARTTLS --------------------------------------------------------------------------


def test_starttls_forgets() -> None:
    talk = Talk().greeted()
    assert b"STARTTLS" in talk.out
    assert talk.say(b"STARTTLS\r\n") == [220]
    assert talk.server.handshaking
    with pytest.raises(LocalProtocolError):
        talk.server.feed(b"\x16\x03\x01")
    talk.server.secured()
    talk.out = b""
    assert talk.say(MAIL) == [503]
    assert talk.say(b"EHLO c.example\r\n") == [250]
    assert b"STARTTLS" not in talk.out
    assert b"PIPECONNECT" in talk.out
    assert talk.say(b"STARTTLS\r\n") == [503]
    assert talk.say(ENVELOPE) == [250, 250]


def test_plaintext_behind_starttls_is_dropped() -> None:
    talk = Talk()
    early = b"EHLO c.example\r\nSTARTTLS\r\n" + GROUP + b"QUIT\r\n"
    assert talk.say(early) == [220, 250, 220]
    assert talk.server.handshaking
    assert talk.server.dropped == len(GROUP) + 6
    talk.server.secured()
    assert talk.say() == []
    assert talk.server.session.mail is None
    assert talk.server.session.hello is None


def test_plaintext_behind_starttls_where_nobody_may_be_early() -> None:
    talk = Talk(STRICT).greeted()
    assert talk.say(b"STARTTLS\r\nNOOP\r\n") == [554]
    assert talk.server.closed


@pytest.mark.parametrize("before", [b"", b"NOOP\r\n"])
def test_a_client_hello_that_did_not_wait_is_not_lost_in_silence(before: bytes) -> None:
    talk = Talk()
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
    early = b"EHLO c.example\r\nSTARTTLS\r\n" + before + hello
    assert talk.say(early) == [220, 250, 554]
    assert talk.server.closed


@pytest.mark.parametrize("service", [EARLY, STRICT])
def test_tls_on_a_port_without(service: Service) -> None:
    talk = Talk(service)
    assert 554 in talk.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(200))
    assert talk.server.closed
    talk = Talk(service).greeted()
    assert talk.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(200)) == [554]


@given(
    st.lists(
        st.sampled_from([
            b"NOOP\r\n", GROUP, b"DATA\r\n", b"x\r\n.\r\n", b"BDAT 3 LAST\r\nabc",
            b"AUTH PLAIN AGFubgBzM2NyZXQ=\r\n", b"QUIT\r\n", b"\x16\x03", b"EH", b"\n",
        ]),
        min_size=1,
    ),
    st.integers(0, 400),
)  # fmt: skip
def test_nothing_behind_starttls_is_ever_acted_on(parts: list[bytes], cut: int) -> None:
    start = b"EHLO c.example\r\nSTARTTLS\r\n"
    octets = start + b"".join(parts)
    talk = Talk()
    talk.say(octets[:cut])
    if not talk.server.handshaking:
        talk.say(octets[cut:])
    assert [type(command).__name__ for command in talk.box.commands] in (
        ["Ehlo", "StartTls"],
        ["Ehlo"],
    )
    if talk.server.handshaking:
        talk.server.secured()
        assert talk.say() == []
        assert talk.server.session.account == ""
        assert talk.say(MAIL) == [503]
    assert talk.box.messages == []


# -- AUTH ------------------------------------------------------------------------------


PLAIN = b"AUTH PLAIN AGFubgBzM2NyZXQ=\r\n"


def test_auth() -> None:
    talk = Talk(EARLY, secure=True).greeted()
    assert b"250-AUTH PLAIN LOGIN CRAM-MD5\r\n" in talk.out
    assert talk.say(b"AUTH PLAIN AGFubgB4\r\n") == [535]
    assert talk.say(PLAIN) == [235]
    assert talk.server.session.account == "ann"
    assert talk.say(PLAIN) == [503]


def test_no_passwords_in_clear() -> None:
    talk = Talk().greeted()
    assert b"250-AUTH CRAM-MD5\r\n" in talk.out
    assert talk.say(PLAIN) == [538]
    assert talk.say(b"AUTH FROB\r\n") == [504]
    open_ = Service(mechanisms=auth.MECHANISMS, clear_passwords=True)
    assert Talk(open_).greeted().say(PLAIN) == [235]


def test_auth_step_by_step() -> None:
    talk = Talk(EARLY, secure=True).greeted()
    assert talk.say(b"AUTH LOGIN\r\n") == [334]
    assert talk.say(b"*\r\n") == [501]
    assert talk.say(b"AUTH LOGIN\r\n") == [334]
    assert talk.say(MAIL) == [501]
    assert talk.say(b"AUTH PLAIN\r\n") == [334]
    assert talk.say(b"x" * 20_000 + b"\r\n") == [500]
    assert talk.server.session.account == ""
    assert talk.say(MAIL) == [250]


def test_auth_then_a_group() -> None:
    group = b"EHLO c.example\r\n" + PLAIN + ENVELOPE
    talk = Talk(EARLY, secure=True)
    assert talk.say(group) == [220, 250, 235, 250, 250]
    talk = Talk(EARLY, secure=True)
    talk.box.account = auth.Account("ann", "other")
    assert talk.say(group) == [220, 250, 535, 250, 250]
    assert talk.server.session.account == ""


def test_no_challenge_no_cram_md5() -> None:
    server = Server(EARLY)
    for event in server.feed(b"EHLO c.example\r\nAUTH CRAM-MD5\r\n"):
        assert not isinstance(event, Content)
        last = server.send(event.reply)
    assert last[:3] == b"454"


# -- every cut -------------------------------------------------------------------------


TRANSCRIPTS = {
    "early data": [GROUP + b"DATA\r\n", b"a\r\n..b\r\n.\r\nQUIT\r\n"],
    "early chunks": [GROUP + b"BDAT 2\r\nxyBDAT 1 LAST\r\nz" + ENVELOPE + b"RSET\r\n"],
    "in turn": [b"", b"EHLO c.example\r\n", ENVELOPE + RCPT + b"DATA\r\n", b".\r\n"],
    "auth": [b"EHLO c.example\r\nAUTH CRAM-MD5\r\n", b"AAAA\r\n", ENVELOPE],
    "errors": [b"FROB\r\n", b"NOOP \0\r\n", b"BDAT 4\r\nQUITRSET\r\n"],
    "starttls": [b"EHLO c.example\r\nSTARTTLS\r\n"],
}


def answers(flights: list[bytes], cuts: Pieces) -> tuple[object, ...]:
    talk = Talk()
    for flight in flights:
        talk.say(flight, cuts)
    return talk.out, talk.box.messages, talk.box.commands, talk.server.state


@pytest.mark.parametrize("flights", TRANSCRIPTS.values(), ids=TRANSCRIPTS)
def test_cuts_make_no_difference(flights: list[bytes]) -> None:
    expected = answers(flights, whole)
    assert answers(flights, single) == expected
    for cut in range(1, max(map(len, flights))):
        assert answers(flights, halves(cut)) == expected


COMMANDS = (
    Ehlo("c.example"), Mail("s@a.example"), Rcpt("r@b.example"), Noop(),
)  # fmt: skip


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from([
                b"EHLO c.example\r\n", MAIL, RCPT, b"DATA\r\n", b".\r\n", b"BDAT 5\r\n",
                b"BDAT 3 LAST\r\n", b"RSET\r\n", b"STARTTLS\r\n", b"AUTH LOGIN\r\n",
                b"AUTH PLAIN AA==\r\n", b"\r\n", b"*\r\n", b"\r\n.\r\n", b"x" * 600,
                b"QUIT\r\n", b"\x16\x03", b"MAIL FROM:<", b"HELO c.example\r\n",
            ]),
        ),
        max_size=25,
    ),
    st.sampled_from([EARLY, STRICT]),
)  # fmt: skip
def test_a_server_stands_anything(parts: list[bytes], service: Service) -> None:
    talk = Talk(service)
    for part in parts:
        if talk.server.handshaking:
            talk.server.secured()
        talk.say(part)
        assert talk.server.buffered <= 12288
        assert talk.server.waiting is None
    assert talk.out == b"" or talk.out.endswith(b"\r\n")
