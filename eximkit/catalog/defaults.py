"""What an option is when a configuration does not set it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from eximkit.catalog.options import option
from eximkit.catalog.releases import Release
from eximkit.catalog.tables import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.catalog.entries import OptionInfo

# By the type without its "!": what has no line in the table; the rest is unset.
_NOTHING = {"boolean": "false", "integer": "0", "size": "0", "time": "0s"}


def default(kind: str, driver: str | None, name: str, release: Release) -> str | None:
    """The value as `exim -bP` shows it: "true", "1d", "50M", "" for an unset one.

    kind and driver as for `option()`. None where the release has no such option, where
    the value comes from the machine, the build or the driver (`default_depends()`), and
    where it is not known.
    """
    info = option(kind, driver, name)
    if info is None or not info.in_release(release):
        return None
    if default_depends(kind, driver, name) or name in _names("unknown", info):
        return None
    value = _place(load("defaults"), info).get(name)
    if value is None:
        return _NOTHING.get(info.type.rstrip("!"), "")
    return value if isinstance(value, str) else _then(value, release)


def default_depends(kind: str, driver: str | None, name: str) -> bool:
    """Whether the default comes from the machine, Exim's build or the driver."""
    info = option(kind, driver, name)
    return info is not None and name in _names("depends", info)


def _then(values: Mapping[str, str], release: Release) -> str | None:
    """The newest of the values, by release, that the release has."""
    found = None
    for since, value in values.items():
        if Release.parse(since) <= release:
            found = value
    return found


@cache
def _names(table: str, info: OptionInfo) -> frozenset[str]:
    return frozenset(_place(load("defaults")[table], info).get("names", "").split())


def _place(tables: Mapping[str, Any], info: OptionInfo) -> Mapping[str, Any]:
    """The part of a table for the section of an option: ["router"]["generic"], …"""
    kind, _, driver = info.section.removeprefix("generic-").partition(":")
    kind = {"auth": "authenticator"}.get(kind, kind)
    found: Mapping[str, Any] = tables.get(kind, {})
    return found if kind == "main" else found.get(driver or "generic", {})
