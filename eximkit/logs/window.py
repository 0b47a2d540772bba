"""The lines of a log that were written in a certain time, by its own clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.logs.possessive import compiled
from eximkit.logs.syntax import (
    CLOCK,
    DATE,
    ISO_TIME,
    MONTH_NUMBERS,
    SYSLOG_SOURCE,
    SYSLOG_TIME,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_OWN = DATE + rb" " + CLOCK
_LINE = compiled(
    rb"^(?:(" + _OWN + rb")|(" + SYSLOG_TIME + rb"|" + ISO_TIME + rb")" + SYSLOG_SOURCE
    + rb"(?:\[\d{1,6}[/\\]\d{1,6}\] )?+(" + _OWN + rb")?+)",
    re.MULTILINE,
)  # fmt: skip
_KNOWN_TIMES = 1 << 16


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, before `until`: `YYYY-MM-DD HH:MM:SS` each, or "" for any."""

    since: str = ""
    until: str = ""

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None) -> Window:
        """From `since` on and before `until`, None for any time.

        Zones are not looked at: a log need not say of which its times are.
        """
        return cls(_as_logged(since), _as_logged(until))

    def __contains__(self, time: str) -> bool:
        return self.since <= time and (not self.until or time < self.until)

    def runs(self, text: bytes, year: int | None = None) -> Iterator[tuple[int, int]]:
        """The parts [start, end) of whole lines that are within.

        year: of lines that carry none. A line without a time goes with the one before
        it, the first ones with the first that has one.
        """
        if not self.since and not self.until:
            yield 0, len(text)
            return
        known: dict[bytes, bool] = {}
        start = 0
        before: bool | None = None
        for line in _LINE.finditer(text):
            time = line[1] or line[3] or line[2]
            inside = known.get(time)
            if inside is None:
                if len(known) > _KNOWN_TIMES:
                    known.clear()
                inside = known[time] = _written(time, year) in self
            if inside is not before:
                if before:
                    yield start, line.start()
                start = line.start() if before is not None else 0
                before = inside
        if before is not False:
            yield start, len(text)


ANY_TIME = Window()


def _as_logged(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M:%S}".zfill(19)


def _written(time: bytes, year: int | None) -> str:
    """A time as Exim writes it."""
    text = time.decode()
    if text[0].isdigit():
        return text[:19].replace("T", " ")
    month = MONTH_NUMBERS.get(time[:3], 0)
    day, clock = text[4:6].replace(" ", "0"), text[7:15].replace(" ", "0")
    return f"{year or 0:04}-{month:02}-{day} {clock}"
