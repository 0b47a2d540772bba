"""The rules: an explicit list of modules, one for each analysis, loaded when asked.

Every module has `RULES: tuple[Rule, ...]` and `CHECKS: tuple[Check, ...]`. Codes are
permanent: never used for something else, never given a second time.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.lint.rule import Check, Rule

MODULES = (
    "suppressions",
    "statements",
    "blocks",
    "references",
    "macros",
    "releases",
    "expansions",
    "regexes",
    "braces",
    "conditions",
    "branches",
    "addresses",
    "greeting_names",
    "early_pipelining",
)


@cache
def registry() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the codes."""
    rules: dict[str, Rule] = {}
    for name in MODULES:
        for entry in import_module(f"{__name__}.{name}").RULES:
            if entry.code in rules:
                raise ValueError(f"two rules have the code {entry.code}")
            rules[entry.code] = entry
    return dict(sorted(rules.items()))


@cache
def checks() -> tuple[Check, ...]:
    """Every check, in the order of the modules."""
    return tuple(
        check
        for name in MODULES
        for check in import_module(f"{__name__}.{name}").CHECKS
    )


def codes() -> tuple[str, ...]:
    """Every code, sorted."""
    return tuple(registry())


def rule(code: str) -> Rule:
    """The rule that owns a code. KeyError where no rule does."""
    return registry()[code]
