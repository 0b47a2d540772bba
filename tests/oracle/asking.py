"""Asking a real Exim to expand many strings at once (`exim -be`)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Exim remembers from one line to the next that ${addresses:…} has left a group open. An
# address before a semicolon ends it.
FORGET = "${if eq{${addresses:a;}}{}{}{}}"
CONFIG = "primary_hostname = host.example\nkeep_environment =\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """ok: it expanded, and text is the result. Otherwise text is Exim's message."""

    ok: bool
    text: str


def escaped(text: str) -> str:
    """Octets written so that an expansion gives them back, wherever they stand."""
    return "".join(f"\\x{ord(c):02x}" for c in text)


def ask(
    exim: Path,
    folder: Path,
    expressions: Sequence[str],
    config_text: str = CONFIG,
    arguments: Sequence[str] = (),
) -> list[Answer]:
    """What Exim makes of each expression (one line each, no line ends)."""
    config = folder / "exim.conf"
    config.write_text(config_text, "latin-1")
    lines = [f"r={e}\nmark-{n}-mark{FORGET}\n" for n, e in enumerate(expressions)]
    done = subprocess.run(
        [exim, "-C", str(config), *arguments, "-be"],
        input="".join(lines).encode("latin-1"),
        capture_output=True,
        check=False,
        timeout=300,
    )
    output = done.stdout.decode("latin-1")
    answers: list[Answer] = []
    at = 0
    for number, expression in enumerate(expressions):
        mark = f"\n> mark-{number}-mark\n"
        end = output.find(mark, at)
        assert end >= 0, f"Exim stopped at {expression!r}: {done.stderr[-500:]!r}"
        text = output[at:end].removeprefix("> ")
        at = end + len(mark)
        if text.startswith("Failed: "):
            answers.append(Answer(False, text.removeprefix("Failed: ")))
        else:
            assert text.startswith("r="), f"{expression!r}: {text!r}"
            answers.append(Answer(True, text.removeprefix("r=")))
    return answers


def ask_all(
    exim: Path,
    folder: Path,
    expressions: Sequence[str],
    config_text: str = CONFIG,
    arguments: Sequence[str] = (),
) -> list[tuple[str, Answer | None]]:
    """As `ask`, but None for each expression of which Exim itself dies."""
    if not expressions:
        return []
    try:
        said = ask(exim, folder, expressions, config_text, arguments)
    except AssertionError:
        if len(expressions) == 1:
            return [(expressions[0], None)]
        half = len(expressions) // 2
        first = ask_all(exim, folder, expressions[:half], config_text, arguments)
        return first + ask_all(exim, folder, expressions[half:], config_text, arguments)
    return list(zip(expressions, said, strict=True))
