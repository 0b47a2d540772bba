"""The options and the drivers that Exim knows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from eximkit.catalog.entries import Entry, OptionInfo
from eximkit.catalog.tables import by_release, load, span, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.catalog.releases import Release

# "auth" is how the specification's index calls what a configuration names in full.
_SECTION = {"authenticator": "auth"}
_LISTS = {
    "string-list": "string",
    "domain-list": "domain",
    "host-list": "host",
    "address-list": "address",
    "localpart-list": "localpart",
}
_ALWAYS_EXPANDED = {"domain-list", "host-list", "address-list", "localpart-list",
                    "user-list", "group-list"}  # fmt: skip


@cache
def _table(kind: str, driver: str | None) -> Mapping[str, str]:
    tables = load("options")
    if kind == "main":
        return tables["main"] if driver is None else {}
    # No driver has the name of the table of what all drivers of a kind have.
    if driver == "generic":
        return {}
    table: Mapping[str, str] = tables.get(kind, {}).get(driver or "generic", {})
    return table


@cache
def _info(kind: str, driver: str | None, name: str, line: str) -> OptionInfo:
    words, releases, kind_of_value = split(line)
    plain = kind_of_value.rstrip("*")
    section = _SECTION.get(kind, kind)
    if kind != "main":
        section = f"{section}:{driver}" if driver else f"generic-{section}"
    return OptionInfo(
        name=name,
        section=section,
        type="string" if plain in _LISTS else plain,
        expanded=kind_of_value[-1] in "*!"
        or plain in _ALWAYS_EXPANDED
        or "expanded" in releases,
        list=_LISTS.get(plain, ""),
        multi="multi" in words,
        expanded_since=releases.get("expanded"),
        **span(words, releases),
    )


def option(kind: str, driver: str | None, name: str) -> OptionInfo | None:
    """The option `name` of any release, None where no release has it.

    kind: "main", "router", "transport" or "authenticator". driver: its private options
    are looked at first, then the generic ones; None for the generic ones only.
    """
    for of in (driver, None) if driver is not None else (None,):
        line = _table(kind, of).get(name)
        if line is not None:
            return _info(kind, of, name, line)
    return None


@cache
def option_names(kind: str, driver: str | None, release: Release) -> tuple[str, ...]:
    """The options that a release has there, generic ones of a driver included."""
    names = {*_table(kind, driver), *_table(kind, None)}
    return tuple(
        name
        for name in sorted(names)
        if (info := option(kind, driver, name)) and info.in_release(release)
    )


@cache
def drivers(kind: str) -> dict[str, Entry]:
    """The drivers of routers, transports or authenticators, by name; {} for "main"."""
    tables = load("names")["drivers"]
    if kind not in ("router", "transport", "authenticator"):
        return {}
    optional = tables["optional"]["always"].split()
    return {
        name: Entry(name, release if key == "since" else None,
                    release if key == "until" else None, name in optional)
        for name, key, release in by_release(tables[kind])
    }  # fmt: skip


def every_option(release: Release) -> tuple[tuple[str, str | None, OptionInfo], ...]:
    """(kind, driver, option) of all that a release has."""
    found: list[tuple[str, str | None, OptionInfo]] = []
    for kind, driver in places():
        for name, line in _table(kind, driver).items():
            info = _info(kind, driver, name, line)
            if info.in_release(release):
                found.append((kind, driver, info))
    return tuple(found)


def places() -> tuple[tuple[str, str | None], ...]:
    """(kind, driver) of each table: the generic one of a kind before its drivers."""
    kinds = ("router", "transport", "authenticator")
    return (
        ("main", None),
        *((kind, None) for kind in kinds),
        *((kind, name) for kind in kinds for name in drivers(kind)),
    )
