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
    places = related(first)
    gutter = max(
        len(str(place.line)) for place in (first.place, *(p for _, p in places))
    )
    yield from _heading(first, style)
    yield from excerpt(first.place, style, gutter)
    here = (first.place.path, first.place.line)
    for message, place in places:
        where = f"{place.path}:{place.line}:{place.column}"
        yield from _note(f"{message}: {where}", gutter, style)
        if (place.path, place.line) != here:
            yield from excerpt(place, style, gutter, caret=False)
    for note in dict.fromkeys(_notes(group)):
        yield from _note(note, gutter, style)
    codes = " ".join(dict.fromkeys(finding.code for finding in group))
    yield from _note(f"eximkit explain {codes}", gutter, style, "dim")


def _notes(group: list[Finding]) -> Iterator[str]:
    """What else there is to say about an option, the findings after the first too."""
    wire = next((f.wire for f in group if f.wire is not None), None)
    if wire is not None:
        yield f"first contact sends  {_greeting(wire.first)}"
        yield f"later contacts send  {_greeting(wire.later)}"
    yield from group[0].notes
    for other in group[1:]:
        yield f"also {other.code} {other.severity.value}: {other.message}"
    for finding in group:
        if finding.fix is not None:
            kind = "safe" if finding.fix.safe else "unsafe"
            yield f"fix ({kind}): {finding.fix.title or 'see --diff'}"
        elif finding.unfixable:
            yield f"no fix: {finding.unfixable}"


def _heading(finding: Finding, style: Style) -> Iterator[str]:
    place, severity = finding.place, finding.severity.value
    where = f"{place.path}:{place.line}:{place.column}:"
    first = len(f"{where} {finding.code} {severity}: ")
    lines = _wrapped(finding.message, style.width, first, 4)
    start = f"{style.paint('bold', where)} {finding.code} "
    yield f"{start}{style.paint(severity, severity)}: {lines[0]}".rstrip()
    for line in lines[1:]:
        yield f"    {line}"


def _note(text: str, gutter: int, style: Style, kind: str = "") -> Iterator[str]:
    margin = " " * gutter
    lines = _wrapped(text, style.width, gutter + 3, gutter + 3)
    for number, line in enumerate(lines):
        sign = " " if number else "="
        yield f"{margin} {sign} {style.paint(kind, line) if kind else line}"


def _wrapped(text: str, width: int, first: int, rest: int) -> list[str]:
    """The lines of a text that starts in column `first` and goes on in `rest`."""
    if first > width * 3 // 4:
        # A long path takes its line for itself.
        return ["", *_wrapped(text, width, rest, rest)]
    lines = textwrap.wrap(
        text,
        width,
        initial_indent="." * first,
        subsequent_indent="." * rest,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return [lines[0][first:], *(line[rest:] for line in lines[1:])] if lines else [""]


def _greeting(text: str | None) -> str:
    return text or "no greeting: the expansion fails, and the message is deferred"


def _greetings(rows: list[TransportGreetings], paths: bool) -> Iterator[str]:
    yield "Transports that may greet before they are connected:\n"
    for row in rows:
        where = f"{row.path}: " if paths else ""
        first, later = _greeting(row.wire.first), _greeting(row.wire.later)
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
