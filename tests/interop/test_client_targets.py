"""Where a client connects to: IPv6, several addresses, sessions that are resumed, many.

Over real sockets, with the reference server in a thread or in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.interop import dialling
from eximkit.interop.cache import EhloCache
from eximkit.interop.courier import Courier
from eximkit.interop.dialogue import Manner, Timeouts
from eximkit.smtp.early import Cached, Record, Tls
from tests.conftest import without
from tests.interop.peers import PATIENCE, Peer, Script, descriptors, plan, serving
from tests.interop.running import EARLY, Kept, Running, running
from tests.interop.serving import EXIMKIT, served
from tests.smtp.wire import CONTENT, NOW, message, offer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eximkit.interop.courier import Delivered, Plan
    from eximkit.interop.dialling import Target
    from eximkit.smtp.early import Key

REMEMBERED = Record(NOW, offer("PIPELINING", "PIPECONNECT"))
IMPATIENT = Manner(timeouts=Timeouts(connect=0.5))
# As `resolve` gives them.
Found = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[EhloCache]:
    kept = EhloCache(tmp_path / "ehlo.sqlite")
    yield kept
    kept.close()


@pytest.fixture
def ipv6() -> str:
    """The loopback address of IPv6, where there is one."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        without("no IPv6 on the loopback interface")
    return "::1"


def sent(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [*EXIMKIT, "send", "--rcpt", "r@b.example", "--format", "json", *arguments],
        capture_output=True, text=True, check=False, timeout=2 * PATIENCE,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def records(path: Path) -> list[tuple[Key, Record]]:
    """What a cache holds that others have written."""
    with closing(EhloCache(path)) as cache:
        return cache.list()


# -- IPv6 ------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["none", "starttls", "on-connect"])
def test_ipv6(tls: str, ipv6: str, tmp_path: Path) -> None:
    both = "--listen", f"[{ipv6}]:0", "--tls-listen", f"[{ipv6}]:0"
    with served(*both) as there:
        port = there["tls_port" if tls == "on-connect" else "port"]
        options = (
            "--to", f"[{ipv6}]:{port}", "--tls", tls, "--cache", str(tmp_path / "c"),
            "--mainlog", str(tmp_path / "log"), "--interface", ipv6,
        )  # fmt: skip
        first, second = sent(*options), sent(*options)
    for told in (first, second):
        assert (told["outcome"], told["address"]) == ("delivered", "::1")
        assert told["redialled"] is False
    assert [(t["early"], t["cache"]) for t in (first, second)] == [
        (False, "miss"), (True, "hit"),
    ]  # fmt: skip
    hosts = [
        line for line in (tmp_path / "log").read_text().split("\n") if "=>" in line
    ]
    assert [f"[{ipv6}]" in line for line in hosts] == [True, True]
    assert [" L*" in line for line in hosts] == [False, True]
    ((key, _),) = records(tmp_path / "c")
    assert (key.address, key.interface) == (ipv6, ipv6)


def test_an_address_of_ipv6_is_another_host(ipv6: str, cache: EhloCache) -> None:
    """What an IPv4 address of a host has offered says nothing about its others."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    how = plan()
    cache.put(how.key_of(dialling.literal("127.0.0.1", port)), REMEMBERED)
    with served("--listen", f"[{ipv6}]:{port}"):
        courier = Courier(how, cache, clock=lambda: NOW)
        target = dialling.literal(ipv6, port)
        found = asyncio.run(courier.deliver(target, [message()]))
    assert (found.last.early, found.cached) == (False, Cached.MISS)
    assert found.fate.value == "delivered"
    assert found.last.local[0] == ipv6


# -- several addresses -----------------------------------------------------------------


@contextmanager
def refusing() -> Iterator[int]:
    """A port of 127.0.0.2 to 127.0.0.9 on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def deaf(address: str, port: int) -> Iterator[None]:
    """A host that answers no SYN: its queue is full, and nobody empties it."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex((address, port))
        yield


def sockets() -> set[tuple[str, str]]:
    return {each for each in descriptors() if each[1].startswith("socket:")}


def delivered(
    how: Plan, cache: EhloCache, places: list[tuple[str, int]]
) -> tuple[Delivered, list[Target]]:
    targets = [dialling.literal(*place) for place in places]
    for target in targets:
        cache.put(how.key_of(target), REMEMBERED)
    courier = Courier(how, cache, clock=lambda: NOW)
    found = asyncio.run(courier.deliver_to_one_of(targets, [message()]))
    return found, targets


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "does not answer"])
@pytest.mark.parametrize("fast_open", [False, True], ids=["usual", "fast open"])
def test_the_first_of_several_addresses_is_not_there(
    silent: bool, fast_open: bool, cache: EhloCache
) -> None:
    """What is sent early leaves with the connection, so with the one that is made."""
    spool, before = Kept(), sockets()
    manner = Manner(timeouts=IMPATIENT.timeouts, fast_open=fast_open)
    how = plan(manner=manner)
    with running(EARLY, spool) as server, ExitStack() as opened:
        if silent:
            opened.enter_context(deaf("127.0.0.2", server.port))
        places = [("127.0.0.2", server.port), ("127.0.0.1", server.port)]
        found, targets = delivered(how, cache, places)
    assert not sockets() - before, "a socket is left behind"
    assert found.target == targets[1]
    assert found.fate.value == "delivered"
    assert (found.last.early, found.redialled) == (True, False)
    assert spool.contents == [CONTENT]
    # Nobody there is no word about what is offered there.
    assert cache.get(how.key_of(targets[0])) == REMEMBERED


async def unwilling(peer: Peer) -> None:
    await peer.say(b"421 4.3.2 not now\r\n")
    peer.end()
    await peer.rest()


async def mute(peer: Peer) -> None:
    await peer.rest()


async def gone(peer: Peer) -> None:
    peer.end()
    await peer.rest()


async def lost(peer: Peer) -> None:
    await peer.say(b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 PIPECONNECT\r\n")
    peer.end()
    await peer.rest()


async def refusing_all(peer: Peer) -> None:
    await peer.say(b"554 5.3.2 no mail here\r\n")
    await peer.rest()


async def undecided(peer: Peer) -> None:
    await peer.say(b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 PIPECONNECT\r\n")
    await peer.say(b"250 a\r\n451 4.3.0 later\r\n503 no\r\n")
    await peer.hear(b"QUIT\r\n")


async def doubtful(peer: Peer) -> None:
    await peer.say(b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 PIPECONNECT\r\n")
    await peer.say(b"250 a\r\n250 b\r\n354 c\r\n")
    await peer.hear(b"\r\n.\r\n")


@pytest.mark.parametrize(
    ("first", "next_one"),
    [
        (unwilling, True), (mute, True), (gone, True), (lost, True),
        (undecided, False), (doubtful, False), (refusing_all, False),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)  # fmt: skip
def test_the_first_of_several_addresses_is_there_and_takes_nothing(
    first: Script, next_one: bool, cache: EhloCache
) -> None:
    """The next is tried as long as nothing was said of the message (RFC 5321 5.1)."""
    spool = Kept()
    how = plan(manner=Manner(timeouts=Timeouts().capped(1)))

    async def deliver() -> Delivered:
        # Early on the first connection, as ever on the second.
        async with serving(first, first, address="127.0.0.2") as place:
            targets = [place.target, dialling.literal("127.0.0.1", server.port)]
            for target in targets:
                cache.put(how.key_of(target), REMEMBERED)
            courier = Courier(how, cache, clock=lambda: NOW)
            return await courier.deliver_to_one_of(targets, [message()])

    with running(EARLY, spool) as server:
        found = asyncio.run(deliver())
    without = "rejected" if first is refusing_all else "deferred"
    assert found.fate.value == ("delivered" if next_one else without)
    assert found.target.address == ("127.0.0.1" if next_one else "127.0.0.2")
    assert spool.contents == ([CONTENT] if next_one else [])


def test_none_of_several_addresses_is_there(cache: EhloCache) -> None:
    with refusing() as port:
        places = [("127.0.0.2", port), ("127.0.0.3", port)]
        found, targets = delivered(plan(), cache, places)
    assert found.target == targets[1]
    assert found.fate.value == "deferred"
    ((outcome,),) = found.outcomes
    assert "refused" in outcome.reason
    assert not outcome.in_doubt
    assert len(cache.list()) == 2


def test_the_addresses_of_a_name(
    cache: EhloCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Kept()
    with running(EARLY, spool) as server:

        def addresses(host: str, port: int, *_: object) -> Found:
            assert (host, port) == ("mx.example", server.port)
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (f"127.0.0.{n}", port)) for n in (2, 2, 3, 1)]

        monkeypatch.setattr(socket, "getaddrinfo", addresses)
        courier = Courier(plan(manner=IMPATIENT), cache, clock=lambda: NOW)

        async def deliver() -> Delivered:
            targets = await dialling.resolve("mx.example", server.port)
            assert [t.address for t in targets] == [f"127.0.0.{n}" for n in (2, 3, 1)]
            return await courier.deliver_to_one_of(targets, [message()])

        found = [asyncio.run(deliver()) for _ in range(2)]
    assert [each.target.address for each in found] == ["127.0.0.1"] * 2
    assert [each.target.name for each in found] == ["mx.example"] * 2
    assert [each.last.early for each in found] == [False, True]
    assert spool.contents == [CONTENT] * 2


# -- TLS sessions ----------------------------------------------------------------------


def resuming(
    tls: Tls, version: str, server: Running, cache: EhloCache, times: int = 3
) -> list[Delivered]:
    courier = Courier(plan(tls, version=version), cache, clock=lambda: NOW)
    port = server.tls_port if tls is Tls.ON_CONNECT else server.port
    target = dialling.literal("127.0.0.1", port)

    async def deliver() -> list[Delivered]:
        return [await courier.deliver(target, [message()]) for _ in range(times)]

    return asyncio.run(deliver())


@pytest.mark.parametrize(
    ("tls", "version", "waits"),
    [
        (Tls.STARTTLS, "1.3", [6, 3, 3]),
        (Tls.STARTTLS, "1.2", [7, 3, 3]),
        (Tls.ON_CONNECT, "1.3", [4, 2, 2]),
        (Tls.ON_CONNECT, "1.2", [4, 2, 2]),
    ],
    ids=["starttls 1.3", "starttls 1.2", "on-connect 1.3", "on-connect 1.2"],
)
def test_a_session_is_resumed_and_commands_are_early(
    tls: Tls, version: str, waits: list[int], cache: EhloCache
) -> None:
    spool = Kept()
    with running(EARLY, spool, tls_version=version) as server:
        found = resuming(tls, version, server, cache)
    used = [each.last.tls for each in found]
    assert [u is not None and u.resumed for u in used] == [False, True, True]
    assert {u.version for u in used if u} == {f"TLSv{version}"}
    assert [each.last.early for each in found] == [False, True, True]
    assert [each.redialled for each in found] == [False] * 3
    # Content goes along with BDAT: one less than with DATA.
    assert [each.round_trips for each in found] == waits
    assert spool.contents == [CONTENT] * 3


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_session_that_the_server_has_forgotten(
    version: str, cache: EhloCache
) -> None:
    """Early commands do not hang on the session: there is a full handshake instead."""
    spool = Kept()
    how = plan(Tls.STARTTLS, version=version)
    courier = Courier(how, cache, clock=lambda: NOW)
    found = []
    port = 0
    for _ in range(2):
        with served("--listen", f"127.0.0.1:{port}", "--tls-version", version) as there:
            port = there["port"]
            target = dialling.literal("127.0.0.1", port)
            found.append(asyncio.run(courier.deliver(target, [message()])))
    assert spool.contents == []
    assert [each.fate.value for each in found] == ["delivered"] * 2
    assert [each.last.early for each in found] == [False, True]
    assert [each.last.tls and each.last.tls.resumed for each in found] == [False, False]


# -- several processes -----------------------------------------------------------------

PROCESSES, EACH = 4, 25


def test_processes_that_share_a_cache(tmp_path: Path) -> None:
    box, cache = tmp_path / "box", tmp_path / "cache"
    with served("--listen", "127.0.0.1:0", "--spool", str(box)) as there:
        options = (
            "--to", f"127.0.0.1:{there['port']}", "--rcpt", "r@b.example",
            "--cache", str(cache), "--repeat", str(EACH), "--format", "json",
        )  # fmt: skip
        clients = [
            subprocess.Popen(
                [*EXIMKIT, "send", *options, "--helo", f"c{number % 2}.example"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                stdin=subprocess.DEVNULL,
            )
            for number in range(PROCESSES)
        ]  # fmt: skip
        told = []
        for client in clients:
            printed, errors = client.communicate(timeout=4 * PATIENCE)
            assert (client.returncode, errors) == (0, "")
            told += json.loads(printed)["deliveries"]
    assert len(told) == PROCESSES * EACH
    assert {each["outcome"] for each in told} == {"delivered"}
    assert {each["redialled"] for each in told} == {False}
    assert {each["cache_fault"] for each in told} == {None}
    # At most the first delivery of each process knows nothing.
    assert sum(each["early"] for each in told) >= PROCESSES * (EACH - 1)
    assert len(list((box / "new").iterdir())) == PROCESSES * EACH
    names = {key.helo for key, _ in records(cache)}
    assert names == {"c0.example", "c1.example"}
