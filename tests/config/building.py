"""Shared by the tests of the builder: build from text, and the table of cases."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from eximkit import catalog
from eximkit.config.build import build
from eximkit.config.directives import MemoryFiles
from eximkit.source import SourceFile, octets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from eximkit.config.model import Config
    from eximkit.problem import Problem
    from eximkit.source import Place

CASES = Path(__file__).resolve().parent.parent / "cases" / "configurations.toml"
HEAD = "keep_environment =\n"
V496 = catalog.release("4.96")


class Case(NamedTuple):
    """A configuration, and the code and the text of its one finding ("": accepted)."""

    text: str
    code: str = ""
    at: str = ""


def cases() -> Iterator[Case]:
    """The table of `cases/configurations.toml`."""
    for section, rows in tomllib.loads(CASES.read_text("utf-8")).items():
        begin = "" if section == "main" else f"begin {section}\n"
        for text, code, at in rows["refused"]:
            yield Case(f"{HEAD}{begin}{text}\n", code, at)
        for text in rows["accepted"]:
            yield Case(f"{HEAD}{begin}{text}\n")


def read(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    release: str = "4.96",
    defines: Sequence[str] = (),
    fragment: str | None = None,
) -> Config:
    """The configuration that a text makes."""
    return build(
        SourceFile("/conf/main", octets(text)),
        MemoryFiles(files),
        release=catalog.release(release),
        defines=defines,
        fragment=fragment,
    )


def codes(config: Config) -> list[str]:
    """The codes of its problems, in order."""
    return [problem.code for problem in config.problems]


def only(config: Config) -> Problem:
    """Its one problem."""
    assert len(config.problems) == 1, config.problems
    return config.problems[0]


def under(place: Place) -> str:
    """The octets that a place covers."""
    return place.file.data[place.start : place.end]
