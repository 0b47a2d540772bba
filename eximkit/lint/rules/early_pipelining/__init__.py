"""Early pipelining: what greetings become, and what stands in its way (EXP1xx)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.lint.rules.early_pipelining import findings, settings, timing
from eximkit.lint.rules.early_pipelining.pages import RULES
from eximkit.lint.rules.early_pipelining.transport import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.finding import Finding
    from eximkit.lint.rule import RuleContext


def check(context: RuleContext) -> Iterator[Finding]:
    """All of EXP1xx; also fills `context.greetings`."""
    around = Surroundings(context.config, context.release)
    for part in (findings, timing, settings):
        yield from part.check(context, around)


CHECKS = (check,)

__all__ = ["CHECKS", "RULES"]
