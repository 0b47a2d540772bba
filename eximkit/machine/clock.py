"""How far local time is ahead of UTC: where this machine is, or somewhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable


def offset_of(zone: str | None) -> Callable[[float], int]:
    """The offset, in seconds, of a zone (None: this machine's) at a time since 1970.

    UTC is the answer for a zone that does not exist, as in the C library.
    """
    if zone is None:
        return _here
    try:
        known = ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        return lambda _seconds: 0

    def offset(seconds: float) -> int:
        found = datetime.fromtimestamp(seconds, known).utcoffset()
        return int(found.total_seconds()) if found else 0

    return offset


def _here(seconds: float) -> int:
    found = datetime.fromtimestamp(seconds, UTC).astimezone().utcoffset()
    return int(found.total_seconds()) if found else 0
