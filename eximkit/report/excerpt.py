"""A line of a source file with a caret under a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.report.style import Style
    from eximkit.source import Place

_FARTHEST = 4000
"""Octets looked at on either side of a place, for lines of a megabyte."""


def excerpt(
    place: Place, style: Style, gutter: int = 0, *, caret: bool = True
) -> Iterator[str]:
    """The first line of a place, cut to the width; with `caret` the place marked.

    gutter: columns for the line number at least.
    """
    file = place.file
    start = file.line_start(place.line)
    line = file.line_text(place.line)
    at = min(place.start - start, len(line))
    stop = max(at, min(place.end - start, len(line)))
    before = _shown(line[max(0, at - _FARTHEST) : at])
    marked = _shown(line[at : min(stop, at + _FARTHEST)])
    after = _shown(line[stop : stop + _FARTHEST])
    number = f"{place.line:>{gutter}}"
    margin = " " * len(number)
    room = max(20, style.width - len(number) - 3)
    before, marked, after = _cut(before, marked, after.rstrip(), room)
    if caret:
        yield f"{margin} |"
    text = before + (style.paint("bold", marked) if caret else marked) + after
    yield f"{style.paint('dim', number)} | {text}".rstrip()
    if caret:
        mark = style.paint("caret", "^" * max(1, len(marked)))
        yield f"{margin} | {' ' * len(before)}{mark}"


def _shown(octets: str) -> str:
    return display(octets.replace("\t", " "))


def _cut(before: str, marked: str, after: str, room: int) -> tuple[str, str, str]:
    """The three parts shortened so that together they take at most `room` columns."""
    if len(before) + len(marked) + len(after) <= room:
        return before, marked, after
    if len(marked) > room // 2:
        marked = marked[: room // 2 - 1] + "…"
        after = ""
    left = room - len(marked)
    if len(before) > left - min(len(after), left // 3):
        keep = left - min(len(after), left // 3) - 1
        before = "…" + before[-keep:] if keep > 0 else "…"
    left -= len(before)
    if len(after) > left:
        after = after[: max(0, left - 1)] + "…" if left > 0 else ""
    return before, marked, after
