r"""Expansion text character by character: what each stands for, and how it is written.

Exim takes `\` away from most characters, and leaves alone what stands between two `\N`.
What a tree says of a literal is its outcome only; here is how it came about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from eximkit.expansion.nodes import Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.expansion.nodes import Expansion

HOLE = "\uffff"
"""Stands for text that is not known: no octet has this code."""

_PIECE = re.compile(
    r"\\N(?P<kept>.*?)(?:\\N|\Z)"
    r"|\\(?P<code>[0-7]{1,3}|x[0-9A-Fa-f]{1,2})"
    r"|\\(?P<escaped>.)"
    r"|(?P<plain>[^\\])",
    re.DOTALL,
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


class Cell(NamedTuple):
    r"""One character, and where it is written: [start, end) of the source.

    how: "plain"; "kept", between two `\N`; "escaped", `\c`; "code", `\x41` or `\101`.
    """

    char: str
    start: int
    end: int
    how: str = "plain"

    @property
    def bare(self) -> bool:
        """Whether Exim sees it as a brace or a dollar, if it is one."""
        return self.how == "plain"


def cells(source: str, expansion: Expansion) -> list[Cell]:
    """The characters that an expansion gives; one HOLE for each part not constant."""
    found: list[Cell] = []
    for part in expansion.parts:
        if isinstance(part, Literal):
            found.extend(of_literal(source, part.start, part.end))
        else:
            found.append(Cell(HOLE, part.start, part.end))
    return found


def of_literal(source: str, start: int, end: int) -> Iterator[Cell]:
    """The characters of constant text, source[start:end]."""
    for match in _PIECE.finditer(source, start, end):
        at, stop = match.span()
        kind = match.lastgroup or "plain"
        if kind == "kept":
            begin, over = match.span("kept")
            for offset in range(begin, over):
                yield Cell(source[offset], offset, offset + 1, "kept")
        elif kind == "code":
            code = match["code"]
            value = int(code[1:], 16) if code[0] == "x" else int(code, 8)
            yield Cell(chr(value & 0xFF), at, stop, "code")
        elif kind == "escaped":
            char = match["escaped"]
            yield Cell(_CONTROLS.get(char, char), at, stop, "escaped")
        else:
            yield Cell(match["plain"], at, stop)


def text_of(row: Sequence[Cell]) -> str:
    """The characters as one string."""
    return "".join(cell.char for cell in row)
