"""`eximkit logs` with `--follow` or `--state`: what goes together, what comes out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from eximkit.cli import UNREADABLE
from eximkit.cli.logs_follow import Shown, opened, read_new
from eximkit.cli.logs_full import Full
from eximkit.cli.logs_run import more_than_ascii, time_window
from eximkit.cli.output import emit, style
from eximkit.logs.analysis import TOP, TRAFFIC_TERMS, wanted
from eximkit.report import logs_registry
from eximkit.report.logs_prometheus import exposition
from eximkit.report.logs_view import View

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from eximkit.cli.logs_follow import Live
    from eximkit.logs.result import LogReport

PROMETHEUS = "prometheus"
NOTHING_MORE = Full(None, (), ())
_FOLLOWED = ("table", "json", PROMETHEUS)


@dataclass(frozen=True, slots=True)
class Growing:
    """What is asked for of logs that grow; the options of `eximkit logs`."""

    paths: tuple[str, ...]
    groups: tuple[str, ...] = ()
    top: int | None = None
    since: str | None = None
    until: str | None = None
    direction: str = "both"
    year: int | None = None
    form: str = "table"
    output: str | None = None
    full: Full = NOTHING_MORE

    def follow(self, interval: float, state: str | None) -> None:
        """Show what is written to the logs until it is ended."""
        if self.form not in _FOLLOWED:
            raise click.UsageError(f"--follow has no --format {self.form}")
        if self.groups:
            raise click.UsageError(
                "--follow shows no groups; --state FILE --by reports them afterwards"
            )
        if self.form == PROMETHEUS and self.output in {None, "-"}:
            raise click.UsageError(
                "--follow --format prometheus needs --output FILE, which it keeps up "
                "to date; `eximkit logs metrics` serves metrics over HTTP"
            )
        if self.form != PROMETHEUS and self.output not in {None, "-"}:
            raise click.UsageError("--follow writes to standard output; redirect it")
        with self._opened(state) as live:
            shown = Shown(live, self.form, interval)
            if self.form == PROMETHEUS:
                shown.publish = lambda found: self._export(found, live)
            shown.run()

    def report(self, state: str, *, new: bool) -> None:
        """Count what is new, report, and keep the state for the next time.

        new: report what is new alone. The state is kept once the report is written: if
        that fails, the same is new the next time.
        """
        if self._chosen.folder:
            raise click.UsageError(f"--state has no --format {self.form}")
        with self._opened(state, once=True, apart=new) as live:
            read_new(live)
            found = live.report(new=new)
            if self.form == PROMETHEUS:
                self._export(found, live)
            else:
                write = logs_registry.reporter(self.form)
                emit(write(found, self._view()), self.output)
            live.keep_now()
            if live.lost:
                sys.exit(UNREADABLE)

    def _opened(
        self, state: str | None, *, once: bool = False, apart: bool = False
    ) -> AbstractContextManager[Live]:
        if state is not None and (self.since or self.until):
            raise click.UsageError(
                "--state has no --since or --until: what is counted stays counted"
            )
        chosen = self._chosen
        counted = wanted(
            (*self.groups, *chosen.groups),
            self.full.terms is not None,
            self.full.patterns,
        )
        return opened(
            self.paths,
            state,
            groups=(*self.groups, *chosen.groups, *chosen.messages_by),
            top=TOP if self.top is None else self.top,
            wanted=counted | chosen.wanted,
            window=time_window(self.since, self.until),
            year=self.year,
            once=once,
            apart=apart,
            terms=self.full.terms or TRAFFIC_TERMS,
        )

    def _export(self, found: LogReport, live: Live) -> None:
        page = exposition(found, self.top or 0, live.moment())
        emit([page], self.output, mode=self._chosen.mode)

    @property
    def _chosen(self) -> logs_registry.Format:
        return logs_registry.FORMATS[self.form]

    def _view(self) -> View:
        return View(
            style(self.output),
            ("in", "out") if self.direction == "both" else (self.direction,),
            self._chosen.top if self.top is None else self.top,
            more_than_ascii(),
            self.full.leagues,
        )
