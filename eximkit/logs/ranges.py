"""Logs cut into parts that are read by different processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs.chunks import PIECES_WITHIN, clear_of_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eximkit.logs.sources import Source

RANGE = 1 << 24
"""About how many octets one part has."""

_READ = 1 << 16


class Part(NamedTuple):
    """Some of a log: the octets [begin, end) of its file, whole lines."""

    source: int
    begin: int
    end: int


def parts(
    sources: Iterable[Source],
    size: int = RANGE,
    fetch: Callable[[int, int], None] = lambda _begin, _end: None,
) -> Iterator[Part]:
    """All of the logs, the parts of each in order.

    What cannot be divided, compressed logs and pipes, is one part each. fetch: is told
    what is about to be read of a file to find a line's end.
    """
    for source in sources:
        begin = source.begin
        if source.divisible and source.handle is not None:
            while source.end - begin > size + size // 2:
                cut = _cut(source, source.handle, begin, begin + size, fetch)
                if cut >= source.end:
                    break
                yield Part(source.number, begin, cut)
                begin = cut
        if begin < source.end or source.head is not None:
            yield Part(source.number, begin, source.end)


def _cut(
    source: Source,
    handle: int,
    begin: int,
    place: int,
    fetch: Callable[[int, int], None],
) -> int:
    """The start of a line close to `place`: before it unless a line is very long."""
    start = max(begin, place - 2 * PIECES_WITHIN)
    fetch(start, place)
    text = os.pread(handle, place - start, start)
    cut = text.rfind(b"\n") + 1
    if cut and source.look.syslog:
        cut = clear_of_pieces(text, cut)
    if cut and start + cut > begin:
        return start + cut
    while place < source.end:
        fetch(place, min(place + _READ, source.end))
        text = os.pread(handle, _READ, place)
        if not text:
            break
        if cut := text.find(b"\n") + 1:
            return place + cut
        place += len(text)
    return source.end
