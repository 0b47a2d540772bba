"""`eximkit logs [PATH]...`, and its sub-commands."""

from __future__ import annotations

import sys
from typing import Any

import click

from eximkit.cli.logs_engine import demand_engine, engine_options
from eximkit.cli.logs_full import Full, full_options
from eximkit.cli.logs_merge import demand_json, merge
from eximkit.cli.logs_messages import grep, show
from eximkit.cli.logs_metrics import metrics
from eximkit.cli.output import emit, is_terminal, style
from eximkit.errors import SettingsError

# These lists are short and permanent, and `--help` must not load what owns them.
FORMATS = ("table", "json", "csv", "html", "parquet", "prometheus")
GROUPS = ("day", "hour", "host", "transport", "router", "proto", "tls")

_HELP = {"help_option_names": ["-h", "--help"]}
_COMMANDS_HELP = (
    ("merge REPORT...", "Add up saved reports of several logs."),
    ("metrics", "Follow logs and serve what they say to Prometheus."),
    ("show MSGID...", "Print all lines of messages."),
    ("grep PATTERN", "Print all lines of the messages in which a line matches."),
)
"""`./show` and the like are files of these names."""


class _Report(click.Command):
    """The command itself, whose help also tells of the sub-commands."""

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS_HELP))


class _Logs(click.Group):
    """A first word that is no sub-command belongs to the report."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401
    ) -> click.Context:
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return report.make_context(info_name, args, parent, **extra)


@click.command(cls=_Logs, context_settings=_HELP)
def logs() -> None:
    """Read Exim's main logs."""


logs.add_command(show)
logs.add_command(grep)
logs.add_command(merge)
logs.add_command(metrics)


_year = click.option(
    "--year", type=click.IntRange(1990, 9999), metavar="YEAR",
    help="The year of the last entry, for logs that carry none.",
)  # fmt: skip
_jobs = click.option(
    "--jobs", type=click.IntRange(1, 1024), metavar="N",
    help="How many processes to use (default: one for each processor).",
)  # fmt: skip
_output = click.option(
    "--output",
    metavar="FILE",
    help="Write to FILE instead of standard output; a folder for parquet.",
)


@click.command("logs", cls=_Report, context_settings=_HELP)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--by", "groups", multiple=True, type=click.Choice(GROUPS),
    help="Count by this; can be given several times.",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(0, 1_000_000), metavar="N",
    help="Longest list of hosts and groups (default: 10; in HTML 20, in JSON 50).",
)  # fmt: skip
@click.option("--since", metavar="T", help="Leave out what was logged before T.")
@click.option("--until", metavar="T", help="Leave out what was logged after T.")
@click.option(
    "--direction", type=click.Choice(["in", "out", "both"]), default="both",
    show_default=True, help="What tables, CSV and HTML show.",
)  # fmt: skip
@full_options
@_jobs
@engine_options
@_year
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table",
    show_default=True, help="How to write.",
)  # fmt: skip
@_output
@click.option(
    "--mergeable", is_flag=True,
    help="With --format json: keep all counts, for `logs merge`; takes --full's time.",
)  # fmt: skip
@click.option(
    "--follow", is_flag=True, help="Go on, and show what is written to the logs."
)
@click.option(
    "--interval", type=click.FloatRange(0.1, 86400), default=2, metavar="SECONDS",
    help="How often --follow shows it (default: 2).",
)  # fmt: skip
@click.option(
    "--state", metavar="FILE",
    help="Count on from where FILE says, and keep there how far it went.",
)  # fmt: skip
@click.option(
    "--new", is_flag=True, help="With --state: report what is new since the last time."
)
@click.option(
    "--unparsed", is_flag=True, help="List the lines that are of no known form."
)
def report(
    paths: tuple[str, ...],
    groups: tuple[str, ...],
    top: int | None,
    since: str | None,
    until: str | None,
    direction: str,
    jobs: int | None,
    engine: str,
    scheduler: str | None,
    year: int | None,
    form: str,
    output: str | None,
    mergeable: bool,
    follow: bool,
    interval: float,
    state: str | None,
    new: bool,
    unparsed: bool,
    **full: Any,  # noqa: ANN401 - what `full_options` adds
) -> None:
    """Say what Exim's main logs tell, and how early pipelining is used.

    Each PATH is a log, rotated and compressed ones too, or - for standard input;
    without any, the usual places are tried. T is a time as the log has it, such as
    2026-01-31, "2026-01-31 08:30", today or yesterday, or an age: 45m, 12h, 7d, 2w.
    """
    from eximkit.cli.logs_run import Reading, more_than_ascii
    from eximkit.report import logs_registry
    from eximkit.report.logs_view import View

    chosen = logs_registry.FORMATS[form]
    logs_registry.demand(form)
    if chosen.document and output in {None, "-"} and is_terminal(sys.stdout):
        raise SettingsError(f"--format {form} is not for a terminal: add --output FILE")
    growing = follow or state is not None
    demand_engine(engine, scheduler, form, unparsed=unparsed, growing=growing)
    asked = Full.of(**full | {"full": full["full"] or chosen.full})
    demand_json(mergeable, form)
    if growing:
        if mergeable:
            raise click.UsageError("--mergeable has no --follow or --state")
        from eximkit.cli.logs_growing import Growing

        if unparsed:
            raise click.UsageError("--unparsed has no --follow or --state")
        asked_for = Growing(
            paths, groups, top, since, until, direction, year, form, output, asked
        )
        if not follow:
            asked_for.report(state or "", new=new)
        elif new:
            raise click.UsageError("--new has no --follow, which shows what is new")
        else:
            asked_for.follow(interval, state)
        return
    if new:
        raise click.UsageError("--new needs --state: new since which time?")
    reading = Reading.of(
        paths, since=since, until=until, jobs=jobs, year=year, engine=engine,
        scheduler=scheduler,
    )  # fmt: skip
    if unparsed:
        emit(reading.unparsed(), output)
        reading.end()
        return
    if chosen.folder:
        from eximkit.cli.logs_columns import write_columns

        write_columns(reading, output, groups)
        reading.end()
        return
    found = reading.report(
        (*groups, *chosen.groups), top, asked.terms, asked.patterns, chosen.wanted,
        chosen.messages_by, mergeable=mergeable,
    )  # fmt: skip
    view = View(
        style(output),
        ("in", "out") if direction == "both" else (direction,),
        chosen.top if top is None else top,
        more_than_ascii(),
        asked.leagues,
    )
    emit(logs_registry.reporter(form)(found, view), output, mode=chosen.mode)
    reading.end()
