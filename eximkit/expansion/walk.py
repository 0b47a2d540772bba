"""Goes through expansion trees without recursion, however deep they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.nodes import (
    Condition,
    Defined,
    Expansion,
    Group,
    If,
    Item,
    Lookup,
    Node,
    Operator,
    Quantified,
    Tail,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _of_expansion(node: Expansion) -> tuple[Node | None, ...]:
    return node.parts


def _of_operator(node: Operator) -> tuple[Node | None, ...]:
    return (node.operand,)


def _of_tail(node: Tail) -> tuple[Node | None, ...]:
    return (node.yes, node.no)


def _of_item(node: Item) -> tuple[Node | None, ...]:
    return (*node.arguments, node.condition, node.tail)


def _of_if(node: If) -> tuple[Node | None, ...]:
    return (node.condition, node.tail)


def _of_lookup(node: Lookup) -> tuple[Node | None, ...]:
    return (node.key, node.query, node.tail)


def _of_condition(node: Condition) -> tuple[Node | None, ...]:
    return node.arguments


def _of_defined(node: Defined) -> tuple[Node | None, ...]:
    return (node.of,)


def _of_group(node: Group) -> tuple[Node | None, ...]:
    return node.members


def _of_quantified(node: Quantified) -> tuple[Node | None, ...]:
    return (*node.arguments, node.condition)


_CHILDREN: dict[type[Node], Callable[..., tuple[Node | None, ...]]] = {
    Expansion: _of_expansion,
    Operator: _of_operator,
    Tail: _of_tail,
    Item: _of_item,
    If: _of_if,
    Lookup: _of_lookup,
    Condition: _of_condition,
    Defined: _of_defined,
    Group: _of_group,
    Quantified: _of_quantified,
}


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text."""
    find = _CHILDREN.get(type(node))
    return tuple(c for c in find(node) if c is not None) if find else ()


def walk(root: Node) -> Iterator[Node]:
    """Every node, `root` first, in the order of the text."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def depth(root: Expansion) -> tuple[int, Node]:
    """How many items stand within one another at most, and the innermost of them."""
    deepest = 0
    where: Node = root
    waiting: list[tuple[Node, int]] = [(root, 0)]
    while waiting:
        node, level = waiting.pop()
        if level > deepest:
            deepest, where = level, node
        below = level + (not isinstance(node, Expansion | Tail))
        waiting.extend((child, below) for child in children(node))
    return deepest, where
