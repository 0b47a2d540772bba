"""What of a log report is shown, and with which characters."""

from __future__ import annotations

from dataclasses import dataclass, field

from eximkit.report.style import Style

DIRECTIONS = ("in", "out")


@dataclass(frozen=True, slots=True)
class View:
    """directions: those to show. top: the longest list. unicode: more than ASCII."""

    style: Style = field(default_factory=Style)
    directions: tuple[str, ...] = DIRECTIONS
    top: int = 10
    unicode: bool = True
