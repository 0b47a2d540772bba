"""Which of the server's connections are ready: one entry in the event loop for all.

To the event loop an epoll set is a descriptor like any other. So a thousand connections
are one reader of the loop, and one that is ready costs a look into a table, in place of
a callback of asyncio with all that belongs to it. Where there is no epoll, the loop
watches each socket itself.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

_AT_ONCE = 256
"""Turns of connections before the loop looks at its timers, signals and listeners."""


class Polled(Protocol):
    """Something with a socket. Neither method is called once it is forgotten."""

    def ready(self) -> None:
        """The socket is what it is watched for, or broken."""

    def abandon(self) -> None:
        """`ready` has raised."""


class Poller(Protocol):
    """Watches sockets for one event loop."""

    def watch(self, number: int, polled: Polled, *, write: bool = False) -> None:
        """Say whenever this socket can be read from, or written to, and only that."""

    def forget(self, number: int) -> None:
        """Watch this socket no more, if it is watched. It is about to be closed."""

    def close(self) -> None:
        """Watch nothing more."""


class Epoll:
    """A set of its own within the event loop."""

    __slots__ = ("_epoll", "_loop", "_polled")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._polled: dict[int, Polled] = {}
        loop.add_reader(self._epoll.fileno(), self._turn)

    def watch(self, number: int, polled: Polled, *, write: bool = False) -> None:
        what = select.EPOLLOUT if write else select.EPOLLIN
        if number in self._polled:
            self._epoll.modify(number, what)
        else:
            self._epoll.register(number, what)
            self._polled[number] = polled

    def forget(self, number: int) -> None:
        # The kernel forgets what is closed, and need not be told.
        self._polled.pop(number, None)

    def close(self) -> None:
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _turn(self) -> None:
        polled = self._polled
        # While some had their turn, others got ready: to ask once more costs less than
        # a turn of the loop.
        left = _AT_ONCE
        while left > 0 and (ready := self._epoll.poll(0, left)):
            left -= len(ready)
            for number, _ in ready:
                # One that was ready a moment ago may be closed by now.
                one = polled.get(number)
                if one is not None:
                    _let(one, self._loop)


class Readers:
    """Readers and writers of the event loop itself."""

    __slots__ = ("_loop", "_watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: set[int] = set()

    def watch(self, number: int, polled: Polled, *, write: bool = False) -> None:
        self.forget(number)
        self._watched.add(number)
        add = self._loop.add_writer if write else self._loop.add_reader
        add(number, _let, polled, self._loop)

    def forget(self, number: int) -> None:
        if number in self._watched:
            self._watched.remove(number)
            self._loop.remove_reader(number)
            self._loop.remove_writer(number)

    def close(self) -> None:
        for number in list(self._watched):
            self.forget(number)


def made(loop: asyncio.AbstractEventLoop) -> Poller:
    """The fastest that there is here."""
    return Epoll(loop) if hasattr(select, "epoll") else Readers(loop)


def _let(one: Polled, loop: asyncio.AbstractEventLoop) -> None:
    """Let it have its turn. A defect costs one connection, and not the server."""
    try:
        one.ready()
    except Exception as error:  # noqa: BLE001 - whatever it is
        one.abandon()
        what = {"message": "a connection failed", "exception": error}
        loop.call_exception_handler(what)
