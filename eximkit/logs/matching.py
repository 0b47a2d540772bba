"""Matching whole texts: at once where they are plain, patiently where they are not.

A pattern for plain texts cannot backtrack. One that may lets those texts that a remote
party chooses (HELO, ident, certificate, authentication id) hold anything, and takes the
first reading in which the whole text fits; PCRE2 ends the search at a limit.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eximkit.logs.fields import targets
from eximkit.logs.possessive import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.logs.fields import Target, Values

LIMIT = 50_000
"""How often PCRE2 may try within one text, about a millisecond's work."""
LONGEST = 1 << 16
"""Longer texts are not read patiently. Exim's own entries end at 8 KiB."""

Others = dict[str, str]
"""The groups of a match that are no attributes of a record."""


class Plain:
    """A pattern for a whole text."""

    def __init__(self, pattern: str) -> None:
        self._pattern = compiled(pattern, re.ASCII | re.DOTALL)
        self._targets = targets(self._pattern.groupindex)

    def take(self, text: str, values: Values) -> Others | None:
        """Put the groups of a match into their places; None where there is none."""
        found = self._pattern.fullmatch(text)
        return None if found is None else put(found.groups(), self._targets, values)


class Patient:
    """Patterns that may backtrack, tried one after the other under a limit."""

    def __init__(self, *patterns: str) -> None:
        self._patterns = patterns

    @cached_property
    def _compiled(self) -> list[tuple[Any, tuple[Target, ...]]]:
        import pcre2  # type: ignore[import-untyped]

        return [
            (
                pcre2.compile(
                    rf"(*LIMIT_MATCH={LIMIT})(?:{pattern})\z".encode(),
                    pcre2.DOTALL,
                    jit=False,
                ),
                targets(compiled(pattern, re.ASCII | re.DOTALL).groupindex),
            )
            for pattern in self._patterns
        ]

    def take(self, text: str, values: Values) -> Others | None:
        """Like `Plain.take`, by the first pattern that fits.

        None also where the limit was reached: the text was made to be hard.
        """
        if len(text) > LONGEST:
            return None
        import pcre2

        octets = text.encode("utf-8", "surrogateescape")
        for pattern, places in self._compiled:
            try:
                found = pattern.match(octets)
            except pcre2.LibraryError:
                continue
            if found is not None:
                groups = (
                    None if group is None else group.decode("utf-8", "surrogateescape")
                    for group in found.groups()
                )
                return put(groups, places, values)
        return None


def put(
    groups: Iterable[str | None], places: tuple[Target, ...], values: Values
) -> Others:
    """Convert groups and put them into their places; the others are returned."""
    others: Others = {}
    for group, (place, convert) in zip(groups, places, strict=True):
        if group is not None:
            if isinstance(place, str):
                others[place] = group
            else:
                values[place] = group if convert is None else convert(group)
    return others
