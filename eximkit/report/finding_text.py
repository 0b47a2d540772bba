"""Findings for people: the source with a caret, where the text came from, both
greetings, the fix. Not an interface: scripts read the JSON.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eximkit.lint.result import order
from eximkit.report.excerpt import excerpt
from eximkit.report.provenance import related

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.lint.finding import Finding, TransportGreetings
    from eximkit.lint.result import LintResult
    from eximkit.report.style import Style

_NOTHING = "no greeting: the expansion fails, and the message is deferred"


def report(result: LintResult, style: Style) -> Iterator[str]:
    """One block for each option that has findings, then the greetings and a summary."""
    for group in _groups(result.findings):
        for line in _block(group, style):
            yield line + "\n"
        yield "\n"
    early = [row for row in result.greetings if row.early_possible]
    if early:
        yield from _greetings(early, len(result.paths) > 1)
        yield "\n"
    yield _summary(result, style) + "\n"


def _groups(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one option together, the worst first; the groups by place."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for number, finding in enumerate(findings):
        key: tuple[object, ...] = (number,)
        if finding.driver is not None and finding.option is not None:
            line = finding.place.line
            key = (
                finding.place.path, finding.section, finding.driver, finding.option,
                line if finding.section == "acl" else 0,
            )  # fmt: skip
        groups.setdefault(key, []).append(finding)
    each = [
        sorted(g, key=lambda f: (f.severity.rank, order(f))) for g in groups.values()
    ]
    return sorted(each, key=lambda group: order(group[0]))


def _block(group: list[Finding], style: Style) -> Iterator[str]:
    first = group[0]
    yield from _heading(first, style)
    yield from excerpt(first.place, style)
    places = related(first)
    for message, place in places:
        yield from _note(f"{message}: {place.path}:{place.line}:{place.column}", style)
    shown = {place.line for _, place in places if place.path == first.place.path}
    for _message, place in places:
        if place.path != first.place.path or place.line != first.place.line:
            if place.line in shown or place.path != first.place.path:
                yield from excerpt(place, style, caret=False)
            shown.discard(place.line)
    wire = next((f.wire for f in group if f.wire is not None), None)
    if wire is not None:
        yield from _note(f"first contact sends  {wire.first or _NOTHING}", style)
        yield from _note(f"later contacts send  {wire.later or _NOTHING}", style)
    for note in first.notes:
        yield from _note(note, style)
    for other in group[1:]:
        yield from _note(
            f"also {other.code} {other.severity.value}: {other.message}", style
        )
    for finding in group:
        yield from _mending(finding, style)
    codes = " ".join(dict.fromkeys(finding.code for finding in group))
    yield from _note(f"eximkit explain {codes}", style, "dim")


def _heading(finding: Finding, style: Style) -> Iterator[str]:
    place = finding.place
    where = f"{place.path}:{place.line}:{place.column}:"
    severity = finding.severity.value
    head = f"{where} {finding.code} {severity}: "
    painted = f"{style.paint('bold', where)} {finding.code} {style.paint(severity, severity)}: "
    room = style.width - len(head)
    lines = textwrap.wrap(
        finding.message, style.width - 4, initial_indent=" " * (style.width - 4 - room)
        if 0 < room < style.width - 4 else "", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    if not lines:
        yield painted.rstrip()
        return
    yield painted + lines[0].strip()
    for line in lines[1:]:
        yield "    " + line.strip()


def _note(text: str, style: Style, kind: str = "") -> Iterator[str]:
    lines = textwrap.wrap(
        text, style.width - 6, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True,
    )  # fmt: skip
    for number, line in enumerate(lines):
        start = "   = " if number == 0 else "     "
        yield start + (style.paint(kind, line) if kind else line)


def _mending(finding: Finding, style: Style) -> Iterator[str]:
    if finding.fix is not None:
        kind = "safe" if finding.fix.safe else "unsafe"
        yield from _note(f"fix ({kind}): {finding.fix.title or 'see --diff'}", style)
    elif finding.unfixable:
        yield from _note(f"no fix: {finding.unfixable}", style)


def _greetings(rows: list[TransportGreetings], paths: bool) -> Iterator[str]:
    yield "Transports that may greet before they are connected:\n"
    for row in rows:
        where = f"{row.path}: " if paths else ""
        first, later = row.wire.first or _NOTHING, row.wire.later or _NOTHING
        if first == later:
            yield f"  {where}{row.driver}  {first}\n"
        else:
            yield f"  {where}{row.driver}  first contact: {first}\n"
            yield f"  {' ' * len(where + row.driver)}  later contacts: {later}\n"


def _summary(result: LintResult, style: Style) -> str:
    paths = ", ".join(result.paths) if len(result.paths) < 4 else (
        f"{len(result.paths)} configurations"
    )  # fmt: skip
    parts = [
        style.paint(level.value, f"{n} {level.value}{'s' if n > 1 else ''}")
        for level, n in result.counts().items()
        if n
    ]
    return f"{paths}: {', '.join(parts) or 'no findings'} (Exim {result.release})"
