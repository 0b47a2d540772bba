"""Reads a string as Exim does, from left to right, and stops where Exim would.

What is text, an escape, a variable or a brace is decided here; items and conditions are
read by `unreadable.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.defect import is_header
from eximkit.expansion.refusals import user_variable
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.catalog import Release

DEEPEST = 100
WORD = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
DIGITS = re.compile(r"[0-9]*", re.ASCII)

_HEADER = re.compile(r"[!-9;-~\x80-\xFF]*:?")
_UP_TO = re.compile(r"[^\\$}]+")
_CURLY = "curly-bracket problem in conditional yes/no parsing: "
_COLON = " - could be header name not terminated by colon"


class Stops(Exception):
    """Exim reads no further. message: what it says."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class GivesUp(Exception):
    """It is nested too deep."""


class Reader:
    """Reads as Exim does when it skips. at: the offset of what comes next."""

    def __init__(self, text: str, release: Release) -> None:
        self.text = text
        self.release = release
        self.at = 0
        self.depth = 0
        self.runaway = False
        """A header name has swallowed a brace."""

    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def blanks(self) -> str:
        """What comes next after white space."""
        while self.at < len(self.text) and self.text[self.at] in BLANK:
            self.at += 1
        return self.next()

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        word = found[0] if found else ""
        self.at += len(word)
        return word

    def curly(self, what: str) -> Stops:
        """About the strings of a condition."""
        if self.runaway:
            return Stops("missing or misplaced { or }" + _COLON)
        rest = self.text[self.at :]
        return Stops(f"{_CURLY}{what}\n remaining string is '{rest}'")

    # ---- strings ---------------------------------------------------------------------

    def string(self, *, ends: bool, dollars: bool = True) -> None:
        """Text, up to its end or up to the brace that `ends` it."""
        self.deeper()
        end = len(self.text)
        while self.at < end:
            sign = self.text[self.at]
            if sign == "\\":
                self.escape()
            elif sign == "}" and ends:
                self.depth -= 1
                return
            elif sign == "$" and dollars:
                self.at += 1
                self.dollar()
            else:
                self.at += 1
                self.take(_UP_TO)
        if ends:
            raise Stops("missing } at end of string" + (_COLON if self.runaway else ""))
        self.depth -= 1

    def escape(self) -> None:
        if self.at + 1 >= len(self.text):
            raise Stops("\\ at end of string")
        if self.text[self.at + 1] == "N":
            stop = self.text.find("\\N", self.at + 2)
            self.at = len(self.text) if stop < 0 else stop + 2
        else:
            self.at += 2

    def braced(self, *, dollars: bool = True) -> None:
        """`{…}`, of which the first brace is next."""
        self.at += 1
        self.string(ends=True, dollars=dollars)
        self.at += 1

    def dollar(self) -> None:
        sign = self.next()
        if sign == "{":
            self.at += 1
            self.brace()
        elif sign.isascii() and sign.isdigit():
            self.take(DIGITS)
        elif sign.isascii() and sign.isalpha():
            self.variable()
        else:
            raise Stops("$ not followed by letter, digit, or {")

    def variable(self) -> None:
        start = self.at
        name = self.take(WORD)
        if is_header(name):
            self.header(start)
        elif not self.known(name):
            about = user_variable(name)
            raise Stops(f'unknown variable name "{name}"{about}')

    def header(self, start: int) -> None:
        self.at = start
        self.runaway = "}" in self.take(_HEADER) or self.runaway

    def known(self, name: str) -> bool:
        entry = catalog.variable(name.replace("-", "_"))
        return entry is not None and entry.in_release(self.release)

    def brace(self) -> None:
        """What follows `${`."""
        raise Stops("letter or digit expected after ${")

    def deeper(self) -> None:
        """One level more; raises GivesUp where that is one too many."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise GivesUp

    def within(self, what: str, read: Callable[[], None]) -> None:
        try:
            read()
        except Stops as stops:
            raise Stops(f"{stops.message} inside {what}") from None
