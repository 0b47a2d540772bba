"""One key in an open table: itself, its partial matches, the defaults.

Exim specification, sections 9.6 and 9.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.environment import NOT_FOUND, Found, NotFound
from eximkit.expansion.values import Known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Table


FORGOTTEN = ("",)
"""The captures of a lookup that leaves $1, $2, … empty."""


def find(table: Table, kind: Kind, key: str) -> Found | NotFound:
    """The first that is found of the keys that stand for `key`. Raises Deferred."""
    for wanted, captures in _keys(kind, key):
        # Nothing is ever found under an empty key.
        data = table.find(wanted) if wanted else None
        if data is not None:
            text = key if kind.returns_key else data
            return Found(Known(text), captures or FORGOTTEN * table.forgets)
    return NOT_FOUND


def _keys(kind: Kind, key: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys to try in order, each with what $1 and $2 become if it is found."""
    partial = kind.least is not None
    yield key, ("", key) if partial else ()
    if kind.least is not None:
        yield from _partial(kind.affix, kind.least, key)
    if kind.default == "*@":
        local, sign, domain = key.rpartition("@")
        if sign and local:
            yield f"*@{domain}", (local, "")
    if kind.default:
        yield "*", (key, "")


def _partial(
    affix: str, least: int, key: str
) -> Iterator[tuple[str, tuple[str, ...]]]:  # fmt: skip
    """The key with the affix before it, then with fewer and fewer components."""
    yield affix + key, ("", key)
    components = key.count(".") + 1
    at = 0
    while components > least and components > 1:
        components -= 1
        dot = key.index(".", at)
        at = dot + 1
        yield affix + key[at:], (key[:dot], key[at:])
    if affix and components > least:
        # Alone the affix stands without its last dot. $1 then lacks an octet.
        yield (
            affix[:-1] if len(affix) > 1 and affix[-1] == "." else affix,
            (
                key[:-1],
                "",
            ),
        )
