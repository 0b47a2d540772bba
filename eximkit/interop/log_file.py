"""A file that lines are added to, by several processes and while others move it away.

Exim specification, chapter "Log files": a line is one write at the end of the file, and
a file that was renamed or deleted is made anew.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 8192
"""Octets of a line with its end: what Exim's log buffer holds."""

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
_MODE = 0o640


class LogFile:
    """A file of lines. fault: why the last line is not in it, "" if it is.

    Nothing raises for what is wrong with the file: mail goes on without its log.
    """

    __slots__ = ("_broken", "_file", "_here", "_process", "fault", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        self._file = -1
        self._here = (0, 0)
        self._process = 0
        self._broken = False
        """The last write was cut short: the next one begins a line of its own."""

    def add(self, line: str) -> None:
        """Add a line, without its end. Text that is not UTF-8 is as surrogates."""
        octets = line.encode("utf-8", "surrogateescape")[: LONGEST - 1] + b"\n"
        try:
            self._open()
            if self._broken:
                octets = b"\n" + octets
            written = os.write(self._file, octets)
        except OSError as error:
            self.fault = f"{self.path}: {error.strerror}"
            self.close()
            return
        self._broken = written < len(octets)
        self.fault = f"{self.path}: a line was cut short" if self._broken else ""

    def close(self) -> None:
        """Let go of the file. The next line opens it again."""
        if self._file >= 0 and self._process == os.getpid():
            with suppress(OSError):
                os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        """Open the file where it is not, or where the path leads to another one."""
        if self._file >= 0:
            with suppress(FileNotFoundError):
                found = os.stat(self.path)  # noqa: PTH116 - for each line: the fast one
                if (found.st_dev, found.st_ino) == self._here:
                    return
            self.close()
        self._file = os.open(self.path, _FLAGS, _MODE)
        status = os.fstat(self._file)
        self._here = status.st_dev, status.st_ino
        self._process = os.getpid()
