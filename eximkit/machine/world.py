"""The machine that an evaluation may ask: files, environment, DNS, commands, the clock.

The real `expansion.world.World`. It touches nothing that the user has not allowed, and
every answer is bounded in size and in time. Paths are octets, one character each.
"""

# Paths go to the system as octets, which pathlib does not take.
# ruff: noqa: PTH116, PTH123

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from eximkit.expansion.world import (
    DnsAnswer,
    FileFailed,
    FileStatus,
    Finished,
    NotAllowed,
)
from eximkit.files import FILE_LIMIT, beneath

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

PERMISSIONS = ("files", "env", "dns", "run")
"""What may be allowed, by the words of `--allow`."""

SECONDS = 20.0
"""How long a command or a query of a database may take."""

OUTPUT_LIMIT = 1 << 20
"""The octets that a command may write, and that the rows of a database may have."""

NAMES_LIMIT = 100_000
"""How many names of one directory are read."""

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_STAMP = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
_REMEMBERED = 8
"""Files that are kept in memory, for as long as they do not change."""

_T = TypeVar("_T")


class Machine:
    """This machine.

    allowed: words of `PERMISSIONS`. root: the directory that absolute paths are taken
    to be below, as chroot would do it. seconds, output: the bounds of each command and
    query, for their time and the octets that they may write.
    """

    def __init__(
        self,
        allowed: Collection[str] = (),
        root: str | None = None,
        *,
        seconds: float = SECONDS,
        output: int = OUTPUT_LIMIT,
    ) -> None:
        self._allowed = frozenset(allowed)
        self._root = root.rstrip("/") if root else ""
        self._rooted = bool(root)
        self._seconds = seconds
        self._output = output
        self._read: dict[str, tuple[tuple[int, ...], str]] = {}

    def read(self, path: str) -> str:
        """The octets of a regular file of at most FILE_LIMIT octets."""
        self._demand("files", f"the file {path}")
        return self._guarded(path, self._stored)

    def status(self, path: str, *, follow: bool = True) -> FileStatus:
        """stat(2), or lstat(2) where `follow` is false."""
        self._demand("files", f"the file {path}")
        found = self._guarded(
            path, lambda p: os.stat(self._real(p, follow), follow_symlinks=follow)
        )
        return FileStatus(
            found.st_mode, found.st_uid, found.st_gid, found.st_size,
            inode=found.st_ino, device=found.st_dev, links=found.st_nlink,
            atime=int(found.st_atime), mtime=int(found.st_mtime),
            ctime=int(found.st_ctime),
        )  # fmt: skip

    def names(self, path: str) -> Sequence[str]:
        """The names in a directory, in no order."""
        self._demand("files", f"the directory {path}")

        def listed(path: str) -> list[str]:
            with os.scandir(self._real(path)) as entries:
                found = [e.name.decode("latin-1")
                         for e in islice(entries, NAMES_LIMIT + 1)]  # fmt: skip
            if len(found) > NAMES_LIMIT:
                raise OSError(errno.EFBIG, f"more than {NAMES_LIMIT} names in it")
            return found

        return self._guarded(path, listed)

    def sqlite(
        self, path: str, query: str
    ) -> tuple[Sequence[str], Sequence[Sequence[str | None]]]:
        """The columns and rows of a query of a database that stays as it is."""
        self._demand("files", f"the file {path}")
        from eximkit.machine.databases import query_sqlite

        def asked(path: str) -> tuple[list[str], list[tuple[str | None, ...]]]:
            real = self._real(path)
            _demand_regular(os.stat(real))
            return query_sqlite(real, query, self._seconds, self._output)

        return self._guarded(path, asked)

    def environment(self, name: str) -> str | None:
        """The value of an environment variable."""
        self._demand("env", f"the environment variable {name}")
        found = os.environb.get(name.encode("latin-1"))
        return None if found is None else found.decode("latin-1")

    def passwd(self, name: str) -> tuple[str, ...] | None:
        """The seven fields of a user's entry; below a root, of its `/etc/passwd`."""
        self._demand("files", f"the user {name}")
        if self._rooted:
            return _entry(self._text("/etc/passwd"), name, 7)
        try:
            found = pwd.getpwnam(os.fsdecode(name.encode("latin-1")))
        except (KeyError, ValueError):
            return None
        return tuple(
            str(field).encode("utf-8", "surrogateescape").decode("latin-1")
            for field in found
        )

    def group(self, name: str) -> int | None:
        """The number of a group; below a root, from its `/etc/group`."""
        self._demand("files", f"the group {name}")
        if self._rooted:
            entry = _entry(self._text("/etc/group"), name, 3)
            return int(entry[2]) if entry and entry[2].isdecimal() else None
        try:
            return grp.getgrnam(os.fsdecode(name.encode("latin-1"))).gr_gid
        except (KeyError, ValueError):
            return None

    def resolve(
        self,
        name: str,
        record_type: str,
        *,
        dnssec: bool,
        retrans: float | None,
        retry: int | None,
    ) -> DnsAnswer:
        """Ask the resolver of this machine."""
        self._demand("dns", f"the DNS for {record_type} of {name}")
        from eximkit.dns_client import resolve

        return resolve(name, record_type, dnssec=dnssec, retrans=retrans, retry=retry)

    def run(self, arguments: Sequence[str]) -> Finished:
        """Run a command in a process group of its own, which is killed when it ends."""
        self._demand("run", f"the command {arguments[0]}")
        from eximkit.machine.commands import run_bounded

        def finished(path: str) -> Finished:
            words = [word.encode("latin-1") for word in arguments]
            if self._rooted and path.startswith("/"):
                words[0] = self._real(path)
            surroundings = os.environb if "env" in self._allowed else {}
            return run_bounded(words, dict(surroundings), self._seconds, self._output)

        return self._guarded(arguments[0], finished)

    def clock(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def _demand(self, permission: str, what: str) -> None:
        if permission not in self._allowed:
            raise NotAllowed(f"{what}; add --allow {permission}")

    def _guarded(self, path: str, work: Callable[[str], _T]) -> _T:
        """The work on a path, its errors as those of the file."""
        if "\0" in path:
            raise FileFailed(path, os.strerror(errno.ENOENT), errno.ENOENT)
        try:
            return work(path)
        except OSError as error:
            number = error.errno or 0
            reason = error.strerror or str(error)
            raise FileFailed(path, reason, number) from error

    def _stored(self, path: str) -> str:
        real = self._real(path)
        # Looked at first: opening a device may do something.
        found = os.stat(real)
        _demand_regular(found)
        stamp = tuple(getattr(found, name) for name in _STAMP)
        known = self._read.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        with open(os.open(real, _READING), "rb") as stream:
            _demand_regular(os.fstat(stream.fileno()))
            data = stream.read(FILE_LIMIT + 1)
        if len(data) > FILE_LIMIT:
            raise OSError(errno.EFBIG, f"larger than {FILE_LIMIT} octets")
        text = data.decode("latin-1")
        self._read.pop(path, None)
        self._read[path] = stamp, text
        if len(self._read) > _REMEMBERED:
            del self._read[next(iter(self._read))]
        return text

    def _text(self, path: str) -> str:
        with suppress(FileFailed):
            return self.read(path)
        return ""

    def _real(self, path: str, follow: bool = True) -> bytes:
        """The path to use; its last part may be a link where `follow` is false."""
        if not self._rooted or not path.startswith("/"):
            return path.encode("latin-1")
        if follow:
            return beneath(self._root, _named(path))
        parent, _, name = path.rstrip("/").rpartition("/")
        return beneath(self._root, _named(parent)) + b"/" + name.encode("latin-1")


def _named(octets: str) -> str:
    return os.fsdecode(octets.encode("latin-1"))


def _demand_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")


def _entry(text: str, name: str, fields: int) -> tuple[str, ...] | None:
    """The line of a user or a group in a file like /etc/passwd."""
    for line in text.split("\n"):
        if line.startswith(name + ":"):
            found = line.split(":")
            if len(found) >= fields:
                return tuple(found[:fields])
    return None
