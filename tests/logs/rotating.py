"""A log that is written, rotated in all ways, and compressed, as Exim and logrotate do.

All of what was written stays in the files of the folder, so that one pass over them
says what a follower should have seen.
"""

from __future__ import annotations

import gzip
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class RotatedLog:
    """The log at `path`; `lines` are what will be written to it."""

    def __init__(self, path: Path, lines: Iterator[bytes]) -> None:
        self.path = path
        self.written = 0
        self._lines = lines
        self._stream = self._opened()
        self._half = b""
        self._count = 0
        """How many rotated files there are."""

    def write(self, number: int) -> None:
        """Some lines, in one write."""
        self._put(b"".join(next(self._lines) for _ in range(number)))
        self.written += number

    def write_half(self) -> None:
        """The first half of a line; the rest comes with what is written next."""
        line = next(self._lines)
        self.written += 1
        self._put(line[: len(line) // 2])
        self._half = line[len(line) // 2 :]

    def rename(self, late: int = 0) -> None:
        """Rotate by renaming; running deliveries write `late` lines to the old file."""
        self._put(b"")
        self._shift()
        self.path.rename(self._rotated(1))
        old, self._stream = self._stream, self._opened()
        for _ in range(late):
            os.write(old, next(self._lines))
            self.written += 1
        os.close(old)

    def copy_and_truncate(self) -> None:
        """Rotate by copying; nothing is written between the copy and the cut."""
        self._put(b"")
        self._shift()
        shutil.copyfile(self.path, self._rotated(1))
        os.truncate(self.path, 0)

    def compress(self, number: int) -> None:
        """Compress a rotated file, as logrotate does one that is older."""
        plain = self._rotated(number)
        if plain.exists() and plain.suffix != ".gz":
            status = plain.stat()
            packed = plain.with_name(f"{plain.name}.gz")
            packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
            os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
            plain.unlink()

    def close(self) -> None:
        self._put(b"")
        os.close(self._stream)

    def files(self) -> list[Path]:
        """All that was written, the oldest first."""
        found = [self._rotated(n) for n in range(self._count, 0, -1)]
        return [*(p for p in found if p.exists()), self.path]

    def _put(self, data: bytes) -> None:
        if rest := self._half + data:
            os.write(self._stream, rest)
        self._half = b""

    def _opened(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _shift(self) -> None:
        for number in range(self._count, 0, -1):
            old = self._rotated(number)
            if old.exists():
                new = self.path.with_name(f"{self.path.name}.{number + 1}")
                old.rename(f"{new}.gz" if old.suffix == ".gz" else new)
        self._count += 1

    def _rotated(self, number: int) -> Path:
        plain = self.path.with_name(f"{self.path.name}.{number}")
        packed = plain.with_name(f"{plain.name}.gz")
        return packed if packed.exists() else plain
