"""What a server holds for clients, how long it waits for them, and how it stops."""

from __future__ import annotations

import gc
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from eximkit.interop.connection import Connection
from eximkit.interop.house import Bounds
from eximkit.interop.mainlog import MainLog
from tests.interop.running import EARLY, Kept, Wire, running

if TYPE_CHECKING:
    from pathlib import Path

HELLO = b"EHLO c.example\r\n"
ENVELOPE = b"MAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n"
BODY = b"Subject: x\r\n\r\nhello\r\n"
GROUP = HELLO + ENVELOPE + b"BDAT %d LAST\r\n%bQUIT\r\n" % (len(BODY), BODY)


def drip(wire: Wire, octets: bytes, pause: float = 0.05) -> None:
    """One octet at a time, until the server has had enough."""
    for at in range(len(octets)):
        try:
            wire.send(octets[at : at + 1])
        except OSError:
            return
        time.sleep(pause)


@pytest.mark.parametrize("secure", [False, True])
def test_octets_do_not_move_the_deadline_of_a_command(secure: bool) -> None:
    bounds = Bounds(wait=1.0, whole=60, drain_seconds=1)
    with running(EARLY, bounds=bounds) as server:
        with server.client(secure) as wire:
            assert wire.read(1) == [220]
            drip(wire, b"NOOP " + b"x" * 45)
        server.wait(lambda house: house.connections == 0)


def test_a_slow_client_is_told(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    with (
        running(EARLY, bounds=Bounds(wait=0.5), log=MainLog(log)) as server,
        server.client() as wire,
    ):
        assert wire.read(1) == [220]
        wire.send(b"EHLO c.exa")
        assert wire.read_all() == [421]
    assert "SMTP command timeout on connection from [127.0.0.1]" in log.read_text()


def test_a_connection_has_its_end_however_busy() -> None:
    with running(EARLY, bounds=Bounds(wait=60, whole=2.0)) as server:
        with server.client() as wire:
            wire.send(HELLO + ENVELOPE + b"DATA\r\n")
            assert wire.read(5)[-1] == 354
            wire.socket.settimeout(0.02)
            for _ in range(3000):
                try:
                    wire.send(b"x")
                    wire.got += wire.socket.recv(4096)
                except TimeoutError:
                    continue
                except OSError:
                    break
                if wire.got:
                    break
            assert wire.got.startswith(b"421 ")
        server.wait(lambda house: house.connections == 0)


def test_a_handshake_that_does_not_end() -> None:
    with running(EARLY, bounds=Bounds(wait=0.5, drain_seconds=0.5)) as server:
        with socket.create_connection(("127.0.0.1", server.tls_port), 60) as raw:
            raw.sendall(b"\x16\x03\x01")
            assert raw.recv(100) == b""
        with server.client() as wire:
            wire.send(HELLO + b"STARTTLS\r\n")
            assert wire.read(3) == [220, 250, 220]
            assert wire.socket.recv(100) == b""
        server.wait(lambda house: house.connections == 0)


def test_a_client_that_never_reads() -> None:
    """What is held for it is bounded, then it is not read from, then it goes."""
    service = replace(EARLY, most_recipients=50_000)
    bounds = Bounds(wait=2.0, drain_seconds=1)
    with running(service, bounds=bounds) as server:
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.settimeout(60)
            raw.connect(("127.0.0.1", server.port))
            raw.sendall(HELLO + ENVELOPE)
            sent = 0
            while sent < 1 << 30:
                try:
                    raw.sendall(b"MAIL FROM:<>\r\nRSET\r\n" * 1000)
                except OSError:
                    break
                sent += 20_000
                held = [len(c._out) for c in list(server.house._connections)]
                assert sum(held) < 300_000
        assert sent < 1 << 26
        server.wait(lambda house: house.connections == 0)


def test_too_many_connections(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    bounds = Bounds(connections=3)
    with running(EARLY, bounds=bounds, log=MainLog(log)) as server:
        wires = [server.client() for _ in range(3)]
        for wire in wires:
            assert wire.read(1) == [220]
        for _ in range(5):
            with server.client() as more:
                assert more.read(1) == [421]
        wires.pop().socket.close()
        server.wait(lambda house: house.connections == 2)
        with server.client() as more:
            assert more.read(1) == [220]
        assert server.house.counts.turned_away == 5
        for wire in wires:
            wire.socket.close()
    assert log.read_text().count("too many connections") == 5


def test_too_many_of_one_address() -> None:
    with running(EARLY, bounds=Bounds(per_address=2)) as server:
        first, second = server.client(), server.client()
        assert [first.read(1), second.read(1)] == [[220], [220]]
        with server.client() as third:
            assert third.read(1) == [421]
        first.socket.close()
        server.wait(lambda house: house.connections == 1)
        with server.client() as third:
            assert third.read(1) == [220]
        second.socket.close()
        server.wait(lambda house: house.connections == 0)
        assert not server.house._of_address


def test_a_flood_of_connections() -> None:
    """Hundreds that say nothing, hundreds that leave at once: others are served."""
    with running(EARLY, Kept(), Bounds(connections=500)) as server:
        idle = [
            socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)
        ]
        for _ in range(300):
            socket.create_connection(("127.0.0.1", server.port)).close()
        with server.client() as wire:
            wire.send(GROUP)
            assert wire.read_all() == [220, 250, 250, 250, 250, 221]
        for connection in idle:
            connection.close()
        server.wait(lambda house: house.connections == 0)


def test_more_messages_than_one_connection_may_bring() -> None:
    with running(replace(EARLY, most_messages=2)) as server, server.client() as wire:
        chunk = ENVELOPE + b"BDAT 2 LAST\r\n\r\n"
        wire.send(HELLO + chunk)
        assert wire.read(5)[-1] == 250
        wire.send(chunk)
        assert wire.read(3) == [250] * 3
        wire.send(chunk)
        assert wire.read_all() == [421]


def test_nobody_waits_for_a_goodbye() -> None:
    """All replies and the end come with QUIT, half-closed or not, unlike Exim's."""
    with running() as server:
        for secure in (False, True):
            with server.client(secure) as wire:
                wire.send(GROUP)
                assert wire.read_all() == [220, 250, 250, 250, 250, 221]
        server.wait(lambda house: house.connections == 0)


@pytest.mark.parametrize("secure", [False, True])
def test_a_connection_that_is_over_is_gone(secure: bool) -> None:
    """A server that is busy does not wait for the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        with running() as server:
            with server.client(secure) as wire:
                wire.send(GROUP)
                assert wire.read_all()[-1] == 221
            server.wait(lambda house: house.connections == 0)
            server.wait(lambda _: True)
            held = [it for it in gc.get_objects() if type(it) is Connection]
            assert held == []
    finally:
        gc.enable()


# -- stopping --------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
def test_who_is_amid_a_message_may_finish(secure: bool) -> None:
    spool = Kept()
    with running(EARLY, spool) as server, server.client(secure) as wire:
        wire.send(HELLO + ENVELOPE + b"DATA\r\n")
        assert wire.read(5) == [220, 250, 250, 250, 354]
        server.call(server.house.stop)
        server.wait(lambda house: not house._doors)
        with pytest.raises(ConnectionRefusedError):
            server.client()
        wire.send(BODY + b".\r\n")
        assert wire.read(1) == [250]
        # And then it is told.
        assert wire.read_all() == [421]
    assert spool.contents == [BODY]


def test_who_does_not_finish_is_not_waited_for() -> None:
    spool = Kept()
    with running(EARLY, spool, Bounds(stop=0.5)) as server, server.client() as wire:
        wire.send(HELLO + ENVELOPE + b"DATA\r\n")
        assert wire.read(5)[-1] == 354
        wire.send(BODY)
        server.wait(lambda house: house._doors != [])
        server.call(server.house.stop)
        assert wire.read_all() == [421]
    assert spool.messages == []
    assert spool.dropped == 1


def test_who_says_nothing_is_told_at_once() -> None:
    with running(EARLY, bounds=Bounds(stop=60)) as server, server.client() as wire:
        assert wire.read(1) == [220]
        raw = socket.create_connection(("127.0.0.1", server.tls_port), 60)
        server.wait(lambda house: house.connections == 2)
        server.call(server.house.stop)
        assert wire.read_all() == [421]
        assert raw.recv(10) == b""
        raw.close()
