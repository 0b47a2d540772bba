"""Patterns of host lists, for a host of which only the address is known.

Exim specification, sections 10.11 to 10.15. A pattern for the host's name cannot be
decided: `match_ip` does not look the name up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion import ip
from eximkit.expansion.environment import NotFound
from eximkit.expansion.matching import Match, NeedsName
from eximkit.expansion.values import Known, NotPure, stops
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.expansion.matching import Asking, State

_NET = re.compile(r"net([0-9]*)-(?!;)(.+)", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class HostPatterns:
    """subject: the address as given, "" for none; address: what it comes to."""

    subject: str
    address: ip.Address | None
    asking: Asking

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
        if sign:
            return self._looked_up(kind, query.lstrip(BLANK))
        raise NeedsName

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
