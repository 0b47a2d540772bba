"""A real Exim as a client or a server: private, and gone when it is not needed.

It has to be started by root, gives up root on its way, and must then find its spool,
its log and its key its own, and its configuration root's.
"""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import shutil
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.errors import InteropError, MissingProgramError
from eximkit.interop import exim_conf
from eximkit.interop.certs import throw_away
from eximkit.interop.peer import (
    RECIPIENT,
    SENDER,
    ClientPeer,
    ServerPeer,
    message,
    read_log,
)

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.interop.link import End
    from eximkit.interop.peer import Setup
    from eximkit.interop.workshop import Workshop

_NAMES = ("exim4", "exim")
_INSTALL = "apt install exim4-daemon-heavy"
_START = 20.0
"""Seconds for a daemon to come up."""
_PORTS = 5
"""Ports that are tried where another process has taken one."""


@dataclass(frozen=True, slots=True)
class Exim:
    """An Exim that can be used. uid, gid: whom it becomes when it gives up root."""

    path: str
    version: str
    uid: int
    gid: int
    features: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"exim {self.version}"


def locate(path: str | None = None) -> str:
    """Where the program at a path is, or the Exim that is installed.

    Raises MissingProgramError, which says how to install one.
    """
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/exim/bin"
    names = _NAMES if path is None else (path,)
    for name in names:
        if found := shutil.which(name, path=search):
            return found
    what = "no Exim is installed" if path is None else f"no Exim at {path}"
    raise MissingProgramError(f"{what} ({_INSTALL})")


def find_exim(path: str | None = None) -> Exim | str:
    """The Exim at a path, or the one that is installed; else why there is none."""
    try:
        found = locate(path)
    except MissingProgramError as error:
        return str(error)
    if os.geteuid() != 0:
        return "a real Exim as a peer needs root"
    try:
        told = _ask(found, "-bV")
        # Lines such as `exim_user = Debian-exim`, or a number.
        owner = _ask(found, "-C", os.devnull, "-bP", "exim_user", "exim_group")
    except (OSError, subprocess.SubprocessError) as error:
        return f"{found} does not answer: {error}"
    version = exim_conf.version_of(told)
    words = dict(line.split(" = ", 1) for line in owner.splitlines() if " = " in line)
    if not version or "exim_user" not in words:
        return f"{found} is no Exim"
    features = frozenset(
        word
        for line in told.splitlines()
        if line.startswith("Support for:")
        for word in line.split()
    )
    if "PIPECONNECT" not in features:
        return f"Exim {version} is built without PIPECONNECT"
    try:
        user, group = words["exim_user"], words.get("exim_group", "0")
        uid = int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
        gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        return f"{found}: {error}"
    return Exim(found, version, uid, gid, features)


def _ask(path: str, *options: str) -> str:
    run = subprocess.run(  # noqa: S603 - the user's own Exim
        [path, *options], capture_output=True, timeout=20, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return run.stdout.decode("utf-8", "replace")


def _folders(exim: Exim, folder: Path) -> None:
    """Spool and log, which are one folder of Exim's own."""
    os.chown(folder, exim.uid, exim.gid)
    folder.chmod(0o755)
    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    os.chown(spool, exim.uid, exim.gid)


class EximServer(ServerPeer):
    """A daemon. Messages are discarded once they are received."""

    def __init__(
        self, exim: Exim, setup: Setup, workshop: Workshop, end: End, folder: Path
    ) -> None:
        self.name = exim.name
        self._exim, self._setup, self._workshop = exim, setup, workshop
        self._end, self._folder = end, folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        _folders(self._exim, self._folder)
        issued = throw_away("server.example", self._end.address)
        os.chown(issued.write(self._folder), self._exim.uid, self._exim.gid)
        self.authority = str(issued.write_authority(self._folder))
        for _ in range(_PORTS):
            if await self._try():
                return
        told = read_log(self._folder / "paniclog") or read_log(self._folder / "errors")
        last = told.strip().splitlines()[-1:] or ["it says nothing"]
        raise InteropError(f"{self.name} does not start: {last[0]}")

    async def _try(self) -> bool:
        self.port, self.tls_port = _free_ports()
        text = exim_conf.server(
            self._setup, self._folder, self._end.address, self.port, self.tls_port
        )
        configuration = _written(self._folder.with_suffix(".conf"), text)
        # In the foreground, so that its number is known to us.
        command = self._end.argv(self._exim.path, "-C", str(configuration), "-bdf")
        process = await self._workshop.start(command, errors=self._folder / "errors")
        self._process = process
        with suppress(TimeoutError):
            async with asyncio.timeout(_START):
                while process.returncode is None:
                    if "daemon started" in self.log():
                        return True
                    await asyncio.sleep(0.01)
        await self.stop()
        return False

    async def stop(self) -> None:
        if self._process is not None:
            await self._workshop.stop(self._process)
            self._process = None

    def log(self) -> str:
        return read_log(self._folder / "mainlog")


class EximClient(ClientPeer):
    """A command that delivers one message while we wait."""

    def __init__(
        self, exim: Exim, setup: Setup, workshop: Workshop, end: End, folder: Path
    ) -> None:
        self.name = exim.name
        self._exim, self._setup, self._workshop = exim, setup, workshop
        self._end, self._folder = end, folder
        _folders(exim, folder)

    async def contact(self, host: str, port: int, early: bool, count: int) -> None:
        text = exim_conf.client(self._setup, self._folder, host, port, early)
        configuration = _written(self._folder.with_suffix(".conf"), text)
        for _ in range(count):
            # A host that deferred one message is not held back for the next, nor
            # does that one go along.
            hints = self._folder / "spool" / "db"
            for hint in (*hints.glob("retry*"), *hints.glob("wait-*")):
                hint.unlink()
            await self._workshop.run(
                self._end.argv(
                    self._exim.path, "-C", str(configuration), "-odf", "-oi",
                    "-f", SENDER or "<>", RECIPIENT,
                ),
                given=_local_lines(message(self._setup.octets)),
                seconds=self._setup.patience,
                errors=self._folder / "errors",
            )  # fmt: skip

    def log(self) -> str:
        return read_log(self._folder / "mainlog")


def _local_lines(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n")


def _written(path: Path, text: str) -> Path:
    """A configuration that Exim takes: of root, and for nobody else to write."""
    path.write_text(text, "utf-8")
    path.chmod(0o644)
    return path


def _free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on just now."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
