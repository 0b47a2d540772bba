"""How a report for people may look: width and colour. Decided by the command line."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = {
    "bold": "1", "error": "1;31", "warning": "1;33", "info": "1;36", "caret": "1;31",
    "dim": "2", "added": "32", "removed": "31",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """width: columns. colour: whether terminal colours may be used."""

    width: int = 80
    colour: bool = False

    def paint(self, kind: str, text: str) -> str:
        """The text in the colour of its kind, where colours may be used."""
        return f"\x1b[{_CODES[kind]}m{text}\x1b[0m" if self.colour and text else text
