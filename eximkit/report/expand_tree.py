"""An expansion string as it was understood: one line for each part, indented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.nodes import (
    Condition,
    Defined,
    Expansion,
    Group,
    Header,
    If,
    Item,
    Literal,
    Lookup,
    Node,
    Operator,
    Quantified,
    Tail,
    Variable,
)
from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.report.style import Style

_STEP = "  "
_DEEPEST = 16
"""Levels that are indented; deeper ones say their number instead."""

Labelled = tuple[str, Node]
"""A part and what it is to the node above, "" for a part of a string."""


def report(tree: Expansion, style: Style) -> Iterator[str]:
    """The lines, each no wider than `style.width`. Does not recurse."""
    if not tree.parts:
        yield '""\n'
    waiting = [(0, "", part) for part in reversed(tree.parts)]
    while waiting:
        level, label, node = waiting.pop()
        text, below = _described(node)
        yield _line(level, label, text, style) + "\n"
        waiting += [(level + 1, word, child) for word, child in reversed(below)]


def _described(node: Node) -> tuple[str, list[Labelled]]:
    """What to say of a node, and the nodes below it."""
    if isinstance(node, Expansion):
        if not node.parts:
            return '""', []
        if len(node.parts) == 1:
            return _described(node.parts[0])
        return "", [("", part) for part in node.parts]
    return _DESCRIBE[type(node)](node)


def _line(level: int, label: str, text: str, style: Style) -> str:
    margin = _STEP * level
    if level > _DEEPEST:
        margin = f"{_STEP * _DEEPEST}({level}) "
    start = f"{margin}{label}:" if label else margin
    room = max(20, style.width - len(start) - 1)
    if len(text) > room:
        text = text[: room - 1] + "…"
    shown = style.paint("dim", start) if label else start
    return f"{shown} {text}".rstrip() if label else shown + text


def _literal(node: Literal) -> tuple[str, list[Labelled]]:
    # No line has room for more, and a text may be a megabyte.
    return f'"{display(node.text[:500])}"', []


def _variable(node: Variable) -> tuple[str, list[Labelled]]:
    return f"${node.name}", []


def _header(node: Header) -> tuple[str, list[Labelled]]:
    return f"${node.kind}_{display(node.name)}:", []


def _operator(node: Operator) -> tuple[str, list[Labelled]]:
    name = "_".join((node.name, *node.arguments))
    return f"operator {display(name)}", [("text", node.operand)]


def _if(node: If) -> tuple[str, list[Labelled]]:
    return "item if", [("condition", node.condition), *_tail(node.tail)]


def _lookup(node: Lookup) -> tuple[str, list[Labelled]]:
    key = [("key", node.key)] if node.key is not None else []
    query = ("file" if key else "query", node.query)
    return f"item lookup {display(node.type)}", [*key, query, *_tail(node.tail)]


def _item(node: Item) -> tuple[str, list[Labelled]]:
    name = f"{node.name} {node.options}" if node.options else node.name
    below: list[Labelled] = list(_numbered(node.arguments))
    if node.condition is not None:
        below.append(("condition", node.condition))
    if node.tail is not None:
        below += _tail(node.tail)
    return f"item {display(name)}", below


def _condition(node: Condition) -> tuple[str, list[Labelled]]:
    return _named(node), list(_numbered(node.arguments))


def _defined(node: Defined) -> tuple[str, list[Labelled]]:
    what = _described(node.of)[0].removeprefix("$") if node.of is not None else ""
    return f"{_named(node)}:{what}", []


def _group(node: Group) -> tuple[str, list[Labelled]]:
    return _named(node), [(str(n), m) for n, m in enumerate(node.members, 1)]


def _quantified(node: Quantified) -> tuple[str, list[Labelled]]:
    below: list[Labelled] = [("list", argument) for argument in node.arguments]
    if node.condition is not None:
        below.append(("condition", node.condition))
    return _named(node), below


def _tail(tail: Tail) -> list[Labelled]:
    below: list[Labelled] = []
    if tail.yes is not None:
        below.append(("yes", tail.yes))
    if tail.no is not None:
        below.append(("no", tail.no))
    if tail.fail:
        below.append(("no", _FAIL))
    return below


def _numbered(arguments: tuple[Expansion, ...]) -> Iterator[Labelled]:
    for number, argument in enumerate(arguments, 1):
        yield f"{number}", argument


def _named(node: Condition) -> str:
    return f"not {display(node.name)}" if node.negated else display(node.name)


class _Word(Node):
    """The word `fail` in place of the string that a failure gives."""


_FAIL = _Word(0, 0)

_DESCRIBE: dict[type[Node], Callable[..., tuple[str, list[Labelled]]]] = {
    Literal: _literal,
    Variable: _variable,
    Header: _header,
    Operator: _operator,
    If: _if,
    Lookup: _lookup,
    Item: _item,
    Condition: _condition,
    Defined: _defined,
    Group: _group,
    Quantified: _quantified,
    _Word: lambda _node: ("fail", []),
}
