"""Parts of logs counted, in whichever process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.logs.ranges import RANGE
from eximkit.logs.reader import chunks
from eximkit.logs.scan import FEW_HOURS, Scanner
from eximkit.logs.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.logs.ranges import Part
    from eximkit.logs.sources import ReadProblem, Source
    from eximkit.logs.window import Window


@dataclass(slots=True)
class Outcome:
    """What logs say, and what of them could not be read."""

    summary: Summary = field(default_factory=Summary)
    problems: list[ReadProblem] = field(default_factory=list)

    def update(self, other: Outcome) -> None:
        """Add that of other parts."""
        self.summary.update(other.summary)
        self.problems += other.problems


def count(
    outcome: Outcome,
    source: Source,
    part: Part,
    wanted: frozenset[str],
    window: Window,
    progress: Callable[[int], None],
) -> None:
    """Add what a part of a log says of a time.

    progress: is told of octets of the file as they are read.
    """
    scanner = Scanner(wanted=wanted, source=source.number, group=source.group)
    year: int | None = None
    span = part.begin, part.end
    for chunk in chunks(source, outcome.problems, span, progress):
        if chunk.overlong:
            outcome.summary.lines += 1
            outcome.summary.garbage += 1
            outcome.summary.octets += chunk.overlong
            continue
        if FEW_HOURS in wanted and scanner.octets >= RANGE:
            # Hours give way to days where counts are put together: that is done often.
            outcome.summary.update(scanner.part())
        if chunk.year != year:
            outcome.summary.update(scanner.finish())
            year = chunk.year
            scanner = Scanner(
                wanted=wanted, source=source.number, group=source.group, year=year
            )
        for start, end in window.runs(chunk.data, year):
            scanner.feed(chunk.data[start:end], chunk.offset + start)
    outcome.summary.update(scanner.finish())
