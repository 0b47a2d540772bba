"""What was open when an expansion stopped making sense, from the parser's stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lark import Token, Tree

from eximkit.expansion.misplaced import short
from eximkit.expansion.nodes import Condition, Expansion
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable

ITEMS = frozenset({"IF", "LOOKUP", "FILTER", "ITEM", "JSON", "OPERATOR"})
_NEEDS = {
    "UNARY": 1, "BINARY": 2, "LIST_MATCH": 2, "BARE": 0, "DEF_VARIABLE": 0,
    "DEF_HEADER": 0,
}  # fmt: skip
CONDITIONS = frozenset({*_NEEDS, "LOGIC", "QUANTIFIER", "GROUPED", "CONDITION"})


@dataclass(slots=True)
class Frame:
    """Something that began and has not ended.

    kind: the type of the token that began it. strings: how many of its braced strings
    are complete (of a lookup: those after its type, once it is typed). condition: the
    name of its complete condition, or "".
    """

    kind: str
    token: Token
    strings: int = 0
    condition: str = ""
    typed: bool = False

    @property
    def name(self) -> str:
        """As the user knows it: `${if`, `${lc:`, `eq`."""
        return short(str(self.token).strip(BLANK))

    @property
    def start(self) -> int:
        return self.end - len(self.token.lstrip(BLANK))

    @property
    def end(self) -> int:
        return self.token.end_pos or 0


def open_frames(stack: Iterable[object]) -> list[Frame]:
    """The frames of the parser's stack (`grammar.still_open`), outermost first."""
    frames: list[Frame] = []
    for value in stack:
        if isinstance(value, Token):
            _shift(frames, value)
        elif isinstance(value, Tree):
            for child in value.children:
                _complete(frames, child)
        else:
            _complete(frames, value)
    _settle(frames)
    return frames


def _shift(frames: list[Frame], token: Token) -> None:
    if token.type in ITEMS or token.type in CONDITIONS or token.type == "OPEN":
        frames.append(Frame(token.type, token))
    elif token.type in {"END", "CLOSE"}:
        _close(frames)
    elif token.type == "LOOKUP_TYPE":
        frames[-1].typed, frames[-1].strings = True, 0


def _close(frames: list[Frame]) -> None:
    """Takes away what a closing brace, the last token shifted, has completed."""
    _settle(frames)
    while frames and frames[-1].kind in CONDITIONS:
        frames.pop()
    if not frames:
        return
    closed = frames.pop()
    if closed.kind != "OPEN" or not frames:
        return
    if frames[-1].kind in {"LOGIC", "GROUPED"} or (
        frames[-1].kind == "QUANTIFIER" and frames[-1].strings
    ):
        condition = frames.pop()
        frames[-1].condition = condition.name
    else:
        frames[-1].strings += 1


def _complete(frames: list[Frame], value: object) -> None:
    if not frames:
        return
    if isinstance(value, Expansion):
        frames[-1].strings += 1
    elif isinstance(value, Condition):
        frames[-1].condition = value.name


def _settle(frames: list[Frame]) -> None:
    """A condition that has all its strings belongs to the frame before it."""
    while len(frames) > 1 and _NEEDS.get(frames[-1].kind) == frames[-1].strings:
        if frames[-1].kind == "DEF_VARIABLE":
            frames[-2].condition = "def"
        else:
            frames[-2].condition = frames[-1].name
        frames.pop()


def in_clause(frames: list[Frame]) -> bool:
    """Whether the innermost frame is the brace round a condition."""
    if len(frames) < 2 or frames[-1].kind != "OPEN":
        return False
    owner = frames[-2]
    if owner.kind == "OPEN":
        return not in_string(frames[:-1])
    return owner.kind in {"FILTER", "QUANTIFIER"} and owner.strings > 0


def in_string(frames: list[Frame]) -> bool:
    """Whether text is being read, not what stands between braces."""
    if not frames:
        return False
    if frames[-1].kind == "OPERATOR":
        return True
    if frames[-1].kind != "OPEN" or in_clause(frames):
        return False
    return frames[-2].kind not in {"LOGIC", "GROUPED"}
