"""What ends a message, what is kept of it, and what the disk says."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import InputError
from eximkit.interop.spool import Envelope, Maildir, NotKept
from eximkit.smtp.data import DotReader
from tests.interop.running import EARLY, Kept, Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = b"EHLO c.example\r\n"
ENVELOPE = b"MAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n"
EVIL = (
    b"MAIL FROM:<evil@a.example>\r\nRCPT TO:<r@b.example>\r\nDATA\r\nSubject: evil\r\n"
)
LOOKS_LIKE_AN_END = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r",
    b"\r\n.\0\r\n", b"\r\n. \r\n", b"\r\n..\r\n", b"\r\r\n.\n\r\n",
]  # fmt: skip


@pytest.fixture(scope="module")
def spool() -> Kept:
    return Kept()


@pytest.fixture(scope="module")
def server(spool: Kept) -> Iterator[Running]:
    with running(EARLY, spool) as found:
        yield found


@pytest.mark.parametrize("first", [b"Subject: x\r\n", b"Subject: x\n"])
@pytest.mark.parametrize("end", LOOKS_LIKE_AN_END, ids=repr)
@pytest.mark.parametrize("secure", [False, True])
def test_smuggling(
    end: bytes, first: bytes, secure: bool, server: Running, spool: Kept
) -> None:
    """CVE-2023-51766: one message, whatever is in it. Exim's first header line too."""
    before = len(spool.messages)
    content = first + b"\r\nhello" + end + EVIL
    with server.client(secure) as wire:
        wire.send(HELLO + ENVELOPE + b"DATA\r\n")
        assert wire.read(5) == [220, 250, 250, 250, 354]
        wire.send(content)
        wire.send(b"\r\n.\r\nQUIT\r\n")
        assert wire.read_all() == [250, 221]
    ((envelope, got),) = spool.messages[before:]
    assert envelope.sender == "s@a.example"
    # Dots at the beginnings of lines come off, and nothing else changes.
    assert got == (content + b"\r\n").replace(b"\r\n.", b"\r\n")


PIECES = st.sampled_from(
    [b"\r", b"\n", b".", b"\r\n", b"x", b"\r\n.", b"\r\n..", b"\n.", b"QUIT\r\n", b"\0"]
)


@given(
    pieces=st.lists(PIECES, max_size=40), cuts=st.lists(st.integers(1, 99), max_size=4)
)
def test_only_one_thing_ends_a_message(
    pieces: list[bytes], cuts: list[int], server: Running, spool: Kept
) -> None:
    content = b"".join(pieces)
    # By hand, not by what is tested: the end where the standard has it.
    end = (b"\r\n" + content + b"\r\n.\r\n").index(b"\r\n.\r\n")
    content = (b"\r\n" + content)[2:end] if end >= 2 else b""
    before = len(spool.messages)
    octets = content + (b"" if end == 0 else b"\r\n") + b".\r\n"
    with server.client() as wire:
        wire.send(HELLO + ENVELOPE + b"DATA\r\n")
        assert wire.read(5)[-1] == 354
        for cut in sorted(cuts):
            wire.send(octets[:cut])
            octets = octets[cut:]
        wire.send(octets + b"QUIT\r\n")
        assert wire.read_all() == [250, 221]
    (got,) = spool.contents[before:]
    expected = b"" if end == 0 else content + b"\r\n"
    # Dots at the beginnings of lines come off, and nothing else changes.
    assert got == re.sub(rb"(\A|\r\n)\.", rb"\1", expected)


def test_bare_ends_may_be_refused() -> None:
    spool = Kept()
    service = replace(EARLY, bare_ends=False)
    with running(service, spool) as server, server.client() as wire:
        wire.send(HELLO + ENVELOPE + b"DATA\r\n")
        wire.read(5)
        wire.send(b"Subject: x\n\r\n.\r\n")
        assert wire.read(1) == [550]
    assert spool.messages == []
    assert spool.dropped == 1


def test_chunks_are_kept_as_they_are(server: Running, spool: Kept) -> None:
    before = len(spool.messages)
    parts = [b"Subject: x\r\n\r\n.", b"\r\n.\r\n", b"", b"\r", b"\n.\n\0\xff"]
    with server.client() as wire:
        says = b"".join(b"BDAT %d\r\n%b" % (len(part), part) for part in parts)
        wire.send(HELLO + ENVELOPE + says + b"BDAT 0 LAST\r\n")
        assert wire.read(4 + len(parts) + 1) == [220] + [250] * (4 + len(parts))
    assert spool.contents[before:] == [b"".join(parts)]


@pytest.mark.parametrize("instead", [b"RSET\r\n", b"QUIT\r\n", HELLO, b""])
def test_chunks_without_a_last_one_are_no_message(instead: bytes) -> None:
    spool = Kept()
    with running(EARLY, spool) as server:
        with server.client() as wire:
            wire.send(HELLO + ENVELOPE + b"BDAT 5\r\nhello")
            assert wire.read(5)[-1] == 250
            wire.send(instead)
            wire.half_close()
            assert wire.read_all()[-1] in (221, 421)
        server.wait(lambda house: house.connections == 0)
    assert (spool.messages, spool.dropped) == ([], 1)


def test_verdicts_for_each_recipient(server: Running) -> None:
    with server.client() as wire:
        wire.send(
            HELLO
            + b"MAIL FROM:<s@a.example> PRDR\r\n"
            + b"RCPT TO:<r@b.example>\r\nRCPT TO:<q@b.example>\r\nDATA\r\n"
        )
        assert wire.read(6)[-1] == 354
        wire.send(b"x\r\n.\r\nQUIT\r\n")
        assert wire.read_all() == [353, 250, 250, 250, 221]


# -- maildir ---------------------------------------------------------------------------


def files(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("secure", [False, True])
def test_a_maildir(tmp_path: Path, secure: bool) -> None:
    top = tmp_path / "deep" / "box"
    hostile = b'"../../../etc/x"'
    with running(EARLY, Maildir(str(top))) as server, server.client(secure) as wire:
        wire.send(
            b"EHLO " + b"a" * 60 + b".example\r\n"
            b"MAIL FROM:<" + hostile + b"@a.example>\r\n"
            b"RCPT TO:<" + hostile + b"@b.example>\r\nRCPT TO:<q@b.example>\r\n"
            b"DATA\r\n"
        )  # fmt: skip
        assert wire.read(6)[-1] == 354
        wire.send(b"Subject: x\r\n\r\n..dot\n\r\n.\r\n")
        wire.got = b""
        while b"\r\n" not in wire.got:
            wire.got += wire.socket.recv(4096)
        told = wire.got
    ((name, content),) = files(top).items()
    assert name.startswith("new/")
    assert re.fullmatch(r"new/[0-9]+\.M[0-9]+P[0-9]+Q[0-9]+\.[^/]+", name)
    head, _, body = content.partition(b"Subject: x")
    assert body == b"\r\n\r\n.dot\n\r\n"
    identity = re.search(rb"250 2\.6\.0 OK id=(\S+)", told)
    assert identity is not None
    lines = head.decode().splitlines()
    assert lines[:3] == [
        'Return-path: <"../../../etc/x"@a.example>',
        'Envelope-to: "../../../etc/x"@b.example,',
        "\tq@b.example",
    ]
    assert lines[3] == f"Received: from {'a' * 60}.example ([127.0.0.1])"
    protocol = "esmtps" if secure else "esmtp"
    assert lines[4] == f"\tby mx.example with {protocol} id {identity[1].decode()};"
    assert (top / name).stat().st_mode & 0o777 == 0o600


def test_messages_that_do_not_come_whole_leave_nothing(tmp_path: Path) -> None:
    with running(replace(EARLY, size=1000), Maildir(str(tmp_path))) as server:
        for says in (b"x\r\n", b"x\r\n" * 1000 + b".\r\nQUIT\r\n"):
            with server.client() as wire:
                wire.send(HELLO + ENVELOPE + b"DATA\r\n")
                assert wire.read(5)[-1] == 354
                wire.send(says)
                wire.half_close()
                assert wire.read_all()[0] in (421, 552)
        server.wait(lambda house: house.connections == 0)
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, 452), (errno.EIO, 451), (errno.EACCES, 451)]
)
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename"])
def test_a_disk_that_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    chunked: bool,
    number: int,
    code: int,
) -> None:
    box = Maildir(str(tmp_path))
    with running(EARLY, box) as server, server.client() as wire:
        wire.send(HELLO + ENVELOPE)
        assert wire.read(4)[-1] == 250

        def fail(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(f"eximkit.interop.spool.os.{call}", fail)
            if chunked:
                wire.send(b"BDAT 3 LAST\r\nx\r\n")
            else:
                wire.send(b"DATA\r\n")
                assert wire.read(1) == [354]
                wire.send(b"x\r\n.\r\n")
            assert wire.read(1) == [code]
        # And the next one is kept.
        wire.send(ENVELOPE + b"BDAT 3 LAST\r\nx\r\nQUIT\r\n")
        assert wire.read_all() == [250, 250, 250, 221]
    assert [name[:4] for name in files(tmp_path)] == ["new/"]


def test_what_a_process_that_died_has_left_is_dropped(tmp_path: Path) -> None:
    Maildir(str(tmp_path))
    host = os.uname().nodename
    gone = tmp_path / "tmp" / f"1.M1P999999999Q1.{host}"
    ours = tmp_path / "tmp" / f"1.M1P{os.getpid()}Q1.{host}"
    elsewhere = tmp_path / "tmp" / "1.M1P999999999Q1.another-host"
    foreign = tmp_path / "tmp" / "something"
    for path in (gone, ours, elsewhere, foreign):
        path.write_text("x")
    Maildir(str(tmp_path)).forget([])
    assert set(files(tmp_path)) == {
        str(path.relative_to(tmp_path)) for path in (ours, elsewhere, foreign)
    }


def test_a_place_that_can_be_no_maildir(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    for place in (plain, plain / "below", Path("/proc/none"), Path("a\0b")):
        with pytest.raises(InputError, match="no maildir can be made here"):
            Maildir(str(place))


def test_a_link_in_the_way_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Maildir(str(tmp_path))
    monkeypatch.setattr(box, "_name", lambda: "name")
    target = tmp_path / "target"
    (tmp_path / "tmp" / "name").symlink_to(target)
    envelope = Envelope("1", "", ("r@b.example",), "mx", "c", "esmtp")
    with pytest.raises(NotKept):
        box.begin(envelope)
    assert not target.exists()


def test_the_reader_agrees_with_the_hand() -> None:
    """The one piece of the standard that the tests above take from nobody else."""
    reader = DotReader()
    assert reader.feed(b"a\r\n..b\n.\n\r\n.\r\nrest") == (b"a\r\n.b\n.\n\r\n", b"rest")
