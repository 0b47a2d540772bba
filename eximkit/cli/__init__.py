"""The command line: the root command, and errors as exit codes.

Imports click alone: what a command needs is imported when the command is.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from eximkit import __version__
from eximkit.cli.lazy import LazyGroup
from eximkit.errors import (
    EximkitError,
    MissingExtraError,
    MissingProgramError,
    SettingsError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMANDS = {
    "lint": ("eximkit.cli.lint", "lint", "Check Exim configurations."),
    "expand": ("eximkit.cli.expand", "expand", "Expand strings as exim -be does."),
    "logs": ("eximkit.cli.logs", "logs", "Say what main logs tell."),
    "interop": ("eximkit.cli.interop", "interop", "Run early pipelining on the wire."),
    "explain": ("eximkit.cli.explain", "explain", "Say what a rule is about."),
}
"""Command: the module, the attribute, and the line that `--help` shows for it."""

USAGE, UNREADABLE, MISSING, INTERNAL, INTERRUPTED, CLOSED = 2, 3, 4, 70, 130, 141
"""Exit codes, beside 0 for clean or done and 1 for findings or failures."""

_EPILOG = (
    'Completion: eval "$(_EXIMKIT_COMPLETE=bash_source eximkit)" in ~/.bashrc; '
    "zsh_source and fish_source likewise."
)


class _Root(LazyGroup):
    """Ends quietly when the reader goes away, and with this program's exit codes."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ANN401
        """As click's, with the exit codes of this program. Ends the process."""
        kwargs |= {"prog_name": "eximkit", "standalone_mode": False}
        sys.exit(_run(lambda: super(_Root, self).main(*args, **kwargs)))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _until_closed():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        with _until_closed():
            result: object = super().invoke(ctx)
            sys.stdout.flush()
            return result


@contextmanager
def _until_closed() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        from eximkit.cli.output import forget_output

        forget_output()
        raise click.exceptions.Exit(CLOSED) from None


@click.group(
    cls=_Root,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
@click.version_option(__version__, prog_name="eximkit")
def main() -> None:
    """Lint Exim configurations, and prove what they say on the wire."""


def _run(command: Callable[[], object]) -> int:
    """The exit code of a command, whatever happens to it."""
    try:
        code = command()
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except EximkitError as error:
        click.echo(f"eximkit: {_safe(str(error))}", err=True)
        return _code(error)
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback
        _report(error)
        return INTERNAL
    return code if isinstance(code, int) else 0


def _safe(text: str) -> str:
    """Lines that cannot play with a terminal, whatever file they name."""
    from eximkit.source import display, octets

    return "\n".join(display(octets(line)) for line in text.split("\n"))


def _code(error: EximkitError) -> int:
    if isinstance(error, SettingsError):
        return USAGE
    missing = isinstance(error, (MissingExtraError, MissingProgramError))
    return MISSING if missing else UNREADABLE


def _report(error: Exception) -> None:
    """An internal error in three lines; all of it where EXIMKIT_DEBUG is set."""
    if os.environ.get("EXIMKIT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        where = f" ({file}, line {trace.tb_lineno})"
    click.echo(
        f"eximkit: internal error: {type(error).__name__}: {error}{where}\n"
        "This is a defect of eximkit, not of your files. Please report it with the "
        "command line\nand, if you can, the input; EXIMKIT_DEBUG=1 shows the whole "
        "story.",
        err=True,
    )
