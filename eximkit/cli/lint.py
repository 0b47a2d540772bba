"""`eximkit lint PATH...`: options to settings, findings to an exit code."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from eximkit.cli.completion import ReleaseName, RuleCode
from eximkit.cli.output import emit, style

if TYPE_CHECKING:
    from collections.abc import Iterator

# These lists are short and permanent, and `--help` must not load what owns them.
FORMATS = ("text", "concise", "json", "jsonl", "sarif", "github")
LEVELS = ("error", "warning", "info")
FRAGMENTS = (
    "main", "acl", "router", "transport", "authenticator", "retry", "rewrite",
    "expansion",
)  # fmt: skip


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--as",
    "fragment",
    type=click.Choice(FRAGMENTS),
    help="PATH is a piece of a configuration of this kind.",
)
@click.option(
    "--root",
    metavar="DIR",
    help="Look up absolute paths that the configuration names under DIR.",
)
@click.option(
    "-D",
    "defines",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Define a macro, as Exim's -D does.",
)
@click.option(
    "--exim-version",
    type=ReleaseName(),
    metavar="VERSION",
    help="The release that the configuration is for (default: the newest known).",
)
@click.option(
    "--select",
    multiple=True,
    type=RuleCode(several=True),
    metavar="CODES",
    help="Report these codes only; beginnings of codes will do.",
)
@click.option(
    "--ignore",
    multiple=True,
    type=RuleCode(several=True),
    metavar="CODES",
    help="Do not report these codes.",
)
@click.option(
    "--fail-on", type=click.Choice(LEVELS), help="Exit 1 from this level on.  [warning]"
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 in spite of findings.")
@click.option("--fix", is_flag=True, help="Make the safe fixes, in the files.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="With --fix or --diff: the unsafe ones too."
)
@click.option("--diff", is_flag=True, help="Show what --fix would change, and stop.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to write.",
)
@click.option(
    "--output", metavar="FILE", help="Write to FILE instead of standard output."
)  # fmt: skip
def lint(
    paths: tuple[str, ...],
    fragment: str | None,
    root: str | None,
    defines: tuple[str, ...],
    exim_version: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str | None,
    exit_zero: bool,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    form: str,
    output: str | None,
) -> None:
    """Check Exim configurations.

    Does Exim load them, do their strings expand, and what do they say on the wire
    with early pipelining?

    Each PATH is one configuration: a file, a directory in Debian's split layout, or -
    for standard input. Exit code 1 tells of findings. Settings are also taken from
    .eximkit.toml beside the first PATH or above it.
    """
    from eximkit.cli.lint_run import LintRun, Options
    from eximkit.report.registry import reporter

    if fix and diff:
        raise click.UsageError("--fix edits, --diff only shows: choose one of them.")
    options = Options(
        paths, fragment, root, defines, exim_version, select, ignore, fail_on,
        unsafe_fixes,
    )  # fmt: skip
    with _without_collector():
        run = LintRun.of(options)
        if diff:
            lines, result = run.diff()
            emit((line + "\n" for line in lines), output)
        else:
            result = run.fix() if fix else run.check()
            for name in run.changed:
                click.echo(f"eximkit: fixed {name}", err=True)
            emit(reporter(form)(result, style(output)), output)
    if result.reaches(run.fail_on) and not exit_zero:
        sys.exit(1)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let no garbage be looked for: a run makes many objects that stay, few cycles.

    That saves a tenth of the time of a run; the memory is the same.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
