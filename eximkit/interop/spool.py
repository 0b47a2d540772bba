"""Where a server puts messages: a maildir, or nowhere.

A maildir as its inventor had it: a message is written to `tmp`, is on the disk before
it is renamed to `new`, and only then is the client told that it is there. What a client
says is never part of a name. In front of what it sent, octet for octet, stand
Return-path, Envelope-to and Received.
"""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eximkit.errors import InputError
from eximkit.smtp.replies import Reply, reply

if TYPE_CHECKING:
    from collections.abc import Iterable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_NOW = reply(451, "4.3.0 The message cannot be kept now")
_NO_ROOM = reply(452, "4.3.1 No room for the message")
_CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OURS = re.compile(r"[0-9]+\.M[0-9]+P([0-9]+)Q[0-9]+\.(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message comes with. identity: its id, told to the client and logged.

    by: the server's name. peer: the client as Received has it, such as
    "c.example ([192.0.2.1])". protocol: such as esmtps.
    """

    identity: str
    sender: str
    recipients: tuple[str, ...]
    by: str
    peer: str
    protocol: str


NOTHING = Envelope("", "", (), "", "", "")
"""For a spool to which it is of no use."""


class NotKept(Exception):
    """A message could not be stored. reply: what the client is told."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause.strerror or str(cause))
        self.reply: Reply = _NO_ROOM if cause.errno in _FULL else _NOT_NOW


class Draft(Protocol):
    """A message that is not complete."""

    def write(self, octets: bytes) -> None:
        """More of it. Raises NotKept."""

    def keep(self) -> None:
        """It is complete: once this returns, it is there for good. Raises NotKept."""

    def drop(self) -> None:
        """It is not wanted."""


class Spool(Protocol):
    """Takes messages. slow: keeping one takes as long as a disk does.

    keeps: what comes with a message is of use to it.
    """

    slow: bool
    keeps: bool

    def begin(self, envelope: Envelope) -> Draft:
        """A new message. Raises NotKept."""


class Discard:
    """Takes every message and keeps none."""

    slow = False
    keeps = False

    def begin(self, envelope: Envelope) -> Draft:  # noqa: ARG002
        return self

    def write(self, octets: bytes) -> None:
        pass

    def keep(self) -> None:
        pass

    def drop(self) -> None:
        pass


class Maildir:
    """Messages in a maildir, which is made if there is none. Raises InputError.

    Several processes may share one.
    """

    slow = True
    keeps = True

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            top = Path(path)
            for name in ("cur", "new", "tmp"):
                (top / name).mkdir(0o700, parents=True, exist_ok=True)
            self._tmp = os.open(top / "tmp", _DIRECTORY)
            self._new = os.open(top / "new", _DIRECTORY)
            # Now, and not when the first message is there.
            probe = self._name()
            os.close(os.open(probe, _CREATING, 0o600, dir_fd=self._tmp))
            os.rename(probe, probe, src_dir_fd=self._tmp, dst_dir_fd=self._new)
            os.unlink(probe, dir_fd=self._new)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"{path}: no maildir can be made here: {reason}") from None
        self.forget(pid for pid in self._pids() if not _lives(pid))

    def begin(self, envelope: Envelope) -> Draft:
        name = self._name()
        try:
            number = os.open(name, _CREATING, 0o600, dir_fd=self._tmp)
        except OSError as error:
            raise NotKept(error) from None
        draft = _File(self._tmp, self._new, name, number)
        draft.write(_trace(envelope))
        return draft

    def forget(self, pids: Iterable[int]) -> None:
        """Drop what these processes began and, as they are no more, will not end."""
        gone = set(pids)
        for name, pid in self._drafts():
            if pid in gone:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._tmp)

    def _pids(self) -> list[int]:
        return [pid for _, pid in self._drafts()]

    def _drafts(self) -> list[tuple[str, int]]:
        found = []
        for name in os.listdir(self._tmp):  # noqa: PTH208
            match = _OURS.fullmatch(name)
            if match and match[2] == _host():
                found.append((name, int(match[1])))
        return found

    def _name(self) -> str:
        now = time.time_ns() // 1000
        seconds, micro = divmod(now, 1_000_000)
        # Asked for each time: a process may have been forked since.
        return f"{seconds}.M{micro}P{os.getpid()}Q{next(_numbers)}.{_host()}"


_numbers = count(1)


class _File:
    __slots__ = ("_name", "_new", "_number", "_tmp")

    def __init__(self, tmp: int, new: int, name: str, number: int) -> None:
        self._tmp, self._new = tmp, new
        self._name = name
        self._number = number

    def write(self, octets: bytes) -> None:
        left = memoryview(octets)
        try:
            while left:
                left = left[os.write(self._number, left) :]
        except OSError as error:
            self.drop()
            raise NotKept(error) from None

    def keep(self) -> None:
        try:
            os.fsync(self._number)
            os.rename(
                self._name, self._name, src_dir_fd=self._tmp, dst_dir_fd=self._new
            )
        except OSError as error:
            self.drop()
            raise NotKept(error) from None
        self._close()
        try:
            os.fsync(self._new)
        except OSError as error:
            # It may be there twice now: that is better than not at all.
            raise NotKept(error) from None

    def drop(self) -> None:
        if self._number >= 0:
            self._close()
            with suppress(OSError):
                os.unlink(self._name, dir_fd=self._tmp)

    def _close(self) -> None:
        number, self._number = self._number, -1
        with suppress(OSError):
            os.close(number)


def _trace(envelope: Envelope) -> bytes:
    """The lines in front of a message (RFC 5321 4.4). No line of them is long."""
    stamp = formatdate(localtime=True)
    to = ",\r\n\t".join(envelope.recipients)
    return (
        f"Return-path: <{envelope.sender}>\r\n"
        f"Envelope-to: {to}\r\n"
        f"Received: from {envelope.peer}\r\n"
        f"\tby {envelope.by} with {envelope.protocol} id {envelope.identity};\r\n"
        f"\t{stamp}\r\n"
    ).encode("utf-8", "surrogateescape")


def _host() -> str:
    name = os.uname().nodename
    return name.replace("/", "\\057").replace(":", "\\072") or "localhost"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
