"""Matching against lists of domains, local parts, addresses and IP addresses.

Exim specification, chapter 10. Only what patterns alone decide is answered: a named
list, a lookup, a file, a host name, or a form with `@` that asks the machine raises
NotPure, if the list gets that far.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from eximkit.expansion import ip, regex
from eximkit.expansion.lists import split_list
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, NotPure, stops
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable


CASEFUL = "+caseful"
"""An item that matches nothing, and makes letter case count in those after it."""


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
        if item == CASEFUL:
            matches(item)
            continue
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


@dataclass(frozen=True, slots=True)
class _Subject:
    """A string that patterns are tried on; folded once, for lists may be long."""

    text: str
    folded: str

    @classmethod
    def of(cls, text: str) -> _Subject:
        return cls(text, lower(text))

    def wildcard(self, pattern: str, *, caseful: bool = False) -> Match | None:
        """A literal, or `*suffix`; $1 is what the asterisk took."""
        name = self.text if caseful else self.folded
        wanted = pattern if caseful else lower(pattern)
        if not wanted.startswith("*"):
            return Match((name,), pattern) if wanted == name else None
        if not name.endswith(wanted[1:]):
            return None
        return Match((name, name[: len(name) - len(wanted) + 1]), pattern)


def match_domain(subject: str, text: str) -> Match | None:
    """`match_domain{subject}{text}`."""
    return match_list(split_list(text)[1], partial(_domain, _Subject.of(subject)))


def _domain(subject: _Subject, pattern: str) -> Match | None:
    """One domain pattern; letter case never counts."""
    if pattern.startswith("^"):
        return _regex(pattern, subject.text, caseless=True)
    asks = pattern.startswith("@") or _asks_elsewhere(pattern)
    if asks and not pattern.startswith("*"):
        raise NotPure(f'"{pattern}" in a domain list')
    return subject.wildcard(pattern)


def match_local_part(subject: str, text: str) -> Match | None:
    """`match_local_part{subject}{text}`; `+caseful` makes letter case count."""
    name = _Subject.of(subject)
    caseful = False

    def matches(pattern: str) -> Match | None:
        nonlocal caseful
        if pattern == CASEFUL:
            caseful = True
            return None
        if pattern.startswith("^"):
            return _regex(pattern, subject, caseless=not caseful)
        if _asks_elsewhere(pattern):
            raise NotPure(f'"{pattern}" in a local part list')
        return name.wildcard(pattern, caseful=caseful)

    return match_list(split_list(text)[1], matches)


def match_address(subject: str, text: str) -> Match | None:
    """`match_address{subject}{text}`; no captures come of it.

    A pattern without `@` is one for the domain. A subject without a domain is not
    followed.
    """
    local, sign, domain = subject.rpartition("@")
    if subject and not (sign and domain):
        raise NotPure("an address without a domain")
    local_part, host = _Subject.of(local), _Subject.of(domain)
    caseful = False

    def matches(pattern: str) -> Match | None:
        nonlocal caseful
        if pattern == CASEFUL:
            caseful = True
            return None
        if pattern.startswith("^"):
            whole = local + sign + host.folded
            found = _regex(pattern, whole, caseless=not caseful)
            return None if found is None else Match()
        if pattern.startswith("@@") or pattern == "@" or _asks_elsewhere(pattern):
            raise NotPure(f'"{pattern}" in an address list')
        if not subject or not pattern:
            return None if subject or pattern else Match(value=pattern)
        wanted, at, suffix = pattern.rpartition("@")
        if at and local_part.wildcard(wanted, caseful=caseful) is None:
            return None
        if caseful and lower(suffix) != suffix:
            return None
        # The domain part is a list of its own: it may be negated once more.
        if match_list([suffix], partial(_domain, host)) is None:
            return None
        return Match(value=pattern if at else f"@{pattern}")

    return match_list(split_list(text)[1], matches)
