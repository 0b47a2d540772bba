"""Settings around early pipelining that work against it: EXP114, EXP116, EXP118 to
121.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.config import literals
from eximkit.lint.rules.early_pipelining import hosts, mends
from eximkit.lint.rules.early_pipelining.hosts import Match
from eximkit.lint.rules.early_pipelining.pages import RULE
from eximkit.lint.rules.early_pipelining.selectors import selected
from eximkit.lint.rules.early_pipelining.transport import SmtpTransport, Surroundings
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.config.model import Acl, AclStatement, Condition, Config, Option
    from eximkit.lint.finding import Finding
    from eximkit.lint.rule import RuleContext
    from eximkit.source import Place

SHORTEST_USEFUL_RECORD = 60
"""Seconds: a `retry_data_expire` below this makes a record that hardly anybody
meets.
"""

SLOW_LOOKUPS = ("${lookup", "${readsocket", "${run", "${perl", "${dlfunc", "${acl")


def check(context: RuleContext) -> Iterator[Finding]:
    """Check what stands around `hosts_pipe_connect` and its server side."""
    config = context.config
    around = Surroundings.of(context)
    enabled: list[SmtpTransport] = []
    for transport in around.transports:
        if transport.wants_early:
            enabled.append(transport)
            yield from _avoided(transport)
    if config.fragment is None and enabled:
        yield from _log(config, enabled[0])
        yield from _record(config)
    yield from _server(config, around)
    if _advertised(config, context):
        yield from _connect_acl(config)


def _avoided(transport: SmtpTransport) -> Iterator[Finding]:
    """EXP114 and EXP116: the same host in a list that forbids it."""
    early = transport.options.get("hosts_pipe_connect")
    esmtp = transport.options.get("hosts_avoid_esmtp")
    if early is None:
        return
    if esmtp is not None and transport.avoids_esmtp:
        yield RULE["EXP116"].finding(
            "hosts_pipe_connect has no effect: with hosts_avoid_esmtp a transport says"
            " HELO, so that it never learns what the server offers",
            _value_place(esmtp), **transport.where("hosts_avoid_esmtp"),
            related=(("hosts_pipe_connect is set here", early.name_place),),
        )  # fmt: skip
        return
    avoid = transport.options.get("hosts_avoid_pipelining")
    if avoid is None or not transport.early_possible:
        return
    if not _overlap(transport, early, avoid):
        return
    fix, unfixable = mends.exclude(early, avoid)
    yield RULE["EXP114"].finding(
        "a host can be in hosts_avoid_pipelining and in hosts_pipe_connect: mail to it"
        " never leaves once its server has been seen to offer early pipelining",
        _value_place(avoid), **transport.where("hosts_avoid_pipelining"),
        related=(("hosts_pipe_connect is set here", early.name_place),),
        fix=fix, unfixable=unfixable,
    )  # fmt: skip


def _overlap(transport: SmtpTransport, early: Option, avoid: Option) -> bool:
    """Whether some host can be in both lists."""
    named = transport.around.named_host_list
    for avoided in transport.list_texts(avoid):
        for wanted in transport.list_texts(early):
            if avoided is None or wanted is None:
                return True
            candidates = transport.hosts.addresses
            if candidates is None:
                both = (
                    hosts.match(avoided, None, named),
                    hosts.match(wanted, None, named),
                )
                if Match.NEVER in both:
                    continue
                literal = tuple(hosts.representatives(avoided))
                if not literal or "*" in hosts.items(avoided):
                    return True
                candidates = literal
            if any(
                hosts.match(avoided, host, named) is not Match.NEVER
                and hosts.match(wanted, host, named) is not Match.NEVER
                for host in candidates
            ):
                return True
    return False


def _value_place(option: Option) -> Place:
    if option.value is None:
        return option.name_place
    return option.value.place(0, len(option.value))


def _log(config: Config, transport: SmtpTransport) -> Iterator[Finding]:
    """EXP118: nobody can see in the log whether early pipelining is used."""
    if selected(config, "pipelining"):
        return
    selector = config.options.get("log_selector")
    early = transport.options.get("hosts_pipe_connect")
    if early is None:
        return
    fix, unfixable = mends.log_pipelining(config)
    place = _value_place(selector) if selector is not None else early.name_place
    yield RULE["EXP118"].finding(
        "hosts_pipe_connect is set, but log_selector lacks +pipelining: the log does"
        " not show whether early pipelining is used (L*) or lost (L)",
        place, section="main", option="log_selector", fix=fix, unfixable=unfixable,
        related=(("hosts_pipe_connect is set here", early.name_place),)
        if selector is not None else (),
    )  # fmt: skip


def _record(config: Config) -> Iterator[Finding]:
    """EXP120: what was learnt of a server is forgotten at once."""
    option = config.options.get("retry_data_expire")
    seconds = literals.time(option.text.strip(BLANK)) if option is not None else None
    if (
        option is None
        or not isinstance(seconds, int)
        or seconds >= SHORTEST_USEFUL_RECORD
    ):
        return
    fix, unfixable = mends.replace_value(option, "7d", safe=False)
    yield RULE["EXP120"].finding(
        "the record of what a server offers expires with retry_data_expire, here within"
        f" {seconds} seconds: early pipelining is hardly ever used",
        _value_place(option), section="main", option=option.name,
        fix=fix, unfixable=unfixable,
    )  # fmt: skip


def _server(config: Config, around: Surroundings) -> Iterator[Finding]:
    """EXP119: early pipelining offered where pipelining is not."""
    early = config.options.get("pipelining_connect_advertise_hosts")
    plain = config.options.get("pipelining_advertise_hosts")
    if early is None or plain is None:
        return
    named = around.named_host_list
    if hosts.match(early.text, None, named) is Match.NEVER:
        return
    if "$" in plain.text or hosts.match(plain.text, None, named) is not Match.NEVER:
        return
    yield RULE["EXP119"].finding(
        "pipelining_connect_advertise_hosts offers early pipelining, but"
        " pipelining_advertise_hosts offers no pipelining: clients need both",
        _value_place(early), section="main", option=early.name,
        related=(("pipelining_advertise_hosts is set here", plain.name_place),),
    )  # fmt: skip


def _advertised(config: Config, context: RuleContext) -> bool:
    """Whether the server side offers early pipelining to anybody."""
    if config.fragment not in (None, "main") or context.release.numbers[:2] < (4, 92):
        return False
    for name in ("pipelining_connect_advertise_hosts", "pipelining_advertise_hosts"):
        option = config.options.get(name)
        if option is not None and hosts.match(option.text, None) is Match.NEVER:
            return False
    return True


def _connect_acl(config: Config) -> Iterator[Finding]:
    """EXP121: work in `acl_smtp_connect` that early clients do not wait for."""
    option = config.options.get("acl_smtp_connect")
    acl = config.acls.get(option.text.strip(BLANK)) if option is not None else None
    seen: set[str] = set()
    queue = [acl] if acl is not None else []
    while queue:
        current = queue.pop(0)
        if current.name in seen:
            continue
        seen.add(current.name)
        for statement in current.statements:
            yield from _slow(current, statement)
            for condition in statement.conditions:
                called = config.acls.get(condition.text.partition(" ")[0])
                if condition.name == "acl" and called is not None:
                    queue.append(called)


def _slow(acl: Acl, statement: AclStatement) -> Iterator[Finding]:
    refuses = statement.verb in ("deny", "drop", "defer", "require")
    for condition in statement.conditions:
        if condition.name == "delay" and condition.text.strip(BLANK) not in ("", "0s"):
            what = "this delay gains nothing against a client that talks early"
        elif refuses and _waits(condition):
            what = "this look-up runs while the client's first commands are in flight"
        else:
            continue
        yield RULE["EXP121"].finding(
            f"{what}: with early pipelining they are sent before acl_smtp_connect runs",
            condition.name_place, section="acl", driver=acl.name, option=condition.name,
        )  # fmt: skip


def _waits(condition: Condition) -> bool:
    """Whether a condition asks DNS, another server or a program."""
    if condition.name == "dnslists":
        return True
    if condition.name == "verify":
        return condition.text.partition("/")[0].strip(BLANK) in (
            "reverse_host_lookup", "helo", "sender", "recipient",
        )  # fmt: skip
    return any(slow in condition.text for slow in SLOW_LOOKUPS)
