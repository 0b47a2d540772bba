"""Regular expressions that Exim compiles while it loads a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.config.refusal import refusal
from eximkit.expansion.regex import search
from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from eximkit.config.model import Option
    from eximkit.problem import Problem


def pattern_problem(option: Option) -> Problem | None:
    """What is wrong with an option that holds a regular expression (not expanded)."""
    if option.value is None or not option.text:
        return None
    try:
        search(option.text, "")
    except NotPure:
        return None
    except ExpansionFailed as error:
        place = option.value.place(0, len(option.value))
        reason = error.message.rpartition('": ')[2]
        return refusal(
            "EXS231", f"{option.name} is not a regular expression: {reason}", place
        )
    return None
