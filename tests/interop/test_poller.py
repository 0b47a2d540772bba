"""Who is ready: the set of epoll and the readers of the loop do the same."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from eximkit.interop import poller
from eximkit.interop.poller import Epoll, Poller, Readers
from tests.interop.running import Wire, running

if TYPE_CHECKING:
    from eximkit.interop.house import House

Form = Callable[[asyncio.AbstractEventLoop], Poller]
PRELUDE = b"EHLO c.example\r\nMAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n"


@dataclass
class Ear:
    """One end of a pair of sockets. act: what it does when it is ready."""

    act: Callable[[], object]
    ready_times: int = 0
    abandoned: bool = False
    pair: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    @property
    def number(self) -> int:
        return self.pair[0].fileno()

    def ready(self) -> None:
        self.ready_times += 1
        self.act()

    def abandon(self) -> None:
        self.abandoned = True

    def close(self) -> None:
        for end in self.pair:
            end.close()


def turns(work: Callable[[asyncio.AbstractEventLoop], object]) -> list[object]:
    """Some turns of an event loop after `work`; what its exception handler was told."""
    told: list[object] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, what: told.append(what["exception"]))
        work(loop)
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(run())
    return told


@dataclass
class Stage:
    """A poller of a form, made within the loop in which ears are watched."""

    form: Form
    poller: Poller = field(init=False)

    def play(self, *ears: Ear, octets: bytes = b"x") -> list[object]:
        """Let ears hear these octets; what the loop's exception handler was told."""

        def work(loop: asyncio.AbstractEventLoop) -> None:
            self.poller = self.form(loop)
            for ear in ears:
                self.poller.watch(ear.number, ear)
                ear.pair[1].send(octets)

        told = turns(work)
        self.poller.close()
        return told


@pytest.fixture(params=[Epoll, Readers])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Form:
    monkeypatch.setattr(poller, "made", request.param)
    made: Form = request.param
    return made


@pytest.mark.usefixtures("form")
def test_a_server_reads_writes_and_waits_for_who_does_not_read() -> None:
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with running() as server, Wire(raw) as wire:
        raw.connect(("127.0.0.1", server.port))
        assert wire.read(1) == [220]
        server.call(lambda: narrow(server.house))
        # More replies than the buffers of both ends hold.
        wire.send(PRELUDE + b"RCPT TO:<r@b.example>\r\n" * 900 + b"RSET\r\n")
        server.wait(lambda house: any(c._out for c in house._connections))
        wire.send(PRELUDE + b"BDAT 4 LAST\r\nab\r\nQUIT\r\n")
        assert wire.read(909) == [250] * 908 + [221]
        server.wait(lambda house: house.connections == 0)
        assert server.house.counts.messages == 1


def narrow(house: House) -> None:
    """Let the kernel hold little for clients."""
    for connection in house._connections:
        connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


def test_a_defect_costs_one_connection(form: Form) -> None:
    stage = Stage(form)
    defect = RuntimeError("a defect")

    def fail() -> None:
        stage.poller.forget(bad.number)
        raise defect

    bad, good = Ear(fail), Ear(lambda: good.pair[0].recv(1))
    assert stage.play(bad, good, octets=b"xx") == [defect]
    assert (bad.abandoned, bad.ready_times) == (True, 1)
    assert (good.abandoned, good.ready_times) == (False, 2)
    bad.close()
    good.close()


def test_who_is_closed_by_another_has_no_turn(form: Form) -> None:
    stage = Stage(form)

    def close_other(other: Ear) -> None:
        stage.poller.forget(other.number)
        other.close()
        for ear in (first, second):
            if ear is not other:
                stage.poller.forget(ear.number)

    first: Ear = Ear(lambda: close_other(second))
    second: Ear = Ear(lambda: close_other(first))
    assert stage.play(first, second) == []
    assert first.ready_times + second.ready_times == 1
    first.close()
    second.close()


def test_who_is_always_ready_leaves_the_loop_its_turn(form: Form) -> None:
    ear = Ear(lambda: None)
    assert Stage(form).play(ear) == []
    assert 1 < ear.ready_times < 10_000
    ear.close()


def test_reading_or_writing_and_never_both(form: Form) -> None:
    made: Poller
    ear = Ear(lambda: made.watch(ear.number, ear))

    def work(loop: asyncio.AbstractEventLoop) -> None:
        nonlocal made
        made = form(loop)
        made.watch(ear.number, ear, write=True)

    # It can be written to at once; from then on it is watched for what never comes.
    assert turns(work) == []
    made.close()
    assert ear.ready_times == 1
    ear.close()


def test_epoll_where_there_is_one() -> None:
    found: list[Poller] = []
    turns(lambda loop: found.append(poller.made(loop)))
    assert isinstance(found[0], Epoll)
    found[0].close()
    found[0].close()
