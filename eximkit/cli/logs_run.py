"""One run of `eximkit logs`: logs found, read and understood, and told of."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from eximkit.cli import UNREADABLE, log_times
from eximkit.cli.logs_engine import DASK
from eximkit.cli.output import is_terminal
from eximkit.cli.progress import Progress
from eximkit.errors import SettingsError
from eximkit.logs.analysis import MERGEABLE, TOP, TRAFFIC_TERMS, analyse, wanted
from eximkit.logs.merging import Mergeable
from eximkit.logs.parallel import summarise
from eximkit.logs.passes import Passes
from eximkit.logs.sources import default_logs, gather
from eximkit.logs.unparsed import unparsed_lines
from eximkit.logs.window import Window
from eximkit.source import display, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.logs.columns.export import Exported
    from eximkit.logs.result import LogReport
    from eximkit.logs.sources import ReadProblem
    from eximkit.logs.summary import Summary
    from eximkit.logs.traffic import TrafficTerms

STANDARD_INPUT = "-"


@dataclass(slots=True)
class Reading:
    """Which logs to read, how, and what could not be read (`lost`)."""

    paths: tuple[str, ...]
    window: Window
    jobs: int | None = None
    year: int | None = None
    engine: str = "processes"
    scheduler: str | None = None
    lost: bool = False
    told: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        paths: tuple[str, ...],
        *,
        since: str | None = None,
        until: str | None = None,
        jobs: int | None = None,
        year: int | None = None,
        engine: str = "processes",
        scheduler: str | None = None,
    ) -> Reading:
        """Raises SettingsError, and InputError where there is no log."""
        window = time_window(since, until)
        if not paths:
            paths = tuple(default_logs())
            tell(f"no PATH given; reading {', '.join(map(_shown, paths))}")
        if STANDARD_INPUT in paths and sys.stdin is not None and sys.stdin.isatty():
            tell("reading standard input; Ctrl-D ends it")
        return cls(paths, window, jobs, year, engine, scheduler)

    def report(
        self,
        groups: tuple[str, ...],
        top: int | None,
        traffic: TrafficTerms | None = None,
        patterns: tuple[str, ...] = (),
        besides: frozenset[str] = frozenset(),
        messages_by: tuple[str, ...] = (),
        *,
        mergeable: bool = False,
    ) -> LogReport:
        """What the logs say. Raises InputError where none of them can be read.

        traffic, patterns: as for `analyse_logs`. besides: what else to count, as for
        `scan`. messages_by: further groups, of which only the messages have to be
        right. mergeable: count all that a merged report may tell of, and keep it.
        """
        counted = wanted(groups, traffic is not None, patterns) | besides
        if mergeable:
            counted |= MERGEABLE
        count = self._on_cluster if self.engine == DASK else self._here
        summary, sources = count(counted)
        told = replace(summary, traffic=None) if traffic is None else summary
        result = analyse(
            told,
            sources=sources,
            by=(*groups, *messages_by),
            top=TOP if top is None else top,
            problems=self.told,
            terms=traffic or TRAFFIC_TERMS,
        )
        if mergeable:
            kept = Mergeable(result.sources, counted, summary)
            result = replace(result, mergeable=kept)
        return result

    def _here(self, counted: frozenset[str]) -> tuple[Summary, list[str]]:
        """What the logs say, and which they are."""
        with gather(self.paths, self.year) as found:
            self._tell(found.problems)
            with Progress() as progress:
                outcome = summarise(
                    found.sources,
                    jobs=self.jobs,
                    wanted=counted,
                    window=self.window,
                    progress=progress,
                )
            self._tell(outcome.problems)
            return outcome.summary, [source.path for source in found.sources]

    def _on_cluster(self, counted: frozenset[str]) -> tuple[Summary, list[str]]:
        """The same, found by the workers of Dask."""
        from eximkit import __version__
        from eximkit.logs.cluster.engine import summarise_on_cluster

        with Progress() as progress:
            outcome, found = summarise_on_cluster(
                self.paths,
                scheduler=self.scheduler,
                jobs=self.jobs,
                year=self.year,
                wanted=counted,
                window=self.window,
                version=__version__,
                progress=progress,
            )
        self._tell(outcome.problems)
        return outcome.summary, found.paths

    def columns(self, folder: str, version: str) -> Exported:
        """Write the entries as tables of columns. Raises InputError."""
        from eximkit.logs.columns.export import export

        with gather(self.paths, self.year) as found:
            self._tell(found.problems)
            with Progress() as progress:
                done = export(
                    found.sources,
                    folder,
                    window=self.window,
                    version=version,
                    progress=progress,
                )
            self._tell(done.problems)
            return done

    def unparsed(self) -> Iterator[str]:
        """The lines of no known form: where they are, and what they say."""
        with gather(self.paths, self.year) as found:
            self._tell(found.problems)
            problems: list[ReadProblem] = []
            for source in found.sources:
                path = _shown(source.path)
                for number, line in unparsed_lines(source, self.window, problems):
                    text = display(line.decode("latin-1"))
                    yield f"{path}:{number}: {text}\n"
            self._tell(problems)

    def end(self) -> None:
        """Exit as for input that cannot be read, if some of it was not."""
        if self.lost:
            sys.exit(UNREADABLE)

    @contextmanager
    def text(self, output: str | None) -> Iterator[Passes]:
        """The text of the logs, to be read. Raises InputError where there is none."""
        with gather(self.paths, self.year) as found:
            self._tell(found.problems)
            # A bar would be drawn into what a terminal shows of the output.
            drawn = output is not None or not is_terminal(sys.stdout)
            with Progress(wanted=drawn) as progress:
                text = Passes(found, progress)
                yield text
            self._tell(text.problems)

    def _tell(self, problems: Iterable[ReadProblem]) -> None:
        for path, reason, lost in problems:
            self.lost |= lost
            self.told.append(f"{path}: {reason}")
            tell(f"{_shown(path)}: {reason}")


def tell(text: str) -> None:
    """Tell something that is not of the report."""
    click.echo(f"eximkit: {text}", err=True)


def _shown(path: str) -> str:
    return display(octets(path))


def time_window(since: str | None, until: str | None) -> Window:
    """What `--since` and `--until` mean by now. Raises SettingsError."""
    # Logs have local time, unless they say otherwise, and are compared as written.
    now = datetime.now()  # noqa: DTZ005
    begin = log_times.since(since, now) if since is not None else None
    end = log_times.until(until, now) if until is not None else None
    if begin is not None and end is not None and begin >= end:
        raise SettingsError(f"nothing is after {since!r} and before {until!r}")
    return Window.between(begin, end)


def more_than_ascii() -> bool:
    """Whether the locale has more characters than ASCII (POSIX, section 8.2)."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := os.environ.get(name):
            return "utf" in value.lower()
    return False
