"""Matching against lists of domains, local parts, addresses and IP addresses.

Exim specification, chapter 10. Only what patterns alone decide is answered: a named
list, a lookup, a file, a host name, or a form with `@` that asks the machine raises
NotPure, if the list gets that far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion import ip, regex
from eximkit.expansion.lists import split_list
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, NotPure, stops
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
        if negated and pattern.startswith("+"):
            raise NotPure(f'"{item}" in a list')
        found = matches(pattern)
        if found is not None:
            return None if negated else found
    return Match() if negated else None


def match_ip(subject: str, text: str) -> Match | None:
    """`match_ip{subject}{text}`. Raises ExpansionFailed if subject is no address."""
    address = ip.parse(subject)
    if address is None and subject:
        raise ExpansionFailed(f'"{subject}" is not an IP address')
    if address is not None and address.bits == 128 and address.value >> 32 == 0xFFFF:
        address = ip.Address(32, address.value & 0xFFFFFFFF)

    def matches(pattern: str) -> Match | None:
        if pattern == "*":
            return Match()
        if not pattern:
            return Match() if address is None else None
        found = ip.parse_masked(pattern)
        if found is None:
            raise NotPure(f'"{pattern}" in a host list')
        if address is None:
            return None
        net, length = found
        if net.bits != address.bits:
            return None
        bits = net.bits if length is None else length
        same = ip.network(net, bits) == ip.network(address, bits)
        return Match() if same else None

    return match_list(split_list(text)[1], matches)


def _asks_elsewhere(pattern: str) -> bool:
    return pattern.startswith(("+", "/")) or ";" in pattern


def _regex(pattern: str, subject: str, *, caseless: bool) -> Match | None:
    """A match leaves the whole subject in $0, not the part that matched."""
    try:
        captures = regex.search(pattern, subject, caseless=caseless)
    except ExpansionFailed as failure:
        raise stops(failure.message) from None
    return None if captures is None else Match((subject, *captures[1:]), pattern)


def _suffix(subject: str, pattern: str, written: str) -> Match | None:
    """`*suffix`; $1 is what the asterisk took, less the dot of `*.suffix`."""
    rest = pattern[1:]
    if not subject.endswith(rest):
        return None
    return Match((subject, subject[: len(subject) - len(rest)]), written)


def match_domain(subject: str, text: str) -> Match | None:
    """`match_domain{subject}{text}`."""

    def matches(pattern: str) -> Match | None:
        return _domain(subject, pattern)

    return match_list(split_list(text)[1], matches)


def _domain(subject: str, pattern: str) -> Match | None:
    """One domain pattern; letter case never counts."""
    if pattern.startswith("^"):
        return _regex(pattern, subject, caseless=True)
    folded = lower(subject)
    if pattern.startswith("*"):
        return _suffix(folded, lower(pattern), pattern)
    if pattern.startswith("@") or _asks_elsewhere(pattern):
        raise NotPure(f'"{pattern}" in a domain list')
    return Match((folded,), pattern) if lower(pattern) == folded else None


def _local(subject: str, pattern: str, *, caseful: bool) -> bool:
    """One local part without regular expressions: literal, or `*suffix`."""
    name = subject if caseful else lower(subject)
    wanted = pattern if caseful else lower(pattern)
    if wanted.startswith("*"):
        return name.endswith(wanted[1:])
    return name == wanted


def match_local_part(subject: str, text: str) -> Match | None:
    """`match_local_part{subject}{text}`; `+caseful` makes letter case count."""
    caseful = False

    def matches(pattern: str) -> Match | None:
        nonlocal caseful
        if pattern == "+caseful":
            caseful = True
            return None
        if pattern.startswith("^"):
            return _regex(pattern, subject, caseless=not caseful)
        if _asks_elsewhere(pattern):
            raise NotPure(f'"{pattern}" in a local part list')
        if not _local(subject, pattern, caseful=caseful):
            return None
        name = subject if caseful else lower(subject)
        if pattern.startswith("*"):
            return _suffix(name, pattern if caseful else lower(pattern), pattern)
        return Match((name,), pattern)

    return match_list(split_list(text)[1], matches)


def match_address(subject: str, text: str) -> Match | None:
    """`match_address{subject}{text}`; no captures come of it.

    A pattern without `@` is one for the domain. A subject without a domain is not
    followed.
    """
    local, sign, domain = subject.rpartition("@")
    if subject and not (sign and domain):
        raise NotPure("an address without a domain")
    caseful = False

    def matches(pattern: str) -> Match | None:
        nonlocal caseful
        if pattern == "+caseful":
            caseful = True
            return None
        if pattern.startswith("^"):
            whole = local + sign + lower(domain)
            found = _regex(pattern, whole, caseless=not caseful)
            return None if found is None else Match()
        if pattern.startswith("@") and not pattern.rpartition("@")[2]:
            raise NotPure(f'"{pattern}" in an address list')
        if pattern.startswith("@@") or _asks_elsewhere(pattern):
            raise NotPure(f'"{pattern}" in an address list')
        if not subject or not pattern:
            return None if subject or pattern else Match(value=pattern)
        wanted, at, suffix = pattern.rpartition("@")
        if at and not _local(local, wanted, caseful=caseful):
            return None
        if caseful and lower(suffix) != suffix:
            return None
        if _domain(domain, suffix) is None:
            return None
        return Match(value=pattern if at else f"@{pattern}")

    return match_list(split_list(text)[1], matches)
