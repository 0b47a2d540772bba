"""What a client has to do for one host, as a transport of a configuration has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.smtp.addresses import is_name
from eximkit.smtp.early import Key, Tls, Wish
from eximkit.smtp.route import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.interop.unhonoured import Unhonoured
    from eximkit.smtp.auth import Account

UNBOUND_PORT = -1
"""$sending_port where there is no connection (checked with 4.96)."""


@dataclass(frozen=True, slots=True)
class Target:
    """The host that is sent to. name: "" where only the address is known.

    port: 0 for that of the transport.
    """

    address: str
    port: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whose message it is: what $sender_address, $domain and $local_part hold."""

    sender: str = ""
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Greeting:
    """What `helo_data` comes to. failure: why it has no value, "" if it has one."""

    name: str = ""
    failure: str = ""

    @property
    def usable(self) -> bool:
        """Whether it is a name that a host may greet with (RFC 5321 4.1.1.1)."""
        return not self.failure and is_name(self.name)


@dataclass(frozen=True, slots=True)
class Verification:
    """How the certificate of a server is looked at.

    required: TLS fails without a good one; tried: it is looked at, and only logged.
    names: the host's name has to be in it. authorities: a file or a directory of CA
    certificates, "system", or "" for none.
    """

    required: bool = False
    tried: bool = False
    names: bool = False
    authorities: str = "system"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, as Exim's options of the same names; 0 for no limit."""

    connect: float = 300.0
    command: float = 300.0
    data: float = 300.0
    final: float = 600.0


@dataclass(frozen=True, slots=True)
class TransportPlan:
    """What a transport makes of one host.

    wish: what decides on early mode; its `helo` follows Exim's own test of the text.
    key: under which the host is remembered. bind: the local address to use, "" for any.
    certificate, private_key: paths, "" for none. ciphers: for OpenSSL, "" for its own.
    unhonoured: options that are set and not followed, each with the reason.
    """

    transport: str
    target: Target
    wish: Wish
    key: Key
    speak: Callable[[str, int], Greeting] = field(repr=False)
    """The greeting by the local address and port; see `before` and `after`."""
    bind: str = ""
    verification: Verification = field(default_factory=Verification)
    certificate: str = ""
    private_key: str = ""
    sni: str = ""
    ciphers: str = ""
    alpn: tuple[str, ...] = ()
    resume: bool = False
    account: Account | None = None
    auth_required: bool = False
    mechanisms: tuple[str, ...] = ()
    auth_in_clear: bool = True
    """Whether AUTH is meant to be used without TLS."""
    extended: bool = True
    chunking: bool = True
    prdr: bool = False
    fast_open: bool = True
    clear_after_tempfail: bool = True
    most_recipients: int = 100
    timeouts: Timeouts = field(default_factory=Timeouts)
    unhonoured: tuple[Unhonoured, ...] = ()

    @property
    def weakened(self) -> tuple[Unhonoured, ...]:
        """Those without which the delivery is less safe than it was meant to be."""
        return tuple(each for each in self.unhonoured if each.weakens)

    def before(self, port: int = UNBOUND_PORT) -> Greeting:
        """The greeting before there is a connection. port: that is bound, if one is."""
        return self.speak(self.bind, port if self.bind else UNBOUND_PORT)

    def after(self, address: str, port: int) -> Greeting:
        """The greeting once connected. address, port: of the local end."""
        return self.speak(address, port)

    def greeting(self, early: bool, address: str, port: int) -> Greeting:
        """The greeting of a connection, early or not, whose local end is this.

        TLS on connect comes before any greeting, so that the local end is known.
        """
        if early and self.wish.tls is not Tls.ON_CONNECT:
            return self.before(port)
        return self.after(address, port)

    def route(
        self, name: str, *, clear_passwords: bool = False, as_is: bool = False
    ) -> Route:
        """The settings of the route. name: to greet with.

        clear_passwords: PLAIN and LOGIN may be used without TLS, as Exim does it.
        """
        return Route(
            name,
            tls=self.wish.tls,
            tls_required=self.wish.tls_required,
            account=self.account,
            auth_required=self.auth_required,
            mechanisms=self.mechanisms,
            clear_passwords=clear_passwords,
            tls_for_auth=not self.auth_in_clear,
            pipelining=self.wish.pipelining,
            chunking=self.chunking,
            prdr=self.prdr,
            as_is=as_is,
            extended=self.extended,
            clear_after_tempfail=self.clear_after_tempfail,
            most_recipients=self.most_recipients,
        )
