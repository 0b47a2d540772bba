"""What `exim -be` does with one string: parse it, look at its names, evaluate it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.check import check
from eximkit.expansion.evaluate import Evaluator, Limits
from eximkit.expansion.parse import parse
from eximkit.expansion.values import Failure, Known, Unknown

if TYPE_CHECKING:
    from eximkit.expansion.environment import Environment
    from eximkit.expansion.nodes import Expansion


def expand(
    text: str, environment: Environment, limits: Limits | None = None
) -> Known | Failure:
    """The value of octet text under `environment`, whose `world` should be set.

    Never raises for what the text holds. Where the value depends on something that is
    not known, the failure is of kind `unsupported` and says on what.
    """
    try:
        tree = parse(text)
    except ExpansionSyntaxError as error:
        return Failure(error.message, syntax=True)
    defects = check(tree, environment.release)
    if defects:
        return Failure(defects[0].message, syntax=True)
    return value_of(tree, environment, limits)


def value_of(
    tree: Expansion, environment: Environment, limits: Limits | None = None
) -> Known | Failure:
    """The value of a tree that was parsed, and checked, before."""
    result = Evaluator(environment, limits=limits or Limits()).run(tree)
    if isinstance(result, Unknown):
        return Failure.unsupported(result.holes[0].name)
    return result
