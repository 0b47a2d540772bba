"""eximkit: an Exim-compatible toolkit.

    config = eximkit.load_config("/etc/exim4/exim4.conf")
    for finding in eximkit.lint(config, select=["EXP"]):
        print(finding.place.line, finding.code, finding.message)

    tree = eximkit.parse_expansion("${if def:host {a}{b}}")
    value = eximkit.evaluate(tree, eximkit.Environment())

What is in `__all__` is the public interface; the rest may move. Names are imported when
they are first used, so that `import eximkit` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from eximkit.errors import (
        EximkitError,
        ExpansionSyntaxError,
        InputError,
        MissingExtraError,
        SettingsError,
    )
    from eximkit.expansion.environment import Environment
    from eximkit.expansion.evaluate import evaluate
    from eximkit.expansion.parse import parse as parse_expansion
    from eximkit.expansion.values import Failure, Known, Unknown
    from eximkit.files import load_config
    from eximkit.lint.engine import lint
    from eximkit.lint.finding import Finding, Severity

__all__ = [
    "Environment",
    "EximkitError",
    "ExpansionSyntaxError",
    "Failure",
    "Finding",
    "InputError",
    "Known",
    "MissingExtraError",
    "SettingsError",
    "Severity",
    "Unknown",
    "evaluate",
    "lint",
    "load_config",
    "parse_expansion",
]

_HOMES = {
    "Environment": "expansion.environment",
    "EximkitError": "errors",
    "ExpansionSyntaxError": "errors",
    "Failure": "expansion.values",
    "Finding": "lint.finding",
    "InputError": "errors",
    "Known": "expansion.values",
    "MissingExtraError": "errors",
    "SettingsError": "errors",
    "Severity": "lint.finding",
    "Unknown": "expansion.values",
    "evaluate": "expansion.evaluate",
    "load_config": "files",
}


def __getattr__(name: str) -> object:
    """The public name `name`, imported now (PEP 562)."""
    from importlib import import_module

    if name == "lint":
        # The sub-package of this name can be called.
        return import_module("eximkit.lint")
    if name == "parse_expansion":
        return import_module("eximkit.expansion.parse").parse
    if name not in _HOMES:
        raise AttributeError(f"module 'eximkit' has no attribute {name!r}")
    value: object = getattr(import_module(f"eximkit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
