"""Matching whole texts: at once where they are plain, patiently where they are not."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

LIMIT = 50_000
"""How often PCRE2 may try within one text, about a millisecond's work."""
LONGEST = 1 << 16
"""Longer texts are not read patiently. Exim's own entries end at 8 KiB."""

Groups = dict[str, bytes | None]


def plain(pattern: bytes) -> re.Pattern[bytes]:
    """A pattern to be used with `fullmatch`."""
    return re.compile(pattern, re.DOTALL)


class Patient:
    """Patterns that may backtrack, tried one after the other under a limit."""

    def __init__(self, *patterns: bytes) -> None:
        self._patterns = patterns

    @cached_property
    def _compiled(self) -> tuple[Any, ...]:
        import pcre2  # type: ignore[import-untyped]

        limit = b"(*LIMIT_MATCH=%d)" % LIMIT
        return tuple(
            pcre2.compile(limit + b"(?:" + pattern + rb")\z", pcre2.DOTALL, jit=False)
            for pattern in self._patterns
        )

    def fullmatch(self, text: bytes) -> Groups | None:
        """The groups of the first pattern that takes the whole text.

        None also where the limit was reached: the text was made to be hard.
        """
        if len(text) > LONGEST:
            return None
        import pcre2

        for pattern in self._compiled:
            try:
                found = pattern.match(text)
            except pcre2.LibraryError:
                continue
            if found is not None:
                groups: Groups = found.groupdict()
                return groups
        return None
