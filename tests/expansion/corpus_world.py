"""The corpus as a machine: its lookup files where its expressions name them.

Exim's own tests were answered with these files below /tmp/eximtest; here they are read
from the corpus, and nothing else of the machine is touched.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.expansion.world import FileFailed, FileStatus, Finished, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from eximkit.expansion.world import DnsAnswer

TOP = "/tmp/eximtest"  # noqa: S108 - a name in the strings of the corpus
ANSWERED = 1_795_383_000
"""When the recorded answers were given: 2026-11-22, seconds since the epoch."""
USERS = {
    "root": ("root", "x", "0", "0", "root", "/root", "/bin/bash"),
    "daemon": ("daemon", "x", "1", "1", "daemon", "/usr/sbin", "/usr/sbin/nologin"),
    "mail": ("mail", "x", "8", "8", "mail", "/var/mail", "/usr/sbin/nologin"),
}


@dataclass(frozen=True, slots=True)
class CorpusWorld:
    """A machine with the folder `exim-testsuite` at TOP, and `files` (path to text).

    at: what its clock shows, and always will.
    """

    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    at: float = ANSWERED

    def _place(self, path: str) -> Path:
        within = os.path.normpath(path)
        if within == TOP or within.startswith(TOP + "/"):
            return self.folder / within[len(TOP) + 1 :]
        raise _missing(path)

    def read(self, path: str) -> str:
        if path in self.files:
            return self.files[path]
        try:
            return self._place(path).read_bytes().decode("latin-1")
        except OSError as error:
            raise _failed(path, error) from None

    def status(self, path: str, *, follow: bool = True) -> FileStatus:
        if path in self.files:
            return FileStatus(0o100644, 0, 0, len(self.files[path]))
        try:
            found = self._place(path).stat(follow_symlinks=follow)
        except OSError as error:
            raise _failed(path, error) from None
        return FileStatus(
            found.st_mode, found.st_uid, found.st_gid, found.st_size, found.st_ino,
            found.st_nlink, int(found.st_atime), int(found.st_mtime),
            int(found.st_ctime),
        )  # fmt: skip

    def names(self, path: str) -> Sequence[str]:
        try:
            return sorted(item.name for item in self._place(path).iterdir())
        except OSError as error:
            raise _failed(path, error) from None

    def sqlite(
        self, path: str, query: str
    ) -> tuple[Sequence[str], Sequence[Sequence[str | None]]]:
        with sqlite3.connect(f"file:{self._place(path)}?mode=ro", uri=True) as base:
            cursor = base.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return names, [[_text(value) for value in row] for row in cursor]

    def environment(self, name: str) -> str | None:
        return self.variables.get(name)

    def passwd(self, name: str) -> tuple[str, ...] | None:
        return USERS.get(name)

    def group(self, name: str) -> int | None:
        found = USERS.get(name)
        return None if found is None else int(found[3])

    def resolve(
        self,
        name: str,
        record_type: str,
        **_how: object,
    ) -> DnsAnswer:
        raise NotAllowed(f"the DNS, for {record_type} of {name}")

    def run(self, arguments: Sequence[str]) -> Finished:
        if arguments[0] != "/bin/echo":
            raise NotAllowed(f"the command {arguments[0]}")
        return Finished(0, " ".join(arguments[1:]) + "\n")

    def clock(self) -> float:
        return self.at


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _missing(path: str) -> FileFailed:
    return FileFailed(path, os.strerror(errno.ENOENT), errno.ENOENT)


def _failed(path: str, error: OSError) -> FileFailed:
    return FileFailed(path, os.strerror(error.errno or 0), error.errno or 0)
