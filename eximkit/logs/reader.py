"""Logs read: from what is on the disk or in a pipe to chunks of whole lines.

What is read of a file is what it held when it was opened, to the end of the line that
it then ended in: a log that grows meanwhile is neither lost nor counted twice.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from eximkit.logs.chunks import CHUNK, whole_lines, with_years
from eximkit.logs.compression import Damaged, unpacked
from eximkit.logs.ranged import reader
from eximkit.logs.sources import ReadProblem, Source, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.logs.chunks import Chunk

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY


def chunks(
    source: Source,
    problems: list[ReadProblem],
    part: tuple[int, int] | None = None,
    progress: Callable[[int], None] = lambda _octets: None,
    size: int = CHUNK,
) -> Iterator[Chunk]:
    """The text of a log, in chunks of whole lines.

    part: of the file's octets, those to be read, cut at line ends (`ranges.py`). What
    prevents the rest from being read is added to `problems`. progress: is told of
    octets of the file as they are read. size: of the chunks, about.
    """
    begin, end = part or (source.begin, source.end)
    lines = whole_lines(
        _blocks(source, begin, end, problems, progress, size),
        offset=begin - source.begin,
        size=size,
        pieces=source.look.syslog,
    )
    return with_years(lines, source.years)


def _blocks(
    source: Source,
    begin: int,
    end: int,
    problems: list[ReadProblem],
    progress: Callable[[int], None],
    size: int,
) -> Iterator[bytes]:
    """The text of some of a log; all troubles end it, and are told."""
    opened = source.handle is None
    try:
        handle = _handle(source)
    except OSError as error:
        problems.append(ReadProblem(source.path, reason_of(error)))
        return
    done = 0

    def told(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def read_and_tell(size: int) -> bytes:
            nonlocal done
            data = read(size)
            done += len(data)
            progress(len(data))
            return data

        return read_and_tell

    try:
        if source.head is not None:
            read = told(_pipe(handle, source.head))
        else:
            read = told(reader(handle, begin, end))
        if source.codec:
            again = None if source.head is not None else lambda: reader(
                handle, begin, end
            )  # fmt: skip
            yield from unpacked(read, source.codec, again)
        else:
            while block := read(size):
                yield block
        if source.head is None and done < end - begin:
            problems.append(ReadProblem(
                source.path,
                "became shorter while it was read; some of it is not there any more",
            ))  # fmt: skip
    except Damaged as error:
        problems.append(
            ReadProblem(source.path, f"{error}; what stands before that was read")
        )
    except OSError as error:
        problems.append(ReadProblem(
            source.path, f"{reason_of(error)}, {done} octets after {begin}"
        ))  # fmt: skip
    finally:
        if opened:
            os.close(handle)


def _handle(source: Source) -> int:
    if source.handle is not None:
        return source.handle
    handle = os.open(source.path, _READING)
    status = os.fstat(handle)
    if (status.st_dev, status.st_ino) != source.identity:
        os.close(handle)
        raise FileNotFoundError(0, "was replaced before it could be read")
    return handle


def _pipe(handle: int, head: bytes) -> Callable[[int], bytes]:
    waiting = head

    def read(size: int) -> bytes:
        nonlocal waiting
        if waiting:
            data, waiting = waiting[:size], waiting[size:]
            return data
        return os.read(handle, size)

    return read
