"""Bars drawn with characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = "_.:-=+*#"


def bar(share: float | None, width: int, *, unicode: bool) -> str:
    """A bar of `width` columns where the share is 1, and none where there is no share.

    A share that is not 0 is always seen.
    """
    if not share:
        return ""
    steps = 8 if unicode else 1
    length = max(1, round(min(share, 1.0) * width * steps))
    if not unicode:
        return "#" * length
    return "█" * (length // 8) + _PARTS[length % 8].strip()


def profile(values: Sequence[float], *, unicode: bool) -> str:
    """A column for each value, as high as it is beside the greatest; blank for 0."""
    levels = _LEVELS if unicode else _ASCII_LEVELS
    greatest = max(values, default=0)
    if not greatest:
        return " " * len(values)
    last = len(levels) - 1
    return "".join(
        levels[round(value / greatest * last)] if value else " " for value in values
    )
