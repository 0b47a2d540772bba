"""A link within this process: what is said comes later, and is kept.

It delays octets, not packets. The client is connected at once, and no SYN carries data:
absolute times are short by half a round trip and so is what early pipelining saves. So
it is good for counting the one-way trips of a dialogue, and not for a stopwatch.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from eximkit.interop.conversation import Conversation, Piece

if TYPE_CHECKING:
    from types import TracebackType

MOST_WAITING = 1 << 20
"""Octets under way in one direction before the sender has to wait."""
_READ = 65536

_Queue = asyncio.Queue[tuple[float, bytes]]


class Proxy:
    """Listens on the loopback interface and passes on to a port of it.

    rtt: seconds, half of them for each way. conversations: what has been carried.
    """

    def __init__(self, port: int, rtt: float) -> None:
        self.port = 0
        self.conversations: list[Conversation] = []
        self._target = port
        self._delay = rtt / 2
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # Only the end of the link cancels it.
        with suppress(asyncio.CancelledError):
            await self._join(reader, writer)

    async def _join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        peer = writer.get_extra_info("peername")
        talk = Conversation(time.monotonic(), peer[1])
        self.conversations.append(talk)
        open_ends = [writer]
        up, down = _queue(), _queue()
        try:
            async with asyncio.TaskGroup() as group:
                # The client may talk before there is a server.
                group.create_task(self._hear(reader, up, talk))
                # A SYN takes its time, too.
                await asyncio.sleep(self._delay)
                back, away = await asyncio.open_connection("127.0.0.1", self._target)
                open_ends.append(away)
                group.create_task(self._say(up, away))
                group.create_task(self._hear(back, down))
                group.create_task(self._say(down, writer, talk))
        except* OSError:
            # One side reset the connection: so does the other.
            for stream in open_ends:
                stream.transport.abort()
        finally:
            for stream in open_ends:
                stream.close()
                with suppress(OSError):
                    await stream.wait_closed()

    async def _hear(
        self, reader: asyncio.StreamReader, queue: _Queue,
        talk: Conversation | None = None,
    ) -> None:  # fmt: skip
        """Read to the end. talk: where to note what leaves the client."""
        octets = b" "
        while octets:
            octets = await reader.read(_READ)
            now = time.monotonic()
            if talk is not None:
                _note(talk, now, octets, up=True)
            await queue.put((now + self._delay, octets))

    async def _say(
        self, queue: _Queue, writer: asyncio.StreamWriter,
        talk: Conversation | None = None,
    ) -> None:  # fmt: skip
        """Write all, each when it is due. talk: where to note what the client gets."""
        octets = b" "
        while octets:
            due, octets = await queue.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if talk is not None:
                _note(talk, time.monotonic(), octets, up=False)
            if octets:
                writer.write(octets)
                await writer.drain()
            else:
                with suppress(OSError):
                    writer.write_eof()


def _queue() -> _Queue:
    return asyncio.Queue(max(1, MOST_WAITING // _READ))


def _note(talk: Conversation, at: float, octets: bytes, up: bool) -> None:
    talk.pieces.append(Piece(at, up, octets, () if octets else ("FIN",)))
