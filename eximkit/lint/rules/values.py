"""The values that Exim expands, gathered once for all the checks that look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from eximkit.lint.expandable import Expandable, expandables

if TYPE_CHECKING:
    from eximkit.lint.rule import RuleContext


def values(context: RuleContext) -> tuple[Expandable, ...]:
    """`expandables` of the configuration that a check is given."""
    found = context.shared.get(Expandable.__name__)
    if found is None:
        found = tuple(expandables(context.config))
        context.shared[Expandable.__name__] = found
    return cast("tuple[Expandable, ...]", found)
