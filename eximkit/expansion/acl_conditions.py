"""Conditions and modifiers of an ACL that is run where there is no message.

Exim specification, sections 44.19 to 44.25. An expansion is no place in a message's
reception: what needs a recipient, a body or header lines is an error there (checked
with 4.96), and what asks about a connection is answered from the variables of one. A
server that has got as far as a recipient has that in variables, too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from eximkit.expansion import ip
from eximkit.expansion.hosts import HostPatterns
from eximkit.expansion.list_context import Around
from eximkit.expansion.matching import HOSTS, Unfinished, match_list
from eximkit.expansion.numbers import seconds
from eximkit.expansion.patterns import (
    match_address,
    match_domain,
    match_local_part,
    match_word,
)
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, Unknown, Value
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.evaluate import Evaluator

Code = Literal["OK", "FAIL", "DEFER", "ERROR"]

_NUMBER = re.compile(r"-?([0-9]*)", re.ASCII)
_WORDS = {"": False, "no": False, "false": False, "yes": True, "true": True}

NEEDS_MESSAGE = frozenset((
    "decode", "dkim_signers", "dkim_status", "domains", "local_parts", "malware",
    "mime_regex", "recipients", "regex", "spam",
))  # fmt: skip
"""Conditions that are errors outside a message."""

CONTROLS = frozenset((
    "cutthrough_delivery", "debug", "dkim_disable_verify", "enforce_sync",
    "no_callout_flush", "no_delay_flush", "no_enforce_sync", "no_multiline_responses",
    "no_pipelining",
))  # fmt: skip
"""Values of `control` that are none."""


def boolean(text: str) -> bool | None:
    """The value of an ACL's `condition`; None for text that is no truth value."""
    found = _NUMBER.fullmatch(text)
    if text and found is not None:
        return found[1].strip("0") != ""
    return _WORDS.get(lower(text))


def modifier(evaluator: Evaluator, name: str, value: Value) -> Code:
    """What a modifier comes to."""
    text, receiving = _text(value), evaluator.environment.receiving
    if name in ("add_header", "remove_header"):
        return "OK" if receiving else "ERROR"
    if name == "control":
        return "OK" if receiving or text.partition("/")[0] in CONTROLS else "ERROR"
    if name == "delay":
        return "ERROR" if seconds(text) is None else "OK"
    if name == "udpsend":
        raise NotAllowed("udpsend, which sends a packet")
    if name == "queue":
        evaluator.lasting["queue_name"] = value
    return "OK"


def condition(evaluator: Evaluator, name: str, value: Value) -> tuple[Code, str]:
    """What a condition comes to, and the message that it sets, or "".

    Raises NotAllowed for what asks the network or Exim's databases.
    """
    receiving = evaluator.environment.receiving
    answer = RECIPIENT.get(name) if receiving else None
    if name in NEEDS_MESSAGE and answer is None:
        return "ERROR", ""
    answer = answer or CONDITIONS.get(name)
    if answer is None:
        raise NotAllowed(f"the ACL condition {name}")
    try:
        return answer(evaluator, _text(value))
    except (Unfinished, ExpansionFailed):
        return "DEFER", ""


def _text(value: Value) -> str:
    if isinstance(value, Unknown):
        raise NotAllowed(value.holes[0].name)
    return value.text


def _variable(evaluator: Evaluator, name: str) -> str:
    return _text(evaluator.variable(name))


def _holds(answer: bool) -> tuple[Code, str]:
    return ("OK" if answer else "FAIL"), ""


def _senders(evaluator: Evaluator, text: str) -> tuple[Code, str]:
    sender = _variable(evaluator, "sender_address")
    return _holds(match_address(sender, text, Around(evaluator)) is not None)


def _sender_domains(evaluator: Evaluator, text: str) -> tuple[Code, str]:
    domain = _variable(evaluator, "sender_address_domain")
    return _holds(match_domain(domain, text, Around(evaluator)) is not None)


def _hosts(evaluator: Evaluator, text: str) -> tuple[Code, str]:
    """The host that is connected, by its address, and by its name where that is set."""
    subject = _variable(evaluator, "sender_host_address")
    address = ip.parse(subject) if subject else None
    around = Around(evaluator)
    name = _variable(evaluator, "sender_host_name")
    patterns = HostPatterns(subject, address, around, name or None, asked=True)
    return _holds(match_list(text, HOSTS, patterns.matches, around) is not None)


def _domains(evaluator: Evaluator, text: str) -> tuple[Code, str]:
    domain = _variable(evaluator, "domain")
    return _holds(match_domain(domain, text, Around(evaluator)) is not None)


def _local_parts(evaluator: Evaluator, text: str) -> tuple[Code, str]:
    local_part = _variable(evaluator, "local_part")
    return _holds(match_local_part(local_part, text, Around(evaluator)) is not None)


def _recipients(evaluator: Evaluator, text: str) -> tuple[Code, str]:
    parts = (_variable(evaluator, name) for name in ("local_part", "domain"))
    return _holds(match_address("@".join(parts), text, Around(evaluator)) is not None)


def _word_of(variable: str) -> Callable[[Evaluator, str], tuple[Code, str]]:
    """A list for the text of a variable, which is never met where it is empty."""

    def answer(evaluator: Evaluator, text: str) -> tuple[Code, str]:
        subject = _variable(evaluator, variable)
        if not subject:
            return _holds(False)
        return _holds(match_word(subject, text, Around(evaluator)) is not None)

    return answer


def _of_connection(
    name: str, without: bool
) -> Callable[[Evaluator, str], tuple[Code, str]]:
    """A condition that asks elsewhere about the host that is connected."""

    def answer(evaluator: Evaluator, _text: str) -> tuple[Code, str]:
        if _variable(evaluator, "sender_host_address"):
            raise NotAllowed(f"the ACL condition {name}, which asks the network")
        return _holds(without)

    return answer


def _verify(evaluator: Evaluator, text: str) -> tuple[Code, str]:
    what = text.partition("/")[0].strip()
    if what == "certificate":
        if _variable(evaluator, "tls_in_certificate_verified") == "1":
            return _holds(True)
        return "FAIL", "no verified certificate"
    if what not in VERIFIED:
        return "ERROR", ""
    return _of_connection(f"verify = {what}", VERIFIED[what])(evaluator, text)


VERIFIED = {"csa": True, "helo": False, "reverse_host_lookup": True}
"""What `verify` says of a host where there is none."""

RECIPIENT: dict[str, Callable[[Evaluator, str], tuple[Code, str]]] = {
    "domains": _domains,
    "local_parts": _local_parts,
    "recipients": _recipients,
}
"""Conditions about the recipient, where there is one."""

CONDITIONS: dict[str, Callable[[Evaluator, str], tuple[Code, str]]] = {
    "authenticated": _word_of("sender_host_authenticated"),
    "dnslists": _of_connection("dnslists", without=False),
    "encrypted": _word_of("tls_in_cipher"),
    "hosts": _hosts,
    "sender_domains": _sender_domains,
    "senders": _senders,
    "spf": _of_connection("spf", without=False),
    "spf_guess": _of_connection("spf_guess", without=False),
    "verify": _verify,
}
