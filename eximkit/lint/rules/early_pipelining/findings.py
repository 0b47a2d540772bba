"""The findings about a transport's greeting: EXP101 to EXP111, EXP113 and EXP117."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.catalog import NEWEST
from eximkit.config.early_check import GUARD
from eximkit.lint.finding import Finding, TransportGreetings, Wire
from eximkit.lint.rules.early_pipelining import mends, stale, views
from eximkit.lint.rules.early_pipelining.greeting import Verdict, greetings, judge
from eximkit.lint.rules.early_pipelining.pages import RULE
from eximkit.lint.rules.early_pipelining.transport import SmtpTransport, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.config.model import Option
    from eximkit.lint.rule import RuleContext
    from eximkit.source import Place

MESSAGES = {
    "EXP101": "the local address is read before the connection exists, and Exim's own"
    " check does not see it",
    "EXP102": "Exim switches early pipelining off for this transport, and logs nothing:"
    f" helo_data contains ${views.ADDRESS}",
    "EXP103": f"the test def:{views.ADDRESS} does not protect this use of the local"
    " address",
    "EXP104": f"the text ${views.ADDRESS} has no effect on early greetings, but Exim"
    " switches early pipelining off for it",
    "EXP105": "before the connection exists the expansion fails: later mail to the same"
    " server is deferred until Exim's record of it expires",
    "EXP106": "before the connection exists the greeting is empty or malformed: strict"
    " servers refuse it and the message bounces",
    "EXP107": "the first contact and later ones greet with different names",
    "EXP108": "what this expands to before the connection exists cannot be known",
}
NOTES = {
    "EXP101": (f"Exim looks for the text ${views.ADDRESS} and does not find it here",),
    "EXP103": (f"Exim finds {GUARD} in the text and looks no further",),
}


def check(context: RuleContext) -> Iterator[Finding]:
    """Judge every smtp transport; also fills `context.greetings`."""
    around = Surroundings.of(context)
    for transport in around.transports:
        driver = transport.driver
        wire = greetings(transport)
        context.greetings.append(
            TransportGreetings(
                driver.line.place(0).path, driver.name, transport.early_possible, wire
            )
        )
        yield from _of_transport(transport, wire)


def _of_transport(transport: SmtpTransport, wire: Wire) -> Iterator[Finding]:
    helo = transport.helo
    if helo is None or helo.value is None or transport.interface_malformed:
        return
    verdict = judge(transport)
    if verdict.always_fails is not None:
        return
    yield from _server_side(transport, helo, verdict, wire)
    yield from _interface(transport, helo, verdict, wire)
    for code in verdict.codes:
        place = _place(helo, verdict)
        fix, unfixable = mends.for_helo(code, transport, verdict)
        message = MESSAGES[code].replace("the local address", _read(helo, verdict), 1)
        yield RULE[code].finding(
            message, place, **transport.where("helo_data"), wire=wire,
            related=_related(helo, place), notes=NOTES.get(code, ()),
            fix=fix, unfixable=unfixable,
        )  # fmt: skip
    if verdict.dependent and transport.early_possible and transport.text_permits():
        yield from _stale(transport, helo, verdict, wire)
    yield from _versions(transport, helo, verdict, wire)


def _read(option: Option, verdict: Verdict) -> str:
    """What is read too early, for people."""
    text = option.text[slice(*verdict.reads[0])] if verdict.reads else ""
    other = (name for name in (views.HOST_PORT, views.CALLOUT) if name in text)
    return "".join(f"${name}" for name in other) or "the local address"


def _place(option: Option, verdict: Verdict) -> Place:
    """The first reading of the address in the option, or else its whole value."""
    assert option.value is not None  # noqa: S101 - callers have looked
    if verdict.reads:
        return option.value.place(*verdict.reads[0])
    return option.value.place(0, len(option.value))


def _related(option: Option, place: Place) -> tuple[tuple[str, Place], ...]:
    """The option that a use in a macro or an ACL belongs to."""
    if place.line == option.name_place.line:
        return ()
    return ((f"{option.name} is set here", option.name_place),)


def _server_side(
    transport: SmtpTransport, helo: Option, verdict: Verdict, wire: Wire
) -> Iterator[Finding]:
    """EXP113: the wrong end of the wrong connection."""
    assert helo.value is not None  # noqa: S101 - callers have looked
    for name, start, end in verdict.server_side:
        if name == views.PORT:
            if not transport.wants_early:
                continue
            message = (
                f"def:{views.PORT} is always true (before the connection it is -1);"
                f" test {views.ADDRESS}"
            )
        else:
            message = (
                f"${name} is the address on which the message came in, not the one it"
                f" leaves by; did you mean ${views.ADDRESS}?"
            )
        own = end > start
        place = helo.value.place(start, end) if own else helo.value.place(
            0, len(helo.value)
        )  # fmt: skip
        early = transport.early_possible and not transport.interface_certain
        fix, unfixable = mends.rename_variables(
            helo, verdict, early=early and not transport.tls_on_connect
        )
        yield RULE["EXP113"].finding(
            message, place, **transport.where("helo_data"), wire=wire, fix=fix,
            unfixable=unfixable,
        )  # fmt: skip
        return  # One finding per option says it.


def _interface(
    transport: SmtpTransport, helo: Option, verdict: Verdict, wire: Wire
) -> Iterator[Finding]:
    """EXP109 and EXP110: what `interface` protects, and what it does not."""
    option = transport.options.get("interface")
    relevant = transport.wants_early and not transport.avoids_esmtp
    dependent = verdict.dependent or verdict.codes
    if option is None or not relevant or not dependent or transport.tls_on_connect:
        return
    place = option.value.place(0, len(option.value)) if option.value else (
        option.name_place
    )  # fmt: skip
    if transport.interface_wildcard:
        yield RULE["EXP110"].finding(
            "a wildcard address counts as bound, but it is what helo_data then sees",
            place, **transport.where("interface"), wire=wire,
            related=(("helo_data depends on the address here", helo.name_place),),
        )  # fmt: skip
    elif not transport.interface_certain:
        yield RULE["EXP109"].finding(
            f"interface can leave a connection unbound ({_why_unbound(transport)}), and"
            " helo_data depends on the address",
            place, **transport.where("interface"), wire=wire,
            related=(("helo_data depends on the address here", helo.name_place),),
        )  # fmt: skip


def _why_unbound(transport: SmtpTransport) -> str:
    if not transport.interface_possible:
        return "it is empty"
    missing = {
        version
        for bound in transport.interfaces
        for version in transport.hosts.families
        if bound.addresses and bound.chosen(version) is None
    }
    if missing:
        return f"it names no IPv{min(missing)} address"
    return "it can expand to nothing"


def _stale(
    transport: SmtpTransport, helo: Option, verdict: Verdict, wire: Wire
) -> Iterator[Finding]:
    if transport.tls_on_connect or transport.interface_certain:
        return
    reason = stale.way(transport)
    if reason:
        yield RULE["EXP111"].finding(
            "an early greeting can carry the local address of an earlier connection:"
            f" {reason}",
            _place(helo, verdict), **transport.where("helo_data"), wire=wire,
        )  # fmt: skip


def _versions(
    transport: SmtpTransport, helo: Option, verdict: Verdict, wire: Wire
) -> Iterator[Finding]:
    """EXP117: the release judged for treats this otherwise than 4.96 and later do."""
    release: Release = transport.around.release
    if release.numbers[:2] >= NEW_RULES or not transport.wants_early:
        return
    unchecked = release.numbers[:2] < FIRST_CHECK
    # The value may be right all the same, but no release before 4.96 promises it.
    leans = transport.interface_certain and verdict.dependent and not unchecked
    if judge(transport, NEWEST).codes == verdict.codes and not leans:
        return
    what = (
        "has no check of helo_data at all"
        if unchecked
        else "does not take a bound interface into account"
    )
    yield RULE["EXP117"].finding(
        f"Exim {release} {what}; from 4.96 on this is judged otherwise",
        _place(helo, verdict), **transport.where("helo_data"), wire=wire,
    )  # fmt: skip


NEW_RULES = (4, 96)
FIRST_CHECK = (4, 93)
