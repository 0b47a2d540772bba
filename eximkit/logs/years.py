"""The year of lines that carry none, as those of syslog without Exim's own stamp.

The last entry of a file is of the year in which the file was last written; before that
the year goes back wherever the month steps back from January to December.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.logs.syntax import MONTH_NUMBERS, MONTHS, SYSLOG_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.logs.chunks import Chunk

STEP_LIMIT = 1000
"""So many changes of the year are followed: more is no clock that jitters."""

_TIME = re.compile(rb"^" + SYSLOG_TIME + rb" ", re.MULTILINE)
_LAST_DAY = b"Dec 31 "


class YearSteps:
    """Follows the months of a log from its beginning to its end.

    steps: where in the text a year begins, and how many lie between the first line and
    there. Lines a little out of order step back and forth.
    """

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = [(0, 0)]
        self.last = 0
        """The month of the last line, 0 before any."""

    def take(self, chunk: Chunk) -> None:
        """Follow the lines of the next chunk."""
        data, begin = chunk.data, 0
        if self.last and self._all_of(data, MONTHS[self.last - 1]):
            return
        while begin < len(data) and (found := _TIME.search(data, begin)):
            month = MONTH_NUMBERS.get(found[0][:3], 0)
            if month:
                late = found[0].startswith(_LAST_DAY)
                self._step(chunk.offset + found.start(), month, late)
                begin = self._run(data, found.end(), found[0][:3])
            else:
                begin = found.end()

    def years(self, last: int) -> tuple[tuple[int, int], ...]:
        """Where in the text each year begins, if that of the last line is `last`."""
        _, passed = self.steps[-1]
        return tuple((start, last - passed + n) for start, n in self.steps)

    def _step(self, offset: int, month: int, last_day: bool) -> None:
        # A step back by one month is a late line; by more, nobody is that late. So is
        # the last day of a year after the first month of one.
        years = 0
        if self.last - month > 1:
            years = 1
        elif self.last == 1 and last_day:
            years = -1
        if years and len(self.steps) < STEP_LIMIT:
            self.steps.append((offset, self.steps[-1][1] + years))
        self.last = month

    @staticmethod
    def _all_of(data: bytes, month: bytes) -> bool:
        """Whether each line begins with this month: as fast as counting can be."""
        lines = data.count(b"\n") + (not data.endswith(b"\n"))
        begins = data.count(b"\n" + month + b" ") + data.startswith(month + b" ")
        return lines == begins

    @staticmethod
    def _run(data: bytes, begin: int, month: bytes) -> int:
        """Where a line of another month may begin; that at `begin` is of this one."""
        other = _other_than(month).search(data, begin)
        return other.start() + 1 if other else len(data)


def _other_than(month: bytes) -> re.Pattern[bytes]:
    # Compiled once each: `re` keeps what it has compiled.
    return re.compile(rb"\n(?!" + month + rb" )")


def year_steps(chunks: Iterable[Chunk]) -> YearSteps:
    """The changes of the year in a log."""
    steps = YearSteps()
    for chunk in chunks:
        steps.take(chunk)
    return steps
