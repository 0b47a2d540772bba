"""`interop send --config --transport`: a transport's options as a courier's plan."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eximkit.cli import interop_config
from eximkit.errors import InputError, SettingsError
from eximkit.interop import dialling, tls
from eximkit.interop.courier import Plan
from eximkit.interop.dialogue import Manner, Timeouts
from eximkit.interop.transport_options import (
    Envelope,
    Greeting,
    TransportPlan,
    transport_plan,
)
from eximkit.interop.transport_options import Target as Host
from eximkit.smtp.early import Tls
from eximkit.source import display, octets

if TYPE_CHECKING:
    from eximkit.cli.interop_config import Configuration
    from eximkit.interop.dialling import Target
    from eximkit.interop.unhonoured import Unhonoured


@dataclass(slots=True)
class Transport:
    """A transport of a configuration, and what it makes of each host."""

    configuration: Configuration
    name: str
    envelope: Envelope
    as_exim: bool = False
    clear_passwords: bool = False
    content_in_syn: bool = False
    early: bool = True
    tls_version: str = ""
    timeout: float | None = None
    authorities: str = ""
    """A file of those to trust in place of the ones that the transport names."""
    _plans: dict[Target, Plan] = field(default_factory=dict)
    _said: set[Unhonoured] = field(default_factory=set)

    def target(self, target: Target, port: int) -> Target:
        """The same host at the port to use. port: that was asked for, 0 for none."""
        if port:
            return target
        made = self._made(replace(target, port=0))
        found = dialling.literal(target.address, made.target.port)
        return replace(found, name=target.name)

    def plan(self, target: Target) -> Plan:
        """How the transport sends there. Raises SettingsError, InputError."""
        if target not in self._plans:
            made = self._made(target)
            self._say(made)
            self._plans[target] = self._plan(made)
        return self._plans[target]

    def _made(self, target: Target) -> TransportPlan:
        return transport_plan(
            self.configuration.config,
            self.name,
            Host(target.address, target.port, target.name),
            self.configuration.environment,
            self.envelope,
        )

    def _say(self, made: TransportPlan) -> None:
        new = tuple(each for each in made.unhonoured if each not in self._said)
        self._said.update(new)
        interop_config.say(new, self.configuration.path)

    def _plan(self, made: TransportPlan) -> Plan:
        before = made.before()
        unfit = "" if self._fit(before) else self._fault(before, early=True)

        def naming(address: str, port: int) -> str:
            found = made.after(address, port)
            if not self._fit(found):
                raise SettingsError(self._fault(found, early=False))
            return found.name

        manner = Manner(
            interface=made.bind,
            fast_open=made.fast_open,
            content_in_syn=self.content_in_syn and made.fast_open,
            timeouts=self._timeouts(made),
            context=self._context(made),
            sni=made.sni,
            resume=made.resume,
            naming=naming,
        )
        # TLS on connect comes before the greeting, whose name is then asked for again.
        late = made.wish.tls is Tls.ON_CONNECT
        return Plan(
            made.route(
                "localhost" if unfit else before.name,
                clear_passwords=self.clear_passwords,
                as_is=self.as_exim,
            ),
            replace(made.wish, early=made.wish.early and self.early),
            manner,
            key=made.key,
            unfit="" if late else unfit,
        )

    def _fit(self, greeting: Greeting) -> bool:
        if self.as_exim and not greeting.failure:
            return not any(ord(char) < 32 for char in greeting.name)
        return greeting.usable

    def _fault(self, greeting: Greeting, early: bool) -> str:
        """Why a greeting is not sent, with what lint says about it."""
        when = " before there is a connection" if early else ""
        if greeting.failure:
            what = f"helo_data has no value{when}: {greeting.failure}"
        else:
            what = f"helo_data is {greeting.name!r}{when}: no host may greet with that"
        told = [f"the transport {self.name}: {what}"]
        for finding in self.configuration.greeting_findings(self.name):
            place = f"{finding.place.path}:{finding.place.line}"
            told.append(f"{place}: {finding.code} {finding.message}")
        if greeting.failure:
            told.append("Exim defers the message")
        elif any(ord(char) < 32 for char in greeting.name):
            told.append("Exim sends it as it is; here no line end goes into a greeting")
        else:
            never = "; --early never waits for the banner" if early else ""
            told.append(f"Exim sends it, and so does --as-exim{never}")
        return "\n".join(display(octets(line)) for line in told)

    def _timeouts(self, made: TransportPlan) -> Timeouts:
        given = made.timeouts
        most = 86400.0
        timeouts = Timeouts(
            connect=given.connect or most,
            banner=given.command or most,
            command=given.command or most,
            data=given.command or most,
            block=given.data or most,
            final=given.final or most,
        )
        return timeouts if self.timeout is None else timeouts.capped(self.timeout)

    def _context(self, made: TransportPlan) -> ssl.SSLContext | None:
        if made.wish.tls is Tls.NONE:
            return None
        verification = made.verification
        named = self.authorities or verification.authorities
        if self.authorities and not verification.required:
            what = "sends to hosts whose certificate is not good (tls_verify_hosts)"
            raise SettingsError(f"--ca: the transport {self.name} {what}")
        context = tls.client_context(
            self.tls_version,
            named if verification.required and named not in ("system", "") else None,
            verify=verification.required,
            names=verification.names,
        )
        if made.certificate:
            tls.load(context, made.certificate, made.private_key or None)
        try:
            if made.ciphers:
                context.set_ciphers(made.ciphers)
            if made.alpn:
                context.set_alpn_protocols(list(made.alpn))
        except (ssl.SSLError, ValueError, UnicodeError) as error:
            what = f"the transport {self.name}: {display(made.ciphers)}"
            raise InputError(f"{what}: TLS cannot use that: {error}") from None
        return context
