"""An HTTP server for one page of metrics, which nobody can keep busy.

It knows GET and HEAD (RFC 9110), answers each request from a page that is there
already, and closes the connection. How large a request is, how long it may take and how
many there are at once is bounded.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from contextlib import suppress
from typing import Self

from eximkit import __version__
from eximkit.errors import InputError, SettingsError

REQUEST_LIMIT = 8192
"""Octets of a request, its header fields included."""
PATIENCE = 5.0
"""Seconds for a request to come, and for its answer to be taken."""
CONNECTIONS = 16
"""At once; those beyond are told to come back."""

_BACKLOG = 64
_TURN = 0.1
"""Seconds after which a thread looks whether it is to end."""
_TEXT = "text/plain; charset=utf-8"
_HOME = (
    b"eximkit: what Exim's main log says, for Prometheus.\n\nThe metrics: /metrics\n"
)


def address(text: str) -> tuple[str, int]:
    """The host and port of `--listen`: `127.0.0.1:9636`, `[::1]:9636`, `:9636`.

    Raises SettingsError.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise SettingsError(
            f"--listen {text}: no address and port, such as 127.0.0.1:9636"
        )
    return host, int(port)


class MetricsServer:
    """Serves the last page that was published, from threads of its own."""

    def __init__(self, host: str, port: int, content_type: str) -> None:
        """Listen. Raises InputError where that is not possible."""
        self._content_type = content_type
        self._page: bytes | None = None
        self._free = threading.Semaphore(CONNECTIONS)
        self._closing = False
        try:
            self._socket = _listening(host, port)
        except (OSError, UnicodeError) as error:
            raise InputError(f"{_shown(host, port)}: {_reason(error)}") from error
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()[:2]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """No new connections; those there are have the time that they may take."""
        self._closing = True
        self._thread.join()
        self._socket.close()
        until = time.monotonic() + PATIENCE
        for _turn in range(CONNECTIONS):
            self._free.acquire(timeout=max(0.0, until - time.monotonic()))

    @property
    def shown(self) -> str:
        return _shown(self.host, self.port)

    def publish(self, page: bytes) -> None:
        """Answer with this from now on."""
        self._page = page

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                # Out of descriptors, or gone before it was here.
                time.sleep(_TURN)
                continue
            if not self._free.acquire(blocking=False):
                with connection, suppress(OSError):
                    connection.setblocking(False)
                    connection.send(_answer("503 Service Unavailable", b"busy\n"))
                continue
            try:
                threading.Thread(
                    target=self._serve, args=(connection,), daemon=True
                ).start()
            except RuntimeError:
                connection.close()
                self._free.release()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):
                until = time.monotonic() + PATIENCE
                request, trouble = _request(connection, until)
                answer = trouble or self._answer(request)
                connection.settimeout(max(0.001, until - time.monotonic()))
                connection.sendall(answer)
                _end(connection, until)
        finally:
            self._free.release()

    def _answer(self, request: bytes) -> bytes:
        words = request.split(b"\r\n", 1)[0].split(b"\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].strip().startswith(b"HTTP/1."):
            return _answer("400 Bad Request", b"not an HTTP/1 request\n")
        method, target = words[0], words[1].partition(b"?")[0]
        if method not in {b"GET", b"HEAD"}:
            return _answer("405 Method Not Allowed", b"GET or HEAD\n", allow=True)
        page = self._page
        if target == b"/metrics" and page is None:
            status, kind = "503 Service Unavailable", _TEXT
            body = b"the log is being read for the first time\n"
        elif target == b"/metrics":
            status, body, kind = "200 OK", page or b"", self._content_type
        elif target == b"/":
            status, body, kind = "200 OK", _HOME, _TEXT
        else:
            status, body, kind = "404 Not Found", b"there is /metrics\n", _TEXT
        return _answer(status, body, kind, head=method == b"HEAD")


def _listening(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, place = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(_BACKLOG)
        listening.settimeout(_TURN)
    except BaseException:
        listening.close()
        raise
    return listening


def _request(connection: socket.socket, until: float) -> tuple[bytes, bytes]:
    """The head of a request; or what to answer where none came."""
    data = b""
    while b"\r\n\r\n" not in data and b"\n\n" not in data:
        left = until - time.monotonic()
        if left <= 0:
            return b"", _answer("408 Request Timeout", b"too slow\n")
        connection.settimeout(left)
        try:
            more = connection.recv(REQUEST_LIMIT + 1 - len(data))
        except TimeoutError:
            continue
        if not more:
            return b"", _answer("400 Bad Request", b"not a whole request\n")
        data += more
        if len(data) > REQUEST_LIMIT:
            return b"", _answer("431 Request Header Fields Too Large", b"too large\n")
    return data, b""


def _end(connection: socket.socket, until: float) -> None:
    """Let the other side read the answer before what it sent is thrown away."""
    connection.shutdown(socket.SHUT_WR)
    for _ in range(16):
        connection.settimeout(max(0.001, min(1.0, until - time.monotonic())))
        if not connection.recv(1 << 16):
            return


def _answer(
    status: str, body: bytes, kind: str = _TEXT, *, head: bool = False,
    allow: bool = False,
) -> bytes:  # fmt: skip
    lines = [
        f"HTTP/1.1 {status}",
        f"Server: eximkit/{__version__}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        *(["Allow: GET, HEAD"] if allow else []),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if head else body)


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"{os.strerror(errno.EADDRINUSE)}: another process listens there"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
