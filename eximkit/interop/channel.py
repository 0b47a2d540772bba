"""A socket of the server in the event loop: what is written to it, and when to read.

What a client does not take is held until it does, and meanwhile nothing is read from
it. So what is held stays as small as the replies to what was read at once.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.interop.poller import Poller
    from eximkit.interop.server_notes import Notes

PIECE = 65536
"""Octets that are read at once."""
RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: to close is to reset."""


class Channel:
    """The socket's half of a connection. Who inherits says what to do when.

    over: it is closed.
    """

    __slots__ = (
        "_notes",
        "_number",
        "_out",
        "_poller",
        "_socket",
        "_watched",
        "over",
    )

    def __init__(
        self,
        poller: Poller,
        connection: socket.socket,
        notes: Notes | None,
    ) -> None:
        self._poller = poller
        self._socket = connection
        self._number = connection.fileno()
        self._notes = notes
        self._watched = False
        self._out = bytearray()
        self.over = False

    def _read(self) -> None:
        """There may be something to read."""

    def _broken(self) -> None:
        """The connection is no more."""

    def _written(self) -> None:
        """What was held is written."""

    def ready(self) -> None:
        """The socket can be read from or, as far as something is held, written to."""
        if self._out:
            self._writable()
        else:
            self._read()

    def abandon(self) -> None:
        """This side is at fault, and nothing can be done about it."""

    def _shut(self, reset: bool) -> None:
        """Close the socket. reset: let the kernel forget what was not sent, too."""
        self.over = True
        self._poller.forget(self._number)
        if reset:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._socket.close()

    def _watch(self) -> None:
        """Hear of the socket when there is something to read."""
        if not self._watched:
            self._watched = True
            self._poller.watch(self._number, self)

    def _send(self, octets: bytes) -> None:
        if not octets or self.over:
            return
        if self._notes is not None:
            self._notes.written(len(octets))
        if self._out:
            self._out += octets
            return
        try:
            sent = self._socket.send(octets)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._broken()
            return
        if sent < len(octets):
            self._out += octets[sent:]
            # Until the client has read this, nothing is read from it.
            self._watched = False
            self._poller.watch(self._number, self, write=True)

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._broken()
            return
        del self._out[:sent]
        if not self._out:
            self._watch()
            self._written()
