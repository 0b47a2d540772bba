"""Macros: definitions, and substitution that keeps where each character came from.

Exim specification, chapter 6, "Macros in the configuration file". Substitution is
textual: every macro is tried in the order of definition on a whole physical line, and
what it put there is scanned again only for the macros that follow it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from heapq import heappop, heappush
from types import MappingProxyType
from typing import TYPE_CHECKING

from eximkit.config.substitution import (
    GROWTH_LIMIT,
    NAME_LIMIT,
    NAME_START,
    LineUnderSubstitution,
    NameIndex,
)
from eximkit.errors import SettingsError
from eximkit.problem import Problem
from eximkit.source import BLANK, Macro, SourceFile, Text, display, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from eximkit.source import Place

TOTAL_LIMIT = 1 << 24
"""What macros may add to all lines together, in the sense of GROWTH_LIMIT."""

_DEFINITION_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*(?=[ \t\n\r\f\v]*=)")
_DEFINITION = re.compile(r"([A-Z][A-Za-z0-9_]*)[ \t\n\r\f\v]*(==?)?[ \t\n\r\f\v]*")
_COMMAND_LINE = re.compile(r"([A-Z][A-Za-z0-9_]*)[ \t]*(?:=[ \t]*(.*))?", re.DOTALL)


def parse_define(argument: str) -> tuple[str, str]:
    """The name and the value (octets) of a `-D` argument: `NAME`, `NAME=value`.

    Raises SettingsError where Exim would refuse it (Exim specification, chapter 5).
    """
    match = _COMMAND_LINE.fullmatch(octets(argument))
    if match is None:
        raise SettingsError(
            f"-D {display(octets(argument))}: a macro's name starts with an upper case "
            "letter, and letters, digits and underscores follow"
        )
    if len(match[1]) > NAME_LIMIT:
        raise SettingsError(f"-D: a macro's name has at most {NAME_LIMIT} characters")
    return match[1], match[2] or ""


@dataclass(frozen=True, slots=True)
class Substituted:
    """A physical line in which macros were replaced.

    problem: why substitution stopped half way, if it did; the text is empty then.
    """

    text: Text
    problem: Problem | None = None


class MacroTable:
    """The macros in force, in the order of their definition.

    builtin: names (`_HAVE_TLS`, …) with values, both octets; they come first.
    command_line: what `-D` set, as `parse_define` gives it; it outranks the file.
    """

    def __init__(
        self,
        builtin: Mapping[str, str] = MappingProxyType({}),
        command_line: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._index = NameIndex()
        self._macros: list[Macro | None] = []
        self._builtin = builtin
        self._names: list[str] = []
        self._fixed: set[str] = set()
        self._grown = 0
        self.version = 0
        """Grows with every definition: equal numbers mean equal macros."""
        for name in builtin:
            self._append(name, None)
        for name, value in command_line:
            self._fixed.add(name)
            self._set(Macro(name, _constant("-D", value)))

    def __contains__(self, name: object) -> bool:
        return name in self._index.order

    def __getitem__(self, name: str) -> Macro:
        return self._macro(self._index.order[name])

    @property
    def defined(self) -> dict[str, Macro]:
        """The macros of the command line and of the file, by name, in order."""
        return {
            name: self._macro(number)
            for name, number in self._index.order.items()
            if number >= len(self._builtin)
        }

    def define(self, line: Text) -> Problem | None:
        """Obey a definition line, `NAME = value` or `NAME == value`.

        line: a logical line that starts with an upper case letter. The answer is what
        is wrong with it. A second `=` for one name still takes effect, so that one
        mistake makes one finding.
        """
        match = _DEFINITION.match(line.text)
        if match is None or not match[2]:
            place = line.place(0, match.end(1) if match else len(line))
            return Problem(
                "EXS233",
                "malformed macro definition: NAME = value is expected, because the "
                "line starts with an upper case letter",
                place,
                refuses=True,
            )
        name, operator = match[1], match[2]
        place = line.place(0, len(name))
        if len(name) > NAME_LIMIT:
            return Problem(
                "EXS233",
                f"the macro name is too long ({len(name)} characters; the maximum is "
                f"{NAME_LIMIT})",
                place,
                refuses=True,
            )
        captured = self._captured_by(name)
        if captured is not None:
            return _capture_problem(name, captured, place)
        if name in self._fixed:
            return None
        problem = None
        known = name in self._index.order
        if known and operator == "=":
            problem = _redefinition_problem(self[name], place, line, match.start(2))
        elif not known and operator == "==":
            at = line.place(match.start(2), match.end(2))
            problem = Problem(
                "EXS233",
                f'"==" redefines a macro, but {name} is not defined before',
                at,
                hint='use "="',
                replacement="=" if at.exact else None,
                refuses=True,
            )
        self._set(Macro(name, line.slice(match.end()), place))
        return problem

    def substitute(
        self, file: SourceFile, start: int, end: int, logical_start: bool = True
    ) -> Substituted | None:
        """The physical line file.data[start:end] with its macros replaced.

        None where there is none in it: that is all that `.ifdef` asks for.

        logical_start: it starts a logical line, so that what precedes the `=` of a
        definition stays. Exim tries the built-in macros only where an underscore comes
        before every upper case letter.
        """
        line = file.data[start:end]
        first = len(line) - len(line.lstrip(BLANK))
        if logical_start:
            name = _DEFINITION_NAME.match(line, first)
            if name is not None:
                first = name.end()
        candidate = NAME_START.search(line, first)
        if candidate is None:
            return None
        before = -1 if candidate[0] == "_" else len(self._builtin) - 1
        pending = self._index.within(line, before, first, len(line))
        if not pending:
            return None
        work = LineUnderSubstitution(file, start, line, first)
        queue = sorted(pending)
        while queue:
            number = heappop(queue)
            macro = self._macro(number)
            ranges = work.replace(macro)
            for low, high in _widened(ranges, first, len(work.text)):
                for later in self._index.within(work.text, number, low, high) - pending:
                    pending.add(later)
                    heappush(queue, later)
            if work.grown > GROWTH_LIMIT or self._grown + work.grown > TOTAL_LIMIT:
                self._grown += work.grown
                place = Text.of(file, start, end).strip()
                problem = _bomb_problem(macro, place.place(0, len(place)))
                return Substituted(Text.of(file, start, start), problem)
        self._grown += work.grown
        return Substituted(work.traced())

    @property
    def exhausted(self) -> bool:
        """Whether macros made so much text that reading on makes no sense."""
        return self._grown > TOTAL_LIMIT

    def _captured_by(self, name: str) -> Macro | None:
        """The macro whose name Exim would find inside a new `name`."""
        order = self._index.order
        found = self._index.within(name, -1, 0, len(name))
        number = min(found, default=-1)
        if number < 0 or number == order.get(name):
            return None
        return self._macro(number)

    def _macro(self, number: int) -> Macro:
        macro = self._macros[number]
        if macro is None:
            name = self._names[number]
            value = _constant("built-in", self._builtin[name])
            macro = self._macros[number] = Macro(name, value, builtin=True)
        return macro

    def _set(self, macro: Macro) -> None:
        self.version += 1
        number = self._index.order.get(macro.name)
        if number is None:
            self._append(macro.name, macro)
        else:
            self._macros[number] = macro

    def _append(self, name: str, macro: Macro | None) -> None:
        self._index.add(name, len(self._macros))
        self._macros.append(macro)
        self._names.append(name)


def _constant(origin: str, value: str) -> Text:
    return Text.of(SourceFile(f"<{origin}>", value))


def _defined_here(macro: Macro) -> tuple[tuple[str, Place], ...]:
    if macro.place is None:
        return ()
    return ((f"macro {display(macro.name)} is defined here", macro.place),)


def _widened(
    ranges: list[tuple[int, int]], low: int, high: int
) -> Iterator[tuple[int, int]]:
    """The ranges of [low, high) in which a name that touches one of `ranges` may be."""
    start = end = -1
    for first, last in ranges:
        near = max(low, first - NAME_LIMIT)
        if near > end:
            if end >= 0:
                yield start, end
            start = near
        end = min(high, last + NAME_LIMIT)
    if end >= 0:
        yield start, end


def _bomb_problem(macro: Macro, place: Place) -> Problem:
    return Problem(
        "EXS233",
        f"macros make this line too long to be read; {display(macro.name)} was the "
        "last one replaced",
        place,
        hint="look for macros that contain each other several times",
        related=_defined_here(macro),
    )


def _capture_problem(name: str, captured: Macro, place: Place) -> Problem:
    return Problem(
        "EXM401",
        f"{name} cannot be defined: its name contains the name of the earlier macro "
        f"{display(captured.name)}, which would be replaced inside it",
        place,
        hint="rename one of them, or define the longer name first",
        refuses=True,
        related=_defined_here(captured),
    )


def _redefinition_problem(known: Macro, place: Place, line: Text, at: int) -> Problem:
    sign = line.place(at, at + 1)
    return Problem(
        "EXM409",
        f"macro {known.name} is already defined",
        sign if sign.exact else place,
        hint='use "==" to redefine it',
        replacement="==" if sign.exact else None,
        refuses=True,
        related=_defined_here(known),
    )
