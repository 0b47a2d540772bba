"""Hours that are counted as long as there are few of them.

A report on a day or two tells of each hour; on a year, of each day and of the hours of
the day. Counts of a year by the hour would take more memory than all others together.
Whether hours gave way depends on the whole log alone, not on how it was divided.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit.logs.summary import Arrival, Delivery, OfDay, Received, Summary

if TYPE_CHECKING:
    from typing import TypeVar

    Key = TypeVar("Key", Arrival, Delivery, Received)

FEW = 100
"""So many hours with something in them are told apart."""
_DAY, _HOUR = (0, 10), (11, 13)
"""Where they are in `YYYY-MM-DD HH`."""


def add(total: Summary, other: Summary) -> None:
    """Add a summary to one; one of them at least counts hours while they are few."""
    total.few_hours = True
    if total.of_day is not None and other.of_day is None:
        other = given_way(other)
    elif total.of_day is None and other.of_day is not None:
        _take(total, given_way(total))
    total.add(other)
    if total.of_day is None and _many(total):
        _take(total, given_way(total))


def given_way(summary: Summary) -> Summary:
    """The same by the day, and beside it by the hour of the day."""
    return replace(
        summary,
        arrivals=_parted(summary.arrivals, *_DAY),
        received=_parted(summary.received, *_DAY),
        deliveries=_parted(summary.deliveries, *_DAY),
        events=_events(summary.events, *_DAY),
        stretches=summary.stretches.by_day(),
        of_day=OfDay(
            arrivals=_parted(summary.arrivals, *_HOUR),
            received=_parted(summary.received, *_HOUR),
            deliveries=_parted(summary.deliveries, *_HOUR),
            events=_events(summary.events, *_HOUR),
        ),
    )


def _many(summary: Summary) -> bool:
    hours = {hour for hour, _ in summary.events}
    hours.update(key.hour for key in summary.arrivals)
    hours.update(key.hour for key in summary.deliveries)
    return len(hours) > FEW


def _take(summary: Summary, other: Summary) -> None:
    """Hold what another one holds, as far as the two differ."""
    for name in ("arrivals", "received", "deliveries", "events", "stretches", "of_day"):
        setattr(summary, name, getattr(other, name))


def _parted(table: dict[Key, int], start: int, end: int) -> dict[Key, int]:
    parted: dict[Key, int] = {}
    for key, count in table.items():
        part = key._replace(hour=key.hour[start:end])
        parted[part] = parted.get(part, 0) + count
    return parted


def _events(
    events: dict[tuple[str, str], int], start: int, end: int
) -> dict[tuple[str, str], int]:
    parted: dict[tuple[str, str], int] = {}
    for (hour, name), count in events.items():
        key = hour[start:end], name
        parted[key] = parted.get(key, 0) + count
    return parted
