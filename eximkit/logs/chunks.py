"""Log text in chunks of whole lines.

A chunk never ends within a line, nor within the pieces that a syslog entry was split
into, so that each chunk can be understood by itself. Memory is bounded whatever the
text is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs.possessive import compiled
from eximkit.logs.syntax import ISO_TIME, SYSLOG_SOURCE, SYSLOG_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CHUNK = 1 << 18
"""About how many octets a chunk has: few enough to stay in a processor's cache."""
LINE_LIMIT = 1 << 24
"""A longer line is counted, and not looked at. Exim's entries have 8 KB at most."""
PIECES_WITHIN = 1 << 16
"""The pieces of an entry are no more octets of log apart than this; those that are were
parted by something that Exim does not do."""

PIECE = compiled(
    rb"^((?:" + SYSLOG_TIME + rb"|" + ISO_TIME + rb")(" + SYSLOG_SOURCE + rb"))"
    rb"\[(\d{1,6})[/\\](\d{1,6})\] ",
    re.MULTILINE,
)


class Chunk(NamedTuple):
    """Some lines of a log.

    offset: where they begin in its text. data: the lines; the last one of a log may be
    without its end. overlong: the octets of a line beyond LINE_LIMIT, which alone is
    the chunk then; its data is empty. year: of lines that carry none. pieces: entries
    may be split.
    """

    offset: int
    data: bytes
    overlong: int = 0
    year: int | None = None
    pieces: bool = False

    @property
    def end(self) -> int:
        return self.offset + len(self.data) + self.overlong


def whole_lines(
    blocks: Iterable[bytes],
    *,
    offset: int = 0,
    pieces: bool = False,
    size: int = CHUNK,
    limit: int = LINE_LIMIT,
) -> Iterator[Chunk]:
    """The text that the blocks make up, cut at line ends.

    pieces: entries may be split into pieces, as for syslog. size: chunks have as many
    octets or more, as long as there are. limit: of a line; at least `size`.
    """
    parts: list[bytes] = []
    total = 0
    unfinished = 0  # octets at the end of the parts that no line end follows
    skipped = 0  # octets of a line that is beyond the limit already
    for block in blocks:
        start = 0
        if skipped or unfinished:
            start = block.find(b"\n") + 1
            length = skipped + unfinished + (start or len(block))
            if length > limit:
                if total > unfinished:
                    before = b"".join(parts)[: total - unfinished]
                    yield Chunk(offset, before, pieces=pieces)
                    offset += len(before)
                parts, total, unfinished, skipped = [], 0, 0, length
                if start:
                    yield Chunk(offset, b"", skipped)
                    offset += skipped
                    skipped = 0
                else:
                    start = len(block)
            else:
                start = 0
        if start:
            block = block[start:]  # noqa: PLW2901 - the rest of the same block
        if not block:
            continue
        parts.append(block)
        total += len(block)
        last = block.rfind(b"\n") + 1
        unfinished = len(block) - last + (0 if last else unfinished)
        if total >= size and total > unfinished:
            text = b"".join(parts)
            cut = total - unfinished
            if pieces:
                cut = clear_of_pieces(text, cut)
            yield Chunk(offset, text[:cut], pieces=pieces)
            offset += cut
            parts, total = [text[cut:]], total - cut
    if skipped:
        yield Chunk(offset, b"", skipped)
    elif total:
        yield Chunk(offset, b"".join(parts), pieces=pieces)


def clear_of_pieces(text: bytes, cut: int) -> int:
    """The last place up to `cut`, a line's start, where no split entry is cut in two.

    `cut` itself where there is no such place close by.
    """
    begin = max(0, cut - PIECES_WITHIN)
    spans = _split_entries(text, begin, cut)
    found = cut
    while (earlier := _before(spans, found)) < found:
        found = earlier
    return found if found > begin else cut


def _before(spans: Iterable[tuple[int, int]], cut: int) -> int:
    return min((start for start, end in spans if start < cut < end), default=cut)


def _split_entries(text: bytes, begin: int, cut: int) -> list[tuple[int, int]]:
    """Where the split entries before `cut` are; those not whole yet end beyond it."""
    spans: list[tuple[int, int]] = []
    unfinished: dict[tuple[bytes, bytes], int] = {}
    for piece in PIECE.finditer(text, begin, cut):
        number, count = int(piece[3]), int(piece[4])
        key = piece[2], piece[4]
        start = unfinished.pop(key, piece.start())
        if number < count:
            unfinished[key] = start
        else:
            spans.append((start, piece.end()))
    return [*spans, *((start, cut + 1) for start in unfinished.values())]


def with_years(
    chunks: Iterable[Chunk], years: Sequence[tuple[int, int]]
) -> Iterator[Chunk]:
    """The chunks, each with its year, and cut where a year begins.

    years: where in the text each begins, in order; none says that lines carry theirs.
    """
    if not years:
        yield from chunks
        return
    for chunk in chunks:
        first = chunk.offset
        for begin, end, year in _spans(years, first, chunk.end):
            if chunk.overlong:
                yield chunk._replace(year=year)
                break
            data = chunk.data[begin - first : end - first]
            yield chunk._replace(offset=begin, data=data, year=year)


def _spans(
    years: Sequence[tuple[int, int]], begin: int, end: int
) -> Iterator[tuple[int, int, int]]:
    """The parts of [begin, end) that are of one year each."""
    for number, (start, year) in enumerate(years):
        after = years[number + 1][0] if number + 1 < len(years) else end
        first = max(start, begin) if number else begin
        if first < min(after, end):
            yield first, min(after, end), year
