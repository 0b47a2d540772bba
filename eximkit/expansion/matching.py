"""Matching a string against a list of patterns: domains, local parts, addresses, IP
addresses (Exim specification, chapter 10).

Only what patterns alone decide is answered. A named list, a lookup, a file, a host name,
or a form with `@` that asks the machine raises NotPure, if the list gets that far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion import ip, regex
from eximkit.expansion.lists import split_list
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, NotPure
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Match:
    """captures: $0, $1, … if the match sets them. value: what $value becomes."""

    captures: tuple[str, ...] | None = None
    value: str | None = None


def match_list(
    items: list[str], matches: Callable[[str], Match | None]
) -> Match | None:
    """The first item that matches decides; `!` before it turns that into no.

    If none does, a list that ends with a negated item matches.
    """
    negated = False
    for item in items:
        negated = item.startswith("!")
        pattern = item[1:].lstrip(BLANK) if negated else item
        found = matches(pattern)
        if found is not None:
            return None if negated else found
    return Match() if negated else None


def match_ip(subject: str, text: str) -> Match | None:
    """`match_ip{subject}{text}`. Raises ExpansionFailed if subject is no address."""
    address = ip.parse(subject)
    if address is None and subject:
        raise ExpansionFailed(f'"{subject}" is not an IP address')
    if address is not None and address.bits == 128 and address.value >> 32 == 0xFFFF:  # noqa: PLR2004
        address = ip.Address(32, address.value & 0xFFFFFFFF)

    def matches(pattern: str) -> Match | None:
        if pattern == "*":
            return Match(value=pattern)
        if not pattern:
            return Match(value=pattern) if address is None else None
        if address is None:
            return None
        found = ip.parse_masked(pattern)
        if found is None:
            raise NotPure(f'"{pattern}" in a host list')
        net, length = found
        if net.bits != address.bits:
            return None
        bits = net.bits if length is None else length
        same = ip.network(net, bits) == ip.network(address, bits)
        return Match(value=pattern) if same else None

    return match_list(split_list(text)[1], matches)


def _asks_elsewhere(pattern: str) -> bool:
    return pattern.startswith(("+", "/")) or ";" in pattern


def _suffix(subject: str, pattern: str) -> Match | None:
    """`*suffix`, letter case ignored by the caller; $1 is what the asterisk took."""
    rest = pattern[1:]
    if not subject.endswith(rest):
        return None
    taken = subject[: len(subject) - len(rest)]
    if rest.startswith(".") :
        return Match((subject, taken), pattern)
    return Match((subject, taken), pattern)


def match_domain(subject: str, text: str) -> Match | None:
    """`match_domain{subject}{text}`."""
    folded = lower(subject)

    def matches(pattern: str) -> Match | None:
        if pattern.startswith("^"):
            captures = regex.search(pattern, subject, caseless=True)
            return None if captures is None else Match(captures, pattern)
        if pattern.startswith("*"):
            return _suffix(folded, lower(pattern))
        if pattern.startswith("@") or _asks_elsewhere(pattern):
            raise NotPure(f'"{pattern}" in a domain list')
        if lower(pattern) == folded:
            return Match((folded,), pattern)
        return None

    return match_list(split_list(text)[1], matches)


def match_local_part(subject: str, text: str) -> Match | None:
    """`match_local_part{subject}{text}`; `+caseful` turns letter case on."""
    caseful = False

    def matches(pattern: str) -> Match | None:
        nonlocal caseful
        if pattern == "+caseful":
            caseful = True
            return None
        if pattern.startswith("^"):
            captures = regex.search(pattern, subject, caseless=not caseful)
            return None if captures is None else Match(captures, pattern)
        if _asks_elsewhere(pattern):
            raise NotPure(f'"{pattern}" in a local part list')
        name = subject if caseful else lower(subject)
        wanted = pattern if caseful else lower(pattern)
        if wanted.startswith("*"):
            return _suffix(name, wanted)
        return Match((name,), pattern) if wanted == name else None

    return match_list(split_list(text)[1], matches)


def match_address(subject: str, text: str) -> Match | None:
    """`match_address{subject}{text}`."""
    del subject, text
    raise NotPure("an address list")
