"""EXS207, EXS208: regular expressions in lists and in conditions."""

from eximkit.lint.rules.regexes.findings import CHECKS, RULES

__all__ = ["CHECKS", "RULES"]
