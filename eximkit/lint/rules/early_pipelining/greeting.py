"""What `helo_data` becomes: the verdict on it, and the two greetings on the wire.

EXP101 to EXP108 are verdicts of one evaluation; see `views` for the three ways in which
the option is evaluated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from eximkit.config.early_check import GUARD
from eximkit.config.interface import parse_interface
from eximkit.expansion.evaluate import evaluate
from eximkit.expansion.values import EMPTY, Failure, Known, Result, Unknown, Value
from eximkit.lint.finding import Wire
from eximkit.lint.rules.early_pipelining import views
from eximkit.lint.rules.early_pipelining.interface import bound_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.catalog import Release
    from eximkit.expansion.paths import Path, Paths
    from eximkit.lint.rules.early_pipelining.transport import SmtpTransport

NAME_CHARACTERS = re.compile(r"[A-Za-z0-9._:\[\]-]*", re.ASCII)
SERVER_SIDE = frozenset(("received_ip_address", "interface_address"))
"""Variables of the receiving side that are taken for the local end of a delivery."""


def malformed(name: str) -> bool:
    """Whether a server that insists on a valid greeting refuses this name.

    RFC 5321, section 4.1.1.1; Exim's own `helo_verify` and strict Postfix agree.
    """
    if not name or "[]" in name:
        return True
    if name.startswith(".") or name.endswith(".") or ".." in name:
        return True
    return NAME_CHARACTERS.fullmatch(name) is None


def _certainly_malformed(result: Result) -> bool:
    if isinstance(result, Known):
        return malformed(result.text)
    if isinstance(result, Unknown):
        known = [p for p in result.parts if isinstance(p, str)]
        return any(
            ".." in p or "[]" in p or not NAME_CHARACTERS.fullmatch(p) for p in known
        )
    return False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evaluation of one `helo_data` shows.

    codes: of EXP101 to EXP108, the most important first. dependent: the greeting varies
    with the local address where early pipelining is used. reads: offsets in the value
    of the readings of the local address. server_side: (name, start, end) of readings
    of the server's side, `sending_port` if only tested.
    """

    codes: tuple[str, ...] = ()
    dependent: bool = False
    reads: tuple[tuple[int, int], ...] = ()
    server_side: tuple[tuple[str, int, int], ...] = ()
    always_fails: Failure | None = None


@dataclass
class Evaluations:
    """`helo_data` of one transport in the three views, each computed once.

    known: what is known in all of them. sources: the variables that are not.
    """

    transport: SmtpTransport
    known: Mapping[str, Value] = field(default_factory=dict)
    sources: frozenset[str] = views.SOURCES
    bound: Paths = field(init=False)
    unbound: Paths = field(init=False)
    probe: Paths = field(init=False)

    def __post_init__(self) -> None:
        text = self.transport.helo.text if self.transport.helo else ""
        self.bound = self.transport.paths(text, views.BOUND, self.known)
        self.unbound = self.transport.paths(text, views.UNBOUND, self.known)
        self.probe = self.transport.paths(text, views.PROBE, self.known)

    @cached_property
    def live(self) -> bool:
        """Whether the unbound result owes anything to a reading of the sources."""
        return views.live(self.probe, self.sources)

    @cached_property
    def differ(self) -> bool:
        """Whether bound and unbound results can differ."""
        return views.differ(self.unbound, self.bound, self.sources)


def judge(transport: SmtpTransport, release: Release | None = None) -> Verdict:
    """The verdict on a transport's `helo_data` under the rules of a release."""
    helo = transport.helo
    tree = views.tree_of(helo.text, transport.around.release) if helo else None
    if helo is None or tree is None:
        return Verdict()
    seen = Evaluations(transport)
    reads = _reads(seen)
    verdict = Verdict(server_side=_server_side(seen), reads=reads)
    failures = [p.result for p in seen.bound.all if isinstance(p.result, Failure)]
    if len(failures) == len(seen.bound.all):
        failed = failures[0]
        if failed.syntax:
            return Verdict(always_fails=failed)
    return _with_codes(verdict, transport, seen, release)


def _with_codes(
    verdict: Verdict,
    transport: SmtpTransport,
    seen: Evaluations,
    release: Release | None,
) -> Verdict:
    varies = seen.live or seen.differ
    codes: tuple[str, ...] = ()
    if transport.wants_early and not transport.avoids_esmtp:
        permits = transport.text_permits(release)
        lifted = transport.interface_certain and transport.interface_lifts(release)
        if transport.tls_on_connect:
            # TCP and TLS come first, so the address is known; only the text test bites.
            codes = () if permits else ("EXP104",)
            varies = False
        elif not permits and not lifted:
            codes = ("EXP102",) if seen.live else ("EXP104",)
        elif not transport.interface_certain:
            codes = _early_codes(transport, seen)
        else:
            protected = (views.INTERFACE, views.REMOTE)
            seen = Evaluations(transport, *protected)
            codes = _early_codes(transport, seen) if seen.live or seen.differ else ()
    return Verdict(codes, varies, verdict.reads, verdict.server_side)


def _early_codes(transport: SmtpTransport, seen: Evaluations) -> tuple[str, ...]:
    """Exim permits the early greeting: what will it say without the sources?"""
    helo = transport.helo
    text = helo.text if helo is not None else ""
    use = "EXP103" if GUARD in text else "EXP101"
    unbound, live = seen.unbound, seen.live
    if any(p.opaque for p in unbound.all) or not unbound.complete:
        return ("EXP108",) if not live else (use, "EXP108")
    codes = [use] if live else []
    if live or seen.differ:
        if _newly(seen, lambda r: isinstance(r, Failure)):
            codes.append("EXP105")
        if _newly(seen, _certainly_malformed):
            codes.append("EXP106")
    if not codes and seen.differ:
        codes.append("EXP107")
    return tuple(codes)


def _newly(seen: Evaluations, wrong: Callable[[Result], bool]) -> bool:
    """Whether something can go wrong early that does not go wrong all the same
    later.
    """

    def alike(path: Path) -> list[Path]:
        return [b for b in seen.bound.all if b.agrees(path, seen.sources)]

    return any(
        wrong(path.result) and not all(wrong(b.result) for b in alike(path))
        for path in seen.unbound.all
    )


def _reads(seen: Evaluations) -> tuple[tuple[int, int], ...]:
    """Where the option's own text reads the local address; uses before mere tests."""
    found: dict[tuple[int, int], bool] = {}
    for paths in (seen.probe, seen.bound):
        for path in paths.all:
            for read in path.reads:
                if read.own and read.name in views.SOURCES:
                    found.setdefault((read.start, read.end), read.tested)
    return tuple(sorted(found, key=lambda at: (found[at], at)))


def _server_side(seen: Evaluations) -> tuple[tuple[str, int, int], ...]:
    found: dict[tuple[str, int, int], None] = {}
    for paths in (seen.bound, seen.unbound):
        for path in paths.all:
            for read in path.reads:
                at = (
                    (read.name, read.start, read.end) if read.own else (read.name, 0, 0)
                )
                tested_port = read.tested and read.name == views.PORT
                if read.name in SERVER_SIDE or tested_port:
                    found[at] = None
    return tuple(found)


def greetings(transport: SmtpTransport) -> Wire:
    """What the transport says on a first contact and on a later one."""
    if transport.interface_malformed or _event_stops(transport, "tcp:connect", EARLY):
        return Wire(None, None)
    helo = transport.helo
    tree = views.tree_of(
        helo.text if helo is not None else "$primary_hostname",
        transport.around.release,
    )
    if tree is None:
        return Wire(None, None)

    def say(view: Mapping[str, Value]) -> str | None:
        value = evaluate(tree, transport.environment(transport.host_known, view))
        if isinstance(value, Failure):
            return None
        return f"{transport.verb} {value}"

    connected, early = _local_ends(transport)
    first = None if _event_stops(transport, CONNECT, connected) else say(connected)
    if not transport.early_possible or early is None or first is None:
        return Wire(first, first)
    later = None if _event_stops(transport, CONNECT, early) else say(early)
    return Wire(first, later)


CONNECT = "smtp:connect"
EARLY = views.UNBOUND


def _local_ends(
    transport: SmtpTransport,
) -> tuple[Mapping[str, Value], Mapping[str, Value] | None]:
    """The views of the first and of the later contact; None: as the first."""
    option = transport.options.get("interface")
    early: Mapping[str, Value] = views.UNBOUND
    lifted = transport.text_permits()
    connected: Mapping[str, Value] = views.BOUND
    if option is not None:
        tree = views.tree_of(option.text)
        unbound = transport.environment(transport.host_known, views.UNBOUND)
        value = evaluate(tree, unbound) if tree is not None else EMPTY
        if isinstance(value, Known):
            listed = parse_interface(value.text)
            chosen = {listed.chosen(v) for v in transport.hosts.families}
            one = chosen.pop() if len(chosen) == 1 else None
            if one is not None:
                early = {**views.UNBOUND, **bound_address(one)}
                lifted = lifted or transport.interface_lifts()
                if not one.is_unspecified:
                    connected = {**views.BOUND, **bound_address(one)}
            elif transport.interface_certain:
                early = {**views.UNBOUND, **views.INTERFACE}
        elif isinstance(value, Unknown) and transport.interface_certain:
            early = {**views.UNBOUND, **views.INTERFACE}
    if transport.tls_on_connect:
        early = connected
    return connected, early if lifted else None


def _event_stops(
    transport: SmtpTransport, event: str, view: Mapping[str, Value]
) -> bool:
    """Whether `event_action` certainly answers an event with text, which defers."""
    option = transport.options.get("event_action")
    tree = views.tree_of(option.text) if option is not None else None
    if tree is None:
        return False
    name: dict[str, Value] = {"event_name": Known(event)}
    layers = (transport.host_known, view, name)
    value = evaluate(tree, transport.environment(*layers))
    return isinstance(value, Known) and bool(value.text)
