r"""What an expansion takes away from a regular expression: a final `$`, backslashes.

`^\d+\.example$` is not what PCRE2 gets to see: the dollar begins a variable, and of
each backslash only the character after it is left.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.parse import parse
from eximkit.lint.rules.cells import HOLE, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.expansion.nodes import Expansion
    from eximkit.lint.rules.cells import Cell

MARK = "\ufffe"
"""Stands for a dollar that begins nothing, so that the rest can be parsed. Like HOLE it
is no octet."""

_MOST = 20
"""Dollars of one string that are looked at."""
_LONGEST = 16_384
"""Octets of a string that is parsed once for each of them."""

_OUTSIDE = frozenset(".()[]?*+|^AbBdDEgGhHkKpPQRsSvVwWXzZ")
"""What means something else with a backslash than without."""
_IDLE = frozenset("!\"#%&',-/:;<=>@_`~ ")
"""What means the same with a backslash as without, to PCRE2 too."""
_IN_CLASS = frozenset("]dDhHpPsSvVwW")


def marked(text: str) -> tuple[str, Expansion] | None:
    """A text that parses, dollars which begin nothing replaced by MARK; and its tree.

    None where it has none of these, or where more is wrong with it.
    """
    if len(text) > _LONGEST:
        return None
    repaired = text
    for _ in range(_MOST):
        try:
            tree = parse(repaired)
        except ExpansionSyntaxError as error:
            at = error.start
            follows = repaired[at + 1 : at + 2]
            if repaired[at : at + 1] != "$" or follows.isalnum() or follows == "{":
                return None
            repaired = f"{repaired[:at]}{MARK}{repaired[at + 1 :]}"
        else:
            return (repaired, tree) if repaired != text else None
    return None


def dollars(row: Sequence[Cell]) -> list[Cell]:
    """The dollars of a regular expression that begin nothing."""
    return [cell for cell in row if cell.char == MARK and cell.bare]


def eaten(row: Sequence[Cell]) -> list[Cell]:
    r"""The characters whose backslash does not reach PCRE2, and should.

    Where the character means the same without, as in `[\.]` or `\@`, nothing is lost.
    """
    lost: list[Cell] = []
    in_class, escaped, opened, first = False, False, False, False
    for at, cell in enumerate(row):
        char, begins = cell.char, first
        first = False
        if escaped:
            escaped = False
        elif cell.how == "escaped":
            if char == "\\":
                escaped = True
            elif _matters(row, at, in_class=in_class, begins=begins):
                lost.append(cell)
        elif cell.how == "code":
            if opened and not in_class and cell.end - cell.start == 2:
                lost.append(cell)  # `\1` was to repeat what a group matched.
        elif char == "\\":
            escaped = True
        elif in_class:
            in_class = char != "]" or begins
            first = char == "^" and begins
        elif char == "[":
            in_class = first = True
        opened = opened or char in ("(", HOLE)
    return lost


def _matters(row: Sequence[Cell], at: int, *, in_class: bool, begins: bool) -> bool:
    char = row[at].char
    if not in_class:
        return char in _OUTSIDE
    if char == "^":
        return begins
    if char == "-":
        return not begins and at + 1 < len(row) and row[at + 1].char != "]"
    return char in _IN_CLASS


def protectable(row: Sequence[Cell]) -> bool:
    r"""Whether `\N` before and after a regular expression makes it what was meant.

    Only where it is constant and without a break, and has nothing that needs expanding.
    """
    text = text_of(row)
    if text.count("{") != text.count("}"):
        return False  # The brace that ends it was meant to be a part of it.
    lost = {cell.start for cell in eaten(row)}
    if any(before.end != cell.start for before, cell in pairwise(row)):
        return False
    return all(
        cell.char != HOLE
        and cell.how in ("plain", "escaped")
        and (cell.how == "plain" or cell.start in lost or cell.char in _IDLE)
        for cell in row
    )
