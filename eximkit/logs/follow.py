"""Logs counted as they grow, and all that is needed to go on another day.

follower = Follower([Trail...])
while follower.step(): ...
follower.summary()
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.errors import InputError
from eximkit.logs.ageing import age
from eximkit.logs.chunks import Chunk, whole_lines
from eximkit.logs.scan import Scanner
from eximkit.logs.summary import Summary
from eximkit.logs.trail import Trail, TrailState
from eximkit.logs.window import ANY_TIME
from eximkit.logs.years import YearSteps, year_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.logs.sources import ReadProblem
    from eximkit.logs.trail import Lines
    from eximkit.logs.window import Window

PROBLEMS = 100
"""So many are kept; all are counted."""


@dataclass(slots=True)
class FollowState:
    """Where the reading of logs stands, and what was counted up to there.

    wanted: what was counted only because it was asked for, as for `scan`, sorted.
    started: when counting began, in seconds since 1970.
    """

    trails: list[TrailState] = field(default_factory=list)
    wanted: tuple[str, ...] = ()
    started: int = 0
    summary: Summary = field(default_factory=Summary)


class Follower:
    """Counts what is written to logs from where a state says on."""

    def __init__(
        self,
        state: FollowState,
        *,
        window: Window = ANY_TIME,
        year: int | None = None,
        apart: bool = False,
    ) -> None:
        """window: the time looked at. year: of the last lines, if they carry none.

        apart: what is read from now on is counted apart, too, for `new`.
        """
        self.problems: list[ReadProblem] = []
        """The latest of them, each once."""
        self._state = state
        self._counts = [_Counting(n, state, window, year)
                        for n in range(len(state.trails))]  # fmt: skip
        self._trails: list[Trail] = []
        self._new = Summary() if apart else None

    @classmethod
    def begin(
        cls,
        paths: Iterable[tuple[str, str | None]],
        *,
        wanted: frozenset[str] = frozenset(),
        window: Window = ANY_TIME,
        year: int | None = None,
    ) -> Follower:
        """Follow logs from their beginning.

        paths: of the logs, each with that of the oldest of its rotated files that is to
        be read, or None. Raises InputError where one of them is no main log.
        """
        each = list(paths)
        trails = [TrailState(path) for path, _ in each]
        state = FollowState(trails, tuple(sorted(wanted)), int(time.time()))
        follower = cls(state, window=window, year=year)
        for counting, (path, oldest) in zip(follower._counts, each, strict=True):
            trail = Trail.begin(path, counting.take, oldest)
            counting.state = state.trails[counting.number] = trail.state
            follower._trails.append(trail)
        return follower

    @classmethod
    def resume(
        cls, state: FollowState, *, year: int | None = None, apart: bool = False
    ) -> Follower:
        """Go on where a state was taken. Raises MissingExtraError."""
        follower = cls(state, year=year, apart=apart)
        for counting in follower._counts:
            trail = Trail(state.trails[counting.number], counting.take)
            follower._trails.append(trail)
        return follower

    @property
    def paths(self) -> list[str]:
        return [trail.path for trail in self._trails]

    @property
    def unread(self) -> int:
        """Octets that are known to be there and not read yet."""
        return sum(trail.unread for trail in self._trails)

    @property
    def gaps(self) -> int:
        """How often something may have been lost."""
        return sum(trail.gaps for trail in self._state.trails)

    @property
    def rotations(self) -> int:
        return sum(trail.rotations for trail in self._state.trails)

    @property
    def started(self) -> int:
        """When counting began, in seconds since 1970."""
        return self._state.started

    def step(self) -> bool:
        """Read some more of each log; whether there was more."""
        moved = False
        for trail in self._trails:
            moved |= trail.step()
            for problem in trail.problems:
                if problem not in self.problems:
                    self.problems.append(problem)
                    del self.problems[:-PROBLEMS]
            trail.problems.clear()
        return moved

    def summary(self) -> Summary:
        """What all lines say that were counted since the state began."""
        self._merge()
        return self._state.summary

    def new(self) -> Summary:
        """What the lines say that this follower has read; where that was asked for."""
        self._merge()
        return self._state.summary if self._new is None else self._new

    def state(self) -> FollowState:
        """All that is needed to go on: places and counts of the same moment."""
        self._merge()
        self._state.trails = [trail.state for trail in self._trails]
        return self._state

    def close(self) -> None:
        """Let go of all files."""
        for trail in self._trails:
            trail.close()

    def _merge(self) -> None:
        for counting in self._counts:
            for found in counting.taken():
                self._state.summary.update(found)
                if self._new is not None:
                    self._new.update(found)
        age(self._state.summary)


class _Counting:
    """Counts the lines of one log."""

    def __init__(
        self, number: int, state: FollowState, window: Window, year: int | None
    ) -> None:
        self.number = number
        self.state = state.trails[number]
        self._wanted = frozenset(state.wanted)
        self._window = window
        self._last_year = year
        self._years: YearSteps | None = None
        self._scanner = self._scan(None)
        self._year: int | None = None
        self._done: list[Summary] = []

    def take(self, lines: Lines) -> None:
        """Count some lines."""
        if lines.overlong:
            self._done.append(Summary(lines=1, octets=lines.overlong, garbage=1))
            return
        for start, end, year in self._by_year(lines):
            if year != self._year:
                self._done.append(self._scanner.finish())
                self._year = year
                self._scanner = self._scan(year)
            data = lines.data[start:end]
            for first, last in self._window.runs(data, year):
                self._scanner.feed(data[first:last], lines.offset + start + first)

    def taken(self) -> list[Summary]:
        """What was counted since this was last asked."""
        found = [*self._done, self._scanner.finish()]
        self._done = []
        self._scanner = self._scan(self._year)
        return found

    def _scan(self, year: int | None) -> Scanner:
        number = self.number
        return Scanner(wanted=self._wanted, source=number, group=number, year=year)

    def _by_year(self, lines: Lines) -> Iterator[tuple[int, int, int | None]]:
        """The parts of lines that are of one year each."""
        data = lines.data
        if not lines.look.yearless:
            yield 0, len(data), None
            return
        steps = self._steps(lines)
        steps.take(Chunk(0, data))
        years = steps.steps
        for number, (start, year) in enumerate(years):
            end = years[number + 1][0] if number + 1 < len(years) else len(data)
            if start < end:
                yield start, end, year
        steps.steps = [(0, years[-1][1])]
        self.state.year, self.state.month = years[-1][1], steps.last

    def _steps(self, lines: Lines) -> YearSteps:
        """The years so far; those of a log not read before by when it was written."""
        if self._years is None:
            self._years = YearSteps()
            year = self.state.year
            if year is None:
                cursor = lines.cursor
                found = year_steps(whole_lines(cursor.text()))
                last = self._last_year
                if last is None:
                    written = time.localtime(cursor.modified // 10**9)
                    last = written.tm_year - (found.last == 12 and written.tm_mon == 1)
                known = [y for start, y in found.years(last) if start <= cursor.offset]
                year = known[-1]
            self._years.last = self.state.month
            self._years.steps = [(0, year)]
        return self._years


def checked(state: FollowState) -> FollowState:
    """A state that can be gone on with. Raises InputError."""
    paths = [trail.path for trail in state.trails]
    if not paths or len(set(paths)) != len(paths) or not all(paths):
        raise InputError("without a log, or with one twice")
    if any("\0" in path for path in paths):
        raise InputError("with a path that no file has")
    return state
