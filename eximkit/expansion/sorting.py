"""The order that `${sort…` makes of a list (Exim specification, section 11.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.conditions import CONDITIONS
from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPARATORS = frozenset(
    ("<", "<=", ">", ">=", "ge", "gei", "gt", "gti", "le", "lei", "lt", "lti")
)
"""The conditions that may order a list."""

# Exim compares each item with those before it; so does this, for lists people write.
_MOST = 1000


def sort_items(comparator: str, items: Sequence[tuple[str, str]]) -> list[str]:
    """The items of (item, field) pairs in Exim's order.

    Each goes before the first item already placed that it compares true with; a field
    that is no number compares false. Raises ExpansionFailed for another condition,
    NotPure for empty items, which Exim itself loses track of, and for endless lists.
    """
    if comparator not in COMPARATORS:
        raise ExpansionFailed("comparator not handled for sort")
    if len(items) > _MOST or not all(item for item, _ in items):
        raise NotPure("a list that is not followed")
    placed: list[tuple[str, str]] = []
    for item, field in items:
        at = next(
            (
                index
                for index, (_, other) in enumerate(placed)
                if _holds(comparator, field, other)
            ),
            len(placed),
        )
        placed.insert(at, (item, field))
    return [item for item, _ in placed]


def _holds(comparator: str, left: str, right: str) -> bool:
    try:
        return CONDITIONS[comparator]((left, right)).holds
    except ExpansionFailed:
        return False
