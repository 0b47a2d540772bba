"""The main part of a real configuration: what a server has to do by it.

Exim specification, chapter 14. Host lists, and strings that hang on the client, are
looked at when a client is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.expansion.lists import split_list
from eximkit.expansion.values import Failure
from eximkit.interop.acl_options import STAGES, Acls, Judge
from eximkit.interop.hostlist import is_local
from eximkit.interop.log_fields import selectors_of
from eximkit.interop.main_table import ACLS, FOLLOWED, NOT_FOLLOWED, WEAKENING
from eximkit.interop.option_values import OptionValues, set_options
from eximkit.interop.server_authenticators import (
    Authenticator,
    account,
    advertised,
    authenticators,
)
from eximkit.smtp.addresses import is_name
from eximkit.smtp.auth import CLEAR
from eximkit.smtp.ehlo import NO_LIMITS, Limits
from eximkit.smtp.replies import reply
from eximkit.smtp.service import Service
from eximkit.source import BLANK, decode, display

if TYPE_CHECKING:
    from eximkit.catalog import Release
    from eximkit.config.model import Config
    from eximkit.expansion.environment import Environment
    from eximkit.interop.unhonoured import Unhonoured
    from eximkit.smtp.auth import Proof
    from eximkit.smtp.replies import Reply

KEYWORDS = (
    ((4, 96, 0), "PIPECONNECT"),
    ((4, 94, 1), "PIPE_CONNECT"),
    (
        (4, 92, 0),
        "X_PIPE_CONNECT",
    ),
)
"""The keyword of early pipelining, by the release that began to offer it."""

LIMITS_SINCE = (4, 98)
MOST_KNOWN = 4096
"""Clients whose offer is kept at hand."""
MOST = 1 << 30
"""For a limit that the configuration switches off."""
MOST_RECIPIENTS = 50_000
"""Recipients of one message, whatever the configuration says: each takes memory."""

# The banner is made for each connection; these are files, and not of the offer.
_EACH_TIME = frozenset(("smtp_banner", "tls_certificate", "tls_privatekey"))
_OUTSIDE = re.compile(
    r";|(?:^|[:!\s])/|\$\{?(?:lookup|run|readfile|perl|dlfunc|acl|expand)\b"
)
_VARIABLE = re.compile(r"(?:\$\{?|def:)([a-z][a-z0-9_]*)")
_OF_TLS = frozenset(("tls_in_cipher", "tls_cipher", "if", "primary_hostname"))
_SERVICES = {"smtp": 25, "smtps": 465, "submissions": 465, "submission": 587}


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


@dataclass(slots=True)
class ServicePlan:
    """What the main part says, as far as one server is concerned.

    listen: addresses and ports that the configuration names, "" for all addresses; a
    hint only.
    on_connect_ports: of them those where TLS comes first. certificate, private_key:
    paths, "" for none. timeout: seconds that a client may be silent. most_connections,
    most_per_host: 0 for any number. selectors: for the main log.
    """

    name: str
    values: OptionValues = field(repr=False)
    accounts: tuple[Authenticator, ...] = field(repr=False)
    acls: Acls = field(repr=False)
    listen: tuple[tuple[str, int], ...] = ()
    on_connect_ports: frozenset[int] = frozenset()
    certificate: str = ""
    private_key: str = ""
    timeout: float = 300.0
    most_connections: int = 20
    most_per_host: int = 0
    selectors: frozenset[str] = frozenset()
    steady: bool = False
    """What a client is offered hangs on its address and name alone."""
    _made: dict[tuple[str, str], Service] = field(default_factory=dict, repr=False)

    @property
    def unhonoured(self) -> tuple[Unhonoured, ...]:
        """What is set and not followed. It grows where clients show what else is."""
        return tuple(self.values.unhonoured)

    def service(self, client: Client) -> Service:
        """The settings towards one client: what it is offered, and how much it may.

        What cannot be expanded for this client is noted, and its default taken.
        """
        values = self._for(client)
        who = client.address, client.name
        made = self._made.get(who) if self.steady else None
        if made is None:
            made = self._service(client, values)
            if len(self._made) >= MOST_KNOWN:
                self._made.clear()
            self._made[who] = made
        name = made.name
        banner = _banner(values.within(smtp_active_hostname=name), name)
        return replace(made, banner=banner)

    def _service(self, client: Client, values: OptionValues) -> Service:
        def offered(name: str) -> bool:
            return values.matches(name, client.address, client.name)

        release = values.environment.release
        name = self._active_name(values)
        limits = values.environment.release.numbers[:2] >= LIMITS_SINCE
        messages = _number(values, "smtp_accept_max_per_connection", MOST)
        recipients = min(_number(values, "recipients_max", MOST), MOST_RECIPIENTS)
        here = self.accounts if offered("auth_advertise_hosts") else ()
        in_clear = [a for a in here if advertised(a, values, secure=False)]
        under_tls = [a for a in here if advertised(a, values, secure=True)]
        mechanisms = tuple(dict.fromkeys(a.mechanism for a in [*under_tls, *in_clear]))
        open_to_all = {a.mechanism for a in in_clear}
        nonmail = offered("smtp_accept_max_nonmail_hosts")
        return Service(
            name=name,
            early=keyword(release)
            if offered("pipelining_connect_advertise_hosts")
            else "",
            pipelining=offered("pipelining_advertise_hosts"),
            chunking=offered("chunking_advertise_hosts"),
            size=_number(values, "message_size_limit", 0),
            eight_bit=values.flag("accept_8bitmime"),
            # RFC 6531 3.1 takes 8BITMIME with it.
            smtputf8=values.flag("accept_8bitmime")
            and offered("smtputf8_advertise_hosts"),
            dsn=offered("dsn_advertise_hosts"),
            prdr=values.flag("prdr_enable"),
            starttls=offered("tls_advertise_hosts"),
            mechanisms=mechanisms,
            clear_passwords=bool(open_to_all & CLEAR),
            tls_mechanisms=frozenset(mechanisms) - open_to_all,
            limits=Limits(messages if messages < MOST else 0, recipients)
            if limits and offered("limits_advertise_hosts")
            else NO_LIMITS,
            most_recipients=recipients,
            most_messages=messages,
            most_idle=_number(values, "smtp_accept_max_nonmail", 0)
            if nonmail
            else MOST,
            most_unknown=_number(values, "smtp_max_unknown_commands", 0),
            most_errors=_number(values, "smtp_max_synprot_errors", 0),
            in_step=values.flag("smtp_enforce_sync"),
        )

    def refusal(self, client: Client) -> Reply | None:
        """Why a client is not let in at all, None if it is."""
        values = self._for(client)
        if values.matches(
            "host_reject_connection", client.address, client.name, guards=True
        ):
            return reply(554, "5.7.1 SMTP service not available")
        return None

    def authenticated(self, proof: Proof, client: Client) -> str | None:
        """The id of who has shown that (`server_set_id`), None where it is refused."""
        values = self._for(client)
        for one in self.accounts:
            if one.mechanism == proof.mechanism:
                return account(one, proof, values)
        return None

    def authenticator(self, mechanism: str) -> str:
        """The name that logs give to who authenticates by this mechanism."""
        names = (one.name for one in self.accounts if one.mechanism == mechanism)
        return next(names, mechanism.lower())

    def judge(self, client: Client) -> Judge | None:
        """Who decides on what this client says, None where no ACL is run."""
        if not self.acls.names:
            return None
        ends = (client.address, client.local)
        here = frozenset(address for address in ends if address and is_local(address))
        return Judge(self.acls, self._for(client).environment, here)

    def _for(self, client: Client) -> OptionValues:
        return self.values.within(
            sender_host_address=client.address,
            sender_host_port=str(client.port),
            sender_host_name=client.name,
            sender_fullhost=f"[{client.address}]",
            received_ip_address=client.local,
            received_port=str(client.local_port),
            interface_address=client.local,
            interface_port=str(client.local_port),
        )

    def _active_name(self, values: OptionValues) -> str:
        if values.options.get("smtp_active_hostname") is None:
            return self.name
        result = values.result("smtp_active_hostname")
        found = self.name if isinstance(result, Failure) else decode(result.text)
        return found if is_name(found) else self.name


def keyword(release: Release) -> str:
    """How a release offers early pipelining; "" for one that does not."""
    numbers = (*release.numbers, 0, 0)[:3]
    return next((word for since, word in KEYWORDS if numbers >= since), "")


def service_plan(config: Config, environment: Environment) -> ServicePlan:
    """What a server has to do by the main part of a configuration.

    environment: with the world that expansions may ask; `$primary_hostname` is set.
    Raises SettingsError for a value that Exim could not use either.
    """
    values = OptionValues(config.options, "main", None, environment)
    for name in set_options(values):
        if values.text(name) in ("", "false"):
            continue
        if name in NOT_FOLLOWED:
            values.note(name, NOT_FOLLOWED[name], weakens=name in WEAKENING)
        elif name in ACLS and name not in STAGES.values():
            values.note(name, f"no ACL is run for {ACLS[name]}", weakens=True)
    certificate = _file(values, "tls_certificate")
    known = str(environment.variable("primary_hostname"))
    ports = _ports(values, "tls_on_connect_ports")
    log_selector = values.text("log_selector")
    plan = ServicePlan(
        name=decode(known) if is_name(decode(known)) else "localhost",
        values=values,
        accounts=authenticators(config.authenticators, values),
        acls=Acls.of(values),
        listen=_listen(values),
        on_connect_ports=frozenset(ports),
        certificate=certificate,
        private_key=_file(values, "tls_privatekey") or certificate,
        timeout=values.time("smtp_receive_timeout") or 0.0,
        most_connections=_number(values, "smtp_accept_max", 0),
        most_per_host=_per_host(values),
        selectors=selectors_of(log_selector),
        steady=_steady(config),
    )
    if "pipelining" not in plan.selectors:
        values.note("log_selector", "without +pipelining no line has an L field")
    # What is wrong with a value for everybody is told now, not to the first client.
    plan.service(Client("127.0.0.1", 25, "", "127.0.0.1", 25))
    values.lenient = True
    return plan


def _steady(config: Config) -> bool:
    """Whether no setting that makes an offer hangs on the time, a file or a lookup."""
    texts = [o.text for o in config.options if o.name in FOLLOWED - _EACH_TIME]
    texts += [each.value.text for each in config.named_lists if each.kind == "host"]
    texts += [
        option.text
        for driver in config.authenticators
        for option in driver.options.all("server_advertise_condition")
    ]
    return not any(
        _OUTSIDE.search(text) or set(_VARIABLE.findall(text)) - _OF_TLS
        for text in texts
    )


def _number(values: OptionValues, name: str, otherwise: int) -> int:
    """A limit; 0 or less is `otherwise`."""
    found = values.number(name)
    return found if found > 0 else otherwise


def _per_host(values: OptionValues) -> int:
    if "$" in values.text("smtp_accept_max_per_host"):
        values.note(
            "smtp_accept_max_per_host", "one number holds here for all, and it varies"
        )
        return 0
    return _number(values, "smtp_accept_max_per_host", 0)


def _banner(values: OptionValues, name: str) -> tuple[str, ...]:
    """The lines of the banner; () for the usual one."""
    result = values.result("smtp_banner")
    if isinstance(result, Failure):
        values.note("smtp_banner", decode(result.message))
        return ()
    lines = decode(result.text).replace("\r", "").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(line[:500] for line in lines[:100]) or (name,)


def _file(values: OptionValues, name: str) -> str:
    """The first file that an option names, "" for none."""
    text = values.text(name)
    if "sni" in text:
        values.note(name, "every name is shown the same certificate")
    result = values.within(tls_in_sni="", tls_sni="").result(name)
    if isinstance(result, Failure):
        if not result.forced:
            values.note(name, decode(result.message), weakens=True)
        return ""
    found = split_list(result.text)[1]
    if len(found) > 1:
        values.note(name, f"only {display(found[0])} of it is used")
    return decode(found[0]) if found else ""


def _ports(values: OptionValues, name: str) -> list[int]:
    found = []
    for item in split_list(values.text(name))[1]:
        word = item.strip(BLANK)
        number = int(word) if word.isdecimal() else _SERVICES.get(word, 0)
        if not 0 < number < 65536:
            raise SettingsError(
                f"{name}: {display(word)} is no port that is known here"
            )
        found.append(number)
    return found


def _listen(values: OptionValues) -> tuple[tuple[str, int], ...]:
    """What the daemon would listen on: each address at each port; "" is all of them."""
    ports = _ports(values, "daemon_smtp_ports")
    found: list[tuple[str, int]] = []
    for item in split_list(values.options.text("local_interfaces"))[1] or [""]:
        host, own = _with_port(item)
        found += [(host, port) for port in ([own] if own else ports)]
    return tuple(found)


def _with_port(item: str) -> tuple[str, int]:
    """`[::1]:25`, `192.0.2.1.25` or an address alone (section 13.4)."""
    if item.startswith("["):
        host, _, port = item[1:].partition("]")
        return host, int(port[1:]) if port[1:].isdecimal() else 0
    host, _, port = item.rpartition(".")
    if host.count(".") == 3 or (":" in host and port.isdecimal()):
        return host, int(port) if port.isdecimal() else 0
    return item, 0
