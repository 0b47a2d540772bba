"""`--since T` and `--until T`: what people write for a time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from eximkit.errors import SettingsError

ACCEPTED = (
    "2026-01-31, 2026-01-31 08, 2026-01-31 08:30, 2026-01-31T08:30:15, 2026-01, 2026, "
    "now, today, yesterday, or an age: 45m, 12h, 7d, 2w"
)

_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[ T](\d\d)(?::(\d\d)(?::(\d\d))?)?)?)?)?",
    re.ASCII,
)
_AGE = re.compile(r"(\d{1,9})\s*([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = timedelta(days=1)


def since(text: str, now: datetime) -> datetime:
    """The beginning of the time that is meant. Raises SettingsError."""
    return _span(text, now)[0]


def until(text: str, now: datetime) -> datetime:
    """The end of the time that is meant: that of the day, where it names a day."""
    return _span(text, now)[1]


def _span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """The first moment of a time, and the first one after it."""
    word = text.strip()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {
        "now": (now, now),
        "today": (today, today + _DAY),
        "yesterday": (today - _DAY, today),
    }
    if word.lower() in named:
        return named[word.lower()]
    try:
        if age := _AGE.fullmatch(word.lower()):
            then = _before(now, _UNITS[age[2]], int(age[1]))
            return then, then
        if time := _TIME.fullmatch(word):
            return _moments([int(part) for part in time.groups() if part is not None])
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no time: {error}; what is: {ACCEPTED}"
        raise SettingsError(message) from error
    raise SettingsError(f"{text!r} is no time; what is: {ACCEPTED}")


def _moments(parts: list[int]) -> tuple[datetime, datetime]:
    """From a year, a month and so on, as far as they are given."""
    given = len(parts)
    year, month, day = (*parts, 1, 1)[:3]
    hour, minute, second = (*parts[3:], 0, 0, 0)[:3]
    # The log's own clock, whose zone it may not tell.
    first = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    try:
        if given == 1:
            return first, first.replace(year=first.year + 1)
        if given == 2:
            after = first + timedelta(days=31)
            return first, after.replace(day=1)
        unit = ("days", "hours", "minutes", "seconds")[given - 3]
        return first, first + timedelta(**{unit: 1})
    except (ValueError, OverflowError):
        # Nothing is logged after the last of all times.
        return first, datetime.max  # noqa: DTZ901 - the log's own clock


def _before(now: datetime, unit: str, count: int) -> datetime:
    try:
        return now - timedelta(**{unit: count})
    except OverflowError:
        return datetime.min  # noqa: DTZ901 - the log's own clock
