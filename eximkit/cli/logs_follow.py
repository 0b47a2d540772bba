"""`eximkit logs --follow` and `eximkit logs --state FILE`: logs as they grow."""

from __future__ import annotations

import glob
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eximkit.cli.live_screen import Ending, Screen, can_draw
from eximkit.cli.log_state import StateFile
from eximkit.cli.logs_run import more_than_ascii, tell
from eximkit.cli.output import emit, style
from eximkit.errors import InputError, SettingsError
from eximkit.logs.analysis import TOP, TRAFFIC_TERMS, analyse
from eximkit.logs.follow import Follower
from eximkit.logs.generations import Generations, is_rotated
from eximkit.logs.sources import default_logs
from eximkit.logs.window import ANY_TIME
from eximkit.report import logs_live
from eximkit.report.logs_view import View
from eximkit.source import display, octets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eximkit.logs.result import LogReport
    from eximkit.logs.traffic import TrafficTerms
    from eximkit.logs.window import Window

POLL = 0.25
"""Seconds after which logs are looked at again, at the latest."""
_SHARE = 10
"""What is done at each interval takes at most one part in so many of the time."""
_NOTES = 100


@dataclass(slots=True)
class Live:
    """Logs that are followed, the state that is kept of them, and what to tell."""

    follower: Follower
    file: StateFile | None
    groups: tuple[str, ...] = ()
    top: int = TOP
    terms: TrafficTerms = TRAFFIC_TERMS
    lost: bool = False
    notes: list[str] = field(default_factory=list)
    quiet: bool = False
    """Whether notes are shown otherwise than on standard error."""
    _told: set[tuple[str, str]] = field(default_factory=set)

    def step(self) -> bool:
        """Read some more; whether there was more."""
        moved = self.follower.step()
        for path, reason, lost in self.follower.problems:
            if (path, reason) not in self._told and len(self._told) < _NOTES:
                self._told.add((path, reason))
                self.lost |= lost
                self.note(f"{display(octets(path))}: {reason}")
        self.follower.problems.clear()
        return moved

    def note(self, text: str) -> None:
        """Tell something that is not of the report."""
        self.notes = [*self.notes, text][-_NOTES:]
        if not self.quiet:
            tell(text)

    def report(self, *, new: bool = False) -> LogReport:
        """What was counted since the state began, or by this process."""
        follower = self.follower
        return analyse(
            follower.new() if new else follower.summary(),
            sources=follower.paths,
            by=self.groups,
            top=self.top,
            problems=self.notes,
            terms=self.terms,
        )

    def moment(self) -> logs_live.Moment:
        return logs_live.Moment(
            time.time(), self.follower.unread, self.follower.rotations,
            self.follower.gaps, self.follower.started, tuple(self.notes),
        )  # fmt: skip

    def keep(self) -> None:
        """Write the state, if that would not take too long. Told where it fails."""
        if self.file is None or not self.file.due:
            return
        try:
            self.file.store(self.follower.state())
        except InputError as error:
            reason = f"the state is not written, and what it says is older: {error}"
            if reason not in self.notes[-1:]:
                self.note(reason)

    def keep_now(self) -> None:
        """Write the state. Raises InputError."""
        if self.file is not None:
            self.file.store(self.follower.state())


@contextmanager
def opened(
    paths: Sequence[str],
    state: str | None,
    *,
    groups: tuple[str, ...] = (),
    top: int = TOP,
    wanted: frozenset[str] = frozenset(),
    window: Window = ANY_TIME,
    year: int | None = None,
    once: bool = False,
    apart: bool = False,
    terms: TrafficTerms = TRAFFIC_TERMS,
) -> Iterator[Live]:
    """The logs at these paths, from where the state says on.

    once: they are read to their end and no further, so that they have to be there.
    apart: what is new is counted apart, too. terms: of traffic, where it is wanted.
    Raises InputError, SettingsError.
    """
    if "-" in paths:
        raise SettingsError("standard input cannot be followed or gone on with")
    if state is None:
        follower = Follower.begin(_chosen(paths), wanted=wanted, window=window,
                                  year=year)  # fmt: skip
        try:
            yield Live(follower, None, groups, top, terms)
        finally:
            follower.close()
        return
    with StateFile(state) as file:
        found = file.load()
        if found is None:
            chosen = _chosen(paths)
            missing = [path for path, _ in chosen if not Path(path).exists()]
            if once and missing:
                raise InputError(f"{missing[0]}: No such file or directory")
            follower = Follower.begin(chosen, wanted=wanted, year=year)
        else:
            _compare(state, [trail.path for trail in found.trails], paths)
            if wanted - set(found.wanted):
                raise SettingsError(
                    f"{state} was begun without what --by, --full or --pattern needs; "
                    "count anew with another --state"
                )
            follower = Follower.resume(found, year=year, apart=apart)
        try:
            live = Live(follower, file, groups, top, terms)
            if not once:
                # Fails now rather than after an hour.
                live.keep_now()
            yield live
        finally:
            follower.close()


def read_new(live: Live) -> None:
    """Read what there is."""
    while live.step():
        pass


@dataclass(slots=True)
class Shown:
    """What is shown of logs that are followed, at each interval."""

    live: Live
    form: str
    interval: float
    output: str | None = None
    publish: Callable[[LogReport], None] | None = None
    _history: logs_live.History = field(default_factory=logs_live.History)
    _data: dict[str, Any] | None = None
    _last: float = 0.0
    _caught_up: bool = False
    _page: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Follow until it is ended. Raises InputError, KeyboardInterrupt."""
        drawn = self.form == "table" and self.output is None and can_draw()
        self.live.quiet = drawn
        self._begin()
        with Ending() as ending:
            with Screen() as screen:
                self._follow(ending, screen if drawn else None)
            if drawn:
                # The last page stays, and what was told on the other screen.
                emit([f"{line}\n" for line in self._page], None)
                self.live.quiet = False
                for note in self.live.notes:
                    tell(note)
            self.live.keep_now()
            if ending.interrupted:
                raise KeyboardInterrupt

    def _begin(self) -> None:
        report = self.live.report()
        self._history.add(time.monotonic(), logs_live.counts(report))
        self._last = time.monotonic()
        if self.form == "json":
            _, self._data = logs_live.json_line(report, None, 0, self.live.moment())

    def _follow(self, ending: Ending, screen: Screen | None) -> None:
        due = time.monotonic() + (0 if screen else self.interval)
        size = Screen.size() if screen else None
        while True:
            moved = False if ending else self.live.step()
            if not moved and not self._caught_up:
                self._caught_up = True
                due = self._catch_up(screen, due)
            now = time.monotonic()
            if now >= due or ending or (screen and Screen.size() != size):
                self._show(screen)
                self.live.keep()
                size = Screen.size() if screen else None
                end = time.monotonic()
                due = max(now + self.interval, end + _SHARE * (end - now))
            if ending:
                return
            if not moved:
                ending.wait(min(POLL, self.interval, due - time.monotonic()))

    def _catch_up(self, screen: Screen | None, due: float) -> float:
        """All that was there has been read. Returns when to show it."""
        if screen is not None:
            # What was there before is no news.
            self._history.samples.clear()
            found = logs_live.counts(self.live.report())
            self._history.add(time.monotonic(), found)
        return due if screen is None and self.publish is None else 0.0

    def _show(self, screen: Screen | None) -> None:
        if self.publish is not None and not self._caught_up:
            # Counters that run up while a log is read say what did not happen now.
            return
        report = self.live.report()
        now = time.monotonic()
        self._history.add(now, logs_live.counts(report))
        moment = self.live.moment()
        if self.publish is not None:
            self.publish(report)
        elif screen is not None:
            width, height = screen.size()
            view = View(style(None), unicode=more_than_ascii())
            lines = logs_live.page(report, self._history, moment, view, height)
            screen.draw([line[:width] for line in lines])
            self._page = [line for line in lines[:-1] if line]
        elif self.form == "json":
            text, self._data = logs_live.json_line(
                report, self._data, now - self._last, moment
            )
            emit([text], None)
        else:
            emit([logs_live.line(self._history, moment)], None)
        self._last = now


def _chosen(paths: Sequence[str]) -> list[tuple[str, str | None]]:
    """The logs that are meant, each with its oldest rotated file that is."""
    if not paths:
        every = default_logs()
        paths = [p for p in every if not any(is_rotated(p, other) for other in every)]
        tell(f"no PATH given; following {', '.join(paths)}")
    named = _named(paths)
    logs = [p for p in named if not any(is_rotated(p, other) for other in named)]
    chosen: list[tuple[str, str | None]] = []
    for log in logs:
        rotated = {path for path in named if is_rotated(path, log)}
        each = Generations(log).all() if rotated else []
        oldest = next((e.path for e in each if e.path in rotated), None)
        chosen.append((log, oldest))
    return chosen


def _named(paths: Sequence[str]) -> list[str]:
    every = [each for path in paths for each in _matching(path)]
    # Symbolic links are not followed: where they lead may change.
    return list(dict.fromkeys(map(os.path.abspath, every)))


def _matching(path: str) -> list[str]:
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    found = sorted(glob.glob(path))  # noqa: PTH207 - the pattern may be absolute
    if not found:
        raise InputError(f"{path}: no file matches")
    return found


def _compare(state: str, known: Sequence[str], paths: Sequence[str]) -> None:
    """Refuse to go on with the state of other logs."""
    if not paths:
        return
    named = _named(paths)
    logs = {p for p in named if not any(is_rotated(p, other) for other in named)}
    if logs != set(known):
        raise SettingsError(
            f"{state} is of {', '.join(known)}, not of {', '.join(sorted(logs))}; each "
            "set of logs needs a --state of its own"
        )
