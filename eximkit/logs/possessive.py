"""Regular expressions that mean the same to every Python.

Before 3.11.5 (Debian 12 has 3.11.2) a group that is repeated possessively and tried in
more ways than one, such as `(?:ab?c)?+`, matches what it should not, or nothing
(CPython issue 106052). The same repetition in an atomic group, `(?>(?:ab?c)?)`, is
right in all of them.
"""

from __future__ import annotations

import re
import sys
from typing import AnyStr

AFFECTED = sys.version_info < (3, 11, 5)

_TOKEN = re.compile(
    r"""
      \\. | \[\^?\]?(?:[^\]\\]|\\.)*\]      # an escape, a class
    | (?P<open>\() | (?P<close>\))(?P<times>(?:[?*+]|\{\d*,?\d*\})\+)?
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


def compiled(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` gives, right in every Python."""
    return re.compile(atomic(pattern) if AFFECTED else pattern, flags)


def atomic(pattern: AnyStr) -> AnyStr:
    """The pattern with its possessive groups written as atomic ones.

    It has no comments with brackets in them, and compiles.
    """
    if isinstance(pattern, bytes):
        return _atomic(pattern.decode("latin-1")).encode("latin-1")
    return _atomic(pattern)


def _atomic(pattern: str) -> str:
    parts: list[str] = []
    begins: list[int] = []
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            begins.append(len(parts))
        begin = begins.pop() if token["close"] else 0
        if times := token["times"]:
            # One part for the whole group: what is around it may be wrapped, too.
            parts[begin] = "(?>" + parts[begin]
            parts.append(f"){times[:-1]})")
        else:
            parts.append(token[0])
    return "".join(parts)
