"""The formats of a lint report, by name; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from eximkit.lint.result import LintResult
from eximkit.report.style import Style

Reporter = Callable[[LintResult, Style], Iterator[str]]
"""Yields the report in pieces of text, line ends included."""

_MODULES = {
    "text": "finding_text",
    "concise": "concise",
    "json": "finding_json",
    "jsonl": "finding_jsonl",
    "sarif": "sarif",
    "github": "github",
}

FORMATS = tuple(_MODULES)


def reporter(name: str) -> Reporter:
    """The reporter of a format of FORMATS; KeyError for another name."""
    module = import_module(f"eximkit.report.{_MODULES[name]}")
    write: Reporter = module.report
    return write
