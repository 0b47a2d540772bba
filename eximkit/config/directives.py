"""Directives: the `.ifdef` family, and what an `.include` line asks for.

Exim specification, chapter 6, "File inclusions" and "Conditional skips in the
configuration file". Directives are physical lines, read after macro substitution.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eximkit.errors import InputError
from eximkit.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.source import Place, Text

NESTING_LIMIT = 10
"""How deep Exim lets conditionals nest."""

_CONDITIONAL = re.compile(r"\.(ifdef|ifndef|elifdef|elifndef|else|endif)")
_INCLUDE = re.compile(r"\.include(_if_exists)?(?:[ \t\n\r\f\v]+|$)")

_READ, _SKIP, _SKIP_TO_END = range(3)


class FileReader(Protocol):
    """How a configuration's files are reached; the only way in which reading does I/O.

    Paths are as a person reads them (not octets), and fit for `read`.
    """

    def locate(self, name: str, beside: str) -> str:
        """The path to read for `name`, as it stands in the file at path `beside`."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or a directory at `path`."""

    def is_directory(self, path: str) -> bool:
        """Whether `path` is a directory."""

    def read(self, path: str) -> str:
        """The file's octets, one character each. Raises InputError."""


class MemoryFiles:
    """Files that exist in memory only: path -> octets. No files at all by default."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self._files = dict(files or {})

    def locate(self, name: str, beside: str) -> str:
        """`name`, below the directory of `beside` when it is relative."""
        return name if name.startswith("/") else beside.rpartition("/")[0] + "/" + name

    def exists(self, path: str) -> bool:
        return path in self._files or self.is_directory(path)

    def is_directory(self, path: str) -> bool:
        start = path.rstrip("/") + "/"
        return any(name.startswith(start) for name in self._files)

    def read(self, path: str) -> str:
        if path not in self._files:
            raise InputError(f"{path}: no such file")
        return self._files[path]


@dataclass(frozen=True, slots=True)
class Include:
    """An `.include` line: the name without quotes, and whether it may be missing."""

    name: Text
    optional: bool


def include(line: Text) -> Include | None:
    """What a stripped physical line includes; None if it is no `.include`.

    A name follows a white space character, which may be the end of the line; the last
    line of a file that lacks that end is not a directive (`line_end`).
    """
    match = _INCLUDE.match(line.text)
    if match is None:
        return None
    name = line.slice(match.end())
    if len(name) > 1 and name.text[0] == '"' == name.text[-1]:
        name = name.slice(1, len(name) - 1)
    return Include(name, match[1] is not None)


class Conditionals:
    """The `.ifdef` stack. skipping: whether lines are being skipped now."""

    __slots__ = ("_stack", "_state")

    def __init__(self) -> None:
        self._state = _READ
        self._stack: list[tuple[int, Place]] = []

    @property
    def skipping(self) -> bool:
        return self._state != _READ

    def obey(self, line: Text, found: bool) -> tuple[bool, Problem | None]:
        """Take a physical line (after macros, from its first dot, its end included).

        found: whether a macro was replaced in it. The answer is whether the line is a
        conditional, which includes those that Exim drops for what follows the keyword,
        and what is wrong with it.
        """
        match = _CONDITIONAL.match(line.text)
        if match is None:
            return False, None
        word = match[1]
        # Exim 4.96 wants a space or the end of the line here; a tab will not do, but
        # the letter t, surely meant as one, will.
        if line.text[match.end() : match.end() + 1] not in ("", " ", "t", "\n"):
            return True, None
        place = line.place(0, match.end())
        if word in ("ifdef", "ifndef"):
            return True, self._open(word, found, place)
        if not self._stack:
            return True, Problem(
                "EXS234", f".{word} without a matching .ifdef", place, refuses=True
            )
        if word == "endif":
            self._state = self._stack.pop()[0]
        elif self._state == _READ:
            self._state = _SKIP_TO_END
        elif self._state == _SKIP and (word == "else" or found == (word == "elifdef")):
            self._state = _READ
        return True, None

    def _open(self, word: str, found: bool, place: Place) -> Problem | None:
        problem = None
        if len(self._stack) >= NESTING_LIMIT:
            problem = Problem(
                "EXS234",
                f".{word} is nested too deeply: Exim allows {NESTING_LIMIT} levels",
                place,
                refuses=True,
                related=(("the outermost one is here", self._stack[0][1]),),
            )
        self._stack.append((self._state, place))
        if self._state == _READ:
            self._state = _READ if found == (word == "ifdef") else _SKIP
        else:
            self._state = _SKIP_TO_END
        return problem

    def finish(self) -> Problem | None:
        """What is wrong at the end of the configuration."""
        if not self._stack:
            return None
        place = self._stack[-1][1]
        return Problem("EXS234", "this conditional has no .endif", place, refuses=True)
