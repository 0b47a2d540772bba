"""The times of lines as numbers."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from eximkit.logs.syntax import MONTH_NUMBERS

NO_MINUTE = -1
"""That of a line without a time."""


@lru_cache(maxsize=4096)
def minutes(stamp: bytes, year: int | None) -> int:
    """Minutes from some moment on to `YYYY-MM-DD HH:MM` or `Jan 31 HH:MM`.

    Any digits count for something: a log may hold days that there are not.
    """
    day = stamp[:-6]
    if day[:1].isdigit():
        number, month, of_month = int(day[:4]), int(day[5:7]), int(day[8:10])
    else:
        number, month, of_month = year or 0, MONTH_NUMBERS[day[:3]], int(day[4:6])
    try:
        days = date(number, month, of_month).toordinal()
    except ValueError:
        days = number * 372 + month * 31 + of_month
    return days * 1440 + int(stamp[-5:-3]) * 60 + int(stamp[-2:])


def seconds(stamp: bytes, year: int | None) -> int:
    """The same in seconds, for a stamp with its seconds, and nothing behind them."""
    return minutes(stamp[:-3], year) * 60 + int(stamp[-2:])


@lru_cache(maxsize=4096)
def minute_of_day(clock: bytes) -> int:
    """The minute of the day of `HH:MM`."""
    minute = int(clock[:2]) * 60 + int(clock[3:5])
    return minute if minute < 1440 else NO_MINUTE
