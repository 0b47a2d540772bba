"""A load of SMTP connections whose octets are prepared: it parses nothing.

Each connection writes its flights, waits between them for replies that it counts by
their last lines, and reads to the end. So what is measured is the server, as far as one
process can keep it busy.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from dataclasses import dataclass

MESSAGE = b"Subject: load\r\n\r\n" + b"x" * 78 + b"\r\n"
ENVELOPE = b"MAIL FROM:<a@load.example>\r\nRCPT TO:<b@load.example>\r\n"
HELLO = b"EHLO load.example\r\n"
CONTENT = b"BDAT %d LAST\r\n%b" % (len(MESSAGE), MESSAGE)
GOODBYE = b"QUIT\r\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What every connection does. flights: replies to wait for, and octets to write.

    end: what the last thing read has to begin with.
    """

    name: str
    flights: tuple[tuple[int, bytes], ...]
    replies: int


EARLY = Plan(
    "BDAT", ((0, HELLO + ENVELOPE + CONTENT + GOODBYE),), 6
)  # fmt: skip
PIPELINING = Plan(
    "PIPELINING", ((1, HELLO), (2, ENVELOPE + CONTENT + GOODBYE)), 6
)  # fmt: skip
EARLY_DATA = Plan(
    "DATA",
    ((0, HELLO + ENVELOPE + b"DATA\r\n"), (5, MESSAGE + b".\r\n" + GOODBYE)), 7,
)  # fmt: skip
PIPELINING_DATA = Plan(
    "PIPELINING, DATA",
    ((1, HELLO), (2, ENVELOPE + b"DATA\r\n"), (5, MESSAGE + b".\r\n" + GOODBYE)), 7,
)  # fmt: skip


class _Client:
    __slots__ = ("flight", "replies", "socket", "tail")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.flight = 0
        self.replies = 0
        self.tail = b""


def load(plan: Plan, port: int, connections: int, at_once: int = 20) -> float:
    """Connections per second. Raises RuntimeError where the server does less."""
    poll = select.epoll()
    clients: dict[int, _Client] = {}
    begun = done = 0
    start = time.perf_counter()
    try:
        while done < connections:
            while begun < connections and len(clients) < at_once:
                client = _Client(_connected(port))
                number = client.socket.fileno()
                clients[number] = client
                poll.register(number, select.EPOLLIN)
                begun += 1
                _advance(plan, client)
            for number, _ in poll.poll(30):
                client = clients[number]
                octets = client.socket.recv(65536)
                if octets:
                    _count(client, octets)
                    _advance(plan, client)
                    continue
                if client.replies != plan.replies:
                    raise RuntimeError(f"{client.replies} replies to {plan.name}")
                poll.unregister(number)
                client.socket.close()
                del clients[number]
                done += 1
    finally:
        for client in clients.values():
            client.socket.close()
        poll.close()
    return connections / (time.perf_counter() - start)


def _connected(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # On loopback the handshake is done when this returns.
    try:
        connection.connect(("127.0.0.1", port))
    except OSError as error:
        connection.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise RuntimeError("no local port is free; wait a minute") from error
        raise
    return connection


def _count(client: _Client, octets: bytes) -> None:
    """Replies, by their last lines: a code and a space."""
    data = client.tail + octets
    lines = data.split(b"\r\n")
    client.tail = lines.pop()
    client.replies += sum(line[3:4] == b" " for line in lines)


def _advance(plan: Plan, client: _Client) -> None:
    flights = plan.flights
    while client.flight < len(flights):
        needed, octets = flights[client.flight]
        if client.replies < needed:
            return
        client.socket.sendall(octets)
        client.flight += 1
        if client.flight == len(flights):
            client.socket.shutdown(socket.SHUT_WR)
