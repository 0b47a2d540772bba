"""What the client's commands need: places, credentials, messages, the cache."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eximkit.errors import InputError, LocalProtocolError, SettingsError
from eximkit.interop.cache import EhloCache
from eximkit.interop.dialogue import Manner, Timeouts
from eximkit.interop.transcript import Transcript
from eximkit.smtp import data
from eximkit.smtp.addresses import is_name
from eximkit.smtp.auth import MECHANISMS, Account
from eximkit.smtp.early import Tls
from eximkit.smtp.message import Message

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

MESSAGE_LIMIT = 64 << 20
"""Octets of the largest message that is read."""
_ACCOUNT_LIMIT = 65536


def own_name() -> str:
    """What to greet with unasked: this machine's name, if it can be one."""
    name = socket.gethostname()
    return name if is_name(name) else "localhost"


def checked_name(name: str, as_is: bool) -> str:
    """A name to greet with. Raises SettingsError for one that is none."""
    if not as_is and not is_name(name):
        raise SettingsError(
            f"--helo {name!r}: no host may greet with that; --as-exim sends it anyway"
        )
    if any(ord(char) < 32 for char in name):
        raise SettingsError("--helo: no name has a line end or a control character")
    return name


def cache_place() -> Path:
    """Where the cache is unless the user says otherwise (XDG base directories)."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path("~/.cache").expanduser()  # noqa: PTH117
    return base / "eximkit" / "ehlo.sqlite"


@contextmanager
def opened_cache(path: str | None) -> Iterator[EhloCache]:
    """The cache at a path, or where it is by default, whose directory is made then."""
    place = Path(path) if path is not None else cache_place()
    if path is None:
        with suppress(OSError):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache = EhloCache(place)
    try:
        yield cache
    finally:
        cache.close()


@contextmanager
def opened_transcript(
    path: str | None, remote: str, keep: bool
) -> Iterator[Transcript]:
    """A transcript that goes to a file as it comes. keep: and into memory.

    Raises InputError.
    """
    with ExitStack() as opened:
        write = None
        if path is not None:
            try:
                write = opened.enter_context(Path(path).open("wb")).write
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                raise InputError(f"{path}: {reason}") from None
        yield Transcript("client", remote=remote, write=write, keep=keep)


def account_of(path: str) -> Account:
    """The first `user:password` line of a file. Raises InputError."""
    for line in _read(path, _ACCOUNT_LIMIT).decode("utf-8", "replace").splitlines():
        name, colon, password = line.strip().partition(":")
        if name and colon and not name.startswith("#"):
            return Account(name, password)
    raise InputError(f"{path}: no line of user:password")


def mechanisms_of(words: Sequence[str]) -> tuple[str, ...]:
    """AUTH mechanisms, the best first. Raises SettingsError for an unknown one."""
    names = tuple(word.upper() for word in words)
    for name in names:
        if name not in MECHANISMS:
            known = ", ".join(MECHANISMS)
            raise SettingsError(f"--auth {name}: there are {known}")
    return names or ("PLAIN", "CRAM-MD5", "LOGIN")


def messages_of(
    path: str | None, sender: str, recipients: Sequence[str], count: int
) -> list[Message]:
    """The messages to send: of a file, or a small one for each. Raises InputError."""
    content = None if path is None else data.canonical(_read(path, MESSAGE_LIMIT))
    made = [
        _small(sender, recipients, number) if content is None else content
        for number in range(1, count + 1)
    ]
    try:
        return [Message(sender, tuple(recipients), each) for each in made]
    except LocalProtocolError as error:
        raise InputError(f"{path}: {error}") from None


def _small(sender: str, recipients: Sequence[str], number: int) -> bytes:
    from email.utils import formatdate, make_msgid

    lines = (
        f"From: <{sender or 'postmaster'}>",
        f"To: {', '.join(f'<{recipient}>' for recipient in recipients)}",
        f"Subject: A test of early pipelining ({number})",
        f"Date: {formatdate()}",
        f"Message-ID: {make_msgid(domain=own_name())}",
        "Auto-Submitted: auto-generated",
        "",
        "Sent by eximkit interop send.",
        "",
    )
    return "\r\n".join(lines).encode()


def _read(path: str, limit: int) -> bytes:
    """The octets of a file, `-` for standard input. Raises InputError."""
    try:
        if path == "-":
            octets = sys.stdin.buffer.read(limit + 1)
        else:
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY
            with open(os.open(path, flags), "rb") as stream:  # noqa: PTH123
                octets = stream.read(limit + 1)
    except (OSError, ValueError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {reason}") from None
    if len(octets) > limit:
        raise InputError(f"{path}: larger than {limit} octets")
    return octets


def tls_context(
    tls: Tls, version: str | None, authorities: str | None
) -> ssl.SSLContext | None:
    """How to talk TLS; certificates are checked where the user names authorities."""
    if tls is Tls.NONE:
        return None
    from eximkit.interop.tls import client_context

    return client_context(version or "", authorities, verify=authorities is not None)


def manner_of(
    context: ssl.SSLContext | None,
    interface: str | None,
    sni: str | None,
    timeout: float | None,
    fast_open: tuple[bool, bool] = (False, False),
) -> Manner:
    """How to connect. fast_open: at all, and for content. Raises SettingsError."""
    from eximkit.interop.dialling import is_address

    if interface and not is_address(interface):
        raise SettingsError(f"--interface {interface}: not an address")
    timeouts = Timeouts()
    return Manner(
        interface or "", any(fast_open), fast_open[1],
        timeouts if timeout is None else timeouts.capped(timeout), context, sni or "",
    )  # fmt: skip


def note(text: str) -> None:
    """A line for people, beside the report."""
    from eximkit.source import display, octets

    click.echo(f"eximkit: {display(octets(text))}", err=True)
