"""The options of the lookup types."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from eximkit.catalog.entries import LookupOption
from eximkit.catalog.names import lookup_type
from eximkit.catalog.releases import Release
from eximkit.catalog.tables import load

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def lookup_options(type_name: str, release: Release) -> tuple[LookupOption, ...]:
    """What may follow the type and a comma in a release, by name; () for no type.

    type_name: as for `lookup_type()`.
    """
    info = lookup_type(type_name)
    if info is None or not info.in_release(release):
        return ()
    tables = load("lookups")
    lines: dict[str, str] = {**tables["every"]}
    if info.single_key:
        lines.update(tables["single_key"])
    lines.update(tables.get(type_name, {}))
    found = (_option(name, line, info.since, release) for name, line in lines.items())
    return tuple(
        sorted((o for o in found if o.in_release(release)), key=lambda o: o.name)
    )


def _option(
    name: str, line: str, since: Release | None, release: Release
) -> LookupOption:
    words = line.split()
    for word in words:
        if word.startswith("since="):
            first = Release.parse(word.removeprefix("since="))
            since = first if since is None else max(since, first)
    plain = [word for word in words if not word.startswith("since=")]
    if plain == ["alone"]:
        return LookupOption(name, since=since, values=())
    if plain == ["any"]:
        return LookupOption(name, since=since)
    return LookupOption(name, since=since, values=tuple(_values(plain, release)))


def _values(words: list[str], release: Release) -> Iterator[str]:
    for word in words:
        value, _, first = word.partition(">=")
        if not first or Release.parse(first) <= release:
            yield value
