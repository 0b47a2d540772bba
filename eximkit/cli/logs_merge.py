"""`eximkit logs merge`: saved reports of several logs as one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eximkit.cli.logs_full import Full, full_options
from eximkit.cli.output import emit, is_terminal, style
from eximkit.errors import InputError, SettingsError

if TYPE_CHECKING:
    from eximkit.logs.merging import Mergeable

FORMATS = ("table", "json", "csv", "html", "prometheus")
GROUPS = ("day", "hour", "host", "transport", "router", "proto", "tls")
LIMIT = 1 << 30
"""Octets of a report that is read."""
_MADE_WITH = "eximkit logs --format json --mergeable"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("reports", nargs=-1, required=True, metavar="REPORT...")
@click.option(
    "--by", "groups", multiple=True, type=click.Choice(GROUPS),
    help="Count by this; can be given several times.",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(0, 1_000_000), metavar="N",
    help="Longest list of hosts and groups (default: 10; in HTML 20, in JSON 50).",
)  # fmt: skip
@click.option(
    "--direction", type=click.Choice(["in", "out", "both"]), default="both",
    show_default=True, help="What tables, CSV and HTML show.",
)  # fmt: skip
@full_options
@click.option(
    "--mergeable", is_flag=True, help="The result, as JSON, can be merged again."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table",
    show_default=True, help="How to write.",
)  # fmt: skip
@click.option(
    "--output", metavar="FILE", help="Write to FILE instead of standard output."
)
def merge(
    reports: tuple[str, ...],
    groups: tuple[str, ...],
    top: int | None,
    direction: str,
    mergeable: bool,
    form: str,
    output: str | None,
    **full: Any,  # noqa: ANN401 - what `full_options` adds
) -> None:
    """Add up saved reports, as if all their logs had been read at once.

    Each REPORT is a file that `eximkit logs --format json --mergeable` wrote, or - for
    standard input. All numbers are exact, for such a report holds all counts, not only
    its lists.
    """
    from dataclasses import replace

    from eximkit.cli.logs_run import more_than_ascii
    from eximkit.logs.analysis import TOP, TRAFFIC_TERMS, analyse, wanted
    from eximkit.logs.merging import merged
    from eximkit.report import logs_registry
    from eximkit.report.logs_view import View

    chosen = logs_registry.FORMATS[form]
    logs_registry.demand(form)
    if chosen.document and output in {None, "-"} and is_terminal(sys.stdout):
        raise SettingsError(f"--format {form} is not for a terminal: add --output FILE")
    demand_json(mergeable, form)
    asked = Full.of(**full | {"full": full["full"] or chosen.full})
    if asked.patterns:
        raise SettingsError("--pattern is for logs; what is not counted is not merged")
    problems: list[str] = []
    found = merged([(path, _read(path, problems)) for path in reports])
    by = (*groups, *chosen.groups)
    needed = wanted(by, asked.terms is not None)
    if missing := sorted(needed - found.wanted):
        raise InputError(
            f"{reports[0]}: does not count {', '.join(missing)}, which is asked for; "
            f"`{_MADE_WITH}` with the same options does"
        )
    summary = found.summary
    if asked.terms is None:
        # What was not asked for is not told, though it is there.
        summary = replace(summary, traffic=None)
    result = analyse(
        summary,
        sources=found.sources,
        by=(*by, *chosen.messages_by),
        top=TOP if top is None else top,
        problems=problems,
        terms=asked.terms or TRAFFIC_TERMS,
    )
    if mergeable:
        result = replace(result, mergeable=found)
    view = View(
        style(output),
        ("in", "out") if direction == "both" else (direction,),
        chosen.top if top is None else top,
        more_than_ascii(),
        asked.leagues,
    )
    emit(logs_registry.reporter(form)(result, view), output, mode=chosen.mode)


def demand_json(mergeable: bool, form: str) -> None:
    """Raise UsageError for what only a JSON document can hold."""
    if mergeable and form != "json":
        raise click.UsageError("--mergeable needs --format json")


def _read(path: str, problems: list[str]) -> Mergeable:
    """The counts of a saved report. Raises InputError that names it."""
    from eximkit.logs.merging import mergeable_from

    try:
        document = json.loads(_octets(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON document: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != "eximkit.logs/1":
        raise InputError(f"{path}: no report of `{_MADE_WITH}`")
    if "mergeable" not in document:
        raise InputError(
            f"{path}: has lists alone, which do not add up; `{_MADE_WITH}` writes what "
            "does"
        )
    log = document.get("log")
    paths = log.get("paths") if isinstance(log, dict) else None
    told = document.get("problems")
    if isinstance(told, list):
        problems += [each for each in told if isinstance(each, str)]
    try:
        return mergeable_from(document["mergeable"], paths)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _octets(path: str) -> bytes:
    """A whole file, if it is not too large. Raises InputError."""
    try:
        if path == "-":
            octets = sys.stdin.buffer.read(LIMIT + 1)
        else:
            with Path(path).open("rb") as file:
                octets = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {reason}") from None
    if len(octets) > LIMIT:
        raise InputError(f"{path}: larger than {LIMIT >> 20} MiB")
    return octets
