"""The formats of a log report, by name; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from eximkit.errors import MissingExtraError
from eximkit.logs.result import LogReport
from eximkit.logs.scan import FEW_HOURS
from eximkit.report.logs_view import View

Reporter = Callable[[LogReport, View], Iterator[str]]
"""Yields the report in pieces of text, line ends included."""


@dataclass(frozen=True, slots=True)
class Format:
    """module: that has `report`. extra: which brings `packages`, that it imports.

    groups, wanted: what it tells of besides what is asked for, as names of groups and
    as what else is to be counted. messages_by: groups of which it tells no octets.
    full: whether it tells all that eximstats tells. top: its longest list, unless
    somebody says otherwise. document: whether a terminal is no place for it. mode: of
    the file, where other users are to read it. folder: it is a folder of tables of all
    entries, which no `report` makes (`eximkit.logs.columns`).
    """

    module: str
    extra: str = ""
    packages: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    wanted: frozenset[str] = frozenset()
    messages_by: tuple[str, ...] = ()
    full: bool = False
    top: int = 10
    document: bool = False
    mode: int | None = None
    folder: bool = False


FORMATS = {
    "table": Format("logs_table"),
    "json": Format("logs_json"),
    "csv": Format("logs_csv"),
    "html": Format(
        "logs_html", "report", ("jinja2", "matplotlib"), ("tls",),
        frozenset({FEW_HOURS}), full=True, top=20, document=True,
    ),
    "parquet": Format("", "arrow", ("pyarrow",), folder=True),
    "prometheus": Format(
        "logs_prometheus", "metrics", ("prometheus_client",),
        messages_by=("tls", "proto", "transport"), top=0, mode=0o644,
    ),
}  # fmt: skip


def demand(name: str) -> None:
    """Raise MissingExtraError where a format needs packages that are not there."""
    form = FORMATS[name]
    if not all(map(_installed, form.packages)):
        raise _missing(name, form)


def reporter(name: str) -> Reporter:
    """The reporter of a format; KeyError for another name.

    Raises MissingExtraError, as `demand` does, which needs not load anything.
    """
    form = FORMATS[name]
    try:
        module = import_module(f"eximkit.report.{form.module}")
    except ImportError as error:
        if form.extra:
            raise _missing(name, form) from error
        raise
    write: Reporter = module.report
    return write


def _missing(name: str, form: Format) -> MissingExtraError:
    return MissingExtraError(
        f"--format {name} needs {' and '.join(form.packages)}: "
        f"pip install 'eximkit[{form.extra}]'"
    )


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
