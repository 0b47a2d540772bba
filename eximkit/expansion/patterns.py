"""What the patterns of lists match (Exim specification, sections 10.8 to 10.21)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from eximkit.expansion import ip, regex
from eximkit.expansion.environment import NotFound
from eximkit.expansion.hosts import HostPatterns
from eximkit.expansion.lists import split_list
from eximkit.expansion.matching import (
    ADDRESSES,
    DOMAINS,
    HOSTS,
    LOCAL_PARTS,
    Asking,
    Match,
    Nobody,
    State,
    match_list,
    whole,
)
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, Known, NotPure, stops
from eximkit.source import BLANK

NOBODY = Nobody()
_MAIL_HOSTS = ("@mx_any", "@mx_primary", "@mx_secondary")
_CHAINED = 50
"""How many times a `@@` lookup may go on with another key."""


def _regex(pattern: str, subject: str, *, caseless: bool) -> Match | None:
    """A match leaves the whole subject in $0, not the part that matched."""
    try:
        captures = regex.search(pattern, subject, caseless=caseless)
    except ExpansionFailed as failure:
        raise stops(failure.message) from None
    return None if captures is None else Match((subject, *captures[1:]), pattern)


def looked_up(asking: Asking, kind: str, key: str, query: str) -> Match | None:
    """A lookup as a pattern: the data become the value."""
    found = asking.find(kind, key, query)
    if isinstance(found, NotFound):
        return None
    if not isinstance(found.value, Known):
        raise NotPure(f"a lookup of type {kind}")
    return Match((key, *found.captures), found.value.text)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A string that patterns are tried on; folded once, for lists may be long."""

    text: str
    folded: str

    @classmethod
    def of(cls, text: str) -> _Subject:
        return cls(text, lower(text))

    def literal(self, pattern: str, *, caseful: bool = False) -> Match | None:
        """A literal, or `*suffix`; $1 is what the asterisk took."""
        name = self.text if caseful else self.folded
        wanted = pattern if caseful else lower(pattern)
        if not wanted.startswith("*"):
            return Match((name,), pattern) if wanted == name else None
        if not name.endswith(wanted[1:]):
            return None
        return Match((name, name[: len(name) - len(wanted) + 1]), pattern)

    def pattern(
        self, pattern: str, asking: Asking, *, caseful: bool = False
    ) -> Match | None:
        """What domains and local parts have in common: `^…`, `*…`, lookups, text."""
        if pattern.startswith("^"):
            return _regex(pattern, self.text, caseless=not caseful)
        kind, sign, query = pattern.partition(";")
        if sign and not pattern.startswith("*"):
            key = self.text if caseful else self.folded
            return looked_up(asking, kind, key, query.lstrip(BLANK))
        return self.literal(pattern, caseful=caseful)


def match_domain(subject: str, text: str, asking: Asking = NOBODY) -> Match | None:
    """`match_domain{subject}{text}`; letter case never counts."""
    domain = partial(_domain, _Subject.of(subject), asking)
    return whole(text, DOMAINS, domain, asking)


def _domain(
    subject: _Subject, asking: Asking, pattern: str, _state: State
) -> Match | None:
    """One domain pattern."""
    if pattern == "@":
        return subject.literal(asking.hostname())
    if pattern == "@[]":
        return _address_literal(subject, asking)
    if pattern.startswith(_MAIL_HOSTS):
        raise NotPure(f"{pattern}, which asks the DNS")
    return subject.pattern(pattern, asking)


def _address_literal(subject: _Subject, asking: Asking) -> Match | None:
    """`@[]`: an address of this host, in brackets."""
    text = subject.text
    if not (text.startswith("[") and text.endswith("]")):
        return None
    address = text[1:-1]
    if ip.parse(address) is None or not asking.is_local(address):
        return None
    return Match((subject.folded,), "@[]")


def match_local_part(subject: str, text: str, asking: Asking = NOBODY) -> Match | None:
    """`match_local_part{subject}{text}`; `+caseful` makes letter case count."""
    name = _Subject.of(subject)

    def matches(pattern: str, state: State) -> Match | None:
        return name.pattern(pattern, asking, caseful=state.caseful)

    return whole(text, LOCAL_PARTS, matches, asking)


def match_name(subject: str, text: str) -> Match | None:
    """A list of names in which letter case counts, as `keep_environment` is."""
    name = _Subject.of(subject)
    return match_list(
        text,
        DOMAINS,
        lambda pattern, _state: name.pattern(pattern, NOBODY, caseful=True),
        NOBODY,
    )


def match_word(subject: str, text: str, asking: Asking = NOBODY) -> Match | None:
    """A list of plain words, in which letter case does not count."""
    name = _Subject.of(subject)
    return match_list(
        text, DOMAINS, lambda pattern, _state: name.pattern(pattern, asking), asking
    )


def match_ip(subject: str, text: str, asking: Asking = NOBODY) -> Match | None:
    """`match_ip{subject}{text}`. Raises ExpansionFailed if subject is no address."""
    address = ip.parse(subject)
    if address is None and subject:
        raise ExpansionFailed(f'"{subject}" is not an IP address')
    if address is not None and address.bits == 128 and address.value >> 32 == 0xFFFF:
        address = ip.Address(32, address.value & 0xFFFFFFFF)
    return whole(text, HOSTS, HostPatterns(subject, address, asking).matches, asking)


@dataclass(frozen=True, slots=True)
class _MailAddress:
    """An address that patterns are tried on."""

    text: str
    local_part: _Subject
    domain: _Subject
    asking: Asking

    def matches(self, pattern: str, state: State) -> Match | None:
        """One pattern of an address list; no captures come of it."""
        if self.text and "@" not in self.text:
            return None
        if pattern.startswith("^"):
            subject = self.text and f"{self.local_part.text}@{self.domain.folded}"
            found = _regex(pattern, subject, caseless=not state.caseful)
            return None if found is None else Match()
        if not self.text or not pattern:
            return None if self.text or pattern else Match()
        if pattern.startswith("@@"):
            return self._chained(pattern[2:], state)
        kind, sign, query = pattern.partition(";")
        if sign and "@" not in kind.removesuffix("*@"):
            return self._whole(kind, query.lstrip(BLANK))
        return self._parts(pattern, state)

    def _whole(self, kind: str, query: str) -> Match | None:
        """A lookup of the address; partial matching is not for addresses."""
        if kind.startswith("partial"):
            kind = kind.partition("-")[2]
        found = looked_up(self.asking, kind, lower(self.text), query)
        return None if found is None else Match(value=found.value)

    def _chained(self, pattern: str, state: State) -> Match | None:
        """`@@lookup`: the domain's data are local parts; `>other` goes on with that."""
        kind, sign, query = pattern.partition(";")
        if not sign:
            return None
        key = self.domain.folded
        for _ in range(_CHAINED):
            data = looked_up(self.asking, kind, key, query.lstrip(BLANK))
            if data is None:
                return None
            items = split_list(data.value or "")[1]
            key = ""
            for item in items:
                if item.startswith(">"):
                    key = item[1:].lstrip(BLANK)
                    break
                against = item.startswith("!")
                wanted = item[1:].lstrip(BLANK) if against else item
                found = self.local_part.pattern(
                    wanted, self.asking, caseful=state.caseful
                )
                if found is not None:
                    return None if against else Match(value=found.value)
            if not key:
                return None
        return None

    def _parts(self, pattern: str, state: State) -> Match | None:
        """`local_part@domain`, or a domain alone."""
        wanted, at, suffix = pattern.rpartition("@")
        if wanted.endswith("@"):  # `*@@` and `*@@[]`: the domain starts with a sign.
            wanted, suffix = wanted[:-1], at + suffix
        if at and self.local_part.literal(wanted, caseful=state.caseful) is None:
            return None
        if (state.caseful and lower(suffix) != suffix) or not suffix:
            return None
        # The domain is a list of its own: it may be negated once more, or be a name.
        found = match_list(
            "<\n" + suffix, DOMAINS, partial(_domain, self.domain, self.asking),
            self.asking,
        )  # fmt: skip
        if found is None:
            return None
        # Exim takes as much of the pattern as the subject's local part has octets.
        before = pattern[: len(self.local_part.text)] if at else ""
        return Match(value=f"{before}@{found.value or ''}")


def match_address(subject: str, text: str, asking: Asking = NOBODY) -> Match | None:
    """`match_address{subject}{text}`; a pattern without `@` is one for the domain."""
    local, _, domain = subject.rpartition("@")
    address = _MailAddress(subject, _Subject.of(local), _Subject.of(domain), asking)
    return whole(text, ADDRESSES, address.matches, asking)
