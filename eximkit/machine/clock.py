"""How far local time is ahead of UTC: where this machine is, or somewhere else.

Exim takes TZ out of its environment, unless `keep_environment` names it.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCAL = Path("/etc/localtime")


def offset_of(zone: str | None) -> Callable[[float], int]:
    """The offset, in seconds, of a zone (none: this machine's) at a time since 1970.

    UTC is the answer for a zone that does not exist, as in the C library.
    """
    known = _named(zone) if zone else _here()

    def offset(seconds: float) -> int:
        found = datetime.fromtimestamp(seconds, known).utcoffset()
        return int(found.total_seconds()) if found else 0

    return offset


def _named(zone: str) -> tzinfo:
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        return UTC


def _here() -> tzinfo:
    try:
        with _LOCAL.open("rb") as stream:
            return ZoneInfo.from_file(stream)
    except (OSError, ValueError):
        return UTC
