"""What the builder and its checks report: a defect for which Exim refuses to load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from eximkit.source import Place

QUOTE_LIMIT = 60
"""How much of a user's text a message repeats."""


def refusal(
    code: str,
    message: str,
    place: Place,
    hint: str = "",
    *,
    replacement: str | None = None,
    related: tuple[tuple[str, Place], ...] = (),
) -> Problem:
    """A problem for which Exim refuses to load the file."""
    return Problem(
        code, message, place, hint=hint, replacement=replacement, refuses=True,
        related=related,
    )  # fmt: skip


def guess(name: str, candidates: Iterable[str], place: Place) -> tuple[str, str | None]:
    """The hint "did you mean ..." and what would mend the place, or "" and None."""
    near = catalog.suggest(name, tuple(candidates))
    if near is None:
        return "", None
    return f'did you mean "{near}"?', near if place.exact else None


MOST_CANDIDATES = 2_000


@dataclass(slots=True)
class Guesses:
    """`guess`, for as many names of a configuration as anybody reads about.

    A guess takes about a millisecond, and a hostile file has no end of unknown names.
    """

    left: int = 200

    def guess(
        self, name: str, candidates: Collection[str], place: Place
    ) -> tuple[str, str | None]:
        """As the function does; nothing once all guesses are used up."""
        if self.left <= 0 or len(candidates) > MOST_CANDIDATES:
            return "", None
        self.left -= 1
        return guess(name, candidates, place)


def within(problem: Problem, section: str, driver: str, option: str) -> Problem:
    """The problem, with where it stands unless that is known already."""
    return replace(
        problem,
        section=problem.section or section or None,
        driver=problem.driver or driver or None,
        option=problem.option or option or None,
    )


def shown(text: str) -> str:
    """A user's text, safe and short enough for a message."""
    from eximkit.source import display

    return display(text if len(text) <= QUOTE_LIMIT else f"{text[:QUOTE_LIMIT]}...")
