"""An smtp transport of a real configuration: what a client has to do by it.

Exim specification, chapter 30 and section 24.1. Options are expanded as Exim does it,
with the host known; `helo_data` before there is a connection where that is to be early,
and else once there is one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.early_check import interface_lifts, text_permits
from eximkit.config.interface import address as parsed_address
from eximkit.config.interface import outcome
from eximkit.errors import SettingsError
from eximkit.expansion.values import Failure
from eximkit.interop.client_authenticators import (
    in_clear,
    logins,
    of_one_account,
    shows_passwords,
)
from eximkit.interop.option_values import OptionValues, set_options
from eximkit.interop.transport_plan import (
    UNBOUND_PORT,
    Envelope,
    Greeting,
    Target,
    Timeouts,
    TransportPlan,
    Verification,
)
from eximkit.interop.transport_table import NOT_FOLLOWED, WEAKENING
from eximkit.smtp.addresses import domain_of
from eximkit.smtp.early import Key, Tls, Wish
from eximkit.source import BLANK, decode, display, octets

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.config.model import Config, Driver
    from eximkit.expansion.environment import Environment
    from eximkit.interop.client_authenticators import Login

PORTS = {"smtp": 25, "smtps": 465, "submissions": 465, "submission": 587}
_ON_CONNECT = frozenset(("smtps", "submissions"))
# Priority strings of GnuTLS, which OpenSSL would read as something else.
_GNUTLS = re.compile(r"(?:^|:)(?:NORMAL|SECURE|PERFORMANCE|PFS|NONE|LEGACY|[+%]|-VERS)")
_NO_ENVELOPE = Envelope()


def transport_plan(
    config: Config,
    name: str,
    target: Target,
    environment: Environment,
    envelope: Envelope = _NO_ENVELOPE,
) -> TransportPlan:
    """What the transport `name` does with a host.

    environment: with the world that expansions may ask; `$primary_hostname` is set.
    Raises SettingsError: no such transport, one of another driver, a value that Exim
    could not use either.
    """
    driver = _named(config, name)
    values = OptionValues(driver.options, "transport", "smtp", environment).within(
        **_variables(driver, target, envelope)
    )
    for option in set_options(values):
        if option in NOT_FOLLOWED and values.text(option) not in ("", "false"):
            values.note(option, NOT_FOLLOWED[option], weakens=option in WEAKENING)
    return _Maker(config, driver, target, values).plan()


def _named(config: Config, name: str) -> Driver:
    smtp = [driver.name for driver in config.transports if driver.driver == "smtp"]
    found = next((d for d in config.transports if d.name == name), None)
    if found is None:
        near = catalog.suggest(name, smtp)
        known = ", ".join(smtp) or "none"
        hint = f"did you mean {near}?" if near else f"smtp transports: {known}"
        raise SettingsError(f'there is no transport "{name}"; {hint}')
    if found.driver != "smtp":
        raise SettingsError(
            f"the transport {name} has driver = {found.driver or 'none'}, not smtp"
        )
    return found


def _variables(driver: Driver, target: Target, envelope: Envelope) -> dict[str, str]:
    domains = {domain_of(recipient) for recipient in envelope.recipients}
    one = len(envelope.recipients) == 1
    return {
        "transport_name": driver.name,
        "host": target.name or target.address,
        "host_address": target.address,
        "sending_ip_address": "",
        "sending_port": str(UNBOUND_PORT),
        "sender_address": octets(envelope.sender),
        "domain": octets(domains.pop()) if len(domains) == 1 else "",
        "local_part": octets(envelope.recipients[0].rpartition("@")[0]) if one else "",
        "router_name": "",
    }


class _Maker:
    """Works a plan out, option by option."""

    def __init__(
        self, config: Config, driver: Driver, target: Target, values: OptionValues
    ) -> None:
        self.config = config
        self.driver = driver
        self.values = values
        self.protocol = (values.text("protocol") or "smtp").strip(BLANK).lower()
        if self.protocol == "lmtp":
            raise SettingsError(f"the transport {driver.name} speaks LMTP, not SMTP")
        self.target = Target(target.address, target.port or self._port(), target.name)

    def plan(self) -> TransportPlan:
        values = self.values
        bind = self._bind()
        tls, required = self._tls()
        values = self.values = values.within(host_port=str(self.target.port))
        found = self._logins()
        extended = not self._matches("hosts_avoid_esmtp")
        sni = self._text("tls_sni")
        return TransportPlan(
            transport=self.driver.name,
            target=self.target,
            wish=self._wish(bind, tls, required, extended),
            key=Key(
                self.target.address,
                self.target.port,
                decode(values.text("helo_data")),
                decode(values.options.text("interface")),
                tls,
                decode(values.options.text("tls_sni")),
            ),
            speak=self._speaker(),
            bind=bind,
            verification=self._verification(),
            certificate=self._text("tls_certificate"),
            private_key=self._text("tls_privatekey") or self._text("tls_certificate"),
            sni=sni,
            ciphers=self._ciphers(),
            alpn=(self._text("tls_alpn"),) if self._text("tls_alpn") else (),
            resume=self._matches("tls_resumption_hosts"),
            account=found[0].account if found else None,
            auth_required=self._matches("hosts_require_auth", guards=True),
            mechanisms=tuple(dict.fromkeys(login.mechanism for login in found)),
            auth_in_clear=in_clear(found),
            extended=extended,
            chunking=self._matches("hosts_try_chunking"),
            prdr=self._matches("hosts_try_prdr"),
            fast_open=self._matches("hosts_try_fastopen"),
            clear_after_tempfail=values.flag("tls_tempfail_tryclear"),
            most_recipients=max(0, values.number("max_rcpt")),
            timeouts=Timeouts(
                values.time("connect_timeout"),
                values.time("command_timeout"),
                values.time("data_timeout"),
                values.time("final_timeout"),
            ),
            unhonoured=tuple(self.values.unhonoured),
        )

    def _matches(self, name: str, *, guards: bool = False) -> bool:
        target = self.target
        return self.values.matches(name, target.address, target.name, guards=guards)

    def _text(self, name: str) -> str:
        """An option that may be unset, which a forced failure makes it."""
        return decode(self.values.expanded(name) or "").strip()

    def _port(self) -> int:
        option = self.driver.options.get("port")
        if option is None:
            return PORTS["smtps" if self.protocol in _ON_CONNECT else "smtp"]
        text = (self.values.expanded("port") or "").strip(BLANK)
        number = int(text) if re.fullmatch("[0-9]{1,5}", text) else PORTS.get(text, 0)
        if not 0 < number < 65536:
            raise SettingsError(f"port: {display(text)} is none that is known here")
        return number

    def _bind(self) -> str:
        """The local address that `interface` chooses for this host."""
        option = self.driver.options.get("interface")
        host = parsed_address(self.target.address)
        if option is None or host is None:
            return ""
        result = self.values.result("interface")
        if isinstance(result, Failure) and not result.forced:
            raise SettingsError(f"interface: {decode(result.message)}")
        bound = outcome(result)
        if bound.fails(host.version):
            raise SettingsError(
                f"interface: {display(str(result))} is no list of IP addresses;"
                " Exim defers every delivery"
            )
        chosen = bound.chosen(host.version)
        return "" if chosen is None else str(chosen)

    def _tls(self) -> tuple[Tls, bool]:
        if self.protocol in _ON_CONNECT:
            return Tls.ON_CONNECT, True
        required = self._matches("hosts_require_tls", guards=True)
        if not self._matches("hosts_avoid_tls"):
            return Tls.STARTTLS, required
        if required:
            raise SettingsError(
                f"hosts_avoid_tls and hosts_require_tls both hold for"
                f" {self.target.address}: Exim defers every delivery"
            )
        return Tls.NONE, False

    def _wish(self, bind: str, tls: Tls, required: bool, extended: bool) -> Wish:
        release = self.values.environment.release
        option = self.driver.options.get("helo_data")
        text = None if option is None else option.text
        lifted = bool(bind) and interface_lifts(release)
        main = OptionValues(
            self.config.options, "main", None, self.values.environment
        )  # fmt: skip
        pipelining = not self._matches("hosts_avoid_pipelining")
        return Wish(
            early=extended and self._matches("hosts_pipe_connect"),
            pipelining=pipelining,
            helo=lifted or text_permits(text, release),
            tls=tls,
            tls_required=required,
            expire=int(main.time("retry_data_expire")),
        )

    def _speaker(self) -> Callable[[str, int], Greeting]:
        values = self.values

        def speak(address: str, port: int) -> Greeting:
            found = values.within(sending_ip_address=address, sending_port=str(port))
            result = found.result("helo_data")
            if isinstance(result, Failure):
                return Greeting(failure=decode(result.message) or "forced failure")
            return Greeting(decode(result.text))

        return speak

    def _verification(self) -> Verification:
        # Exim looks at the certificate where either list holds.
        required = self._matches("tls_verify_hosts", guards=True)
        return Verification(
            required=required,
            tried=required or self._matches("tls_try_verify_hosts"),
            names=self._matches("tls_verify_cert_hostnames", guards=True),
            authorities=self._text("tls_verify_certificates"),
        )

    def _ciphers(self) -> str:
        text = self._text("tls_require_ciphers")
        if text and _GNUTLS.search(text):
            self.values.note(
                "tls_require_ciphers",
                "it is written for GnuTLS, and TLS is OpenSSL's here",
                weakens=True,
            )
            return ""
        return text

    def _logins(self) -> list[Login]:
        if not self._matches("hosts_require_auth", guards=True) and not self._matches(
            "hosts_try_auth"
        ):
            return []
        found = of_one_account(
            logins(self.config.authenticators, self.values), self.values
        )
        if shows_passwords(found):
            self.values.note(
                "hosts_try_auth",
                "PLAIN and LOGIN wait for TLS, unless --clear-passwords is given",
            )
        return found


__all__ = ["Envelope", "Greeting", "Target", "TransportPlan", "transport_plan"]
