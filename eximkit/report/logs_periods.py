"""A log's time cut into as many periods as a chart can show.

Days, and hours where they were counted, are put together to weeks, months, years and so
on until there are few enough. Where the log has a long gap, as after a clock that was
wrong for a while, the gap is one period: it does not push the rest together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs.grouping import HOUR, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eximkit.logs.result import LogReport

MOST = 100
"""Periods of a report, at most."""
_LONG_GAP = 28
"""More periods than these with nothing in them, one after the other, are one gap."""
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
    "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period. label: for tables; tick: short, for charts; gap: time without entries.

    A gap's label says from when until when it is, and its tally is empty.
    """

    label: str
    tick: str
    tally: Tally = field(default_factory=Tally)
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """Periods in order. unit: what each of them is. undated: at no real date."""

    unit: str
    stretches: tuple[Stretch, ...]
    undated: Tally | None = None

    @property
    def ticks(self) -> tuple[str, ...]:
        """What charts call the periods."""
        return tuple(each.tick for each in self.stretches)

    @property
    def drawn(self) -> bool:
        """Whether there is more than one point to draw."""
        return len(self.stretches) > 1


class _Unit(NamedTuple):
    """Numbers of periods, in their order, and how each is called.

    number: of the period that holds a time. label, tick: of a period, by its number.
    """

    name: str
    number: Callable[[datetime], int]
    label: Callable[[int], str]
    tick: Callable[[int], str]


_EPOCH = datetime(1, 1, 1)  # noqa: DTZ001 - as the log has it, in whatever zone


def _day(number: int) -> date:
    return date.fromordinal(min(max(number, 1), date.max.toordinal()))


def _day_tick(number: int) -> str:
    day = _day(number)
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _hour(number: int) -> datetime:
    return _EPOCH + timedelta(hours=number)


def _hour_tick(number: int) -> str:
    """The hour; where a day begins, the day."""
    hour = number % 24
    return f"{hour:02}:00" if hour else _day_tick(number // 24 + 1)


def _month(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


def _month_tick(number: int) -> str:
    return f"{_MONTHS[number % 12]} {number // 12:04}"


def _years(count: int) -> _Unit:
    def label(number: int) -> str:
        first = number * count
        return f"{first:04}" if count == 1 else f"{first:04} to {first + count - 1:04}"

    return _Unit(
        "year" if count == 1 else f"{count} years",
        lambda time: time.year // count,
        label,
        lambda number: f"{number * count:04}",
    )


_UNITS = (
    _Unit(
        "hour",
        lambda time: (time - _EPOCH) // timedelta(hours=1),
        lambda number: f"{_hour(number).isoformat(' ')[:13]}:00",
        _hour_tick,
    ),
    _Unit("day", lambda t: t.toordinal(), lambda n: _day(n).isoformat(), _day_tick),
    _Unit(
        "week",
        lambda time: (time.toordinal() - 1) // 7,
        lambda n: f"{_day(n * 7 + 1).isoformat()} to {_day(n * 7 + 7).isoformat()}",
        lambda number: _day_tick(number * 7 + 1),
    ),
    _Unit("month", lambda t: t.year * 12 + t.month - 1, _month, _month_tick),
    *(_years(count) for count in (1, 10, 100)),
)
"""The finest first. Weeks begin on Mondays, as the first day of the calendar did."""


def timeline(report: LogReport) -> Timeline:
    """The periods of a report: the finest of which there are few enough."""
    hours = report.hours or report.groups.get(HOUR, {})
    for unit in _UNITS:
        table = hours if unit.name == "hour" else report.days
        if not table:
            continue
        found, undated = _by_number(table, unit)
        stretches = _in_order(found, unit)
        if stretches is not None:
            return Timeline(unit.name, stretches, undated)
    return Timeline("day", ())


def joined(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    total = Tally()
    for tally in tallies:
        total.arrivals += tally.arrivals
        total.octets += tally.octets
        total.deliveries += tally.deliveries
        for mine, theirs in (
            (total.inbound, tally.inbound),
            (total.outbound, tally.outbound),
            (total.events, tally.events),
        ):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for way in ("inbound", "outbound"):
            sums, counts = getattr(total.usage, way), getattr(tally.usage, way)
            for each in fields(sums):
                value = getattr(sums, each.name) + getattr(counts, each.name)
                setattr(sums, each.name, value)
    return total


def _by_number(
    table: Mapping[str, Tally], unit: _Unit
) -> tuple[dict[int, Tally], Tally | None]:
    """The tallies by number of their period, and that of what is no date."""
    parts: dict[int, list[Tally]] = {}
    undated: list[Tally] = []
    for key, tally in table.items():
        time = _time(key)
        if time is None:
            undated.append(tally)
        else:
            parts.setdefault(unit.number(time), []).append(tally)
    found = {number: joined(each) for number, each in parts.items()}
    return found, joined(undated) if undated else None


def _in_order(found: Mapping[int, Tally], unit: _Unit) -> tuple[Stretch, ...] | None:
    """All periods from the first to the last, None where there are too many."""
    stretches: list[Stretch] = []
    before: int | None = None
    for number in sorted(found):
        missing = range(number if before is None else before + 1, number)
        if len(missing) > _LONG_GAP:
            first, last = unit.label(missing[0]), unit.label(missing[-1])
            label = f"nothing from {first.split(' to ')[0]} to {last.split(' to ')[-1]}"
            stretches.append(Stretch(label, "", gap=True))
        else:
            stretches += [Stretch(unit.label(n), unit.tick(n)) for n in missing]
        stretches.append(Stretch(unit.label(number), unit.tick(number), found[number]))
        if len(stretches) > MOST:
            return None
        before = number
    return tuple(stretches)


def _time(key: str) -> datetime | None:
    """The time that a day or an hour of a log begins, None where it is no date."""
    try:
        return datetime.fromisoformat(key)
    except ValueError:
        return None
