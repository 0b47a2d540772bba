"""Counts of days long past, put together by the month.

What follows a log for years would otherwise keep the counts of each day for ever.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

from eximkit.logs.stretches import Piece, Stretches

KEPT_DAYS = 800
"""So many days with something in them are told apart, and then some."""
SLACK = 100
STRETCHES = 2000
"""So many stretches between starts of the daemon are told apart."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d)?")


def age(counts: Any) -> None:  # noqa: ANN401 - any dataclass of counts
    """Put the days of a `Summary`, or a part of one, together where there are too many.

    A table is one of days if its keys, or the first part of them, are days or hours.
    """
    if not is_dataclass(counts):
        return
    for each in fields(counts):
        part = getattr(counts, each.name)
        if isinstance(part, dict):
            _age_table(part)
        elif isinstance(part, Stretches):
            _join(part)
        else:
            age(part)


def _age_table(table: dict[Any, Any]) -> None:
    if len(table) <= KEPT_DAYS:
        return
    first = next(iter(table))
    if not isinstance(table[first], int) or not _DAY.fullmatch(_time(first)):
        return
    days = {_time(key)[:10] for key in table}
    days = {day for day in days if len(day) == 10}
    if len(days) <= KEPT_DAYS + SLACK:
        return
    oldest_kept = sorted(days)[-KEPT_DAYS]
    old = [key for key in table if len(time := _time(key)) >= 10 and time < oldest_kept]
    for key in old:
        month = _with_time(key, _time(key)[:7])
        table[month] = table.get(month, 0) + table.pop(key)


def _time(key: Any) -> str:  # noqa: ANN401
    """The day or hour of a key, "" where it has none."""
    time = key[0] if isinstance(key, tuple) and key else key
    return time if isinstance(time, str) else ""


def _with_time(key: Any, time: str) -> Any:  # noqa: ANN401
    if not isinstance(key, tuple):
        return time
    rest = (time, *key[1:])
    return type(key)._make(rest) if hasattr(key, "_make") else rest


def _join(stretches: Stretches) -> None:
    """Put the oldest pieces together that say the same of the log selector."""
    excess = len(stretches.pieces) - STRETCHES
    if excess <= SLACK:
        return
    kept: dict[tuple[int, int], Piece] = {}
    before: Piece | None = None
    for key in sorted(stretches.pieces):
        piece = stretches.pieces[key]
        if excess > 0 and before is not None and before.source == piece.source:
            both = before.evidence + piece.evidence
            said = before.evidence.selector
            if said is piece.evidence.selector is both.selector:
                piece = replace(before, end=piece.end, evidence=both)
                excess -= 1
        kept[piece.source, piece.start] = before = piece
    stretches.pieces = kept
