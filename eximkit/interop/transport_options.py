"""An smtp transport of a real configuration: what a client has to do by it.

Exim specification, chapter 30 and section 24.1. Options are expanded as Exim does it,
with the host known; `helo_data` before there is a connection where it is to be early,
and else once there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.smtp.early import Key, Tls, Wish

if TYPE_CHECKING:
    from eximkit.config.model import Config
    from eximkit.expansion.environment import Environment
    from eximkit.interop.unhonoured import Unhonoured
    from eximkit.smtp.auth import Account
    from eximkit.smtp.route import Route


@dataclass(frozen=True, slots=True)
class Target:
    """The host that is sent to. name: "" where only the address is known."""

    address: str
    port: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What `helo_data` comes to. failure: why it has no value, "" if it has one."""

    name: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """How the certificate of a server is looked at.

    required: TLS fails without a good one; tried: it is looked at, and only logged.
    names: the host's name has to be in it. authorities: a file or directory of CA
    certificates, "system", or "" for none.
    """

    required: bool = False
    tried: bool = False
    names: bool = False
    authorities: str = "system"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, as Exim's options of the same names."""

    connect: float = 300.0
    command: float = 300.0
    data: float = 300.0
    final: float = 600.0


@dataclass(frozen=True, slots=True)
class TransportPlan:
    """What a transport makes of one host.

    wish: what decides on early mode; its `helo` follows Exim's own test of the text.
    bind: the local address to use, "" for any. key: under which the host is remembered.
    settings but for the name to greet with: `route(name)`. certificate, private_key:
    paths, "" for none. tempfail_clear: a 4xx to STARTTLS is passed over in clear.
    unhonoured: options that are set and not followed, each with the reason.
    """

    transport: str
    target: Target
    wish: Wish
    key: Key
    bind: str = ""
    tls: Tls = Tls.NONE
    tls_required: bool = False
    verification: Verification = Verification()
    certificate: str = ""
    private_key: str = ""
    sni: str = ""
    ciphers: str = ""
    alpn: str = ""
    resume: bool = False
    account: Account | None = None
    auth_required: bool = False
    mechanisms: tuple[str, ...] = ()
    pipelining: bool = True
    chunking: bool = True
    prdr: bool = False
    fast_open: bool = True
    timeouts: Timeouts = Timeouts()
    most_recipients: int = 100
    most_messages: int = 500
    unhonoured: tuple[Unhonoured, ...] = ()

    def before(self) -> Greeting:
        """The name to greet with before there is a connection, for early mode."""
        raise NotImplementedError

    def after(self, address: str, port: int) -> Greeting:
        """The name once connected. address, port: the local end."""
        raise NotImplementedError

    def route(self, name: str, as_is: bool = False) -> Route:
        """The settings of the route, with the name to greet with."""
        raise NotImplementedError


def transport_plan(
    config: Config, name: str, target: Target, environment: Environment
) -> TransportPlan:
    """What the transport `name` does with a host.

    environment: with the world that expansions may ask. Raises SettingsError: no such
    transport, one of another driver, a value that Exim could not use either.
    """
    raise NotImplementedError
