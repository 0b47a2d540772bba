"""The lines of a log that are of no known form, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.logs.line import parse_line
from eximkit.logs.reader import chunks
from eximkit.logs.record import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.logs.sources import ReadProblem, Source
    from eximkit.logs.window import Window


def unparsed_lines(
    source: Source, window: Window, problems: list[ReadProblem]
) -> Iterator[tuple[int, bytes]]:
    """The number, from 1, and the text of each such line, garbage included.

    What prevents the rest from being read is added to `problems`.
    """
    number = 0
    for chunk in chunks(source, problems):
        if chunk.overlong:
            number += 1
            yield number, b"(a line of %d octets)" % chunk.overlong
            continue
        done = 0
        for start, end in window.runs(chunk.data, chunk.year):
            number += chunk.data.count(b"\n", done, start)
            for line in chunk.data[start:end].splitlines(keepends=True):
                number += 1
                text = line.rstrip(b"\n")
                if parse_line(text, chunk.year).kind in {Kind.UNPARSED, Kind.GARBAGE}:
                    yield number, text
            done = end
        number += chunk.data.count(b"\n", done)
