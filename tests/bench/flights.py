"""A load of SMTP connections whose octets are prepared: it parses nothing.

A client is a process of its own that makes one connection after another, as a sender
does: it writes a flight, reads until what it waits for is there, and at last to the
end. It looks for that in octets, without taking them apart, so that what is measured is
the server and the turns between the two.
"""

from __future__ import annotations

import errno
import multiprocessing
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier

MESSAGE = b"Subject: load\r\n\r\n" + b"x" * 78 + b"\r\n"
HELLO = b"EHLO load.example\r\n"
ENVELOPE = b"MAIL FROM:<a@load.example>\r\nRCPT TO:<b@load.example>\r\n"
CHUNK = b"BDAT %d LAST\r\n%b" % (len(MESSAGE), MESSAGE)
CONTENT = MESSAGE + b".\r\n"
GOODBYE = b"QUIT\r\n"
BANNER, OFFER, GO_AHEAD = b"220 ", b"\r\n250 ", b"\r\n354 "
KEPT, ENDED = b"\r\n250 2.6.0 ", b"\r\n221 "
PATIENCE = 120.0
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Plan:
    """What every connection does. flights: what to wait for, and what to write then."""

    name: str
    flights: tuple[tuple[bytes, bytes], ...]


EARLY = Plan("BDAT", ((b"", HELLO + ENVELOPE + CHUNK + GOODBYE),))
PIPELINING = Plan(
    "PIPELINING, BDAT", ((BANNER, HELLO), (OFFER, ENVELOPE + CHUNK + GOODBYE))
)
EARLY_DATA = Plan(
    "DATA",
    ((b"", HELLO + ENVELOPE + b"DATA\r\n"), (GO_AHEAD, CONTENT + GOODBYE)),
)
PIPELINING_DATA = Plan(
    "PIPELINING, DATA",
    (
        (BANNER, HELLO),
        (OFFER, ENVELOPE + b"DATA\r\n"),
        (GO_AHEAD, CONTENT + GOODBYE),
    ),
)


def load(plan: Plan, port: int, connections: int, at_once: int) -> float:
    """Connections per second. Raises RuntimeError where the server does less."""
    start = _FORK.Barrier(at_once)
    each = -(-connections // at_once)
    clients, pipes = [], []
    for _ in range(at_once):
        mine, its = _FORK.Pipe(duplex=False)
        client = _FORK.Process(target=_client, args=(plan, port, each, start, its))
        client.start()
        clients.append(client)
        pipes.append(mine)
    times: list[tuple[float, float]] = []
    try:
        for pipe in pipes:
            begin, end, wrong = 0.0, 0.0, "nothing for too long"
            if pipe.poll(PATIENCE):
                begin, end, wrong = pipe.recv()
            if wrong:
                raise RuntimeError(f"{plan.name}: {wrong}")
            times.append((begin, end))
    finally:
        for client in clients:
            client.kill()
            client.join()
    took = max(end for _, end in times) - min(begin for begin, _ in times)
    return each * at_once / took


def _client(
    plan: Plan, port: int, connections: int, start: Barrier, told: Connection
) -> None:
    """In a process of its own: sends when it began and ended, and what went wrong."""
    address, wrong = ("127.0.0.1", port), ""
    start.wait(PATIENCE)
    begin = time.monotonic()
    try:
        for _ in range(connections):
            got = _one(address, plan.flights)
            if KEPT not in got or ENDED not in got:
                wrong = f"the server said {got!r}"
                break
    except OSError as error:
        ports = error.errno == errno.EADDRNOTAVAIL
        wrong = "no port is free; wait a minute" if ports else str(error)
    told.send((begin, time.monotonic(), wrong))


def _one(address: tuple[str, int], flights: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """One connection, and all that the server said."""
    got = b""
    with socket.socket() as connection:
        # Not what is measured: without it the kernel may wait before it sends the last.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address)
        for waited_for, octets in flights:
            while waited_for not in got:
                piece = connection.recv(65536)
                if not piece:
                    return got
                got += piece
            connection.sendall(octets)
        while octets := connection.recv(65536):
            got += octets
    return got
