"""What a server offers to whom: the host lists of Exim's main options, applied."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eximkit.interop.hostlist import HostList

if TYPE_CHECKING:
    from eximkit.smtp import Service

MOST_KNOWN = 4096
"""Addresses whose offer is kept at hand."""

EVERYBODY = HostList.parse("*")


@dataclass(slots=True)
class Offering:
    """Services by client. service: for whoever is in every list.

    early: pipelining_connect_advertise_hosts. pipelining: pipelining_advertise_hosts.
    chunking: chunking_advertise_hosts. starttls: tls_advertise_hosts. A list can take
    away from `service`, and never adds to it.
    """

    service: Service
    early: HostList = EVERYBODY
    pipelining: HostList = EVERYBODY
    chunking: HostList = EVERYBODY
    starttls: HostList = EVERYBODY
    _by_address: OrderedDict[str, Service] = field(default_factory=OrderedDict)
    _made: dict[tuple[bool, ...], Service] = field(default_factory=dict)

    def towards(self, address: str) -> Service:
        """What the client at this address is offered."""
        known = self._by_address.get(address)
        if known is not None:
            return known
        here = tuple(
            hosts.matches(address)
            for hosts in (self.early, self.pipelining, self.chunking, self.starttls)
        )
        # One object for all who are offered the same: what hangs on it is made once.
        service = self._made.get(here)
        if service is None:
            early, pipelining, chunking, starttls = here
            full = self.service
            service = self._made[here] = replace(
                full,
                early=full.early if early else "",
                pipelining=full.pipelining and pipelining,
                chunking=full.chunking and chunking,
                starttls=full.starttls and starttls,
            )
        self._by_address[address] = service
        if len(self._by_address) > MOST_KNOWN:
            self._by_address.popitem(last=False)
        return service
