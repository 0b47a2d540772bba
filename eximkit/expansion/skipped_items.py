"""Items that Exim computes although they stand in a branch that is not taken.

Checked with 4.96: text that is skipped is read with its variables and operators empty,
conditions and lookups answered no; what is left is given to `substr`, `length`, `hash`,
`nhash`, `tr` and `sg` all the same, and a few others look at an argument. Each can
fail, and then the whole string does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.items import ITEMS
from eximkit.expansion.nodes import Expansion, If, Item, Literal, Lookup, Operator
from eximkit.expansion.regex import substitute
from eximkit.expansion.strings import field_number
from eximkit.expansion.values import ExpansionFailed, Known, NotPure, numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Node
    from eximkit.expansion.values import Value

_COMPUTED = frozenset(("hash", "length", "listquote", "nhash", "substr", "tr"))
_ANSWERED_NO = frozenset(("env", "listextract"))
"""Items with yes and no strings, of which the no string is left."""

_DEEPEST = 20
"""Items within items of which anything is computed; those that are deeper are empty."""

_OCTETS_PER_STEP = 256


def look_at(evaluator: Evaluator, item: Item) -> None:
    """Compute an item that is skipped, if Exim does; raises ExpansionFailed."""
    if item.name in _COMPUTED or item.name == "sg":
        _computed(evaluator, item, _DEEPEST)
    elif item.name in _CHECKS:
        _CHECKS[item.name]([_text(evaluator, a, _DEEPEST) for a in item.arguments])


def inner_start(evaluator: Evaluator, item: Item) -> Value | None:
    """What 4.96 takes for the start value of a `reduce` that has others in its text.

    It loses its own while it reads the text: this is that of the last one in there.
    """
    found: Value | None = None
    body = item.arguments[2]
    waiting: list[Node] = list(reversed(body.parts))
    while waiting:
        part = waiting.pop()
        if isinstance(part, Operator):
            waiting += reversed(part.operand.parts)
        elif isinstance(part, Item) and part.name == "reduce":
            start, text = part.arguments[1:3]
            found = Known(_text(evaluator, start, _DEEPEST))
            waiting += reversed(text.parts)
    return found


def _listextract(arguments: Sequence[str]) -> None:
    if arguments and arguments[0].strip() and field_number(arguments[0]) is None:
        raise ExpansionFailed('first argument of "listextract" must be numeric')


def _imapfolder(arguments: Sequence[str]) -> None:
    if len(arguments) > 1 and len(arguments[1]) != 1:
        raise ExpansionFailed(
            f'IMAP folder separator must be one character, found "{arguments[1]}"'
        )


_CHECKS: dict[str, Callable[[Sequence[str]], None]] = {
    "imapfolder": _imapfolder,
    "listextract": _listextract,
}


def _text(evaluator: Evaluator, text: Expansion, depth: int) -> str:
    """What is left of a string that is skipped."""
    return "".join(_left(evaluator, part, depth) for part in text.parts)


def _left(evaluator: Evaluator, node: Node, depth: int) -> str:
    if isinstance(node, Literal):
        return node.text
    if not depth or not isinstance(node, If | Lookup | Item):
        return ""
    if isinstance(node, Item) and (node.name in _COMPUTED or node.name == "sg"):
        return _computed(evaluator, node, depth)
    if isinstance(node, Item) and node.name not in _ANSWERED_NO:
        return ""
    tail = node.tail
    if tail is None or tail.no is None:
        return ""
    return _text(evaluator, tail.no, depth - 1)


def _computed(evaluator: Evaluator, item: Item, depth: int) -> str:
    texts = [_text(evaluator, a, depth - 1) for a in item.arguments]
    evaluator.charge(1 + sum(map(len, texts)) // _OCTETS_PER_STEP)
    try:
        if item.name == "sg":
            return _substituted(evaluator, texts)
        return ITEMS[item.name](texts) or ""
    except NotPure:
        return ""


def _substituted(evaluator: Evaluator, texts: Sequence[str]) -> str:
    """What `sg` makes of it: the replacement is expanded, not skipped."""

    def replace(groups: tuple[str, ...]) -> str:
        with evaluator.bound(**numbered(groups)):
            value = evaluator.expand_text(Known(texts[2]))
        return value.text if isinstance(value, Known) else ""

    with evaluator.aside():
        return substitute(texts[0], texts[1], replace)
