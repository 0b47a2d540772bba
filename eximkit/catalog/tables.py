"""The tables of the package, read when first asked for.

Each table line is a short text (its form is told at the top of each TOML file): words
and `key=release` pairs. It is taken apart when somebody asks for its name.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

from eximkit.catalog.releases import Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Span(TypedDict):
    """The fields of an entry that say which releases and builds have it."""

    since: Release | None
    until: Release | None
    optional: bool
    certain: bool


@cache
def load(name: str) -> dict[str, Any]:
    """The tables of `NAME.toml`."""
    import tomllib  # late: it costs 7 ms, and not every command looks a name up

    data = pkgutil.get_data(__package__, f"{name}.toml")
    if data is None:
        raise FileNotFoundError(f"{name}.toml is not in this installation")
    return tomllib.loads(data.decode())


_parse = cache(Release.parse)


_OF_THE_SPAN = {"doubtful", "optional"}


def split(line: str) -> tuple[frozenset[str], dict[str, Release], str]:
    """The words of a line, its releases by key, and the first word of its own or ""."""
    words = line.split()
    pairs = [word.partition("=") for word in words if "=" in word]
    plain = [word for word in words if "=" not in word]
    releases = {key: _parse(value) for key, _, value in pairs}
    first = next((word for word in plain if word not in _OF_THE_SPAN), "")
    return frozenset(plain), releases, first


def span(words: frozenset[str], releases: Mapping[str, Release]) -> Span:
    """Which releases and builds have what the line tells of."""
    return {
        "since": releases.get("since"),
        "until": releases.get("until"),
        "optional": "optional" in words,
        "certain": "doubtful" not in words,
    }


def by_release(table: Mapping[str, Any]) -> Iterator[tuple[str, str, Release | None]]:
    """(name, "always" | "since" | "until", release) of each name of a names table."""
    for name in table.get("always", "").split():
        yield name, "always", None
    for key in ("since", "until"):
        for text, names in table.get(key, {}).items():
            for name in names.split():
                yield name, key, _parse(text)
