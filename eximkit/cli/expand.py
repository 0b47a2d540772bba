"""`eximkit expand STRING...`: options to a run, failures to an exit code."""

from __future__ import annotations

import math
import sys

import click

from eximkit.cli.completion import Permission, ReleaseName


def _seconds(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """A number of seconds: that it is in a range says little of what is no number."""
    if math.isnan(value):
        raise click.BadParameter("nan is no time.")
    return value


@click.command()
@click.argument("strings", nargs=-1, metavar="[STRING]...")
@click.option(
    "--config", metavar="FILE",
    help="Take macros, named lists, ACLs and options from this configuration.",
)  # fmt: skip
@click.option(
    "-D", "defines", multiple=True, metavar="NAME[=VALUE]",
    help="Define a macro, as Exim's -D does.",
)  # fmt: skip
@click.option(
    "--set", "sets", multiple=True, metavar="NAME=VALUE",
    help="Set a variable (domain, 1, acl_m_x) or a header line (h_subject).",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Only say what is wrong, and where.")
@click.option("--tree", is_flag=True, help="Show how the string is understood.")
@click.option(
    "--jsonl", is_flag=True,
    help='Answer lines {"expr": "...", "set": {...}} of standard input.',
)  # fmt: skip
@click.option(
    "--exim-version", type=ReleaseName(), metavar="VERSION",
    help="The release to answer for (default: the newest known).",
)  # fmt: skip
@click.option(
    "--allow", multiple=True, type=Permission(), metavar="WHAT",
    help="Let strings use files, env, dns or run (commands); commas between several.",
)  # fmt: skip
@click.option("--root", metavar="DIR", help="Look up absolute paths under DIR.")
@click.option(
    "--max-steps", type=click.IntRange(1), default=1_000_000, show_default=True,
    metavar="N", help="Give up a string after N steps.",
)  # fmt: skip
@click.option(
    "--max-output", type=click.IntRange(1), default=16 << 20, show_default=True,
    metavar="N", help="Give up where a string gets longer than N octets.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(0, 86400, min_open=True), default=20.0,
    show_default=True, metavar="SECONDS", callback=_seconds,
    help="Give up a string after so long.",
)  # fmt: skip
def expand(
    strings: tuple[str, ...],
    config: str | None,
    defines: tuple[str, ...],
    sets: tuple[str, ...],
    check: bool,
    tree: bool,
    jsonl: bool,
    exim_version: str | None,
    allow: tuple[tuple[str, ...], ...],
    root: str | None,
    max_steps: int,
    max_output: int,
    timeout: float,
) -> None:
    """Expand strings as Exim does: prints what exim -be would.

    Nothing of the machine is touched but what --allow names; who asks, the host's name
    and the clock are known. A STRING of - is the whole of standard input. Without
    STRING: a dialogue on a terminal, else the lines of standard input, as exim -be
    takes them; with --check and --config, every string of the configuration that Exim
    expands. Settings are also taken from .eximkit.toml beside FILE or above it. Exit
    code 1 tells of a failure or a finding.
    """
    from eximkit.cli.expand_run import ExpandRun
    from eximkit.cli.expand_setup import Options

    if jsonl and (strings or tree):
        raise click.UsageError("--jsonl takes neither STRING nor --tree.")
    options = Options(
        strings, config, defines, sets, check, tree, exim_version,
        tuple(word for words in allow for word in words), root, max_steps, max_output,
        timeout,
    )  # fmt: skip
    run = ExpandRun(options)
    if jsonl:
        run.answer_requests()
    elif strings:
        run.answer_strings()
    elif check and config:
        run.check_configuration()
    elif all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        from eximkit.cli.expand_prompt import converse

        converse(run)
        return
    else:
        run.answer_lines()
    if run.failed:
        sys.exit(1)
