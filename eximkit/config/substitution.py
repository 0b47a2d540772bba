"""How macros are found in a line and replaced there, in time linear in the outcome."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from eximkit.source import MacroUse, Piece, Text

if TYPE_CHECKING:
    from eximkit.source import Macro, SourceFile

NAME_LIMIT = 63
"""Exim's limit on the length of a macro's name, in octets."""

GROWTH_LIMIT = 1 << 20
"""What macros may add to one physical line; beyond that it is a bomb.

Exim itself has no limit but memory.
"""

USE_COST = 16
"""A use of a macro counts as this many octets more: its origin takes memory too."""

_TRACE_LIMIT = 32
"""Macros within macros that a `MacroUse` remembers; a longer chain loses its middle."""

_FEW = 256
"""Where a line has more octets than this for each macro, each is looked for alone."""

NAME_START = re.compile(r"[A-Z_]")


class NameIndex:
    """The names of macros in order of definition, to be found inside lines.

    Names are kept by their first two characters with the lengths that occur for them,
    so that a position of a line costs one look-up, and one more for each such length.
    """

    __slots__ = ("_lengths", "_single", "order")

    def __init__(self) -> None:
        self.order: dict[str, int] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._single = False

    def add(self, name: str, order: int) -> None:
        self.order[name] = order
        start, length = name[:2], len(name)
        if length == 1:
            self._single = True
            return
        known = self._lengths.get(start, ())
        if length not in known:
            self._lengths[start] = (*known, length)

    def within(self, text: str, after: int, start: int, end: int) -> set[int]:
        """The macros later than `after` whose names stand in text[start:end]."""
        lengths, order, single = self._lengths, self.order, self._single
        if end - start > _FEW * len(order):
            return {
                number
                for name, number in order.items()
                if number > after and text.find(name, start, end) >= 0
            }
        found: set[int] = set()
        for match in NAME_START.finditer(text, start, end):
            at = match.start()
            for length in lengths.get(text[at : at + 2], ()):
                number = order.get(text[at : at + length], -1)
                if number > after and at + length <= end:
                    found.add(number)
            if single:
                number = order.get(text[at], -1)
                if number > after:
                    found.add(number)
        return found


class LineUnderSubstitution:
    """A physical line in which macros are replaced, each character with its origin.

    text: the line so far. grown: what macros added to it, measured as for GROWTH_LIMIT.
    start: the offset of the line in its file. first: where in it replacement begins.

    A character has a number: its index in the line as written, or, where a macro
    supplied it, one from the range that was set aside for that use.
    """

    __slots__ = ("_bases", "_file", "_first", "_length", "_next", "_origins", "_start",
                 "_uses", "grown", "text")  # fmt: skip

    def __init__(self, file: SourceFile, start: int, line: str, first: int) -> None:
        self.text = line
        self.grown = 0
        self._file, self._start, self._first = file, start, first
        self._length = self._next = len(line)
        self._origins = array("I", range(len(line)))
        self._bases: list[int] = []
        self._uses: list[tuple[int, int, MacroUse]] = []

    def replace(self, macro: Macro) -> list[tuple[int, int]]:
        """Replace every occurrence, left to right; the ranges of the text that are new.

        Stops early, with `grown` beyond GROWTH_LIMIT, when the line grows too much.
        """
        name, value = macro.name, macro.value.text
        old, origins = self.text, self._origins
        strings: list[str] = []
        numbers = array("I")
        ranges: list[tuple[int, int]] = []
        at, length = 0, 0
        found = old.find(name, self._first)
        while found >= 0:
            self.grown += len(value) + USE_COST
            if self.grown > GROWTH_LIMIT:
                break
            after = found + len(name)
            strings += (old[at:found], value)
            numbers += origins[at:found]
            numbers.extend(self._use(origins[found:after], macro, len(value)))
            length += found - at
            ranges.append((length, length + len(value)))
            length += len(value)
            at = after
            found = old.find(name, at)
        if ranges:
            strings.append(old[at:])
            numbers += origins[at:]
            self.text, self._origins = "".join(strings), numbers
        return ranges

    def traced(self) -> Text:
        """The text with the origin of each character."""
        origins = self._origins
        if not origins:
            low, width, first = self._uses[0]
            piece = Piece(0, 0, self._file, low, width, False, first)
            return Text("", (piece,))
        breaks = [i for i, (a, b) in enumerate(pairwise(origins), 1) if b - a != 1]
        pieces: list[Piece] = []
        at = 0
        for stop in (*breaks, len(origins)):
            offset, width, use = self._octets(origins[at])
            verbatim = use is None
            if verbatim:
                width = stop - at
            pieces.append(Piece(at, stop, self._file, offset, width, verbatim, use))
            at = stop
        return Text(self.text, tuple(pieces))

    def _use(self, replaced: array[int], macro: Macro, length: int) -> range:
        """Set numbers aside for `macro`, used where the characters `replaced` were."""
        low, width, outer = self._octets(replaced[0])
        high = low + width
        for number in replaced[1:]:
            start, width, _ = self._octets(number)
            high = max(high, start + width)
        if outer is not None and _depth(outer) >= _TRACE_LIMIT:
            outer = outer.outer
        base = self._next
        # One more than the length, so that the numbers of two uses never adjoin.
        self._next += length + 1
        self._bases.append(base)
        self._uses.append((low, high - low, MacroUse(macro, 0, outer)))
        return range(base, base + length)

    def _octets(self, number: int) -> tuple[int, int, MacroUse | None]:
        """The octets of the file that a character stands for: offset and width."""
        if number < self._length:
            return self._start + number, 1, None
        index = bisect_right(self._bases, number) - 1
        low, width, use = self._uses[index]
        skipped = number - self._bases[index]
        part = MacroUse(use.macro, skipped, use.outer) if skipped else use
        return low, width, part


def _depth(use: MacroUse | None) -> int:
    depth = 0
    while use is not None:
        depth += 1
        use = use.outer
    return depth
