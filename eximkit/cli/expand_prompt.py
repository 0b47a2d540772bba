"""The dialogue of `eximkit expand` on a terminal: history, completion, help."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eximkit import catalog
from eximkit.cli.output import emit, style
from eximkit.config.console import joined
from eximkit.report import name_help
from eximkit.source import octets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from eximkit.catalog import Release
    from eximkit.cli.expand_run import ExpandRun

PROMPT = "> "
HISTORY_LENGTH = 1000
HELP = """\
STRING              its value; a \\ at the end of a line goes on in the next
NAME = VALUE        a macro, in the lines that follow (NAME starts in upper case)
set NAME = VALUE    a variable or a header line: domain, 1, acl_m_x, h_subject
?NAME               what an item, operator, condition, variable, lookup type, ACL
                    word or option is, and which release brought it
?                   this
Ctrl-D              the end
"""
_WORD = re.compile(r"(\$\{?|\{?!?|\?)?([A-Za-z0-9_]*)$")


def converse(run: ExpandRun) -> None:
    """Answer until the end of input."""
    run.console.settable = True
    history = _history_file()
    _prepare(history, run.release)
    look = style(None)
    click.echo(
        f"Exim {run.release}; ?NAME tells about a name, ? how to go on, Ctrl-D ends."
    )
    number = 0
    try:
        for line in joined(_typed()):
            number += 1
            try:
                if line.startswith("?"):
                    name = line[1:].strip()
                    said = name_help.report(name, run.release, look) if name else [HELP]
                    emit(said, None)
                elif line:
                    emit(run.respond(line, f"line {number}"), None, dialogue=True)
            except KeyboardInterrupt:
                click.echo("(interrupted)")
    finally:
        _keep(history)


def _typed() -> Iterator[str]:
    """The lines that are typed, as octets; an interrupted one counts for nothing."""
    while True:
        try:
            yield octets(input(PROMPT))
        except KeyboardInterrupt:
            click.echo()
        except EOFError:
            click.echo()
            return


def _history_file() -> Path | None:
    """Where lines are remembered (XDG base directories), None for nowhere."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117 - the rule of XDG, for a text
        home = os.environ.get("HOME", "")
        if not home:
            return None
        base = f"{home}/.local/state"
    return Path(base, "eximkit", "expand_history")


def _editor() -> ModuleType | None:
    """What edits lines, where this Python has it."""
    try:
        import readline
    except ImportError:
        return None
    return readline


def _prepare(history: Path | None, release: Release) -> None:
    readline = _editor()
    if readline is None:
        return
    readline.set_history_length(HISTORY_LENGTH)
    if history is not None:
        with suppress(OSError):
            readline.read_history_file(history)
    readline.set_completer_delims(" \t\n=,;")
    readline.set_completer(_completer(release))
    readline.parse_and_bind("tab: complete")


def _keep(history: Path | None) -> None:
    """Write the history, where that is possible."""
    readline = _editor()
    if history is None or readline is None:
        return
    with suppress(OSError):
        history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        readline.write_history_file(history)
        history.chmod(0o600)


def _completer(release: Release) -> Callable[[str, int], str | None]:
    names: dict[str, tuple[str, ...]] = {
        "$": catalog.variable_names(release),
        "${": (
            *catalog.item_names(release), *catalog.operator_names(release),
            *catalog.variable_names(release),
        ),
        "?": (
            *catalog.item_names(release), *catalog.operator_names(release),
            *catalog.condition_names(release), *catalog.variable_names(release),
        ),
    }  # fmt: skip

    def complete(text: str, state: int) -> str | None:
        match = _WORD.search(text)
        if match is None:
            return None
        known = names.get(match[1] or "", catalog.condition_names(release))
        before = text[: match.start(2)]
        found = [name for name in known if name.startswith(match[2])]
        return before + found[state] if state < len(found) else None

    return complete
