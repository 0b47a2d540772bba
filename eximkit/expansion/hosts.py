"""Patterns of host lists (Exim specification, sections 10.11 to 10.15).

The name of a host is never looked up: it is known, or patterns for it are not decided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion import ip, regex
from eximkit.expansion.environment import NotFound
from eximkit.expansion.matching import Match, NeedsName
from eximkit.expansion.strings import lower
from eximkit.expansion.values import Known, NotPure, stops
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.expansion.matching import Asking, State

_NET = re.compile(r"net([0-9]*)-(?!;)(.+)", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class HostPatterns:
    """subject: the address as given, "" for none; address: what it comes to.

    name: of the host, None where it is not known. asked: whether Exim would look for
    it, which `match_ip` does not.
    """

    subject: str
    address: ip.Address | None
    asking: Asking
    name: str | None = None
    asked: bool = False

    def matches(self, pattern: str, _state: State) -> Match | None:
        """One pattern. Raises NeedsName for one that is about the host's name."""
        if pattern == "*":
            return Match()
        if not pattern:
            return Match() if self.address is None else None
        if self.address is None:
            return None
        if pattern == "@[]":
            return Match() if self.asking.is_local(self.subject) else None
        masked = ip.parse_masked(pattern)
        if masked is not None:
            return self._within(*masked)
        kind, sign, query = pattern.partition(";")
        # A word that starts with `net` and goes on otherwise is a host's name.
        if sign and (_NET.fullmatch(kind) or lower(kind[:3]) != "net"):
            return self._looked_up(kind, query.lstrip(BLANK))
        if self.name is None and not self.asked:
            raise NeedsName
        if not pattern.startswith(("^", "*")):
            return self._addressed(pattern)
        if self.name is None:
            raise NotPure(f"the name of the host {self.subject}")
        return self._named(pattern, self.name)

    def _named(self, pattern: str, name: str) -> Match | None:
        """A pattern for the name."""
        if pattern.startswith("^"):
            found = regex.search(pattern, name, caseless=True)
            return None if found is None else Match()
        return Match() if lower(name).endswith(lower(pattern[1:])) else None

    def _addressed(self, pattern: str) -> Match | None:
        """A name as a pattern, `@` for that of this host: one for its addresses."""
        name = self.asking.hostname() if pattern == "@" else pattern
        found = map(ip.parse, self.asking.addresses(name))
        return Match() if self.address in found else None

    def _within(self, net: ip.Address, length: int | None) -> Match | None:
        if self.address is None or net.bits != self.address.bits:
            return None
        bits = net.bits if length is None else length
        same = ip.network(net, bits) == ip.network(self.address, bits)
        return Match() if same else None

    def _looked_up(self, kind: str, query: str) -> Match | None:
        """`net-lsearch;file`, `net24-lsearch;file`, or without `net` the same."""
        net = _NET.fullmatch(kind)
        plain = net[2] if net else kind
        bits = int(net[1][-9:]) if net and net[1] else None
        if "*" in plain or plain.startswith("partial"):
            raise stops(f'unknown lookup type "{plain}"')
        found = self.asking.find(plain, self._key(plain, bits), query)
        if isinstance(found, NotFound):
            return None
        if not isinstance(found.value, Known):
            raise NotPure(f"a lookup of type {kind}")
        return Match(value=found.value.text)

    def _key(self, kind: str, bits: int | None) -> str:
        """The address as a key: IPv6 in full, with dots unless `iplsearch` reads it."""
        address = self.address
        if address is None:
            return ""
        if bits is not None:
            address = ip.Address(address.bits, ip.network(address, bits))
        if address.bits == 32:
            text = ".".join(str(address.value >> n & 255) for n in (24, 16, 8, 0))
        else:
            sign = ":" if kind == "iplsearch" else "."
            text = sign.join(f"{group:04x}" for group in ip.groups(address))
        return text if bits is None else f"{text}/{bits}"
