"""What of a log report is shown, and with which characters."""

from __future__ import annotations

from dataclasses import dataclass, field

from eximkit.report.style import Style

DIRECTIONS = ("in", "out")


@dataclass(frozen=True, slots=True)
class View:
    """What to show.

    directions: those to show. top: the longest list. unicode: more than ASCII. leagues:
    those to show of traffic, where that was counted; by their names in `traffic.py`.
    """

    style: Style = field(default_factory=Style)
    directions: tuple[str, ...] = DIRECTIONS
    top: int = 10
    unicode: bool = True
    leagues: tuple[str, ...] = ("host", "local")
