"""Input before the banner, at every cut, and around STARTTLS."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.interop import tls
from eximkit.interop.mainlog import MainLog
from tests.interop.running import (
    EARLY,
    STRICT,
    Kept,
    Running,
    Wire,
    codes,
    running,
    trusting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELLO = b"EHLO c.example\r\n"
ENVELOPE = b"MAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n"
BODY = b"Subject: x\r\n\r\nhello\r\n"
GROUP = HELLO + ENVELOPE + b"BDAT %d LAST\r\n%bQUIT\r\n" % (len(BODY), BODY)
ALL = [220, 250, 250, 250, 250, 221]


@pytest.fixture(scope="module")
def spool() -> Kept:
    return Kept()


@pytest.fixture(scope="module")
def server(spool: Kept) -> Iterator[Running]:
    with running(EARLY, spool) as found:
        yield found


@pytest.fixture(scope="module")
def strict() -> Iterator[Running]:
    with running(STRICT) as found:
        yield found


def test_early_input_is_taken(server: Running, spool: Kept) -> None:
    before = len(spool.messages)
    for secure in (False, True):
        with server.client(secure) as wire:
            wire.send(GROUP)
            wire.half_close()
            assert wire.read_all() == ALL
    assert spool.contents[before:] == [BODY, BODY]


def test_early_input_that_is_not_offered(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    with running(STRICT, log=MainLog(log)) as strict, strict.client(True) as wire:
        # Under TLS the group is there before the banner for certain: it comes with
        # the end of the handshake only if it is written with it.
        early_within_tls(strict)
        wire.send(GROUP)
        found = wire.read_all()
        # Whether it was there before the banner is a race; that it is too soon is not.
        assert found in ([554], [220, 554])
    text = log.read_text()
    assert "synchronization error (input sent without waiting for greeting)" in text


def early_within_tls(server: Running) -> None:
    """A group in one segment with the end of a handshake."""
    raw = socket.create_connection(("127.0.0.1", server.tls_port), 60)
    with raw:
        layer = tls.client_layer(trusting())
        layer.handshake()
        raw.sendall(layer.outgoing())
        while not layer.established:
            layer.feed(raw.recv(65536))
        layer.write(GROUP)
        raw.sendall(layer.outgoing())
        got = b""
        while not layer.ended:
            got += layer.feed(raw.recv(65536))
        assert codes(got) == [554]


def test_the_reply_is_read_and_not_a_reset(strict: Running) -> None:
    """Far more input than is read: the client still learns why."""
    for _ in range(20):
        with strict.client() as wire:
            wire.send(GROUP + b"NOOP\r\n" * 50_000)
            assert wire.read_all() in ([554], [220, 554])


def test_half_a_command_before_the_banner(server: Running, strict: Running) -> None:
    with server.client() as wire:
        wire.send(b"EHLO c.ex")
        assert wire.read(1) == [220]
        wire.send(GROUP[len(b"EHLO c.ex") :])
        assert wire.read_all() == ALL[1:]
    with strict.client() as wire:
        wire.send(b"E")
        assert wire.read(1) in ([554], [220])


def test_an_early_group_at_every_cut(server: Running, spool: Kept) -> None:
    before = len(spool.messages)
    for at in range(1, len(GROUP)):
        with server.client() as wire:
            wire.send(GROUP[:at])
            wire.send(GROUP[at:])
            assert wire.read_all() == ALL, at
    assert spool.contents[before:] == [BODY] * (len(GROUP) - 1)


@pytest.mark.parametrize("secure", [False, True])
def test_an_early_group_octet_by_octet(
    server: Running, spool: Kept, secure: bool
) -> None:
    before = len(spool.messages)
    with server.client(secure) as wire:
        for at in range(len(GROUP)):
            wire.send(GROUP[at : at + 1])
        assert wire.read_all() == ALL
    assert spool.contents[before:] == [BODY]


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_the_end_after_every_octet(spool: Kept, reset: bool) -> None:
    """A client that goes away anywhere leaves nothing, and no half of a message."""
    with running(EARLY, spool) as server:
        before, whole = len(spool.messages), GROUP.index(b"QUIT")
        for at in range(whole):
            with server.client() as wire:
                wire.send(GROUP[:at])
                if reset:
                    wire.socket.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                    )
                else:
                    wire.half_close()
                    found = wire.read_all()
                    assert found[-1] == 421
                    lines = GROUP[:at].split(b"BDAT")[0].count(b"\r\n")
                    assert found[1:-1] == [250] * lines
        server.wait(lambda house: house.connections == 0)
        assert spool.contents[before:] == []
        with server.client() as wire:
            wire.send(GROUP)
            assert wire.read_all() == ALL


# -- STARTTLS --------------------------------------------------------------------------


def client_hello() -> bytes:
    layer = tls.client_layer(trusting())
    layer.handshake()
    return layer.outgoing()


def test_starttls_and_what_counts_after_it(server: Running, spool: Kept) -> None:
    before = len(spool.messages)
    with server.client() as wire:
        wire.send(HELLO + b"STARTTLS\r\n")
        assert wire.read(3) == [220, 250, 220]
        wire.starttls()
        wire.send(ENVELOPE)
        # What was said in clear is void.
        assert wire.read(2) == [503, 503]
        wire.send(HELLO)
        assert wire.read(1) == [250]
        wire.send(ENVELOPE + b"DATA\r\n")
        assert wire.read(3) == [250, 250, 354]
        wire.send(BODY + b".\r\nQUIT\r\n")
        assert wire.read_all() == [250, 221]
    ((envelope, content),) = spool.messages[before:]
    assert (envelope.protocol, content) == ("esmtps", BODY)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    "injected", [b"MAIL FROM:<evil@a.example>\r\n", ENVELOPE, b"RSET\r\nNOOP\r\n", b"x"]
)
def test_plaintext_behind_starttls_is_not_acted_on(
    server: Running, injected: bytes, early: bool
) -> None:
    """CVE-2011-0411: it is neither answered in clear nor under TLS."""
    with server.client() as wire:
        if early:
            wire.send(HELLO + b"STARTTLS\r\n" + injected)
        else:
            assert wire.read(1) == [220]
            wire.send(HELLO)
            assert wire.read(1) == [250]
            wire.send(b"STARTTLS\r\n" + injected)
        assert wire.read(3 if early else 1)[-1] == 220
        assert wire.got == b""
        try:
            wire.starttls()
        except (ssl.SSLError, OSError):
            # Part of it came later than the command: it is no ClientHello.
            return
        wire.send(HELLO)
        assert wire.read(1) == [250]
        assert wire.got == b""
        wire.send(b"QUIT\r\n")
        assert wire.read_all() == [221]


def test_plaintext_behind_starttls_where_it_is_not_offered(strict: Running) -> None:
    with strict.client() as wire:
        assert wire.read(1) == [220]
        wire.send(HELLO)
        assert wire.read(1) == [250]
        wire.send(b"STARTTLS\r\nNOOP\r\n")
        assert wire.read_all() == [554]


def test_an_impatient_client_hello_is_not_lost_in_silence(server: Running) -> None:
    """In one segment with STARTTLS it cannot be told from text: it is refused."""
    with server.client() as wire:
        wire.send(HELLO + b"STARTTLS\r\n" + client_hello())
        assert wire.read_all() in ([220, 250, 554], [220, 250, 220])


def test_a_client_hello_that_came_before_the_220_was_read(server: Running) -> None:
    with server.client() as wire:
        wire.send(HELLO)
        assert wire.read(2) == [220, 250]
        wire.send(b"STARTTLS\r\n")
        # Not in one segment, but without waiting for the answer.
        wire.socket.settimeout(60)
        layer = tls.client_layer(trusting())
        layer.handshake()
        while b"220 " not in wire.got:
            wire.got += wire.socket.recv(100)
        wire.send(layer.outgoing())
        while not layer.established:
            layer.feed(wire.socket.recv(65536))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tls_versions_and_resumption(version: str, spool: Kept) -> None:
    context = trusting(version)
    session = None
    reused = []
    with running(EARLY, spool) as server:
        for _ in range(2):
            raw = socket.create_connection(("127.0.0.1", server.tls_port), 60)
            with context.wrap_socket(raw, session=session) as connection:
                wire = Wire(connection)
                wire.send(HELLO)
                assert wire.read(2) == [220, 250]
                assert connection.version() == f"TLSv{version}"
                session = connection.session
                reused.append(connection.session_reused)
                wire.send(b"QUIT\r\n")
                assert wire.read_all() == [221]
    assert reused == [False, True]


def test_a_version_that_is_not_spoken() -> None:
    with running(EARLY, tls_version="1.3") as server:
        with pytest.raises(ssl.SSLError):
            server.client(True, trusting("1.2"))
        with server.client() as wire:
            wire.send(HELLO + b"STARTTLS\r\n")
            assert wire.read(3) == [220, 250, 220]
            with pytest.raises(ssl.SSLError):
                wire.starttls(trusting("1.2"))


@pytest.mark.parametrize("says", [HELLO, b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01"])
def test_no_tls_at_a_port_for_it(server: Running, says: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.tls_port), 60) as raw:
        raw.sendall(says)
        raw.shutdown(socket.SHUT_WR)
        got = b""
        while octets := raw.recv(65536):
            got += octets
        # An alert perhaps, and no word of SMTP.
        assert b"220" not in got
        assert len(got) < 100
    server.wait(lambda house: house.connections == 0)


# -- replies match commands ------------------------------------------------------------


@st.composite
def scripts(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Commands, and the beginning of the reply to each of them, in order."""
    says, answers = b"", [b"220 mx.example"]
    mail = rcpt = False
    steps = st.sampled_from(["ehlo", "mail", "rcpt", "rset", "bdat", "noop", "vrfy"])
    for number, step in enumerate(draw(st.lists(steps, max_size=30))):
        if step == "ehlo":
            # The reply tells which one it belongs to.
            says += b"EHLO c%d.example\r\n" % number
            answers.append(b"250-mx.example Hello c%d.example" % number)
            mail = rcpt = False
        elif step == "mail":
            says += b"MAIL FROM:<s@a.example>\r\n"
            answers.append(b"503 5.5.1" if mail else b"250 2.1.0")
            mail = True
        elif step == "rcpt":
            says += b"RCPT TO:<r@b.example>\r\n"
            answers.append(b"250 2.1.5" if mail else b"503 5.5.1")
            rcpt = mail
        elif step == "bdat":
            size = draw(st.integers(0, 50))
            chunk = draw(
                st.sampled_from([b"QUIT\r\n", b"\r\n.\r\n", b"x", b"\r", b"\n"])
            )
            octets = (chunk * 50)[:size]
            says += b"BDAT %d LAST\r\n%b" % (size, octets)
            answers.append(b"250 2.6.0" if rcpt else b"503 5.5.1")
            mail, rcpt = mail and not rcpt, False
        elif step == "rset":
            says += b"RSET\r\n"
            answers.append(b"250 2.0.0")
            mail = rcpt = False
        else:
            says += step.upper().encode() + b" x\r\n"
            answers.append(b"250 2.0.0" if step == "noop" else b"252 2.5.2")
    return says + b"QUIT\r\n", [*answers, b"221 mx.example"]


PATIENT = replace(EARLY, most_idle=1000, most_errors=1000)


@pytest.fixture(scope="module")
def patient() -> Iterator[Running]:
    with running(PATIENT) as found:
        yield found


@given(
    script=scripts(),
    cuts=st.lists(st.integers(1, 400), max_size=8),
    secure=st.booleans(),
)
def test_replies_match_commands_in_number_and_order(
    patient: Running, script: tuple[bytes, list[bytes]], cuts: list[int], secure: bool
) -> None:
    says, answers = script
    # With a hello first, and early: then everything may follow everything.
    says = b"EHLO first.example\r\n" + says
    answers = [answers[0], b"250-mx.example Hello first.example", *answers[1:]]
    with patient.client(secure) as wire:
        for cut in sorted(set(cuts)):
            wire.send(says[:cut])
            says = says[cut:]
        wire.send(says)
        while octets := wire.socket.recv(65536):
            wire.got += octets
    lines = wire.got.split(b"\r\n")[:-1]
    firsts, fresh = [], True
    for line in lines:
        if fresh:
            firsts.append(line)
        fresh = line[3:4] == b" "
    # After the first BDAT a group ends with what has to end it (RFC 2920).
    stopped = firsts[-1].startswith(b"554 5.5.0")
    expected = answers[: len(firsts) - 1] if stopped else answers
    got = firsts[:-1] if stopped else firsts
    assert len(got) == len(expected)
    for line, answer in zip(got, expected, strict=True):
        assert line.startswith(answer)
    assert not stopped or b"BDAT" in script[0]
