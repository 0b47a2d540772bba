"""`# eximkit: ignore[CODE,CODE] reason`: comment lines that take back findings.

Exim has no trailing comments, so such a line stands before what it speaks of: an
option, an ACL statement, a block (before its name line) or a section (before `begin`).
It covers the whole of that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
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
_SHAPE = "write # eximkit: ignore[CODE] reason"

_Extent = dict[str, tuple[int, int]]
"""For each path the octets from the first to the last one covered."""


@dataclass(slots=True)
class Suppression:
    """One comment: the codes it takes back where it applies, and those it did."""

    place: Place
    codes: tuple[str, ...]
    extent: _Extent
    used: set[str] = field(default_factory=set)

    def covers(self, finding: Finding) -> bool:
        span = self.extent.get(finding.place.path)
        return span is not None and span[0] <= finding.place.start <= span[1]


def read(config: Config) -> tuple[list[Suppression], list[Finding]]:
    """The comments of a configuration, and findings for those that are malformed."""
    given: list[Suppression] = []
    defects: list[Finding] = []
    scopes = _Scopes(config) if config.remarks else None
    for comment in config.remarks:
        place = comment.place
        match = _FORM.fullmatch(comment.text)
        names = [n.strip() for n in match["codes"].split(",")] if match else []
        names = [name for name in names if name]
        defects.extend(_defects(place, names, bool(match and match["reason"])))
        known = tuple(name for name in names if name in rules.registry())
        if scopes is not None and known:
            given.append(Suppression(place, known, scopes.extent(comment.line)))
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
    wanted: frozenset[str],
) -> list[Finding]:
    """The findings that no comment takes back, and one for each comment without use.

    wanted: the codes selected; a comment for another code is not called unused.
    """
    by_code: dict[str, list[Suppression]] = {}
    for one in given:
        for code in one.codes:
            by_code.setdefault(code, []).append(one)
    kept: list[Finding] = []
    for finding in findings:
        covering = [r for r in by_code.get(finding.code, ()) if r.covers(finding)]
        for one in covering:
            one.used.add(finding.code)
        if not covering:
            kept.append(finding)
    kept.extend(_unused(one, wanted) for one in given
                if set(one.codes) & wanted - one.used)  # fmt: skip
    return kept


def _unused(one: Suppression, wanted: frozenset[str]) -> Finding:
    idle = [c for c in one.codes if c in wanted and c not in one.used]
    fix, unfixable = None, ""
    if len(idle) == len(one.codes):
        fix, unfixable = deleting_line(one.place, safe=True, title="delete the comment")
    return rules.rule("EXI001").finding(
        f"nothing here for this comment to take back: no {' or '.join(idle)}",
        one.place, fix=fix, unfixable=unfixable,
    )  # fmt: skip


class _Scopes:
    """How far a comment before a logical line reaches."""

    def __init__(self, config: Config) -> None:
        self._lines = config.lines
        self._ranks: dict[tuple[int, int], int] = {}
        self._known: dict[int, _Extent] = {}
        acls = config.acls.values()
        statements = (s.line for acl in acls for s in acl.statements)
        drivers = (*config.routers, *config.transports, *config.authenticators)
        # The outer rank wins where one line opens two things (`name: accept`).
        self._note(statements, 2)
        self._note((driver.line for driver in drivers), 1)
        self._note((acl.line for acl in acls), 1)
        self._note(config.sections.values(), 0)

    def _note(self, lines: Iterable[Text], rank: int) -> None:
        for line in lines:
            self._ranks[_key(line)] = rank

    def extent(self, index: int) -> _Extent:
        """What the logical line `index`, and all that it opens, takes up."""
        if index not in self._known:
            self._known[index] = self._measure(index)
        return self._known[index]

    def _measure(self, index: int) -> _Extent:
        extent: _Extent = {}
        outer = None
        for at in range(index, len(self._lines)):
            line = self._lines[at]
            rank = self._ranks.get(_key(line))
            if at == index:
                outer = rank
            elif outer is None or (rank is not None and rank <= outer):
                break
            for piece in line.pieces:
                low, high = piece.offset, piece.offset + piece.width
                span = extent.get(piece.file.path, (low, high))
                extent[piece.file.path] = (min(span[0], low), max(span[1], high))
        return extent


def _key(line: Text) -> tuple[int, int]:
    place = line.place(0)
    return (id(place.file), place.start)
