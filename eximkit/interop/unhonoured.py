"""Options of a real configuration that a peer made from it does not follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unhonoured:
    """An option that is set, or a part of one, and why it is not followed.

    weakens: not to follow it makes the mail less safe than the configuration has it.
    """

    option: str
    reason: str
    weakens: bool = False

    def __str__(self) -> str:
        return f"{self.option}: {self.reason}"
