"""`# eximkit: ignore[CODE,CODE] reason`: comment lines that take back findings.

Exim has no trailing comments, so such a line stands before what it speaks of: an
option, an ACL statement, a block (before its name line) or a section (before `begin`).
It covers the whole of that.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eximkit.lint import rules
from eximkit.lint.fixes import deleting_line
from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.config.model import Config
    from eximkit.lint.finding import Finding
    from eximkit.source import Place, Text

_FORM = re.compile(
    r"#[ \t]*eximkit:[ \t]*ignore\[(?P<codes>[^\]]*)\][ \t]*(?P<reason>.*)", re.ASCII
)
_OF_THE_MACHINE = frozenset({"EXS235"})
"""Refusals that may not happen where Exim runs: a file to include is missing here."""
_REFUSED = "the comment that ignores it has no effect: Exim refuses the file for it"
_SHAPE = "write # eximkit: ignore[CODE] reason"

_SECTION, _BLOCK, _STATEMENT = range(3)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: the codes it takes back where it applies.

    line: the index of the logical line that follows it.
    """

    place: Place
    codes: tuple[str, ...]
    line: int


def read(config: Config) -> tuple[list[Suppression], list[Finding]]:
    """The comments of a configuration, and findings for those that are malformed."""
    given: list[Suppression] = []
    defects: list[Finding] = []
    for comment in config.remarks:
        place = comment.place
        match = _FORM.fullmatch(comment.text)
        names = [n.strip() for n in match["codes"].split(",")] if match else []
        names = [name for name in names if name]
        defects.extend(_defects(place, names, bool(match and match["reason"])))
        known = tuple(name for name in names if name in rules.registry())
        if known:
            given.append(Suppression(place, known, comment.line))
    return given, defects


def _defects(place: Place, names: list[str], reason: bool) -> Iterator[Finding]:
    malformed = rules.rule("EXI002")
    if not names:
        yield malformed.finding(f"this comment names no code; {_SHAPE}", place)
        return
    for name in names:
        if name not in rules.registry():
            from eximkit.catalog import suggest

            like = suggest(name, rules.codes())
            hint = f"; did you mean {like}?" if like else ""
            yield malformed.finding(
                f"no rule has the code {display(name)}{hint}", place
            )
    if not reason:
        yield malformed.finding(f"the reason is missing; {_SHAPE}", place)


def apply(
    given: list[Suppression],
    findings: Iterable[Finding],
    config: Config,
    wanted: frozenset[str],
) -> list[Finding]:
    """The findings that no comment takes back, and one for each comment without use.

    What Exim refuses to load a file for cannot be taken back, unless it is a matter of
    the machine where the file is linted.

    wanted: the codes selected; a comment for another code is not called unused.
    """
    if not given:
        return list(findings)
    scopes = _Scopes(config, given)
    kept = []
    for finding in findings:
        if not scopes.cover(finding):
            kept.append(finding)
        elif finding.exim_refuses and finding.code not in _OF_THE_MACHINE:
            # A clean report must mean that Exim loads the file.
            kept.append(replace(finding, notes=(*finding.notes, _REFUSED)))
    for one in given:
        idle = [c for c in one.codes if c in wanted and not scopes.was_used(one, c)]
        if idle:
            kept.append(_unused(one, idle))
    return kept


def _unused(one: Suppression, idle: list[str]) -> Finding:
    fix, unfixable = None, ""
    if len(idle) == len(one.codes):
        fix, unfixable = deleting_line(one.place, safe=True, title="delete the comment")
    return rules.rule("EXI001").finding(
        f"nothing here for this comment to take back: no {' or '.join(idle)}",
        one.place, fix=fix, unfixable=unfixable,
    )  # fmt: skip


class _Scopes:
    """Which comments reach which places.

    A comment before an ordinary line covers that line; one before a line that opens a
    section, a block or a statement covers it to its end.
    """

    def __init__(self, config: Config, given: list[Suppression]) -> None:
        # Whether a comment was of use: by the logical line that follows it, and by the
        # physical line that it is.
        self._lines = {(one.line, code): False for one in given for code in one.codes}
        self._places = {_at(one, code): False for one in given for code in one.codes}
        self._heads = list(_heads(config))
        self._extents: dict[str, list[tuple[int, int, int]]] = {}
        for index, line in enumerate(config.lines):
            for piece in line.pieces:
                span = (piece.offset, piece.offset + piece.width, index)
                self._extents.setdefault(piece.file.path, []).append(span)
        for extents in self._extents.values():
            extents.sort()

    def was_used(self, one: Suppression, code: str) -> bool:
        """Whether a comment has covered a finding of this code."""
        return self._lines[one.line, code] or self._places[_at(one, code)]

    def cover(self, finding: Finding) -> bool:
        """Whether a comment takes a finding back; remembers which one."""
        place, code = finding.place, finding.code
        extents = self._extents.get(place.path, [])
        at = bisect_right(extents, (place.start, len(place.file.data), 0)) - 1
        within = False
        lines: tuple[int, ...] = ()
        if at >= 0:
            _start, end, index = extents[at]
            within = place.start <= end
            lines = (*self._heads[index], index) if within else self._heads[index]
        found = [(line, code) for line in lines if (line, code) in self._lines]
        self._lines.update(dict.fromkeys(found, True))
        # A directive is no logical line: the comment right above it is meant.
        above = (place.path, place.line - 1, code)
        if not within and above in self._places:
            self._places[above] = True
            return True
        return bool(found)


def _heads(config: Config) -> Iterator[tuple[int, ...]]:
    """For each logical line the lines that open what it stands in."""
    ranks: dict[tuple[int, int], int] = {}
    acls = config.acls.values()
    drivers = (*config.routers, *config.transports, *config.authenticators)
    # The outer rank wins where one line opens two things (`name: accept`).
    for lines, rank in (
        ((s.line for acl in acls for s in acl.statements), _STATEMENT),
        ((driver.line for driver in drivers), _BLOCK),
        ((acl.line for acl in acls), _BLOCK),
        (config.sections.values(), _SECTION),
    ):
        ranks.update((_key(line), rank) for line in lines)
    open_at: dict[int, int] = {}
    for index, line in enumerate(config.lines):
        opens = ranks.get(_key(line))
        if opens is not None:
            outer = ((rank, at) for rank, at in open_at.items() if rank < opens)
            open_at = {**dict(outer), opens: index}
        yield tuple(open_at.values())


def _at(one: Suppression, code: str) -> tuple[str, int, str]:
    return (one.place.path, one.place.line, code)


def _key(line: Text) -> tuple[int, int]:
    place = line.place(0)
    return (id(place.file), place.start)
