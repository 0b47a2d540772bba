"""The entries of logs, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.errors import InputError
from eximkit.logs.line import parse_line
from eximkit.logs.patterns import lines_in
from eximkit.logs.pieces import join_pieces
from eximkit.logs.reader import chunks
from eximkit.logs.sources import Paths, ReadProblem, gather, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.logs.record import LogRecord


def iter_records(
    paths: Paths | Iterable[Paths],
    *,
    year: int | None = None,
    problems: list[ReadProblem] | None = None,
) -> Iterator[LogRecord]:
    """The entries of a log or of several, read as they are asked for.

    paths: files, compressed ones too, patterns for files, `-` for standard input; they
    are read in the order of time. year: of the last entries of logs that carry none.
    problems: takes in what of them could not be read. Raises InputError where that is
    everything; without `problems`, also after the last entry where it is anything.
    """
    found: list[ReadProblem] = []
    with gather(named(paths), year) as gathered:
        found += gathered.problems
        for source in gathered.sources:
            for chunk in chunks(source, found):
                lines = [line.removesuffix(b"\n") for line in lines_in(chunk.data)]
                if chunk.overlong:
                    lines = [b""]
                for line in join_pieces(lines) if chunk.pieces else lines:
                    yield parse_line(line, chunk.year)
    if problems is not None:
        problems += found
    elif lost := [f"{path}: {reason}" for path, reason, lost in found if lost]:
        raise InputError("\n".join(lost))
