"""Every string of a configuration that Exim expands, and how each is parsed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.quoting import split_list, take_word
from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.check import check
from eximkit.expansion.nodes import Literal, Operator
from eximkit.expansion.parse import parse
from eximkit.expansion.walk import walk
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.catalog import Release
    from eximkit.config.model import Config, Driver, Option
    from eximkit.expansion.nodes import Expansion
    from eximkit.source import Text

SECTIONS = {
    "router": "routers", "transport": "transports", "authenticator": "authenticators",
}  # fmt: skip
"""What the section of a kind of driver is called."""

_ACL_LISTS = {
    "domains": "domain", "sender_domains": "domain", "hosts": "host",
    "senders": "address", "recipients": "address", "local_parts": "localpart",
}  # fmt: skip
_SPLIT_FIRST = {
    "client_send": ":", "headers_add": "\n", "headers_remove": ":", "set": ";",
}  # fmt: skip
"""Options that are lists of strings: Exim splits them, then it expands each item."""

_CACHED_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Expandable:
    """A value as it is set. list: what it is a list of (as in the catalogue), or ""."""

    value: Text
    section: str
    driver: str | None
    option: str
    list: str = ""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with [start, end) of an expansion string."""

    code: str
    message: str
    start: int
    end: int
    hint: str = ""
    replacement: str | None = None


def expandables(config: Config) -> Iterator[Expandable]:
    """The values in the order of the sections, those of one block as they stand."""
    for option in config.options:
        yield from _of_option(option, "main", None, None)
    for named in config.named_lists:
        yield Expandable(named.value, "main", None, named.name, named.kind)
    for acl in config.acls.values():
        for statement in acl.statements:
            for condition in statement.conditions:
                if condition.value is not None:
                    kind = _ACL_LISTS.get(condition.name, "")
                    name = condition.name
                    yield Expandable(condition.value, "acl", acl.name, name, kind)
    yield from _of_drivers(config.routers)
    yield from _of_drivers(config.transports)
    yield from _of_drivers(config.authenticators)
    for rule in config.rewrite:
        if len(rule.fields) > 1:
            yield Expandable(rule.fields[1], "rewrite", None, "replacement")
    if config.expansion is not None:
        yield Expandable(config.expansion, "expansion", None, "")


def _of_drivers(drivers: Iterable[Driver]) -> Iterator[Expandable]:
    for driver in drivers:
        for option in driver.options:
            yield from _of_option(option, driver.kind, driver.driver, driver.name)


def _of_option(
    option: Option, kind: str, driver: str | None, name: str | None
) -> Iterator[Expandable]:
    if option.value is None:
        return
    info = catalog.option(kind, driver or None, option.name)
    if info is None:
        return
    section = SECTIONS.get(kind, kind)
    if option.name == "route_list":
        for text, what in _of_routes(option.value):
            yield Expandable(text, section, name, option.name, what)
    elif kind != "main" and option.name in _SPLIT_FIRST:
        for item in split_list(option.value, _SPLIT_FIRST[option.name]):
            yield Expandable(item, section, name, option.name)
    elif info.expanded or info.list not in ("", "string"):
        yield Expandable(option.value, section, name, option.name, info.list)


def _of_routes(value: Text) -> Iterator[tuple[Text, str]]:
    """The domain patterns and the lists of hosts of a `route_list` (chapter 20)."""
    for route in split_list(value, ";"):
        pattern, rest = take_word(route)
        hosts, _options = take_word(rest.strip())
        yield pattern.text, "domain"
        yield hosts.text, "string"


def flaws(text: str, release: Release) -> tuple[Flaw, ...]:
    """What Exim would say to an expansion string when it comes to use it."""
    return _analysed(text, release)[1]


def tree(text: str, release: Release) -> Expansion | None:
    """The tree of an expansion string, or None where it cannot be parsed."""
    return _analysed(text, release)[0]


def _analysed(text: str, release: Release) -> tuple[Expansion | None, tuple[Flaw, ...]]:
    if len(text) > _CACHED_LENGTH:
        return _analyse(text, release)
    return _remembered(text, release)


def _analyse(text: str, release: Release) -> tuple[Expansion | None, tuple[Flaw, ...]]:
    try:
        parsed = parse(text)
    except ExpansionSyntaxError as error:
        return None, (_flaw(text, error),)
    found = tuple(
        Flaw(d.code, d.message, d.start, d.end, d.hint, d.replacement)
        for d in check(parsed, release)
    )
    return parsed, (*found, *_expanded_again(parsed))


def _flaw(text: str, error: ExpansionSyntaxError) -> Flaw:
    start, end = error.start, error.end
    if error.code == "EXS205":
        start = text.find(":", start, end) + 1 or start
        after = text[start:]
        end = start + len(after) - len(after.lstrip(BLANK))
        if end > start:
            return Flaw(error.code, error.message, start, end, error.hint, "")
    return Flaw(error.code, error.message, error.start, error.end, error.hint)


def _expanded_again(parsed: Expansion) -> Iterator[Flaw]:
    """`${expand:…}` of a constant text that cannot be parsed in its turn."""
    for node in walk(parsed):
        if not isinstance(node, Operator) or node.name != "expand":
            continue
        parts = node.operand.parts
        text = "".join(part.text for part in parts if isinstance(part, Literal))
        if not all(isinstance(part, Literal) for part in parts):
            continue
        try:
            parse(text)
        except ExpansionSyntaxError as error:
            message = f"the text to expand once more is malformed: {error.message}"
            yield Flaw("EXS202", message, node.start, node.end, error.hint)


# A second lint of an edited file meets nearly all of its strings again.
_remembered = lru_cache(maxsize=4096)(_analyse)
