"""`iplsearch`: the keys of the file are addresses and networks, tried in order.

Exim specification, section 9.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from eximkit.expansion import ip
from eximkit.expansion.lookups.files import read_regular
from eximkit.expansion.lookups.lsearch import Entry, entries
from eximkit.expansion.lookups.table import Deferred, Table
from eximkit.expansion.values import NotPure

if TYPE_CHECKING:
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context

_MAPPED = 0xFFFF
"""What stands above the IPv4 address in `::ffff:192.0.2.1`."""


@dataclass(frozen=True, slots=True)
class _Network:
    """A number of bits and what they must be; entry: what is said of it."""

    width: int
    bits: int
    prefix: int
    entry: Entry


@lru_cache(maxsize=4)
def _networks(text: str) -> tuple[_Network, ...]:
    """The keys that are networks, each with its entry."""
    found: list[_Network] = []
    for entry in entries(text):
        try:
            masked = ip.parse_masked(entry.key)
        except NotPure:  # A zone: no network has one.
            continue
        if masked is not None:
            address, length = masked
            bits = address.bits if length is None else min(length, address.bits)
            prefix = address.value >> (address.bits - bits)
            found.append(_Network(address.bits, bits, prefix, entry))
    return tuple(found)


@lru_cache(maxsize=4)
def _default(text: str) -> Entry | None:
    return next((entry for entry in entries(text) if entry.key == "*"), None)


@dataclass(frozen=True, slots=True)
class Iplsearch(Table):
    """An open file whose keys are networks."""

    text: str
    full: bool

    def find(self, key: str) -> str | None:
        """The data of the first network that holds the address. Raises Deferred."""
        entry = _default(self.text) if key == "*" else self._holding(key)
        if entry is None:
            return None
        return entry.full if self.full else entry.data

    def _holding(self, key: str) -> Entry | None:
        address = _address(key)
        if address is None:
            raise Deferred(
                f'"{key}" is not a valid iplsearch key (an IP address, with optional '
                "CIDR mask, is wanted): in a host list, use net-iplsearch as the "
                "search type"
            )
        for network in _networks(self.text):
            if network.width == address.bits:
                above = address.value >> (address.bits - network.bits)
                if above == network.prefix:
                    return network.entry
        return None


def _address(text: str) -> ip.Address | None:
    """An IPv4 address that is mapped into IPv6 counts as itself."""
    try:
        address = ip.parse(text)
    except NotPure:
        address = ip.parse(text.partition("%")[0])
    if address is not None and address.bits == 128 and address.value >> 32 == _MAPPED:
        return ip.Address(32, address.value & 0xFFFFFFFF)
    return address


def open_iplsearch(context: Context, path: str, kind: Kind) -> Iplsearch:
    """Raises ExpansionFailed (file), NotAllowed."""
    return Iplsearch(read_regular(context, path), kind.returns_all)
