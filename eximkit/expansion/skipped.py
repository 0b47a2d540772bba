"""What Exim evaluates although it stands in a branch that is not taken.

Text that is skipped is read without its substitutions. Two conditions do not keep to
that (checked with 4.96): `forany` and its like evaluate their condition for each item
of a list that is written out, and `bool` judges its text. Either can fail, and then
the whole string does; so can some items (`skipped_items`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion import skipped_items, truth
from eximkit.expansion.conditions import CONDITIONS
from eximkit.expansion.lists import split_list
from eximkit.expansion.nodes import (
    Condition,
    Expansion,
    Group,
    Header,
    Item,
    Literal,
    Quantified,
    Variable,
)
from eximkit.expansion.values import ExpansionFailed, Known, inside
from eximkit.expansion.walk import children

if TYPE_CHECKING:
    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Node

QUANTIFIERS = frozenset({"forany", "forall"})
ITEMS = frozenset({"filter", "map", "reduce"})


def over(evaluator: Evaluator, node: Node) -> None:
    """Skip a branch; raises ExpansionFailed where Exim fails on it."""
    waiting = [(node, "")]
    while waiting:
        inner, place = waiting.pop()
        try:
            _look(evaluator, inner)
        except ExpansionFailed as failed:
            raise failed.again(failed.message + place) from None
        waiting += [(c, _place(inner, c) + place) for c in reversed(children(inner))]


def _look(evaluator: Evaluator, node: Node) -> None:
    evaluator.texts.look_at(node)
    if isinstance(node, Quantified) and node.name in QUANTIFIERS:
        _each(evaluator, node)
    elif isinstance(node, Condition) and node.name == "bool" and node.arguments:
        _boolean(node.arguments[0])
    elif isinstance(node, Item):
        skipped_items.look_at(evaluator, node)


def _place(node: Node, child: Node) -> str:
    """What Exim adds to a failure of a node within another."""
    if isinstance(node, Group):
        return f' inside "{node.name}{{...}}" condition'
    if isinstance(node, Quantified) and child is node.condition:
        return f' inside "{node.name}" condition'
    if isinstance(node, Item) and node.name in ITEMS and child is _body(node):
        return f' inside "{node.name}" item'
    return ""


def _body(node: Item) -> Node | None:
    """What `map` and its like evaluate for each item."""
    if node.condition is not None:
        return node.condition
    return node.arguments[-1] if node.arguments else None


def _written(text: Expansion) -> str:
    """What is left of a string without its substitutions."""
    return "".join(part.text for part in text.parts if isinstance(part, Literal))


def _each(evaluator: Evaluator, quantified: Quantified) -> None:
    inner = quantified.condition
    if inner is None or not quantified.arguments:
        return
    deciding = quantified.name == "forany"
    with evaluator.aside(), inside(f'"{quantified.name}" condition'):
        for item in split_list(_written(quantified.arguments[0]))[1]:
            with evaluator.bound(item=Known(item)):
                if truth.truth(evaluator, inner) is deciding:
                    return


def _boolean(text: Expansion) -> None:
    """What items and operators leave behind is not looked at."""
    if all(isinstance(part, Literal | Variable | Header) for part in text.parts):
        CONDITIONS["bool"]([_written(text)])
