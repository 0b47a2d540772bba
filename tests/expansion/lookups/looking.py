"""Lookups as the tests ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.catalog import release
from eximkit.expansion.environment import Found
from eximkit.expansion.lookups import LookupRequest, perform
from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.expansion.world import World

FILE = "/data"
NO_OPTIONS: Mapping[str, str] = {}


def unexpanded(text: str) -> str:
    return text


def look(
    world: World,
    kind: str,
    key: str | None,
    query: str = FILE,
    *,
    expand: Callable[[str], str] = unexpanded,
    options: Mapping[str, str] = NO_OPTIONS,
    version: str = "4.96",
) -> str | None:
    """What is found, or None; `Failed: …` for a failure."""
    request = LookupRequest(kind, key, query, release(version))
    try:
        answer = perform(request, world, expand, options)
    except ExpansionFailed as failed:
        return f"Failed: {failed.message}"
    return str(answer.value) if isinstance(answer, Found) else None


def captures(world: World, kind: str, key: str) -> tuple[str, ...]:
    """What $1, $2, … become."""
    request = LookupRequest(kind, key, FILE, release("4.96"))
    answer = perform(request, world)
    assert isinstance(answer, Found)
    return answer.captures
