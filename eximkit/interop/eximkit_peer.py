"""The reference server and the reference client as peers: `eximkit interop serve|send`.

Processes of their own, as a user starts them, so that they can be at the end of a link.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from eximkit.errors import InteropError
from eximkit.interop.peer import (
    PASSWORD,
    RECIPIENT,
    SENDER,
    USER,
    ClientPeer,
    ServerPeer,
    message,
    read_log,
)
from eximkit.smtp.early import Tls

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.interop.link import End
    from eximkit.interop.peer import Setup
    from eximkit.interop.workshop import Workshop

_START = 30.0
"""Seconds for a process to come up."""
_SCHEMA = "eximkit.send/1"


def _command(half: str) -> list[str]:
    return [sys.executable, "-m", "eximkit", "interop", half, "--format", "json"]


def _account(setup: Setup, folder: Path) -> list[str]:
    """Options for AUTH with the account of the run."""
    if not setup.account:
        return []
    path = folder / "account"
    path.write_text(f"{USER}:{PASSWORD}\n")
    path.chmod(0o600)
    options = ["--account-file", str(path)]
    return [*options, "--clear-passwords"] if setup.tls is Tls.NONE else options


class EximkitServer(ServerPeer):
    """`interop serve`: messages are counted and discarded."""

    def __init__(
        self, setup: Setup, workshop: Workshop, end: End, folder: Path
    ) -> None:
        self.name = "eximkit"
        self._setup, self._workshop, self._end = setup, workshop, end
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        setup, here = self._setup, f"{self._end.address}:0"
        command = [
            *_command("serve"), "--listen", here, "--tls-listen", here,
            "--name", "server.example",
            "--mainlog", str(self._folder / "mainlog"),
            "--transcript", str(self._folder / "transcript"),
            "--early-hosts", "*" if setup.early_offered else "",
            "--pipelining-hosts", "*" if setup.pipelining else "",
            "--chunking-hosts", "*" if setup.bdat else "",
            "--starttls" if setup.tls is Tls.STARTTLS else "--no-starttls",
            "--resumption" if setup.resume else "--no-resumption",
            *_account(setup, self._folder),
        ]  # fmt: skip
        if setup.tls_version:
            command += ["--tls-version", setup.tls_version]
        if setup.fast_open:
            command.append("--tfo")
        errors = self._folder / "errors"
        self._process = await self._workshop.start(
            self._end.argv(*command), answers=True, errors=errors
        )
        line = b""
        if self._process.stdout is not None:
            with suppress(TimeoutError, ValueError):
                async with asyncio.timeout(_START):
                    line = await self._process.stdout.readline()
        try:
            told = json.loads(line)
            self.port, self.tls_port = int(told["port"]), int(told["tls_port"])
        except (ValueError, KeyError, TypeError) as error:
            raise InteropError(_why("interop serve", errors)) from error
        self.authority = str(told.get("ca") or "")

    async def stop(self) -> None:
        if self._process is not None:
            await self._workshop.stop(self._process)
            self._process = None

    def log(self) -> str:
        return read_log(self._folder / "mainlog")

    @property
    def transcript(self) -> Path:
        return self._folder / "transcript"


class EximkitClient(ClientPeer):
    """`interop send`, with a cache in a file of its own.

    server: whose certificate is to be trusted, if that is known.
    """

    def __init__(
        self,
        setup: Setup,
        workshop: Workshop,
        end: End,
        folder: Path,
        server: ServerPeer | None,
    ) -> None:
        self.name = "eximkit"
        self._server = server
        self._setup, self._workshop, self._end = setup, workshop, end
        self._folder = folder
        self._calls = 0
        self._notes: list[dict[str, object]] = []

    async def contact(self, host: str, port: int, early: bool, count: int) -> None:
        setup = self._setup
        self._calls += 1
        text = self._folder / f"message-{self._calls}"
        text.write_bytes(message(setup.octets))
        command = [
            *_command("send"), "--to", f"{host}:{port}",
            "--mail-from", SENDER, "--rcpt", RECIPIENT, "--message", str(text),
            "--helo", setup.helo,
            "--tls", setup.tls.value,
            "--early", "auto" if early else "never",
            "--cache", str(self._folder / "cache"),
            "--mainlog", str(self._folder / "mainlog"),
            "--transcript", str(self.transcripts[-1]),
            "--repeat", str(count), "--timeout", "20",
            *_account(setup, self._folder),
            *(
                word
                for mechanism in setup.mechanisms if setup.account
                for word in ("--auth", mechanism)
            ),
        ]  # fmt: skip
        flags = {
            "--tls-required": setup.tls is not Tls.NONE and setup.tls_required,
            "--auth-required": setup.account and setup.auth_required,
            "--no-resume": setup.tls is not Tls.NONE and not setup.resume,
            "--bdat": setup.bdat,
            "--tfo": setup.fast_open,
            "--tfo-content": setup.in_syn,
            "--no-pipelining": setup.avoid_pipelining,
        }
        command += [name for name, wanted in flags.items() if wanted]
        if setup.tls_version:
            command += ["--tls-version", setup.tls_version]
        if self._server is not None and self._server.authority:
            command += ["--ca", self._server.authority]
        if setup.expire:
            command += ["--expire", str(setup.expire)]
        errors = self._folder / "errors"
        _, printed = await self._workshop.run(
            self._end.argv(*command), seconds=setup.patience, errors=errors
        )
        try:
            told = json.loads(printed)
        except ValueError:
            raise InteropError(_why("interop send", errors)) from None
        if not isinstance(told, dict) or told.get("schema") != _SCHEMA:
            raise InteropError("interop send does not say what it did")
        deliveries = told.get("deliveries")
        self._notes += deliveries if isinstance(deliveries, list) else [told]

    def log(self) -> str:
        return read_log(self._folder / "mainlog")

    def notes(self) -> list[dict[str, object]]:
        return list(self._notes)

    @property
    def transcripts(self) -> list[Path]:
        """The transcripts so far, one for each call."""
        return [self._folder / f"transcript-{n + 1}" for n in range(self._calls)]


def _why(what: str, errors: Path) -> str:
    lines = read_log(errors).strip().splitlines()
    return f"{what} fails: {lines[-1] if lines else 'it says nothing'}"
