"""eximkit: an Exim-compatible toolkit.

    config = eximkit.load_config("/etc/exim4/exim4.conf")
    for finding in eximkit.lint(config, select=["EXP"]):
        print(finding.place.line, finding.code, finding.message)

    tree = eximkit.parse_expansion("${if def:host {a}{b}}")
    value = eximkit.evaluate(tree, eximkit.Environment())

    report = eximkit.analyse_logs(["mainlog", "mainlog.1.gz"])
    for record in eximkit.iter_records("mainlog"):
        print(record.stamp, record.kind, record.message_id)

    result = await eximkit.interop.run("clear-data")
    client = eximkit.smtp.Client("a.example")

What is in `__all__` is the public interface; the rest may move. Names are imported when
they are first used, so that `import eximkit` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from eximkit import interop, smtp
    from eximkit.errors import (
        EximkitError,
        ExpansionSyntaxError,
        InputError,
        MissingExtraError,
        MissingProgramError,
        SettingsError,
    )
    from eximkit.expansion.environment import Environment
    from eximkit.expansion.evaluate import evaluate
    from eximkit.expansion.parse import parse as parse_expansion
    from eximkit.expansion.values import Failure, Known, Unknown
    from eximkit.files import load_config
    from eximkit.lint.engine import lint
    from eximkit.lint.finding import Finding, Severity
    from eximkit.logs.analysis import analyse_logs
    from eximkit.logs.line import parse_line
    from eximkit.logs.record import Direction, Kind, LogRecord
    from eximkit.logs.records import iter_records
    from eximkit.logs.result import LogReport

__all__ = [
    "Direction",
    "Environment",
    "EximkitError",
    "ExpansionSyntaxError",
    "Failure",
    "Finding",
    "InputError",
    "Kind",
    "Known",
    "LogRecord",
    "LogReport",
    "MissingExtraError",
    "MissingProgramError",
    "SettingsError",
    "Severity",
    "Unknown",
    "analyse_logs",
    "evaluate",
    "interop",
    "iter_records",
    "lint",
    "load_config",
    "parse_expansion",
    "parse_line",
    "smtp",
]

_HOMES = {
    "Direction": "logs.record",
    "Environment": "expansion.environment",
    "EximkitError": "errors",
    "ExpansionSyntaxError": "errors",
    "Failure": "expansion.values",
    "Finding": "lint.finding",
    "InputError": "errors",
    "Kind": "logs.record",
    "Known": "expansion.values",
    "LogRecord": "logs.record",
    "LogReport": "logs.result",
    "MissingExtraError": "errors",
    "MissingProgramError": "errors",
    "SettingsError": "errors",
    "Severity": "lint.finding",
    "Unknown": "expansion.values",
    "analyse_logs": "logs.analysis",
    "evaluate": "expansion.evaluate",
    "iter_records": "logs.records",
    "load_config": "files",
    "parse_line": "logs.line",
}

_PACKAGES = ("interop", "lint", "smtp")
"""Public names that are sub-packages; `lint` can be called."""


def __getattr__(name: str) -> object:
    """The public name `name`, imported now (PEP 562)."""
    from importlib import import_module

    if name in _PACKAGES:
        return import_module(f"eximkit.{name}")
    if name == "parse_expansion":
        return import_module("eximkit.expansion.parse").parse
    if name not in _HOMES:
        raise AttributeError(f"module 'eximkit' has no attribute {name!r}")
    value: object = getattr(import_module(f"eximkit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
