"""Options that are expanded before there is a connection: EXP112 and EXP115."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.environment import Environment
from eximkit.expansion.paths import all_paths
from eximkit.expansion.values import Known, Value
from eximkit.lint.rules.early_pipelining import mends, views
from eximkit.lint.rules.early_pipelining.hosts import items
from eximkit.lint.rules.early_pipelining.pages import RULE
from eximkit.lint.rules.early_pipelining.transport import SmtpTransport, Surroundings
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.config.model import Driver, Option
    from eximkit.lint.finding import Finding
    from eximkit.lint.rule import RuleContext
    from eximkit.source import Place

HINTS = ("sending_", "acl{", "acl {", "${expand")
"""An option whose text has none of these cannot depend on the local address."""

ALWAYS_BEFORE = ("return_path", "port", "hosts", "fallback_hosts")
"""Transport options that are expanded before any connection, beside the host lists."""

EARLY_ONLY = ("authenticated_sender",)
"""Transport options that are expanded for the early group of commands."""

View = Callable[[Mapping[str, Value]], Environment]


def check(context: RuleContext) -> Iterator[Finding]:
    """Find options that read the local address too early."""
    around = Surroundings.of(context)
    for router in context.config.routers:
        yield from _router(around, router)
    used = ""
    for transport in around.transports:
        yield from _transport(transport)
        used += transport.helo.text if transport.helo else ""
    yield from _acl_variables(around, used)


def _depends(text: str, view: View) -> bool:
    if not any(hint in text for hint in HINTS):
        return False
    tree = views.tree_of(text)
    return tree is not None and views.depends_on_address(tree, view)


def _uses(text: str, view: View) -> bool:
    """As `_depends`, but a test whether there is an address is no use of it."""
    tree = views.tree_of(text) if any(hint in text for hint in HINTS) else None
    return tree is not None and views.live(all_paths(tree, view(views.PROBE)))


def _router(around: Surroundings, router: Driver) -> Iterator[Finding]:
    """Routers run before any connection: the variable is always empty there."""
    for option in router.options:
        info = catalog.option("router", router.driver, option.name)
        expanded = option.name == "set" or (info is not None and info.expanded)
        if not expanded or option.value is None:
            continue
        texts = [option.text]
        if option.name == "set":
            texts = [i.partition("=")[2].strip(BLANK) for i in items(option.text, ";")]
        if any(_depends(t, around.environment) for t in texts):
            yield _always_empty(
                option, "a router runs before there is a connection",
                "routers", router.name,
            )  # fmt: skip


def _always_empty(option: Option, why: str, section: str, driver: str) -> Finding:
    assert option.value is not None  # noqa: S101 - callers have looked
    return RULE["EXP115"].finding(
        f"${views.ADDRESS} is always empty in {option.name}: {why}",
        _use(option), section=section, driver=driver, option=option.name,
    )  # fmt: skip


def _use(option: Option) -> Place:
    """The first mention of the variable in an option, or its value."""
    assert option.value is not None  # noqa: S101 - callers have looked
    at = option.text.find("sending_")
    if at < 0:
        return option.value.place(0, len(option.value))
    start = max(option.text.rfind("$", 0, at), 0)
    end = at
    while end < len(option.text) and (
        option.text[end].isalnum() or option.text[end] == "_"
    ):
        end += 1
    return option.value.place(start, end)


def _transport(transport: SmtpTransport) -> Iterator[Finding]:
    def view(values: Mapping[str, Value]) -> Environment:
        return transport.environment(values)

    name = transport.driver.name
    for option in transport.options:
        if option.value is None:
            continue
        before = option.name in ALWAYS_BEFORE or option.name.startswith("hosts_")
        if option.name == "hosts_pipe_connect":
            if _depends(option.text, view):
                yield _too_early(transport, option, "the list is expanded before it")
        elif before and _depends(option.text, view):
            yield _always_empty(
                option, "it is expanded before the connection", "transports", name
            )
        elif option.name in EARLY_ONLY and _goes_early(transport):
            if _uses(option.text, view):
                yield _too_early(
                    transport, option, "MAIL is written before it in an early group"
                )
        elif option.name == "event_action":
            yield from _events(transport, option)


def _goes_early(transport: SmtpTransport) -> bool:
    """Early greetings happen without an address that is bound for certain."""
    unbound = transport.text_permits() and not transport.interface_certain
    return transport.early_possible and unbound and not transport.tls_on_connect


def _too_early(transport: SmtpTransport, option: Option, why: str) -> Finding:
    fix, unfixable = mends.guard(option, mends.NOTHING_ELSE)
    if option.name == "hosts_pipe_connect":
        fix, unfixable = (
            None,
            "which hosts are meant has to be said without the address",
        )
    return RULE["EXP112"].finding(
        f"{option.name} reads the local address, which is not known yet with early"
        f" pipelining: {why}",
        _use(option), section="transports", driver=transport.driver.name,
        option=option.name, fix=fix, unfixable=unfixable,
    )  # fmt: skip


def _events(transport: SmtpTransport, option: Option) -> Iterator[Finding]:
    """Events are raised before the connection: `tcp:connect` always, `smtp:connect` in
    an early session.
    """

    def during(event: str) -> View:
        names: dict[str, Value] = {"event_name": Known(event)}
        return lambda values: transport.environment(values, names)

    if _depends(option.text, during("tcp:connect")):
        yield _always_empty(
            option, "the event tcp:connect precedes the connection", "transports",
            transport.driver.name,
        )  # fmt: skip
    if _goes_early(transport) and _depends(option.text, during("smtp:connect")):
        yield _too_early(
            transport, option, "the event smtp:connect precedes an early connection"
        )


def _acl_variables(around: Surroundings, used: str) -> Iterator[Finding]:
    """`set acl_… = …$sending_ip_address…` whose value a greeting then uses."""
    for acl in around.config.acls.values():
        for statement in acl.statements:
            for line in statement.conditions:
                variable = line.variable
                if line.name != "set" or variable is None or line.value is None:
                    continue
                if variable in used and _depends(line.text, around.environment):
                    yield RULE["EXP115"].finding(
                        f"${views.ADDRESS} is empty, or that of a callout, when an ACL"
                        f" sets ${variable}",
                        line.value.place(0, len(line.value)),
                        section="acl", driver=acl.name, option="set",
                    )  # fmt: skip
