from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp import addresses, commands, ehlo, parameters, replies
from eximkit.smtp.commands import (
    Auth,
    Bdat,
    Data,
    Ehlo,
    Helo,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
)
from eximkit.smtp.ehlo import Limits, Offer
from eximkit.smtp.replies import ReplyReader, reply
from eximkit.smtp.states import Step

ALL = [
    (b"EHLO mx.example", Ehlo("mx.example")),
    (b"EHLO [192.0.2.1]", Ehlo("[192.0.2.1]")),
    (b"HELO [IPv6:2001:db8::1]", Helo("[IPv6:2001:db8::1]")),
    (b"MAIL FROM:<>", Mail("")),
    (
        b"MAIL FROM:<a@b.example> SIZE=12 BODY=8BITMIME PRDR",
        Mail("a@b.example", {"SIZE": "12", "BODY": "8BITMIME", "PRDR": None}),
    ),
    (
        "MAIL FROM:<grå@b.example> SMTPUTF8".encode(),
        Mail("grå@b.example", {"SMTPUTF8": None}),
    ),
    (
        b"MAIL FROM:<a@b.example> RET=HDRS ENVID=a+2Bb AUTH=<>",
        Mail("a@b.example", {"RET": "HDRS", "ENVID": "a+2Bb", "AUTH": "<>"}),
    ),
    (b'RCPT TO:<"a b\\"c"@b.example>', Rcpt('"a b\\"c"@b.example')),
    (b"RCPT TO:<postmaster>", Rcpt("postmaster")),
    (
        b"RCPT TO:<a@[192.0.2.1]> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@b.example",
        Rcpt(
            "a@[192.0.2.1]",
            {"NOTIFY": "SUCCESS,DELAY", "ORCPT": "rfc822;a@b.example"},
        ),
    ),
    (b"DATA", Data()),
    (b"BDAT 0", Bdat(0, False)),
    (b"BDAT 100 LAST", Bdat(100, True)),
    (b"RSET", Rset()),
    (b"NOOP", Noop()),
    (b"NOOP why not", Noop("why not")),
    (b"VRFY ann", Vrfy("ann")),
    (b"HELP", Help()),
    (b"QUIT", Quit()),
    (b"STARTTLS", StartTls()),
    (b"AUTH LOGIN", Auth("LOGIN")),
    (b"AUTH PLAIN AGEAYg==", Auth("PLAIN", "AGEAYg==")),
    (b"AUTH PLAIN =", Auth("PLAIN", "=")),
]


@pytest.mark.parametrize(("line", "command"), ALL)
def test_commands_there_and_back(line: bytes, command: commands.Command) -> None:
    assert commands.parse(line) == command
    assert commands.encode(command) == line + b"\r\n"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"ehlo mx.example  ", Ehlo("mx.example")),
        (b"mail from:<@x.example,@y.example:a@b.example>", Mail("a@b.example")),
        (b"Mail From: <a@b.example>", Mail("a@b.example")),
        (b"rcpt to:<Postmaster>", Rcpt("Postmaster")),
        (b"bdat  7  last", Bdat(7, True)),
        (b"auth plain", Auth("PLAIN")),
        (b"MAIL FROM:<a@b.example> size=1", Mail("a@b.example", {"SIZE": "1"})),
    ],
)
def test_what_others_may_write(line: bytes, command: commands.Command) -> None:
    assert commands.parse(line) == command


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", 500),
        (b"FROB x", 500),
        (b"\xff\xfe", 500),
        (b"NOOP\0", 500),
        (b"NO\rOP", 500),
        (b"EHLO", 501),
        (b"EHLO []", 501),
        (b"EHLO [192.0.2.256]", 501),
        (b"EHLO a b", 501),
        ("EHLO grå.example".encode(), 501),
        (b"EHLO " + b"a" * 256, 501),
        (b"MAIL", 501),
        (b"MAIL FROM", 501),
        (b"MAIL TO:<a@b.example>", 501),
        (b"MAIL FROM:a@b.example", 501),
        (b"MAIL FROM:<a@b.example", 501),
        (b"MAIL FROM:<a@b@c.example>", 501),
        (b"MAIL FROM:<a b@c.example>", 501),
        (b"MAIL FROM:<a@[not]>", 501),
        (b"MAIL FROM:<a@b.example>SIZE=1", 501),
        (b"MAIL FROM:<a@b.example> SIZE", 501),
        (b"MAIL FROM:<a@b.example> SIZE=-1", 501),
        (b"MAIL FROM:<a@b.example> SIZE=1 SIZE=2", 501),
        (b"MAIL FROM:<a@b.example> PRDR=x", 501),
        (b"MAIL FROM:<a@b.example> BODY=9BIT", 501),
        (b"MAIL FROM:<a@b.example> FROB=1", 555),
        (b"MAIL FROM:<a@b.example> NOTIFY=NEVER", 555),
        ("MAIL FROM:<grå@b.example>".encode(), 553),
        (b"MAIL FROM:<\xe5@b.example> SMTPUTF8", 501),
        (b"MAIL FROM:<" + b"a" * 65 + b"@b.example>", 501),
        (b"RCPT TO:<>", 501),
        (b"RCPT TO:<a@b.example> NOTIFY=NEVER,DELAY", 501),
        (b"DATA now", 501),
        (b"RSET x", 501),
        (b"BDAT", 501),
        (b"BDAT +5", 501),
        (b"BDAT -1", 501),
        (b"BDAT 5 FIRST", 501),
        (b"BDAT 1234567890123456789", 501),
        (b"VRFY", 501),
        (b"AUTH", 501),
        (b"AUTH PLAIN ???", 501),
        (b"NOOP " + b"x" * 508, 500),
        (b"STARTTLS now", 501),
    ],
)
def test_what_is_no_command(line: bytes, code: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        commands.parse(line)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "command",
    [
        Ehlo(""),
        Ehlo("[]"),
        Ehlo("a\r\nMAIL FROM:<>"),
        Mail("a@b.example> SIZE=1 <"),
        Mail("a@b.example\r\nRSET"),
        Mail("a@b.example\nRSET"),
        Mail("grå@b.example"),
        Mail("a@b.example", {"FROB": "1"}),
        Mail("a@b.example", {"SIZE": "1\r\nRSET"}),
        Rcpt("a@b.example\0"),
        Rcpt("@x.example:a@b.example"),
        Noop(" x"),
        Auth("PLAIN", "not base64"),
        Vrfy(""),
    ],
)
def test_a_client_sends_nothing_that_is_read_otherwise(
    command: commands.Command,
) -> None:
    with pytest.raises(LocalProtocolError):
        commands.encode(command)


def test_a_name_may_be_wrong_on_purpose_but_stays_one_line() -> None:
    assert commands.encode(Ehlo("[]"), as_is=True) == b"EHLO []\r\n"
    assert commands.encode(Ehlo(""), as_is=True) == b"EHLO\r\n"
    with pytest.raises(LocalProtocolError):
        commands.encode(Ehlo("a\r\nRSET"), as_is=True)


def test_a_password_is_not_shown() -> None:
    assert "AGEAYg" not in repr(Auth("PLAIN", "AGEAYg=="))


def parsed(line: bytes) -> commands.Command | int:
    """The command of a line, or the code that it is refused with."""
    try:
        return commands.parse(line)
    except RemoteProtocolError as error:
        return error.code


@given(st.binary(max_size=80))
def test_a_line_is_a_command_or_a_fault(rest: bytes) -> None:
    for verb in (b"", b"EHLO ", b"MAIL FROM:", b"RCPT TO:<", b"BDAT ", b"AUTH "):
        command = parsed(verb + rest)
        if not isinstance(command, int):
            assert commands.parse(commands.encode(command)[:-2]) == command


@given(st.text(max_size=40))
def test_addresses_take_no_time(text: str) -> None:
    for hard in (text, "<" + '"' * 300, "<" + "a." * 300, "<" + "@a," * 300):
        with suppress(RemoteProtocolError):
            address, rest = addresses.path(hard)
            assert hard.endswith(rest)
            assert address in hard


def test_xtext() -> None:
    assert parameters.xtext("a+b=c d") == "a+2Bb+3Dc+20d"


def test_parameters_belong_to_extensions() -> None:
    offered: dict[str, object] = {"SIZE": (), "8BITMIME": ()}
    given_ = {"SIZE": "1", "BODY": "8BITMIME"}
    assert parameters.not_offered(given_, Step.MAIL, offered) == ""
    assert parameters.not_offered({"PRDR": None}, Step.MAIL, offered) == "PRDR"
    binary = {"BODY": "BINARYMIME"}
    assert parameters.not_offered(binary, Step.MAIL, offered) == "BODY"


# -- replies ---------------------------------------------------------------------------


def read(octets: bytes, step: int = 0) -> list[replies.Reply]:
    reader = ReplyReader()
    found = []
    for at in range(0, len(octets), step or len(octets)):
        reader.add(octets[at : at + (step or len(octets))])
        while (answer := reader.next()) is not None:
            found.append(answer)
    return found


def test_replies_there_and_back() -> None:
    told = [reply(220, "mx.example"), reply(250, "a", "", "c d"), reply(550, "")]
    octets = b"".join(map(replies.encode, told))
    assert octets == b"220 mx.example\r\n250-a\r\n250-\r\n250 c d\r\n550 \r\n"
    assert read(octets) == told
    assert read(octets, 1) == told


def test_a_code_alone_is_a_reply() -> None:
    assert read(b"250\r\n") == [reply(250, "")]


def test_octets_survive() -> None:
    (answer,) = read(b"550 caf\xe9\r\n")
    assert replies.encode(answer) == b"550 caf\xe9\r\n"


def test_enhanced_status_codes() -> None:
    assert reply(550, "5.1.1 no such user").status == "5.1.1"
    assert reply(250, "OK").status == ""


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"25\r\n",
        b"2500 x\r\n",
        b"199 x\r\n",
        b"600 x\r\n",
        b"2x0 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"250_a\r\n",
        b"250 a\n",
        b"250 a\rb\r\n",
        b"250 a\0\r\n",
        b"\r\n",
        b"250-a\r\n" * 500,
        b"250 " + b"x" * 5000,
        b"250 " + b"x" * 5000 + b"\r\n",
    ],
)
def test_what_is_no_reply(octets: bytes) -> None:
    for step in (0, 1, 7):
        with pytest.raises(RemoteProtocolError):
            read(octets, step)


def test_a_long_reply_is_read() -> None:
    lines = b"250-" + b"x" * 2500 + b"\r\n"
    (answer,) = read(lines * 200 + b"250 y\r\n", 100)
    assert len(answer.lines) == 201


def test_a_long_text_goes_over_several_lines() -> None:
    octets = replies.encode(reply(250, "x" * 1200))
    assert all(len(line) <= 512 for line in octets.splitlines(keepends=True))
    assert "".join(read(octets)[0].lines) == "x" * 1200


@pytest.mark.parametrize("answer", [reply(250, "a\r\n250 b"), reply(199), reply(600)])
def test_a_server_says_nothing_that_is_read_otherwise(answer: replies.Reply) -> None:
    with pytest.raises(LocalProtocolError):
        replies.encode(answer)


# -- EHLO ------------------------------------------------------------------------------


def test_offers() -> None:
    answer = reply(
        250, "mx.example Hello", "SIZE 1000", "pipelining", "AUTH plain LOGIN",
        "AUTH=LOGIN CRAM-MD5", "LIMITS RCPTMAX=10 MAILMAX=0 FOO=1 RCPTDOMAINMAX=2",
        "X_PIPE_CONNECT", "-odd", "", "XFROB a b",
    )  # fmt: skip
    found = ehlo.parse(answer)
    assert found.size == 1000
    assert found.pipelining
    assert found.mechanisms == ("PLAIN", "LOGIN", "CRAM-MD5")
    assert found.limits == Limits(recipients=10, domains=2)
    assert found.early == "X_PIPE_CONNECT"
    assert "XFROB" in found
    assert "XFROB" not in found.kept()
    assert found.kept().kept() == found.kept()


@pytest.mark.parametrize("keyword", ehlo.EARLY_KEYWORDS)
def test_early_keywords_are_whole_words_in_any_case(keyword: str) -> None:
    assert ehlo.parse(reply(250, "x", keyword.lower() + " parameter")).early == keyword
    assert ehlo.parse(reply(250, "x", keyword + "ED")).early == ""
    assert ehlo.parse(reply(250, keyword)).early == ""


def test_offers_there_and_back() -> None:
    there = Offer({"SIZE": ("9",), "AUTH": ("PLAIN", "LOGIN"), "PIPECONNECT": ()})
    assert ehlo.parse(ehlo.response("mx.example", there, "Hello")) == there


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_response_is_an_offer(lines: list[str]) -> None:
    found = ehlo.parse(reply(250, *lines, ""))
    assert found.size >= 0
    assert found.limits is not None
    assert found.kept().keywords.keys() <= ehlo.KNOWN
