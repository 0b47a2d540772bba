"""One file of a log that is followed: where reading stands in it, and whether it is
still the file that it was.

A place is known again by what the file begins with and by what stands before the place,
whatever the file is called by then, and compressed or not. So a log that was cut short
and has grown again is not taken for the one it was, and neither is an inode that was
given out anew.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from eximkit.errors import InputError
from eximkit.logs.compression import HEAD, Damaged, codec_of, unpacked
from eximkit.logs.ranged import reader
from eximkit.logs.samples import SAMPLE
from eximkit.logs.saved import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRINT = 1024
"""So many octets at either end of what was read tell a file from others."""

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class Print(NamedTuple):
    """What some octets are known by again."""

    length: int = 0
    digest: str = ""

    @classmethod
    def of(cls, octets: bytes) -> Print:
        return cls(len(octets), blake2b(octets, digest_size=16).hexdigest())

    def matches(self, octets: bytes) -> bool:
        """Whether these begin with the octets that it was made of."""
        return len(octets) >= self.length and self == Print.of(octets[: self.length])


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stands in a file of a log.

    offset: in octets of text, unpacked where the file is compressed. head: of what the
    file begins with, tail: of what stands before the offset. skipped: octets of a line
    that is too long and has not ended. modified: when the file was last written, in
    nanoseconds. done: nothing more of it is to be read.
    """

    device: int
    inode: int
    offset: int
    head: Print
    tail: Print
    skipped: int = 0
    modified: int = 0
    done: bool = False

    @property
    def identity(self) -> tuple[int, int]:
        return self.device, self.inode


def identity_of(status: os.stat_result) -> tuple[int, int]:
    """Device and inode, as places have them."""
    return status.st_dev & LARGEST, status.st_ino & LARGEST


class Cursor:
    """A file that is read on from a place; held open until it is closed."""

    def __init__(self, path: str) -> None:
        """At the beginning of a file. Raises OSError, InputError."""
        self.path = path
        self.damage = ""
        """Why a compressed file cannot be read on, "" where it can."""
        self.offset = 0
        self.skipped = 0
        self._head = self._tail = b""
        self._blocks: Iterator[bytes] = iter(())
        self._waiting = b""
        self.handle = os.open(path, _READING)
        try:
            status = _regular(self.handle)
            self.identity = identity_of(status)
            self.codec = codec_of(os.pread(self.handle, HEAD, 0))
            if self.codec:
                self._blocks = self._unpacked(status.st_size)
        except BaseException:
            os.close(self.handle)
            raise

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    @property
    def fresh(self) -> bool:
        """Whether nothing of it was read."""
        return not self.offset

    @property
    def place(self) -> Place:
        device, inode = self.identity
        return Place(
            device, inode, self.offset, Print.of(self._head), Print.of(self._tail),
            self.skipped, self.modified,
        )  # fmt: skip

    @property
    def modified(self) -> int:
        return os.fstat(self.handle).st_mtime_ns

    @property
    def unread(self) -> int:
        """The octets that follow; 0 where the file is compressed."""
        return max(0, os.fstat(self.handle).st_size - self.offset) * (not self.codec)

    def sample(self) -> bytes:
        """The first SAMPLE octets of text, or what there is of them."""
        if self.codec:
            return beginning(self.handle, self.codec, SAMPLE)
        return os.pread(self.handle, SAMPLE, 0)

    def go_to(self, place: Place) -> bool:
        """Stand at a place, if it is one of this file; a cursor that was not moved."""
        if self.codec:
            if not self._pass_over(place.offset):
                return False
            head, tail = self._head, self._tail
        else:
            head = os.pread(self.handle, place.head.length, 0)
            tail = b""
            if os.fstat(self.handle).st_size >= place.offset:
                start = place.offset - place.tail.length
                tail = os.pread(self.handle, place.tail.length, max(0, start))
        if not (place.head.matches(head) and place.tail.matches(tail)):
            return False
        self.offset, self.skipped = place.offset, place.skipped
        self._head, self._tail = head, tail
        return True

    def go_to_end(self) -> None:
        """Stand behind the last whole line of a file that is not compressed."""
        size = os.fstat(self.handle).st_size
        start = max(0, size - (1 << 20))
        end = start + os.pread(self.handle, size - start, start).rfind(b"\n") + 1
        self.offset = end
        self._head = os.pread(self.handle, min(PRINT, end), 0)
        first = max(0, end - PRINT)
        self._tail = os.pread(self.handle, end - first, first)

    def text(self) -> Iterator[bytes]:
        """All that the file holds, in blocks, wherever the cursor stands."""
        size = os.fstat(self.handle).st_size
        read = reader(self.handle, 0, size)
        if self.codec:
            with suppress(Damaged):
                yield from unpacked(read, self.codec)
            return
        while block := read(1 << 20):
            yield block

    def peek(self, size: int) -> bytes:
        """The next octets of text, so many unless there are less."""
        if not self.codec:
            return os.pread(self.handle, size, self.offset)
        while len(self._waiting) < size and (block := next(self._blocks, b"")):
            self._waiting += block
        return self._waiting[:size]

    def advance(self, read: bytes) -> None:
        """Go on behind what was peeked at and taken."""
        self._move(read)
        if self.codec:
            self._waiting = self._waiting[len(read) :]

    def intact(self, read: bytes) -> bool:
        """Whether the file is still what it was, and `read` follows in it.

        To be asked after reading: a file that is cut short between would not be noticed
        otherwise.
        """
        if self.codec:
            return True
        if os.fstat(self.handle).st_size < self.offset + len(read):
            return False
        head = self._head or read[:PRINT]
        return (
            os.pread(self.handle, len(head), 0) == head
            and os.pread(self.handle, len(self._tail), self.offset - len(self._tail))
            == self._tail
        )

    def _move(self, text: bytes) -> None:
        if len(self._head) < PRINT:
            self._head += text[: PRINT - len(self._head)]
        self._tail = (self._tail + text[-PRINT:])[-PRINT:]
        self.offset += len(text)

    def _unpacked(self, size: int) -> Iterator[bytes]:
        def again() -> Callable[[int], bytes]:
            return reader(self.handle, 0, size)

        try:
            yield from unpacked(again(), self.codec, again)
        except Damaged as error:
            self.damage = str(error)

    def _pass_over(self, octets: int) -> bool:
        while self.offset < octets:
            text = self.peek(min(octets - self.offset, 1 << 20))
            if not text:
                return False
            self.advance(text)
        return True


def _regular(handle: int) -> os.stat_result:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise InputError("no file that can be followed")
    return status


def beginning(handle: int, codec: str, size: int) -> bytes:
    """The first octets of text of a compressed file, as far as it is not damaged."""
    text = b""
    # Damage is told of when it is read.
    with suppress(Damaged):
        for block in unpacked(reader(handle, 0, os.fstat(handle).st_size), codec):
            text += block[: size - len(text)]
            if len(text) >= size:
                break
    return text
