"""Clients that do what they should not: the server's half of the adversarial cases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.interop.running import (
    EARLY,
    STRICT,
    Kept,
    Running,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = b"EHLO c.example\r\n"
MAIL = b"MAIL FROM:<s@a.example>\r\n"
RCPT = b"RCPT TO:<r@b.example>\r\n"
ENVELOPE = MAIL + RCPT
CONTENT = b"Subject: x\r\n\r\nhello\r\n.\r\n"
QUIT = b"QUIT\r\n"
NUL_PLAIN = b"AUTH PLAIN AGFubgBzM2NyZXQ=\r\n"
WRONG_PLAIN = b"AUTH PLAIN AGFubgB3cm9uZw==\r\n"
BADLY = b"RCPT TO:<>\r\n"
LIMIT = replace(EARLY, size=4096, clear_passwords=True)


@pytest.fixture(scope="module")
def open_server() -> Iterator[Running]:
    """Everything is offered, passwords in clear too, and messages may have 4 kB."""
    with running(LIMIT, Kept()) as server:
        yield server


@pytest.fixture(scope="module")
def strict_server() -> Iterator[Running]:
    with running(STRICT, Kept()) as server:
        yield server


@dataclass(frozen=True)
class Case:
    """What a client says behind EHLO, and what it is answered.

    ends: by the server, before QUIT. only: "clear" or "tls" where it makes sense there
    alone.
    """

    name: str
    says: bytes
    codes: list[int]
    ends: bool = False
    only: str = ""


CASES = [
    Case("ehlo twice", b"EHLO d.example\r\n" + ENVELOPE, [250, 250, 250]),
    Case("helo then a group", b"HELO d.example\r\n" + ENVELOPE, [250, 554], ends=True),
    Case("order", RCPT + MAIL + MAIL, [503, 250, 503]),
    Case("errors", b"RCPT\r\n" * 5, [501, 501, 501, 501], ends=True),
    Case("unknown verbs", b"FROB\r\n" * 9, [500, 500, 500, 500], ends=True),
    Case("http", b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: y\r\nAccept: z\r\n\r\n",
         [500] * 4, ends=True),
    Case("http post of a mail",
         b"POST / HTTP/1.1\r\nHost: x\r\nA: y\r\nB: z\r\n\r\n" + MAIL + RCPT,
         [500] * 4, ends=True),
    Case("tls hello in clear", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
         [554], ends=True),
    Case("nul", b"NO\0OP\r\n" + b"NOOP\r\n", [500, 250]),
    Case("8 bit", b"NOOP \xff\xfe\r\nMAIL FROM:<\xe9@a.example>\r\nVRFY \xc3\xa9\r\n",
         [501, 501, 252]),
    Case("a line of 20 kB", b"NOOP " + b"x" * 20000 + b"\r\nNOOP\r\n", [500, 250]),
    Case("no end of a line", b"x" * 400_000, [500], ends=True),
    Case("bare cr", b"NOOP\rMAIL FROM:<x@y>\r\nNOOP\r\n", [500, 250]),
    Case("bare lf", b"NOOP\nMAIL FROM:<x@y>\r\n", [500], ends=True),
    Case("starttls within tls", b"STARTTLS\r\nNOOP\r\n", [503, 250], only="tls"),
    Case("auth, then a group", NUL_PLAIN + ENVELOPE, [235, 250, 250]),
    Case("auth fails, then a group", WRONG_PLAIN + ENVELOPE, [535, 250, 250]),
    Case("auth is given up", b"AUTH LOGIN\r\n*\r\n" + ENVELOPE, [334, 501, 250, 250]),
    Case("mail in the place of a response", b"AUTH LOGIN\r\n" + MAIL + MAIL,
         [334, 501, 250]),
    Case("auth twice", NUL_PLAIN + NUL_PLAIN, [235, 503]),
    Case("a mechanism that there is not", b"AUTH GSSAPI\r\nAUTH\r\n", [504, 501]),
    Case("nobody is to get it: data", MAIL + BADLY + b"DATA\r\n", [250, 501, 503]),
    Case("nobody is to get it: data with content",
         MAIL + BADLY + b"DATA\r\n" + CONTENT, [250, 501, 503], ends=True),
    Case("nobody is to get it: bdat",
         MAIL + BADLY + b"BDAT 14 LAST\r\nQUIT\r\nNOOP\r\n\r\nRSET\r\n",
         [250, 501, 503, 250]),
    Case("content without waiting", ENVELOPE + b"DATA\r\n" + CONTENT,
         [250, 250, 354, 250]),
    Case("bdat 0 last", ENVELOPE + b"BDAT 0 LAST\r\n", [250, 250, 250]),
    Case("bdat, huge", ENVELOPE + b"BDAT 99999999999 LAST\r\nMAIL FROM:<>\r\n",
         [250, 250, 552], ends=True),
    Case("bdat, too much", ENVELOPE + b"BDAT 5000 LAST\r\n" + b"x" * 5000 + b"RSET\r\n",
         [250, 250, 552, 250]),
    Case("bdat of many parts, too much",
         ENVELOPE + (b"BDAT 3000\r\n" + b"x" * 3000) * 3 + b"RSET\r\n",
         [250, 250, 250, 552, 503, 250]),
    Case("bdat -1", ENVELOPE + b"BDAT -1 LAST\r\n", [250, 250, 501], ends=True),
    Case("bdat +5", ENVELOPE + b"BDAT +5 LAST\r\nabcde", [250, 250, 501], ends=True),
    Case("bdat with no size", ENVELOPE + b"BDAT LAST\r\n", [250, 250, 501], ends=True),
    Case("bdat with a word too many",
         ENVELOPE + b"BDAT 6 LAST x\r\nQUIT\r\nRSET\r\n", [250, 250, 501, 250]),
    Case("bdat, then data", ENVELOPE + b"BDAT 1\r\nxDATA\r\n", [250, 250, 250, 503]),
    Case("too large by its own word", b"MAIL FROM:<s@a.example> SIZE=5000\r\n", [552]),
    Case("data, too much", ENVELOPE + b"DATA\r\n" + b"x\r\n" * 2000 + b".\r\n",
         [250, 250, 354, 552]),
    Case("a parameter that is not offered",
         b"MAIL FROM:<s@a.example> RET=FULL\r\nMAIL FROM:<s@a.example> FOO\r\n",
         [555, 555]),
    Case("utf-8 that was not announced", b"MAIL FROM:<\xc3\xa9@a.example>\r\n", [553]),
    Case("10,000 recipients", MAIL + RCPT * 10_000,
         [250] + [250] * 1000 + [452] * 9000),
    Case("recipients without end", MAIL + RCPT * 10_100,
         [250] + [250] * 1000 + [452] * 9000 + [421], ends=True),
    Case("100,000 noops", b"NOOP\r\n" * 100_000, [250] * 9 + [554], ends=True),
]  # fmt: skip


def heard(
    case: Case, server: Running, secure: bool, early: bool
) -> tuple[list[int], bool]:
    """What a server answers, and whether it ended the connection."""
    with server.client(secure) as wire:
        goodbye = b"" if case.ends else QUIT
        if case.says.endswith(b"DATA\r\n"):
            # Behind a DATA nothing may come but content.
            goodbye = b""
        if early:
            wire.send(HELLO + case.says + goodbye)
            found = wire.read(2 + len(case.codes))
            wire.send(b"" if case.ends or goodbye else QUIT)
            wire.half_close()
            found += wire.read_all()
            assert found[:2] == [220, 250]
            found = found[2:]
        else:
            assert wire.read(1) == [220]
            wire.send(HELLO)
            assert wire.read(1) == [250]
            wire.send(case.says + goodbye)
            found = wire.read(len(case.codes))
            wire.send(b"" if case.ends or goodbye else QUIT)
            found += wire.read_all()
    if found[-1:] == [221]:
        return found[:-1], False
    return found, True


@pytest.mark.parametrize("early", [True, False], ids=["early", "usual"])
@pytest.mark.parametrize("secure", [True, False], ids=["tls", "clear"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_what_a_client_should_not_do(
    case: Case, secure: bool, early: bool, open_server: Running
) -> None:
    if case.only and case.only != ("tls" if secure else "clear"):
        assert case.only == "tls"
        return
    assert heard(case, open_server, secure, early) == (case.codes, case.ends)
