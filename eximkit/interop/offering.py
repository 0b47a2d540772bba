"""What a server offers to whom: the host lists of Exim's main options, applied.

A `Policy` is asked about each client. `Offering` is the one that the options of the
command line make; `service_options.ServicePlan`, from a real configuration, another.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from eximkit.interop.hostlist import HostList

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.interop.acl_options import Judge
    from eximkit.interop.service_options import Client
    from eximkit.smtp import Service
    from eximkit.smtp.auth import Proof
    from eximkit.smtp.replies import Reply

MOST_KNOWN = 4096
"""Addresses whose offer is kept at hand."""

EVERYBODY = HostList.parse("*")


class Policy(Protocol):
    """What a client is offered, and whether it is let in."""

    def service(self, client: Client) -> Service:
        """The settings towards this client."""

    def refusal(self, client: Client) -> Reply | None:
        """The banner that turns it away, None if it is let in."""

    def authenticated(self, proof: Proof, client: Client) -> str | None:
        """Whom it has proved to be, None if it has not."""

    def authenticator(self, mechanism: str) -> str:
        """What the log calls who authenticates by this mechanism."""

    def judge(self, client: Client) -> Judge | None:
        """Who decides on what the client says, None where all is welcome."""


@dataclass(slots=True)
class Offering:
    """Services by client. full: for whoever is in every list.

    early: pipelining_connect_advertise_hosts. pipelining: pipelining_advertise_hosts.
    chunking: chunking_advertise_hosts. starttls: tls_advertise_hosts. A list can take
    away from `full`, and never adds to it. accounts: passwords by name, for AUTH.
    """

    full: Service
    early: HostList = EVERYBODY
    pipelining: HostList = EVERYBODY
    chunking: HostList = EVERYBODY
    starttls: HostList = EVERYBODY
    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    _by_address: OrderedDict[str, Service] = field(default_factory=OrderedDict)
    _made: dict[tuple[bool, ...], Service] = field(default_factory=dict)

    def service(self, client: Client) -> Service:
        known = self._by_address.get(client.address)
        if known is not None:
            return known
        lists = (self.early, self.pipelining, self.chunking, self.starttls)
        here = tuple(hosts.matches(client.address, client.name) for hosts in lists)
        # One object for all who are offered the same: what hangs on it is made once.
        service = self._made.get(here)
        if service is None:
            service = self._made[here] = self._without(*here)
        self._by_address[client.address] = service
        if len(self._by_address) > MOST_KNOWN:
            self._by_address.popitem(last=False)
        return service

    def _without(
        self, early: bool, pipelining: bool, chunking: bool, starttls: bool
    ) -> Service:
        return replace(
            self.full,
            early=self.full.early if early else "",
            pipelining=self.full.pipelining and pipelining,
            chunking=self.full.chunking and chunking,
            starttls=self.full.starttls and starttls,
        )

    def refusal(self, client: Client) -> Reply | None:  # noqa: ARG002
        return None

    def authenticator(self, mechanism: str) -> str:
        return mechanism.lower()

    def judge(self, client: Client) -> Judge | None:  # noqa: ARG002
        return None

    def authenticated(self, proof: Proof, client: Client) -> str | None:  # noqa: ARG002
        known = self.accounts.get(proof.name)
        # A name that there is not takes as long as a password that is wrong.
        shown = proof.shows(known if known is not None else "\0")
        as_itself = proof.identity in ("", proof.name)
        return proof.name if shown and known is not None and as_itself else None
