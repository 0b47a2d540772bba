"""The formats of a log report, by name; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from eximkit.logs.result import LogReport
from eximkit.report.logs_view import View

Reporter = Callable[[LogReport, View], Iterator[str]]
"""Yields the report in pieces of text, line ends included."""

_MODULES = {
    "table": "logs_table", "json": "logs_json", "csv": "logs_csv",
    "prometheus": "logs_prometheus",
}  # fmt: skip


def reporter(name: str) -> Reporter:
    """The reporter of a format; KeyError for another name."""
    module = import_module(f"eximkit.report.{_MODULES[name]}")
    write: Reporter = module.report
    return write
