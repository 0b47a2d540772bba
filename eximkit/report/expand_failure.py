"""Why an expansion failed, for people: where in the string, and what to do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eximkit.lint.expandable import flaws
from eximkit.report.excerpt import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.expansion.values import Failure
    from eximkit.report.style import Style
    from eximkit.source import Text


def report(
    failure: Failure, source: Text, release: Release, style: Style
) -> Iterator[str]:
    """The line with a caret, and advice; nothing where there is nothing to add."""
    if failure.kind != "syntax":
        return
    found = flaws(source.text, release)
    if not found:
        return
    # Exim comes upon them in its own order, and its message has the name.
    said = (f for f in found if source.text[f.start : f.end] in failure.message)
    flaw = next(said, found[0])
    for line in excerpt(source.place(flaw.start, flaw.end), style):
        yield line + "\n"
    notes = [flaw.message, flaw.hint]
    if flaw.message == failure.message or flaw.message.startswith("unknown "):
        del notes[0]  # The failure says as much.
    for note in notes:
        for number, text in enumerate(textwrap.wrap(note, style.width - 4)):
            yield f"  {'  ' if number else '= '}{text}\n"
