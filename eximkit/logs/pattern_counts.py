"""Lines that match the user's patterns, by the minute of the day.

Among what is `wanted`, a pattern is `PATTERN` and `NAME=REGEX`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.logs.clock import NO_MINUTE, minute_of_day
from eximkit.logs.patterns import Pattern
from eximkit.logs.possessive import compiled
from eximkit.logs.traffic_counts import PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.logs.traffic_counts import TrafficCounts

PATTERN_LIMIT = 32
"""So many patterns are counted at most: each takes its time on each line."""
NAME_LIMIT = 60
"""Characters of a name."""

_CLOCK = compiled(rb"(?:\d{4}-\d\d-\d\d[ T]|[A-Z][a-z]{2} [ \d]\d )([ \d]\d:\d\d):\d\d")


def checked_patterns(patterns: Iterable[str]) -> dict[str, Pattern]:
    """Patterns of `NAME=REGEX` by their names. Raises SettingsError."""
    found: dict[str, Pattern] = {}
    for text in patterns:
        name, sign, expression = text.partition("=")
        name = name.strip()
        if not (name and sign and expression):
            raise SettingsError(f"pattern {text!r} is not NAME=REGEX")
        if len(name) > NAME_LIMIT or not name.isprintable():
            raise SettingsError(
                f"the name of a pattern is up to {NAME_LIMIT} printable characters, "
                f"not {name!r}"
            )
        if name in found:
            raise SettingsError(f"two patterns are called {name!r}")
        found[name] = Pattern(expression)
    if len(found) > PATTERN_LIMIT:
        raise SettingsError(f"{len(found)} patterns; {PATTERN_LIMIT} are possible")
    return found


class PatternCounter:
    """Counts the lines of blocks of text that match. Raises SettingsError."""

    def __init__(self, wanted: Iterable[str], counts: TrafficCounts) -> None:
        self._counts = counts
        self._patterns = checked_patterns(
            member.removeprefix(PATTERN)
            for member in sorted(wanted)
            if member.startswith(PATTERN)
        )
        for name in self._patterns:
            counts.minutes.setdefault(PATTERN + name, {})

    def take(self, block: bytes) -> None:
        """Count whole lines. Raises SettingsError where matching takes too long."""
        for name, pattern in self._patterns.items():
            minutes = self._counts.minutes[PATTERN + name]
            for begin in pattern.lines(block):
                clock = _CLOCK.match(block, begin)
                minute = NO_MINUTE
                if clock is not None:
                    minute = minute_of_day(clock[1].replace(b" ", b"0"))
                minutes[minute] = minutes.get(minute, 0) + 1
