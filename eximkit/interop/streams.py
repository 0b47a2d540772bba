"""A small server on the loopback interface, whose connections end when it does."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class StreamServer(ABC):
    """Attends to each connection in a task of its own. port: where it listens.

    asyncio's own server takes up connections in tasks that nobody knows: what ends in
    such a moment leaves a socket open.
    """

    def __init__(self) -> None:
        self.port = 0
        self._listener: socket.socket | None = None
        self._connections: dict[asyncio.Task[None], socket.socket] = {}

    @abstractmethod
    async def attend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection; what it raises of sockets' errors is passed over.

        It is closed afterwards. Only the end of the server cancels this.
        """

    async def idle(self) -> None:
        """Wait until every connection is over."""
        while self._connections:
            await asyncio.wait(list(self._connections))

    async def __aenter__(self) -> Self:
        self._listener = listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        left = dict(self._connections)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for connection in left.values():
            # That of a task that had not begun.
            connection.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # it has gone again
        task = asyncio.create_task(self._serve(connection))
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(sock=connection)
            try:
                await self.attend(reader, writer)
            finally:
                await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a stream, and wait until it is."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
