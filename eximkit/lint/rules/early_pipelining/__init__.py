"""Early pipelining: what greetings become, and what stands in its way (EXP1xx)."""

from eximkit.lint.rules.early_pipelining import findings, settings, timing
from eximkit.lint.rules.early_pipelining.pages import RULES

CHECKS = (findings.check, timing.check, settings.check)

__all__ = ["CHECKS", "RULES"]
