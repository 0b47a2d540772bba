"""The client that plays hostile scenarios: its steps, and that it hears everything."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest

from eximkit.errors import InputError, InteropError
from eximkit.interop.hostile_client import HostileClient, octets_of
from eximkit.interop.streams import StreamServer
from tests.interop.running import EARLY, Kept, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@pytest.mark.parametrize(
    ("step", "octets"),
    [
        ("> QUIT", b"QUIT\r\n"),
        (">> a\\x00\\r\\n", b"a\0\r\n"),
        (">> ", b""),
        ("* 3 RSET", b"RSET\r\n" * 3),
        ("x 4 ab\\n", b"ab\n" * 4),
    ],
)
def test_what_a_step_sends(step: str, octets: bytes) -> None:
    assert octets_of(step) == octets


@pytest.mark.parametrize("step", ["* many RSET", "x", ">> \\x0"])
def test_a_step_that_sends_nothing_sensible(step: str) -> None:
    with pytest.raises(InputError, match="no such step"):
        octets_of(step)


def played(port: int, *steps: str, wanted: str = "") -> HostileClient:
    async def play() -> HostileClient:
        client = HostileClient(port)
        try:
            await client.run(steps)
            await client.until(wanted, closes=False)
        finally:
            await client.end()
        return client

    return asyncio.run(play())


def test_a_step_that_there_is_not() -> None:
    with running(EARLY, Kept()) as server, pytest.raises(InputError, match="dance"):
        played(server.port, "dance")


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InteropError, match="no connection"):
        played(port, "> NOOP")


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
def test_tls_and_what_is_said_in_it(secure: bool) -> None:
    hello = ["tls", "> EHLO a"] if secure else ["> EHLO a", "> STARTTLS", "< 220"]
    more = [] if secure else ["< 250", "< 220", "tls", "> EHLO a"]
    with running(EARLY, Kept()) as server:
        port = server.tls_port if secure else server.port
        client = played(port, *hello, *more, "> NOOP", "> QUIT", "fin")
    assert client.codes() == (
        "220 250 250 221" if secure else "220 250 220 250 250 221"
    )
    assert client.wrong == ""
    assert b"EHLO" not in client.seen.stream(up=True)[50:]


def test_a_reply_that_is_another_is_told() -> None:
    with running(EARLY, Kept()) as server:
        client = played(server.port, "< 220", "> MAIL FROM:<>", "< 250", "> QUIT")
    assert client.faults("", closes=False) == ["503 comes instead of 250"]


def test_codes_are_told_without_repetitions() -> None:
    client = HostileClient(0)
    client.heard = b"220 a\r\n" + b"250-b\r\n250 c\r\n" * 9000 + b"221 d\r\n"
    (fault, *more) = client.faults("220", closes=True)
    assert fault == "the replies are 220 9000 x 250 221, not 220"
    assert more == ["the server does not close"]


class Talker(StreamServer):
    """Says what it is given, and closes."""

    def __init__(self, talk: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
        super().__init__()
        self._talk = talk

    async def attend(
        self, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._talk(writer)


async def met(
    talk: Callable[[asyncio.StreamWriter], Awaitable[None]], *steps: str
) -> HostileClient:
    """The client that has met a server that says this."""
    async with Talker(talk) as server:
        client = HostileClient(server.port)
        await client.run(steps)
        await client.until("", closes=True)
    return client


def test_no_reply_is_lost_whenever_it_comes() -> None:
    """A wait that ends in the moment in which octets come does not lose them."""

    async def talk(writer: asyncio.StreamWriter) -> None:
        for number in range(10):
            await asyncio.sleep(0.02)
            writer.write(b"250 %d\r\n" % number)
            # Nothing else runs: it comes, and the wait is over, at one time.
            time.sleep(0.12)  # noqa: ASYNC251

    heard = asyncio.run(met(talk)).heard
    assert heard == b"".join(b"250 %d\r\n" % number for number in range(10))


@pytest.mark.parametrize(("step", "wrong"), [("hello", ""), ("tls", "TLS breaks off")])
def test_an_alert_is_wrong_only_where_tls_was_wanted(step: str, wrong: str) -> None:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x15\x03\x03\x00\x02\x02\x28")

    client = asyncio.run(met(talk, step))
    assert client.wrong == wrong
    assert client.closed
