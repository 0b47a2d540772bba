"""Options that Exim expands while it loads a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.refusal import refusal
from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.check import check as check_names
from eximkit.expansion.environment import Environment
from eximkit.expansion.evaluate import evaluate
from eximkit.expansion.parse import parse
from eximkit.expansion.values import Failure, Known

if TYPE_CHECKING:
    from eximkit.catalog import Release
    from eximkit.config.model import Option
    from eximkit.problem import Problem

EXPANDED = frozenset(
    {
        "localhost_number",
        "log_file_path",
        "pid_file_path",
        "smtp_active_hostname",
        "spool_directory",
    }
)
"""Main options that have to expand without an error, or Exim does not start."""


def is_expanded(kind: str, driver: str | None, option: Option) -> bool:
    """Whether Exim expands the option as it loads the file: lists of users, too."""
    if kind == "main" and option.name in EXPANDED:
        return True
    info = catalog.option(kind, driver, option.name)
    return info is not None and info.type in ("user-list", "group-list")


def expanded(option: Option, release: Release) -> tuple[str | None, Problem | None]:
    """The value after expansion, None where it is not known; or why there is none."""
    value = option.value
    assert value is not None  # noqa: S101 - the caller looked
    if "$" not in value.text and "\\" not in value.text:
        return value.text, None
    try:
        tree = parse(value.text)
    except ExpansionSyntaxError as error:
        place = value.place(error.start, error.end)
        return None, refusal(error.code, _cannot(option, error.message), place,
                             error.hint)  # fmt: skip
    for defect in check_names(tree, release):
        place = value.place(defect.start, defect.end)
        return None, refusal(
            defect.code, _cannot(option, defect.message), place, defect.hint,
            replacement=defect.replacement if place.exact else None,
        )  # fmt: skip
    result = evaluate(tree, Environment())
    if isinstance(result, Failure):
        message = _cannot(option, result.message)
        return None, refusal("EXS231", message, value.place(0, len(value)))
    return result.text if isinstance(result, Known) else None, None


def _cannot(option: Option, reason: str) -> str:
    return f"Exim expands {option.name} when it reads it, and cannot: {reason}"
