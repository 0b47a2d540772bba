"""The macros that Exim defines before it reads a configuration.

They tell of one build; here it is that of Debian's exim4-daemon-heavy.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from eximkit.catalog import names
from eximkit.catalog.options import drivers, every_option
from eximkit.catalog.releases import Release
from eximkit.catalog.tables import by_release, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EXPANSION_MACROS_SINCE = Release((4, 97))


@cache
def builtin_macros(release: Release) -> Mapping[str, str]:
    """Name to value of the macros of a release, a longer name before its beginning.

    That is the order in which Exim tries them: `_HAVE_TLS` must not be replaced within
    `_HAVE_TLS_ALPN`.
    """
    values: dict[str, str] = load("names")["macro_values"]
    found = {*_options(release), *_drivers(release), *_acl(release), *_stated(release)}
    found.update(f"_LOG_{name.upper()}" for name in names.log_selector_names(release))
    if release >= _EXPANSION_MACROS_SINCE:
        found.update(_expansions(release))
    return MappingProxyType(
        {name: values.get(name, "y") for name in sorted(found, reverse=True)}
    )


def _options(release: Release) -> Iterator[str]:
    for kind, driver, info in every_option(release):
        if info.optional or (driver and drivers(kind)[driver].optional):
            continue
        if kind == "main":
            place = "MAIN"
        elif driver is None:
            place = f"{kind.upper()}S"
        else:
            place = f"{kind.upper()}_{driver.upper()}"
        yield f"_OPT_{place}_{info.name.upper()}"


def _drivers(release: Release) -> Iterator[str]:
    for kind in ("router", "transport", "authenticator"):
        for entry in drivers(kind).values():
            if entry.in_release(release) and not entry.optional:
                yield f"_DRIVER_{kind.upper()}_{entry.name.upper()}"


def _acl(release: Release) -> Iterator[str]:
    for name in names.acl_condition_names(release):
        info = names.acl_condition(name)
        if info and not info.optional:
            yield f"_ACL_{'MOD' if info.modifier else 'COND'}_{name.upper()}"


def _expansions(release: Release) -> Iterator[str]:
    for family, known in (
        ("ITEM", names.item_names(release)),
        ("OP", names.operator_names(release)),
        ("COND", names.condition_names(release)),
        ("VAR", names.variable_names(release)),
    ):
        for name in known:
            if name[0].isalpha():
                yield f"_EXP_{family}_{name.upper()}"


def _stated(release: Release) -> Iterator[str]:
    for name, key, of in by_release(load("names")["macros"]):
        if of is None or (of <= release if key == "since" else of >= release):
            yield name
