"""The order that `${sort…` makes of a list (Exim specification, section 11.5)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.conditions import CONDITIONS
from eximkit.expansion.values import ExpansionFailed, NotPure
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPARATORS = frozenset(
    ("<", "<=", ">", ">=", "ge", "gei", "gt", "gti", "le", "lei", "lt", "lti")
)
"""The conditions that may order a list."""

_NAME = re.compile(r"[A-Za-z0-9_]+|[<=>]+", re.ASCII)
_ASCENDING = {"lt": bisect_right, "le": bisect_left}
_DESCENDING = {"gt": bisect_left, "ge": bisect_right}

# Exim compares each item with those before it; so does this, for lists people write.
_MOST = 1000


def sort_items(
    comparator: str,
    items: Sequence[tuple[str, str]],
    written: str = "",
    separator: str = ":",
) -> list[str]:
    """The items of (item, field) pairs in Exim's order.

    Each goes before the first item already placed that it compares true with; a field
    that is no number compares false. written: what makes the fields, as it stands in
    the string. Raises ExpansionFailed for another condition and for an empty field,
    NotPure for empty items and for those that begin with the list's separator, which
    Exim itself loses track of, and for endless lists.
    """
    name = comparator_of(comparator)
    if not all(field for _, field in items):
        raise ExpansionFailed(f'field-extract in sort: "{written}"')
    fields = [field.lstrip(BLANK) for _, field in items]
    if not all(fields):
        raise ExpansionFailed("Internal error in sort (list mismatch)")
    if not all(item for item, _ in items):
        raise NotPure("the order of a list with empty items")
    if len(items) > 1 and any(item.startswith(separator) for item, _ in items):
        raise NotPure("the order of a list whose items begin with its separator")
    if name in _ASCENDING or name in _DESCENDING:
        return _by_text(name, items, fields)
    if len(items) > _MOST:
        raise NotPure(f"the order of more than {_MOST} items")
    placed: list[tuple[str, str]] = []
    for (item, _), field in zip(items, fields, strict=True):
        at = next(
            (
                index
                for index, (_, other) in enumerate(placed)
                if _holds(name, field, other)
            ),
            len(placed),
        )
        placed.insert(at, (item, field))
    return [item for item, _ in placed]


def comparator_of(comparator: str) -> str:
    """The name that a comparator begins with; what follows it does not count.

    Raises ExpansionFailed, in Exim's words, where that orders no list; of a name that
    it does not know Exim says nothing.
    """
    found = _NAME.match(comparator)
    if found is None:
        raise ExpansionFailed(
            f'condition name expected, but found "{comparator[:16]}"', syntax=True
        )
    if found[0] in COMPARATORS:
        return found[0]
    known = catalog.condition(found[0]) is not None
    raise ExpansionFailed("comparator not handled for sort" if known else "")


def _by_text(
    name: str, items: Sequence[tuple[str, str]], fields: Sequence[str]
) -> list[str]:
    """The same order where fields compare as octets, with fewer looks."""
    find = _ASCENDING.get(name) or _DESCENDING[name]
    placed: list[str] = []
    ordered: list[str] = []
    for (item, _), field in zip(items, fields, strict=True):
        at = find(placed, field)
        placed.insert(at, field)
        ordered.insert(at if name in _ASCENDING else len(ordered) - at, item)
    return ordered


def _holds(comparator: str, left: str, right: str) -> bool:
    try:
        return CONDITIONS[comparator]((left, right)).holds
    except ExpansionFailed:
        return False
