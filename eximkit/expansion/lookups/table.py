"""What every lookup type with a key gives: a table that is open, and is asked for keys.

Exim specification, section 9.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.world import World


class Deferred(Exception):
    """A lookup that came to no answer, neither found nor not. reason: Exim's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Context:
    """What a lookup works with.

    options: main options that are set, expanded. expand: a string to what it expands
    to; raises ExpansionFailed, NotAllowed. matches: whether a lookup that stands in a
    pattern (`lsearch;/file`) finds a key; raises as `perform` does. remember: sets a
    variable for what comes after the lookup.
    """

    world: World
    options: Mapping[str, str]
    expand: Callable[[str], str]
    matches: Callable[[str, str], bool]
    remember: Callable[[str, str], None]


class Table(Protocol):
    """Something open that is asked for keys.

    forgets: finding something takes their values from $1, $2, …
    """

    forgets: ClassVar[bool] = False

    def find(self, key: str) -> str | None:
        """The data for a key, None where there are none. Raises Deferred."""
        ...


Open = Callable[[Context, str, "Kind"], Table]
"""Open what a lookup names. Raises ExpansionFailed with Exim's message, NotAllowed."""

Ask = Callable[[Context, str, "Kind"], str | None]
"""The data that a query finds, or None. Raises Deferred and as `Open`."""


def cannot_use(message: str) -> ExpansionFailed:
    """The failure of a lookup whose file is missing, or is not as it must be."""
    return ExpansionFailed(message, file=True)
