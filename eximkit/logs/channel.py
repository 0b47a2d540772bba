"""Messages between the process that divides the work and those that do it."""

from __future__ import annotations

import pickle
import socket
import struct

_LENGTH = struct.Struct("!Q")


def send(link: socket.socket, message: object, handle: int | None = None) -> None:
    """Send an object, and an open file with it."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    length = _LENGTH.pack(len(data))
    if handle is None:
        link.sendall(length)
    else:
        socket.send_fds(link, [length], [handle])
    link.sendall(data)


def receive(link: socket.socket) -> object:
    """The next object. Raises EOFError when the other side is gone."""
    return receive_with_file(link)[0]


def receive_with_file(link: socket.socket) -> tuple[object, int | None]:
    """The next object, and the open file that came with it."""
    first, handles, _, _ = socket.recv_fds(link, _LENGTH.size, 1)
    handle = handles[0] if handles else None
    length = first + _exactly(link, _LENGTH.size - len(first))
    data = _exactly(link, _LENGTH.unpack(length)[0])
    # From a process that this program started, over a socket that has no name.
    return pickle.loads(data), handle  # noqa: S301


def _exactly(link: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = link.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return bytes(data)
