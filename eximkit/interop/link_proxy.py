"""A link within this process: what is said comes later, and is kept.

It delays octets, not packets. The client is connected at once, and no SYN carries data:
absolute times are short by half a round trip and so is what early pipelining saves. So
it is good for counting the one-way trips of a dialogue, and not for a stopwatch.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from eximkit.interop.conversation import Conversation, Piece
from eximkit.interop.streams import StreamServer, closed

MOST_WAITING = 1 << 20
"""Octets under way in one direction before the sender has to wait."""
_READ = 65536

_Queue = asyncio.Queue[tuple[float, bytes]]


class Proxy(StreamServer):
    """Passes on to a port of the loopback interface.

    rtt: seconds, half of them for each way. conversations: what has been carried.
    """

    def __init__(self, port: int, rtt: float) -> None:
        super().__init__()
        self.conversations: list[Conversation] = []
        self._target = port
        self._delay = rtt / 2

    async def attend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection."""
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
            # The client's is closed by the server that this is.
            for stream in open_ends[1:]:
                await closed(stream)

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
