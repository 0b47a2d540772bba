"""An smtp transport, as far as its greeting goes: what is set, what can be known."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from eximkit.config import early_check
from eximkit.config.interface import Bound, outcome
from eximkit.expansion.environment import Environment
from eximkit.expansion.evaluate import evaluate
from eximkit.expansion.paths import Paths, all_paths
from eximkit.expansion.values import (
    EMPTY,
    Failure,
    Hole,
    Known,
    Result,
    Unknown,
    Value,
    hole,
)
from eximkit.lint.rules.early_pipelining import hosts, views
from eximkit.lint.rules.early_pipelining.hosts import Match
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.catalog import Release
    from eximkit.config.model import Config, Driver, Option
    from eximkit.lint.rule import RuleContext

_READ = re.compile(r"(?:[${]|def:)(r_[A-Za-z0-9_]*|address_data)", re.ASCII)


class Where(TypedDict):
    """The fields of a finding that say which option it is about."""

    section: str
    driver: str
    option: str


class Surroundings:
    """What all transports of a configuration share."""

    @classmethod
    def of(cls, context: RuleContext) -> Surroundings:
        """Those of a lint run, worked out once for all checks that ask."""
        found = context.shared.get(cls.__name__)
        if not isinstance(found, Surroundings):
            found = cls(context.config, context.release)
            context.shared[cls.__name__] = found
        return found

    def __init__(self, config: Config, release: Release) -> None:
        self.config = config
        self.release = release
        self.acls = views.acl_reader(config)
        self.variables = _global_variables(config, release)

    @cached_property
    def transports(self) -> tuple[SmtpTransport, ...]:
        """Every transport with `driver = smtp`."""
        drivers = self.config.transports
        return tuple(SmtpTransport(self, d) for d in drivers if d.driver == "smtp")

    @cached_property
    def routers(self) -> dict[str, list[Driver]]:
        """For each name of a transport the routers whose constant `transport` it is."""
        routers: dict[str, list[Driver]] = {}
        for router in self.config.routers:
            name = router.options.text("transport").strip(BLANK)
            routers.setdefault(name, []).append(router)
        return routers

    @cached_property
    def assigned(self) -> dict[int, dict[str, Result]]:
        """What each router (by id) sets variables to that something reads."""
        environment = self.environment(views.UNBOUND)
        read = {n for line in self.config.lines for n in _READ.findall(line.text)}
        found: dict[int, dict[str, Result]] = {}
        for router in self.config.routers if read else ():
            for name, text in _assignments(router):
                if name not in read:
                    continue
                tree = views.tree_of(text)
                value = evaluate(tree, environment) if tree else Failure("")
                found.setdefault(id(router), {})[name] = value
        return found

    def environment(self, *layers: Mapping[str, Value]) -> Environment:
        """An environment of the global variables and these, the last one first."""
        variables: dict[str, Value] = dict(self.variables)
        for layer in layers:
            variables.update(layer)
        return Environment(variables=variables, acls=self.acls, lookup=views.lookup)

    def named_host_list(self, name: str) -> str | None:
        """The text of a named host list, None where it is not constant."""
        for known in self.config.named_lists:
            if known.kind == "host" and known.name == name:
                return None if "$" in known.value.text else known.value.text
        return None


def _global_variables(config: Config, release: Release) -> dict[str, Value]:
    """Variables whose value the main part gives."""
    variables: dict[str, Value] = {
        "version_number": Known(str(release)),
        "exim_version": Known(str(release)),
        "primary_hostname": hole("primary_hostname", empty=False),
        "event_name": EMPTY,
        "event_data": EMPTY,
    }
    name = config.options.get("primary_hostname")
    if name is not None and name.text and "$" not in name.text:
        variables["primary_hostname"] = Known(name.text)
    variables["smtp_active_hostname"] = variables["primary_hostname"]
    for variable, default in (
        ("qualify_domain", "primary_hostname"),
        ("qualify_recipient", "qualify_domain"),
        ("smtp_active_hostname", "primary_hostname"),
    ):
        option = config.options.get(variable)
        variables[variable] = variables[default]
        if option is not None and option.text:
            tree = views.tree_of(option.text)
            environment = Environment(variables=variables)
            value = evaluate(tree, environment) if tree else Failure("")
            variables[variable] = (
                hole(variable) if isinstance(value, Failure) else value
            )
    return variables


def router_variables(around: Surroundings, routers: list[Driver]) -> dict[str, Value]:
    """`$r_…` and `$address_data` as the routers leave them for the transport.

    A variable that they set to different values, or that some other router may have
    set, is unknown.
    """
    chosen = {id(router) for router in routers}
    values: dict[str, list[Result]] = {}
    elsewhere: set[str] = set()
    for router, mine in around.assigned.items():
        if router not in chosen:
            elsewhere.update(mine)
            continue
        for name, result in mine.items():
            values.setdefault(name, []).append(result)
    variables: dict[str, Value] = {}
    for name in values.keys() | elsewhere:
        results = values.get(name, [])
        first = results[0] if results else None
        agreed = len(results) == len(routers) and all(
            views.shape(r) == views.shape(results[0]) for r in results
        )
        if agreed and isinstance(first, Known):
            variables[name] = Known(first.text)
        else:
            variables[name] = hole(name)
    return variables


def _assignments(router: Driver) -> list[tuple[str, str]]:
    """(variable, text) of each `set` and of `address_data`."""
    found = []
    for option in router.options.all("set"):
        for item in hosts.items(option.text, ";"):
            name, equals, value = item.partition("=")
            if equals:
                found.append((name.strip(BLANK), value.strip(BLANK)))
    data = router.options.get("address_data")
    return [*found, ("address_data", data.text)] if data else found


class SmtpTransport:
    """One transport with `driver = smtp`."""

    def __init__(self, around: Surroundings, driver: Driver) -> None:
        self.around = around
        self.driver = driver
        self.options = driver.options
        self.routers = around.routers.get(driver.name, [])
        self.hosts = hosts.hosts_of(around.config, driver, self.routers)
        protocol = self.options.text("protocol", "smtp").strip(BLANK)
        self.lmtp = protocol == "lmtp"
        self.tls_on_connect = protocol in ("smtps", "submissions")
        self.variables: dict[str, Value] = {
            "transport_name": Known(driver.name),
            "host": hole("host", empty=False),
            "host_address": Unknown((
                Hole("host_address", frozenset(("host_address",)), empty=False,
                     address=True),
            )),
            "router_name": EMPTY,
            **router_variables(around, self.routers),
        }  # fmt: skip

    def environment(self, *layers: Mapping[str, Value]) -> Environment:
        """The environment of this transport with the given views laid over it."""
        return self.around.environment(self.variables, *layers)

    @cached_property
    def host_known(self) -> dict[str, Value]:
        """$host and $host_address where the transport has one constant host."""
        only = self.hosts.only
        if only is None:
            return {}
        return {"host": Known(str(only)), "host_address": Known(str(only))}

    def where(self, option: str) -> Where:
        """Which option of this transport a finding is about."""
        return Where(section="transports", driver=self.driver.name, option=option)

    @cached_property
    def helo(self) -> Option | None:
        return self.options.get("helo_data")

    # -- host lists -------------------------------------------------------------------

    def list_match(self, name: str) -> Match:
        """Whether a host list of the transport matches the hosts that it meets."""
        option = self.options.get(name)
        if option is None:
            return Match.NEVER
        answers = {self.text_match(text) for text in self.list_texts(option)}
        return answers.pop() if len(answers) == 1 else Match.MAYBE

    def list_texts(self, option: Option) -> list[str | None]:
        """The values that a host list can expand to before the connection; None:
        any.
        """
        tree = views.tree_of(option.text)
        if tree is None:
            return [None]
        paths = all_paths(tree, self.environment(views.UNBOUND))
        return [
            "" if isinstance(r, Failure) else r.text if isinstance(r, Known) else None
            for r in dict.fromkeys(p.result for p in paths.all)
        ]

    def text_match(self, text: str | None) -> Match:
        if text is None:
            return Match.MAYBE
        named = self.around.named_host_list
        if self.hosts.addresses is None:
            return hosts.match(text, None, named)
        answers = {hosts.match(text, host, named) for host in self.hosts.addresses}
        return answers.pop() if len(answers) == 1 else Match.MAYBE

    @cached_property
    def wants_early(self) -> bool:
        """Whether `hosts_pipe_connect` can match a host of this transport."""
        return self.list_match("hosts_pipe_connect") is not Match.NEVER

    @cached_property
    def avoids_esmtp(self) -> bool:
        """Whether HELO is all that it ever says."""
        return self.list_match("hosts_avoid_esmtp") is Match.ALWAYS

    @property
    def verb(self) -> str:
        """The verb of its greeting."""
        return "LHLO" if self.lmtp else "HELO" if self.avoids_esmtp else "EHLO"

    # -- interface --------------------------------------------------------------------

    @cached_property
    def interfaces(self) -> tuple[Bound, ...]:
        """The values that `interface` can take before the connection; () where
        unset.
        """
        option = self.options.get("interface")
        if option is None:
            return ()
        tree = views.tree_of(option.text)
        if tree is None:
            return (Bound((), malformed=True),)
        paths = all_paths(tree, self.environment(views.UNBOUND))
        found = [outcome(p.result) for p in paths.all]
        return tuple(dict.fromkeys(found))

    @property
    def interface_malformed(self) -> bool:
        """Every delivery fails on `interface` (EXS210 and EXS211 say so)."""
        return bool(self.interfaces) and all(
            b.fails(version) for b in self.interfaces for version in self.hosts.families
        )

    @property
    def interface_certain(self) -> bool:
        """An address is bound before every connection."""
        return bool(self.interfaces) and all(
            b.binds(version) for b in self.interfaces for version in self.hosts.families
        )

    @property
    def interface_possible(self) -> bool:
        """An address is bound before some connections."""
        return any(b.unknown or b.addresses for b in self.interfaces)

    @property
    def interface_wildcard(self) -> bool:
        """A bound address is the unspecified one."""
        chosen = (b.chosen(v) for b in self.interfaces for v in self.hosts.families)
        return any(a.is_unspecified for a in chosen if a is not None)

    # -- early pipelining -------------------------------------------------------------

    def text_permits(self, release: Release | None = None) -> bool:
        """Whether Exim's own test of the text of `helo_data` permits early pipelining.

        The interface, which lifts the test from 4.96 on, is not considered.
        """
        text = None if self.helo is None else self.helo.text
        return early_check.text_permits(text, release or self.around.release)

    def interface_lifts(self, release: Release | None = None) -> bool:
        """Whether a bound interface lifts Exim's test in this release."""
        return early_check.interface_lifts(release or self.around.release)

    @cached_property
    def early_possible(self) -> bool:
        """Whether it ever greets before there is a connection."""
        if not self.wants_early or self.avoids_esmtp or self.interface_malformed:
            return False
        if self.text_permits():
            return True
        return self.interface_lifts() and self.interface_possible

    def paths(self, text: str, *layers: Mapping[str, Value]) -> Paths:
        """Every way in which an option of the transport can expand in a view."""
        tree = views.tree_of(text)
        if tree is None:
            return Paths((), True)
        return all_paths(tree, self.environment(*layers))
