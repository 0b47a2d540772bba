"""The links between a client and a server: how each is set up, what it has seen.

async with open_link(LinkKind.PACKET, rtt=0.1, folder=folder) as link:
    start(*link.server.argv("exim4", ...))
    host, port = await link.reach(2525)
    start(*link.client.argv(...))
    link.conversations()
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from eximkit.errors import InteropError
from eximkit.interop.conversation import Conversation, read_capture
from eximkit.interop.link_proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PATIENCE = 30.0
"""Seconds for a link to come up, or to go."""


class LinkKind(Enum):
    """What joins a client and a server."""

    LOOPBACK = "loopback"
    PROXY = "proxy"
    PACKET = "packet"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link. namespace: path of a network namespace, "" for our own."""

    address: str = "127.0.0.1"
    namespace: str = ""

    def argv(self, *command: str) -> list[str]:
        """A command as it is to be run at this end."""
        if not self.namespace:
            return list(command)
        return ["nsenter", f"--net={self.namespace}", "--", *command]


class Link(ABC):
    """A link that is up. rtt: seconds of a round trip, 0 where nothing is delayed."""

    def __init__(self, kind: LinkKind, rtt: float) -> None:
        self.kind = kind
        self.rtt = rtt
        self.client = End()
        self.server = End()

    @abstractmethod
    async def reach(self, port: int) -> tuple[str, int]:
        """Where the client is to connect to for a port of the server."""

    @abstractmethod
    def conversations(self) -> list[Conversation]:
        """What went over it, by when it began."""


class _InProcess(Link):
    """Loopback and proxy: the same, with and without a delay."""

    def __init__(self, kind: LinkKind, rtt: float, stack: AsyncExitStack) -> None:
        super().__init__(kind, rtt)
        self._stack = stack
        self._proxies: dict[int, Proxy] = {}

    async def reach(self, port: int) -> tuple[str, int]:
        if port not in self._proxies:
            proxy = Proxy(port, self.rtt)
            self._proxies[port] = await self._stack.enter_async_context(proxy)
        return "127.0.0.1", self._proxies[port].port

    def conversations(self) -> list[Conversation]:
        talks = [t for proxy in self._proxies.values() for t in proxy.conversations]
        return sorted(talks, key=lambda talk: talk.began)


class _Packet(Link):
    def __init__(self, rtt: float, capture: Path, up: dict[str, object]) -> None:
        super().__init__(LinkKind.PACKET, rtt)
        self.client, self.server = (_end(up[side]) for side in ("client", "server"))
        self._capture = capture
        self._offset = float(str(up["offset"]))

    async def reach(self, port: int) -> tuple[str, int]:
        return self.server.address, port

    def conversations(self) -> list[Conversation]:
        return read_capture(self._capture, self.client.address, self._offset)


def _end(told: object) -> End:
    if not isinstance(told, dict):
        raise InteropError("the packet link tells nothing of its ends")
    return End(str(told["address"]), str(told["namespace"]))


def packet_obstacle() -> str:
    """Why there can be no packet link here, "" if there can."""
    if sys.platform != "linux":
        return "a packet link needs Linux"
    if os.geteuid() != 0:
        return "a packet link needs root (network namespaces)"
    if not Path("/dev/net/tun").exists():
        return "a packet link needs /dev/net/tun"
    if shutil.which("nsenter") is None:
        return "a packet link needs nsenter (apt install util-linux)"
    return ""


@asynccontextmanager
async def open_link(kind: LinkKind, rtt: float, folder: Path) -> AsyncIterator[Link]:
    """A link, for as long as the block lasts.

    rtt: seconds of a round trip. folder: where the capture goes. Raises InteropError.
    """
    if kind is LinkKind.PACKET:
        async with _packet_link(rtt, folder) as link:
            yield link
    else:
        async with AsyncExitStack() as stack:
            yield _InProcess(kind, rtt if kind is LinkKind.PROXY else 0.0, stack)


@asynccontextmanager
async def _packet_link(rtt: float, folder: Path) -> AsyncIterator[Link]:
    obstacle = packet_obstacle()
    if obstacle:
        raise InteropError(obstacle)
    capture = folder / "link.pcap"
    carrier = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "eximkit.interop.link_carrier",
        "--delay-ms", str(rtt * 500), "--capture", str(capture),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        # Ctrl-C is for us: we end it when those who use it have ended.
        start_new_session=True,
    )  # fmt: skip
    try:
        yield _Packet(rtt, capture, await _first_line(carrier))
    finally:
        if carrier.stdin is not None:
            carrier.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(carrier.wait(), _PATIENCE)
        if carrier.returncode is None:
            carrier.kill()
            await carrier.wait()


async def _first_line(carrier: asyncio.subprocess.Process) -> dict[str, object]:
    line = b""
    if carrier.stdout is not None:
        with suppress(TimeoutError, ValueError):
            line = await asyncio.wait_for(carrier.stdout.readline(), _PATIENCE)
    try:
        told = json.loads(line)
    except ValueError:
        told = {"error": "its process says nothing"}
    if not isinstance(told, dict) or "error" in told:
        raise InteropError(f"the packet link does not come up: {told['error']}")
    return told
