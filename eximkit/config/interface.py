"""What the option `interface` of an smtp transport binds (Exim specification 30.4)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from eximkit.config.quoting import split_list
from eximkit.expansion.values import Failure, Known, Result
from eximkit.source import BLANK, SourceFile, Text

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address(text: str) -> Address | None:
    """An IP address as Exim takes it, else None."""
    try:
        return ipaddress.ip_address(text.strip(BLANK).partition("%")[0])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Bound:
    """One value that `interface` can take: its addresses.

    malformed: after them comes what is no address, which fails where Exim gets there.
    unknown: it cannot be known.
    """

    addresses: tuple[Address, ...]
    malformed: bool = False
    unknown: bool = False

    def chosen(self, version: int) -> Address | None:
        """The address that is bound for a host of this IP version: the first one."""
        return next((a for a in self.addresses if a.version == version), None)

    def fails(self, version: int) -> bool:
        """Whether delivery to a host of this IP version is deferred."""
        return self.malformed and self.chosen(version) is None

    def binds(self, version: int) -> bool:
        """Whether no connection to a host of this IP version is left unbound."""
        if self.unknown:
            return False
        return self.malformed or self.chosen(version) is not None


def parse_interface(text: str) -> Bound:
    """A value of `interface` as a list of addresses."""
    found: list[Address] = []
    for item in split_list(Text.of(SourceFile("", text))):
        literal = address(item.text)
        if literal is None:
            return Bound(tuple(found), malformed=True)
        found.append(literal)
    return Bound(tuple(found))


def outcome(result: Result) -> Bound:
    """What a way to expand `interface` binds; a forced failure binds nothing."""
    if isinstance(result, Known):
        return parse_interface(result.text)
    if isinstance(result, Failure):
        return Bound((), malformed=not result.forced)
    return Bound((), unknown=True)
