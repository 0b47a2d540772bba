"""Connections of a small server, at each moment at which it can end."""

from __future__ import annotations

import asyncio
import socket
import warnings
from contextlib import suppress

import pytest

from eximkit.interop.streams import StreamServer
from tests.interop.peers import descriptors


class Echo(StreamServer):
    """Gives back the first octets, and waits for more."""

    async def attend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(await reader.read(100))
        await reader.read(100)


async def connected(server: StreamServer, number: int) -> list[socket.socket]:
    """So many clients, none of which the server has heard of yet."""
    return [socket.create_connection(("127.0.0.1", server.port)) for _ in range(number)]


@pytest.mark.parametrize("turns", range(6))
def test_nothing_is_left_open_whenever_the_server_ends(turns: int) -> None:
    async def run() -> None:
        async with Echo() as server:
            clients = await connected(server, 3)
            for client in clients:
                client.send(b"x")
            for _ in range(turns):
                await asyncio.sleep(0)
        for client in clients:
            client.settimeout(5)
            # What the server never took up ends with a reset.
            with client, suppress(ConnectionResetError):
                while client.recv(10):
                    pass

    before = descriptors()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(run())
    assert not descriptors() - before


def test_a_connection_that_fails_costs_no_other() -> None:
    class Failing(Echo):
        async def attend(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            if await reader.readexactly(1) == b"!":
                raise ConnectionResetError
            writer.write(b"well")

    async def run() -> tuple[bytes, bytes]:
        async with Failing() as server:
            heard = []
            for word in (b"!", b"?"):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(word)
                heard.append(await reader.read())
                writer.close()
                await writer.wait_closed()
            await server.idle()
            return heard[0], heard[1]

    assert asyncio.run(run()) == (b"", b"well")
