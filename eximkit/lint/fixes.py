"""Edits: what may be edited, edits put together, files before and after. No I/O."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from eximkit.lint.finding import Edit, Fix
from eximkit.source import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from eximkit.lint.finding import Finding
    from eximkit.source import Place, SourceFile

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def why_not(place: Place) -> str:
    """Why the text at a place cannot be edited, or "" where it can."""
    if place.file.generated:
        return "the text is made up while the configuration is put together"
    if place.exact:
        return ""
    if place.use is not None:
        name = place.use.macro.name
        return f"the text comes from the macro {name}: mend it where that is defined"
    return "the text is spread over several lines or files, or has escapes in quotes"


def replacing(
    place: Place, text: str, *, safe: bool, title: str = ""
) -> tuple[Fix | None, str]:
    """A fix that writes `text` over `place`, or None and why it cannot be offered."""
    reason = why_not(place)
    if reason:
        return None, reason
    return Fix((Edit(place.path, place.start, place.end, text),), safe, title), ""


def deleting_line(place: Place, *, safe: bool, title: str) -> tuple[Fix | None, str]:
    """A fix that deletes the whole line at `place`, or None and why it cannot be."""
    reason = why_not(place)
    if reason:
        return None, reason
    file = place.file
    start = file.line_start(place.line)
    end = file.data.find("\n", place.end)
    edit = Edit(file.path, start, len(file.data) if end < 0 else end + 1, "")
    return Fix((edit,), safe, title), ""


def compatible(findings: Iterable[Finding], *, unsafe: bool) -> list[Finding]:
    """Those whose fixes can be made together: the first of any that overlap.

    unsafe: take fixes that are not safe as well.
    """
    taken: dict[str, list[tuple[int, int]]] = {}
    chosen: list[Finding] = []
    for finding in findings:
        fix = finding.fix
        if fix is None or not (fix.safe or unsafe):
            continue
        if any(_clashes(edit, taken.get(edit.path, ())) for edit in fix.edits):
            continue
        for edit in fix.edits:
            taken.setdefault(edit.path, []).append((edit.start, edit.end))
        chosen.append(finding)
    return chosen


def _clashes(edit: Edit, taken: Iterable[tuple[int, int]]) -> bool:
    # Edits that touch clash too: one may be about what the other has just written.
    return any(edit.start <= end and start <= edit.end for start, end in taken)


def edited(
    findings: Iterable[Finding], sources: Mapping[str, SourceFile]
) -> dict[str, str]:
    """The new texts, by path, of the files that the findings' fixes change.

    The fixes must be `compatible`.
    """
    edits: dict[str, list[Edit]] = {}
    for finding in findings:
        for edit in finding.fix.edits if finding.fix else ():
            edits.setdefault(edit.path, []).append(edit)
    return {path: _apply(sources[path].data, each) for path, each in edits.items()}


def _apply(text: str, edits: list[Edit]) -> str:
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join((*parts, text[at:]))


def diff(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Unified diffs of octet texts, by path, as lines of text without line ends."""
    for path in sorted(after):
        yield from _file_diff(path, before.get(path, ""), after[path])


def _file_diff(path: str, old: str, new: str) -> Iterator[str]:
    # str.splitlines would also split at octets that are no line ends to Exim.
    lines = (_LINE.findall(old), _LINE.findall(new))
    for line in difflib.unified_diff(*lines, path, path):
        yield decode(line.rstrip("\r\n"))
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"
