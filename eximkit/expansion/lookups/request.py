"""What is to be looked up, and the answer (Exim specification, section 11.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.lookups import single_key
from eximkit.expansion.lookups.kind import read_kind
from eximkit.expansion.lookups.lsearch import open_lsearch
from eximkit.expansion.lookups.table import Deferred
from eximkit.expansion.values import ExpansionFailed
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from eximkit.catalog import Release
    from eximkit.expansion.environment import Found, NotFound
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Open
    from eximkit.expansion.world import World


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


SINGLE_KEY: dict[str, Open] = {"lsearch": open_lsearch}


def perform(request: LookupRequest, world: World) -> Found | NotFound:
    """Look it up for an expansion.

    Raises ExpansionFailed with Exim's message (kind file where a file cannot be used,
    syntax where the type is wrong) and NotAllowed for what is not there or not allowed.
    """
    try:
        return find(request, world)
    except Deferred as deferred:
        asked = request.query if request.key is None else request.key
        raise ExpansionFailed(
            f'lookup of "{asked}" gave DEFER: {deferred.reason}'
        ) from deferred


def find(request: LookupRequest, world: World) -> Found | NotFound:
    """As `perform`, but a lookup that came to no answer raises Deferred."""
    kind = read_kind(request.type, request.release, keyed=request.key is not None)
    if request.key is not None:
        opener = SINGLE_KEY.get(kind.name)
        if opener is None:
            raise _unsupported(kind)
        return single_key.find(opener(world, request.query, kind), kind, request.key)
    raise _unsupported(kind)


def _unsupported(kind: Kind) -> NotAllowed:
    return NotAllowed(f"a lookup of type {kind.name}")
