"""What is to be looked up, and the answer (Exim specification, section 11.5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from eximkit.expansion.environment import Found, NotFound
from eximkit.expansion.lookups import single_key
from eximkit.expansion.lookups.iplsearch import open_iplsearch
from eximkit.expansion.lookups.kind import read_kind
from eximkit.expansion.lookups.lsearch import open_lsearch
from eximkit.expansion.lookups.table import Context, Deferred
from eximkit.expansion.lookups.wildlsearch import open_nwildlsearch, open_wildlsearch
from eximkit.expansion.encodings import escape
from eximkit.expansion.values import ExpansionFailed, stops
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.catalog import Release
    from eximkit.expansion.lookups.table import Open
    from eximkit.expansion.world import World

MAXIMUM_DEPTH = 10
"""How deep lookups may stand in the patterns of lookups; a file may name itself."""


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """`${lookup{key}type{query}}`, or without a key (None) `${lookup type{query}}`.

    type: the word as written, with `partial-`, `*` and options. query: the file of a
    type that has a key, else the query.
    """

    type: str
    key: str | None
    query: str
    release: Release


def inert(text: str) -> str:
    """The `expand` of somebody who cannot: a text without `$` and backslash is its own
    expansion.
    """
    if "$" in text or "\\" in text:
        raise NotAllowed(f'the expansion of "{text}" in a file')
    return text


SINGLE_KEY: dict[str, Open] = {
    "iplsearch": open_iplsearch,
    "lsearch": open_lsearch,
    "nwildlsearch": open_nwildlsearch,
    "wildlsearch": open_wildlsearch,
}


def perform(
    request: LookupRequest, world: World, expand: Callable[[str], str] = inert
) -> Found | NotFound:
    """Look it up for an expansion. expand: expands what a file says is to be expanded.

    Raises ExpansionFailed with Exim's message (kind file where a file cannot be used,
    syntax where the type is wrong) and NotAllowed for what is not there or not allowed.
    """
    try:
        return find(request, world, expand)
    except Deferred as deferred:
        asked = request.query if request.key is None else request.key
        shown = escape(asked).replace("\t", "\\t")
        raise ExpansionFailed(
            f'lookup of "{shown}" gave DEFER: {deferred.reason}'
        ) from deferred


def find(
    request: LookupRequest, world: World, expand: Callable[[str], str] = inert
) -> Found | NotFound:
    """As `perform`, but a lookup that came to no answer raises Deferred."""
    return _find(request, world, expand, 0)


def _find(
    request: LookupRequest, world: World, expand: Callable[[str], str], depth: int
) -> Found | NotFound:
    kind = read_kind(request.type, request.release, keyed=request.key is not None)
    if depth > MAXIMUM_DEPTH:
        raise NotAllowed("a lookup in a pattern of a lookup, and so on without end")
    context = Context(
        world,
        request.release,
        expand,
        partial(_matches, request.release, world, expand, depth + 1),
    )
    if request.key is not None and kind.name in SINGLE_KEY:
        table = SINGLE_KEY[kind.name](context, request.query, kind)
        return single_key.find(table, kind, request.key)
    raise NotAllowed(f"a lookup of type {kind.name}")


def _matches(
    release: Release,
    world: World,
    expand: Callable[[str], str],
    depth: int,
    pattern: str,
    key: str,
) -> bool:
    """Whether `type;query` finds the key. Exim ends where it cannot look."""
    written, _, query = pattern.partition(";")
    try:
        kind = read_kind(written, release)
        keyed = key if kind.single_key else None
        request = LookupRequest(written, keyed, query.lstrip(), release)
        return isinstance(_find(request, world, expand, depth), Found)
    except ExpansionFailed as failed:
        raise stops(failed.message) from failed
