"""What Exim evaluates although it stands in a branch that is not taken.

Text that is skipped is read without its substitutions. Two conditions do not keep to
that (checked with 4.96): `forany` and its like evaluate their condition for each item
of a list that is written out, and `bool` judges its text. Either can fail, and then
the whole string does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion import truth
from eximkit.expansion.conditions import CONDITIONS
from eximkit.expansion.lists import split_list
from eximkit.expansion.nodes import (
    Condition,
    Expansion,
    Header,
    Literal,
    Quantified,
    Variable,
)
from eximkit.expansion.values import Known
from eximkit.expansion.walk import walk

if TYPE_CHECKING:
    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Node

QUANTIFIERS = frozenset({"forany", "forall"})


def over(evaluator: Evaluator, node: Node) -> None:
    """Skip a branch; raises ExpansionFailed where Exim fails on it."""
    for inner in walk(node):
        if isinstance(inner, Quantified) and inner.name in QUANTIFIERS:
            _each(evaluator, inner)
        elif isinstance(inner, Condition) and inner.name == "bool" and inner.arguments:
            _boolean(inner.arguments[0])


def _written(text: Expansion) -> str:
    """What is left of a string without its substitutions."""
    return "".join(part.text for part in text.parts if isinstance(part, Literal))


def _each(evaluator: Evaluator, quantified: Quantified) -> None:
    inner = quantified.condition
    if inner is None or not quantified.arguments:
        return
    deciding = quantified.name == "forany"
    with evaluator.aside():
        for item in split_list(_written(quantified.arguments[0]))[1]:
            with evaluator.bound(item=Known(item)):
                if truth.truth(evaluator, inner) is deciding:
                    return


def _boolean(text: Expansion) -> None:
    """What items and operators leave behind is not looked at."""
    if all(isinstance(part, Literal | Variable | Header) for part in text.parts):
        CONDITIONS["bool"]([_written(text)])
