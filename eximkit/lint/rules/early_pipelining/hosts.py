"""Which hosts a transport meets, and which of them a host list matches.

Nothing is looked up: only constant lists and literal addresses decide anything (Exim
specification, sections 10.11 to 10.15, chapter 20). Everything else "may match".
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from eximkit.config.interface import Address, address
from eximkit.config.quoting import split_list, unquote_word
from eximkit.source import BLANK, SourceFile, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eximkit.config.model import Config, Driver

BOTH_FAMILIES = frozenset((4, 6))


class Match(Enum):
    """Whether a list matches a host."""

    NEVER = 0
    MAYBE = 1
    ALWAYS = 2


@lru_cache(1024)
def items(text: str, separator: str = ":") -> tuple[str, ...]:
    """The items of an expanded list; `separator` where the list names none."""
    whole = Text.of(SourceFile("", text))
    return tuple(item.text for item in split_list(whole, separator))


def match(
    text: str,
    host: Address | None,
    named: Callable[[str], str | None] = lambda _name: None,
    depth: int = 0,
) -> Match:
    """Whether the host list `text` matches a host (None: any host at all).

    named: the text of a `+name` list, None where it is not constant.
    """
    uncertain = False
    negated = False
    for raw in items(text):
        negated = raw.startswith("!")
        item = raw[1:].lstrip(BLANK) if negated else raw
        answer = _item(item, host, named, depth)
        if answer is Match.ALWAYS:
            if uncertain:
                return Match.MAYBE
            return Match.NEVER if negated else Match.ALWAYS
        uncertain = uncertain or answer is Match.MAYBE
    if uncertain:
        return Match.MAYBE
    # A list that ends with a negated item goes on with an implied "*".
    return Match.ALWAYS if negated else Match.NEVER


def _item(
    item: str,
    host: Address | None,
    named: Callable[[str], str | None],
    depth: int,
) -> Match:
    if item == "*":
        return Match.ALWAYS
    if not item:
        return Match.NEVER  # An empty item stands for "no host": local input.
    if item.startswith("+"):
        inner = named(item[1:]) if depth < 10 else None
        return Match.MAYBE if inner is None else match(inner, host, named, depth + 1)
    literal = address(item)
    if literal is not None:
        if host is None:
            return Match.MAYBE
        return Match.ALWAYS if literal == host else Match.NEVER
    network = _network(item)
    if network is None or host is None:
        return Match.MAYBE
    inside = network.version == host.version and host in network
    return Match.ALWAYS if inside else Match.NEVER


def _network(item: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in item:
        return None
    try:
        return ipaddress.ip_network(item, strict=False)
    except ValueError:
        return None


def representatives(text: str) -> Iterable[Address]:
    """An address out of each literal address or network that a list names."""
    for raw in items(text):
        if raw.startswith("!"):
            continue
        found = address(raw)
        network = _network(raw)
        if found is not None:
            yield found
        elif network is not None:
            yield network.network_address


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts that a transport meets.

    addresses: all of them where they are constant, else None. several: one message can
    meet more than one. families: IP versions that may be used. routed: routers that use
    the transport are known.
    """

    addresses: tuple[Address, ...] | None
    several: bool
    families: frozenset[int]
    routed: bool

    @property
    def only(self) -> Address | None:
        """The one host there is."""
        if self.addresses is not None and len(self.addresses) == 1:
            return self.addresses[0]
        return None


def hosts_of(config: Config, transport: Driver, routers: list[Driver]) -> Hosts:
    """The hosts that a transport meets, from its own options and its routers'."""
    possible = BOTH_FAMILIES
    if config.options.flag("disable_ipv6"):
        possible = frozenset((4,))
    lists: list[tuple[tuple[Address, ...] | None, bool]] = []
    own = transport.options.get("hosts")
    override = transport.options.flag("hosts_override")
    for router in routers:
        routed = _routed(router)
        if own is not None and (override or routed is None):
            routed = [_host_list(own.text)]
        lists.extend(routed or [(None, False)])
    if not routers and own is not None:
        lists.append(_host_list(own.text))
    several = any(many for _, many in lists) or "fallback_hosts" in transport.options
    known = [addresses for addresses, _ in lists if addresses is not None]
    if not lists or len(known) < len(lists) or "fallback_hosts" in transport.options:
        return Hosts(None, several, possible, bool(routers))
    every = tuple(dict.fromkeys(a for addresses in known for a in addresses))
    return Hosts(every, several, frozenset(a.version for a in every), bool(routers))


def _routed(
    router: Driver,
) -> list[tuple[tuple[Address, ...] | None, bool]] | None:
    """For each rule of a router: its hosts, and whether there are several.

    None: the router names no hosts, the transport does.
    """
    kind = router.driver
    if kind in ("accept", "redirect", "queryprogram"):
        return None
    if kind == "ipliteral":
        return [(None, False)]
    if kind != "manualroute":
        return [(None, True)]  # Several MX hosts are the rule.
    data = router.options.get("route_data")
    if data is not None:
        return [_host_list(data.text.partition(" ")[0])]
    rules = [r for r in items(router.options.text("route_list"), ";") if r]
    return [_route_rule(rule) for rule in rules] or None


def _route_rule(rule: str) -> tuple[tuple[Address, ...] | None, bool]:
    """`pattern hosts options` (section 20.4)."""
    if "$" in rule:
        return None, True
    pattern, rest = unquote_word(rule)
    hosts, _ = unquote_word(rest.lstrip(BLANK))
    return _host_list(hosts) if pattern and hosts else (None, False)


def _host_list(text: str) -> tuple[tuple[Address, ...] | None, bool]:
    if "$" in text:
        return None, True
    names = [i for i in items(text) if i and i != "+"]
    found: list[Address] = []
    for name in names:
        host = address(name) or address(_without_port(name))
        if host is None:
            return None, True  # A name can have several addresses.
        found.append(host)
    return tuple(found), len(found) > 1


def _without_port(name: str) -> str:
    """`[address]:port` or `address:port` without the port, `/MX` and its like
    removed.
    """
    name = name.partition("/")[0]
    if name.startswith("["):
        return name[1:].partition("]")[0]
    host, colon, port = name.rpartition(":")
    return host if colon and port.isdigit() else name
