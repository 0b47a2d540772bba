"""Host lists of Exim, matched against the other end of a connection that is there.

Exim specification, sections 10.11 to 10.15. How a list is gone through and what its
patterns match is `eximkit.expansion`'s; here it meets a real host. The name of a host
is never looked up: it is given, or there is none, and then a pattern for names ends a
list as it does for Exim where no name is to be found.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.expansion import ip
from eximkit.expansion.hosts import HostPatterns
from eximkit.expansion.limits import Exhausted
from eximkit.expansion.lists import split_list
from eximkit.expansion.matching import (
    HOST_SETTINGS,
    HOSTS,
    Match,
    NeedsName,
    Nobody,
    State,
    Unfinished,
    match_list,
)
from eximkit.expansion.values import ExpansionFailed, NotPure
from eximkit.expansion.world import NotAllowed
from eximkit.source import BLANK, decode, display, octets

if TYPE_CHECKING:
    from eximkit.expansion.matching import Asking

MOST = 1 << 16
"""Octets of a list. A longer one is no setting but an accident."""

_UNDECIDED = (Unfinished, ExpansionFailed, NotPure, NotAllowed, Exhausted)
_LOCALHOST = "localhost"
_DEEPEST = 30


class ThisHost(Nobody):
    """Knows which addresses this host has, and nothing else."""

    def is_local(self, address: str) -> bool:
        return is_local(address)


@dataclass(frozen=True, slots=True)
class HostList:
    """One list, as it stands after expansion.

    text: octets. around: whom to ask for named lists, files and lookups. unsupported:
    each item that cannot be decided, and why, in words for the user.
    """

    text: str
    around: Asking = field(default_factory=ThisHost, repr=False, compare=False)
    unsupported: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, around: Asking | None = None) -> HostList:
        """The list that `text` is. Raises SettingsError for what can be none.

        around: None where there is no configuration; a named list is an error then.
        """
        return cls.of(octets(text), around)

    @classmethod
    def of(cls, text: str, around: Asking | None = None) -> HostList:
        """The same of octets, as a configuration has them."""
        if len(text) > MOST:
            raise SettingsError(f"a host list of more than {MOST} octets")
        asking = ThisHost() if around is None else around
        named = () if around is None else ("",)
        return cls(text, asking, tuple(_undecided(text, asking, named)))

    def matches(self, address: str, name: str = "") -> bool:
        """Whether a host is in the list; no where that cannot be decided."""
        return self.answer(address, name) is True

    def answer(self, address: str, name: str = "") -> bool | None:
        """Whether a host is in the list; None where an item cannot be decided.

        address: in its usual form, a zone is ignored. name: "" where there is none.
        """
        plain = address.partition("%")[0]
        patterns = _Patterns(
            HostPatterns(plain, ip.parse(plain), self.around, name or None, asked=True)
        )
        try:
            found = match_list(self.text, HOSTS, patterns.matches, self.around)
        except _UNDECIDED:
            return None
        return found is not None


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The patterns of a list, with what needs nobody to be asked."""

    host: HostPatterns

    def matches(self, pattern: str, state: State) -> Match | None:
        address = self.host.address
        if _is_localhost(pattern) and address is not None:
            return Match() if _is_loopback(address) else None
        if self.host.name is None and pattern[:1] in "^*" and pattern not in ("", "*"):
            raise NeedsName
        return self.host.matches(pattern, state)


def _is_localhost(pattern: str) -> bool:
    """The name that needs no asking (RFC 6761 6.3)."""
    return pattern.lower().rstrip(".") == _LOCALHOST


def _is_loopback(address: ip.Address) -> bool:
    """Whether it is what that name stands for: 127.0.0.1, ::1."""
    return address.value == (1 if address.bits == 128 else 0x7F000001)


def is_local(address: str) -> bool:
    """Whether an IP address is one of this host's: a socket can be bound to it.

    That is so for all of 127.0.0.0/8, of which an interface has one address.
    """
    if address.startswith("127.") and address != "127.0.0.1":
        return False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return True
    return False


def _undecided(text: str, asking: Asking, within: tuple[str, ...]) -> list[str]:
    """What in a list cannot be decided, and why. Raises SettingsError.

    within: the named lists that led here, () where there can be none.
    """
    found: list[str] = []
    for item in split_list(text)[1]:
        if item in HOST_SETTINGS:
            continue
        pattern = item.removeprefix("!").lstrip(BLANK)
        if not pattern.startswith("+"):
            found += _of_pattern(pattern, asking)
            continue
        name = pattern[1:]
        if not within:
            raise SettingsError(
                f"{display(pattern)}: without a configuration there are no named lists"
            )
        if name in within or len(within) > _DEEPEST:
            raise SettingsError(f"the host list {display(pattern)} is part of itself")
        try:
            inner = asking.named(HOSTS.keyword, name)
        except _UNDECIDED as why:
            found.append(f"{display(pattern)}: {_words(why)}")
            continue
        if inner is None:
            raise SettingsError(f"there is no host list {display(pattern)}")
        found += _undecided(inner, asking, (*within, name))
    return list(dict.fromkeys(found))


def _of_pattern(pattern: str, asking: Asking) -> list[str]:
    """Why a pattern stays undecided; nothing for one that will not."""
    if _is_localhost(pattern):
        return []
    address = "192.0.2.1"
    host = HostPatterns(address, ip.parse(address), asking, "a.invalid", asked=True)
    try:
        if pattern.startswith("/"):
            asking.lines(pattern)
        else:
            host.matches(pattern, State())
    except _UNDECIDED as why:
        if pattern.startswith("^"):
            raise SettingsError(f"{display(pattern)}: {_words(why)}") from None
        # That the question was about this address is of no interest.
        return [f"{display(pattern)}: {_words(why).removesuffix(f' for {address}')}"]
    return []


def _words(why: Exception) -> str:
    if isinstance(why, NotPure | NotAllowed):
        return f"it takes {decode(str(why))}"
    if isinstance(why, ExpansionFailed):
        return decode(why.message)
    return decode(str(why))
