"""What expansion strings, ACL statements and `log_selector` can name."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.catalog.entries import (
    AclInfo,
    ConditionInfo,
    Entry,
    ItemInfo,
    LookupInfo,
    OperatorInfo,
)
from eximkit.catalog.releases import Release
from eximkit.catalog.tables import by_release, load, span, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The order in which the specification tells of them (chapter 44, "ACL verbs").
acl_verbs = ("accept", "defer", "deny", "discard", "drop", "require", "warn")

# Variables that a configuration makes up, and numbers. After `acl_c` and `acl_m` a
# digit or an underscore must come, or nothing (Exim 4.96, tried with -be).
_MADE_UP = re.compile(r"[0-9]+|acl_[cm](?:[0-9_][A-Za-z0-9_]*)?")
_ROUTER_VARIABLE = re.compile(r"r_[A-Za-z0-9_]*")
_ROUTER_VARIABLES_SINCE = Release((4, 93))


def _entries(table: Mapping[str, str]) -> dict[str, Entry]:
    doubtful = table.get("doubtful", "").split()
    return {
        name: Entry(name, release if key == "since" else None,
                    release if key == "until" else None,
                    certain=name not in doubtful)
        for name, key, release in by_release(table)
    }  # fmt: skip


def _in(entries: Iterable[Entry], release: Release) -> tuple[str, ...]:
    return tuple(sorted(e.name for e in entries if e.in_release(release)))


@cache
def _variables() -> dict[str, Entry]:
    return _entries(load("names")["variables"])


def variable(name: str) -> Entry | None:
    """The variable `$name`, of any release; also `$1`, `$acl_m_x`, `$r_x`.

    Header variables are not among them: `$h_...` goes by rules of its own.
    """
    found = _variables().get(name)
    if found is None and _MADE_UP.fullmatch(name):
        return Entry(name)
    if found is None and _ROUTER_VARIABLE.fullmatch(name):
        return Entry(name, since=_ROUTER_VARIABLES_SINCE)
    return found


@cache
def variable_names(release: Release) -> tuple[str, ...]:
    """The variables of a release, those that a configuration makes up left out."""
    return _in(_variables().values(), release)


@cache
def _operators() -> dict[str, OperatorInfo]:
    found = {}
    for name, line in load("expansions")["operators"].items():
        words, releases, first = split(line)
        found[name] = OperatorInfo(name, arguments=first, **span(words, releases))
    return found


def operator(name: str) -> OperatorInfo | None:
    """The operator that Exim sees in `${name:...}`; the name may hold arguments.

    A name with an underscore of its own (`local_part`) must be written whole; of any
    other what follows the first underscore are arguments, even where it takes none:
    Exim 4.96 reads `${lc_x:A}` as `${lc:A}`.
    """
    known = _operators()
    return known.get(name) or known.get(name.partition("_")[0])


@cache
def operator_names(release: Release) -> tuple[str, ...]:
    """The operators of a release, without arguments."""
    return _in(_operators().values(), release)


def _bounds(words: Iterable[str]) -> tuple[int, int | None]:
    for word in words:
        low, dots, high = word.partition("..")
        if dots:
            return int(low), int(high) if high else None
    raise ValueError("no bounds in a line of expansions.toml")


@cache
def _items() -> dict[str, ItemInfo]:
    found = {}
    for name, line in load("expansions")["items"].items():
        words, releases, _ = split(line)
        low, high = _bounds(words)
        tail = "tail" in words
        found[name] = ItemInfo(name, **span(words, releases), minimum=low, maximum=high,
                               tail=tail)  # fmt: skip
    return found


def item(name: str) -> ItemInfo | None:
    """The expansion item `${name{...}}`."""
    return _items().get(name)


@cache
def item_names(release: Release) -> tuple[str, ...]:
    """The expansion items of a release."""
    return _in(_items().values(), release)


@cache
def _conditions() -> dict[str, ConditionInfo]:
    found = {}
    for name, line in load("expansions")["conditions"].items():
        words, releases, _ = split(line)
        low, high = _bounds(words)
        found[name] = ConditionInfo(name, **span(words, releases), minimum=low,
                                    maximum=high)  # fmt: skip
    return found


def condition(name: str) -> ConditionInfo | None:
    """The condition `${if name{...}`; `def` stands there without its colon."""
    return _conditions().get(name)


@cache
def condition_names(release: Release) -> tuple[str, ...]:
    """The expansion conditions of a release."""
    return _in(_conditions().values(), release)


@cache
def _lookups() -> dict[str, LookupInfo]:
    tables = load("names")["lookups"]
    return {
        name: LookupInfo(
            name, e.since, e.until, certain=e.certain, single_key=style == "single_key"
        )
        for style in ("single_key", "query")
        for name, e in _entries(tables[style]).items()
    }


def lookup_type(name: str) -> LookupInfo | None:
    """The lookup type, given without `partial-`, `*`, `*@` and options."""
    return _lookups().get(name)


@cache
def lookup_type_names(release: Release) -> tuple[str, ...]:
    """The lookup types of a release."""
    return _in(_lookups().values(), release)


@cache
def _acl() -> dict[str, AclInfo]:
    found = {}
    for name, line in load("expansions")["acl"].items():
        words, releases, first = split(line)
        found[name] = AclInfo(name, **span(words, releases),
                              modifier=first == "modifier",
                              negatable="negatable" in words)  # fmt: skip
    return found


def acl_condition(name: str) -> AclInfo | None:
    """The condition or modifier of an ACL statement."""
    return _acl().get(name)


@cache
def acl_condition_names(release: Release) -> tuple[str, ...]:
    """The conditions and modifiers of ACL statements that a release has."""
    return _in(_acl().values(), release)


@cache
def _log_selectors() -> dict[str, Entry]:
    return _entries(load("names")["log_selectors"])


def log_selector(name: str) -> Entry | None:
    """The item of `log_selector`, without its sign."""
    return _log_selectors().get(name)


@cache
def log_selector_names(release: Release) -> tuple[str, ...]:
    """The items that `log_selector` takes in a release."""
    return _in(_log_selectors().values(), release)


@cache
def default_log_selectors(release: Release) -> tuple[str, ...]:
    """Those that are on where `log_selector` says nothing of them."""
    on = load("names")["log_selectors"]["on"].split()
    return tuple(name for name in log_selector_names(release) if name in on)
