"""The main part of a real configuration: what a server has to do by it.

Exim specification, chapter 14. Host lists are matched when a client is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.config.model import Config
    from eximkit.expansion.environment import Environment
    from eximkit.interop.unhonoured import Unhonoured
    from eximkit.smtp.auth import Proof
    from eximkit.smtp.replies import Reply
    from eximkit.smtp.service import Service


@dataclass(frozen=True, slots=True)
class Client:
    """Who is connected. name: of the host, "" where it is not known.

    local, local_port: where it came in.
    """

    address: str
    port: int = 0
    name: str = ""
    local: str = ""
    local_port: int = 0


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What the main part says, as far as one server is concerned.

    listen: addresses and ports that the configuration names, a hint only.
    on_connect_ports: of them those where TLS comes first. certificate, private_key:
    paths, "" for none. timeout: seconds that a client may be silent. most_connections,
    most_per_host: 0 for any number. selectors: for the main log.
    """

    name: str
    listen: tuple[tuple[str, int], ...] = ()
    on_connect_ports: frozenset[int] = frozenset()
    certificate: str = ""
    private_key: str = ""
    timeout: float = 300.0
    most_connections: int = 20
    most_per_host: int = 0
    selectors: frozenset[str] = frozenset()
    unhonoured: tuple[Unhonoured, ...] = ()

    def service(self, client: Client) -> Service:
        """The settings towards one client: what it is offered, and how much it may."""
        raise NotImplementedError

    def refusal(self, client: Client) -> Reply | None:
        """Why a client is not let in at all, None if it is."""
        raise NotImplementedError

    def authenticated(self, proof: Proof, client: Client) -> str | None:
        """The id of who has shown that (`server_set_id`), None where it is refused."""
        raise NotImplementedError


def service_plan(config: Config, environment: Environment) -> ServicePlan:
    """What a server has to do by the main part of a configuration.

    environment: with the world that expansions may ask. Raises SettingsError for a
    value that Exim could not use either.
    """
    raise NotImplementedError
