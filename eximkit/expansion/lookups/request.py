"""What is to be looked up, and the answer (Exim specification, section 11.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eximkit.expansion.encodings import escape
from eximkit.expansion.environment import NOT_FOUND, Found, NotFound
from eximkit.expansion.lookups import single_key
from eximkit.expansion.lookups.cdb import open_cdb
from eximkit.expansion.lookups.dbm import open_dbm
from eximkit.expansion.lookups.dnsdb import dnsdb
from eximkit.expansion.lookups.dsearch import open_dsearch
from eximkit.expansion.lookups.iplsearch import open_iplsearch
from eximkit.expansion.lookups.json import open_json
from eximkit.expansion.lookups.kind import read_kind
from eximkit.expansion.lookups.lsearch import open_lsearch
from eximkit.expansion.lookups.queries import passwd, testdb
from eximkit.expansion.lookups.sqlite import sqlite
from eximkit.expansion.lookups.table import Context, Deferred
from eximkit.expansion.lookups.wildlsearch import open_nwildlsearch, open_wildlsearch
from eximkit.expansion.values import ExpansionFailed, Known, stops
from eximkit.expansion.world import NotAllowed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.catalog import Release
    from eximkit.expansion.lookups.table import Ask, Open
    from eximkit.expansion.world import World

NO_OPTIONS: Mapping[str, str] = {}
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


def forget(_name: str, _value: str) -> None:
    """The `remember` of somebody who has no variables."""


SINGLE_KEY: dict[str, Open] = {
    "cdb": open_cdb,
    "dbm": open_dbm,
    "dbmjz": open_dbm,
    "dbmnz": open_dbm,
    "dsearch": open_dsearch,
    "iplsearch": open_iplsearch,
    "json": open_json,
    "lsearch": open_lsearch,
    "nwildlsearch": open_nwildlsearch,
    "wildlsearch": open_wildlsearch,
}
QUERY: dict[str, Ask] = {
    "dnsdb": dnsdb,
    "passwd": passwd,
    "sqlite": sqlite,
    "testdb": testdb,
}
"""The types that are supported; the others are of databases and services."""


def perform(
    request: LookupRequest,
    world: World,
    expand: Callable[[str], str] = inert,
    options: Mapping[str, str] = NO_OPTIONS,
    remember: Callable[[str, str], None] = forget,
) -> Found | NotFound:
    """Look it up for an expansion.

    expand: expands what a file says is to be expanded (the keys of `wildlsearch`).
    options: main options that are set, expanded; of use are `spool_directory`,
    `sqlite_dbfile` and those of the DNS. remember: sets a variable for what comes after
    the lookup, found or not.

    Raises ExpansionFailed with Exim's message (kind file where a file cannot be used,
    syntax where the type is wrong) and NotAllowed for what is not there or not allowed.
    """
    try:
        return find(request, world, expand, options, remember)
    except Deferred as deferred:
        asked = request.key
        if asked is None:
            asked = request.query.lstrip(BLANK)
        shown = escape(asked).replace("\t", "\\t")
        raise ExpansionFailed(
            f'lookup of "{shown}" gave DEFER: {deferred.reason}'
        ) from deferred


def find(
    request: LookupRequest,
    world: World,
    expand: Callable[[str], str] = inert,
    options: Mapping[str, str] = NO_OPTIONS,
    remember: Callable[[str, str], None] = forget,
) -> Found | NotFound:
    """As `perform`, but a lookup that came to no answer raises Deferred."""
    return _Lookups(world, request.release, options, expand, remember).find(
        request.type, request.key, request.query, keyed=request.key is not None
    )


@dataclass(frozen=True, slots=True)
class _Lookups:
    """The asker, and how deep in patterns of lookups the lookup stands."""

    world: World
    release: Release
    options: Mapping[str, str]
    expand: Callable[[str], str]
    remember: Callable[[str, str], None]
    depth: int = 0

    def find(
        self, written: str, key: str | None, query: str, *, keyed: bool | None = None
    ) -> Found | NotFound:
        """keyed: whether the user gave a key; None where a list has one in any case."""
        kind = read_kind(written, self.release, keyed=keyed)
        context = Context(
            self.world, self.options, self.expand, self.matches, self.remember
        )
        if kind.single_key and kind.name in SINGLE_KEY:
            table = SINGLE_KEY[kind.name](context, query, kind)
            return single_key.find(table, kind, key or "")
        if kind.name in QUERY:
            query = query.lstrip(BLANK)
            data = QUERY[kind.name](context, query, kind)
            if data is None:
                return NOT_FOUND
            return Found(Known(query if kind.returns_key else data))
        raise NotAllowed(f"a lookup of type {kind.name}")

    def matches(self, pattern: str, key: str) -> bool:
        """Whether `type;query` finds the key. Exim ends where it cannot look."""
        if self.depth >= MAXIMUM_DEPTH:
            raise NotAllowed("a lookup in a pattern of a lookup, and so on without end")
        written, _, query = pattern.partition(";")
        deeper = replace(self, depth=self.depth + 1)
        try:
            return isinstance(deeper.find(written, key, query.lstrip(BLANK)), Found)
        except ExpansionFailed as failed:
            raise stops(failed.message) from failed
