"""Lists of domains, local parts, addresses and hosts, matched against a subject.

Exim specification, chapter 10. How a list is gone through is here, what its patterns
match is in `patterns.py`; what lies outside the list - named lists, files, lookups,
this host - is asked through `Asking`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from eximkit.expansion.lists import split_list
from eximkit.expansion.values import ExpansionFailed, NotPure, stops
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.expansion.environment import Found, NotFound

CASEFUL = "+caseful"
"""An item that matches nothing, and makes letter case count in those after it."""

HOST_SETTINGS = frozenset((
    "+ignore_defer", "+ignore_unknown", "+include_defer", "+include_unknown",
))  # fmt: skip
"""Items of host lists that say what comes of a host whose name cannot be found."""

_DEEPEST = 30
"""How deep named lists may name one another; Exim itself goes on until it crashes."""


class Asking(Protocol):
    """What a list needs to know of what is around it. Each may raise NotPure."""

    def named(self, keyword: str, name: str) -> str | None:
        """The expanded text of a named list; None where there is none of that name.

        Raises Unfinished where it cannot be expanded.
        """
        ...

    def lines(self, path: str) -> list[str]:
        """The lines of a file; raises ExpansionFailed where there is none."""
        ...

    def find(self, kind: str, key: str, query: str) -> Found | NotFound:
        """Look a key up. `kind` is the word before the semicolon, `query` what follows
        it. Raises Unfinished where no answer comes, ExpansionFailed.
        """
        ...

    def hostname(self) -> str:
        """The name of this host."""
        ...

    def is_local(self, address: str) -> bool:
        """Whether an IP address is one of this host."""
        ...

    def addresses(self, name: str) -> frozenset[str]:
        """The IP addresses of a host. Raises Unfinished where no answer comes."""
        ...


class Unfinished(Exception):
    """A list that cannot be gone through to its end. reason: Exim's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Nobody:
    """Answers nothing: then only what patterns alone decide is answered."""

    def named(self, keyword: str, name: str) -> str | None:
        raise NotPure(f"the {keyword} {name}")

    def lines(self, path: str) -> list[str]:
        raise NotPure(f"the file {path}")

    def find(self, kind: str, key: str, query: str) -> Found | NotFound:
        raise NotPure(f"a lookup of type {kind}, {query} for {key}")

    def hostname(self) -> str:
        raise NotPure("the name of this host")

    def is_local(self, address: str) -> bool:
        raise NotPure(f"the addresses of this host, which {address} may be")

    def addresses(self, name: str) -> frozenset[str]:
        raise NotPure(f"the addresses of {name}")


@dataclass(frozen=True, slots=True)
class Match:
    """captures: $0, $1, … if the match sets them. value: what $value becomes."""

    captures: tuple[str, ...] | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What items have set for those after them."""

    caseful: bool = False
    unknown: bool | None = None
    """What a host name in a `match_ip` list comes to; None: no match, and the end."""


class _Ends(Exception):
    """The whole list is decided, as no item decides it."""

    def __init__(self, match: Match | None) -> None:
        super().__init__()
        self.match = match


class NeedsName(Exception):
    """A pattern for a host's name, where there is only an address."""


Pattern = Callable[[str, State], Match | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list. keyword: what declares a named one. loose: whether a `#` in a
    file starts a comment wherever it stands, not only after white space.
    """

    keyword: str
    loose: bool


DOMAINS = Kind("domainlist", loose=True)
HOSTS = Kind("hostlist", loose=True)
ADDRESSES = Kind("addresslist", loose=False)
LOCAL_PARTS = Kind("localpartlist", loose=False)


def match_list(
    text: str, kind: Kind, matches: Pattern, asking: Asking, state: State | None = None
) -> Match | None:
    """The first item of a list that matches decides; `!` before it makes that a no.

    If none does, a list that ends with a negated item matches.
    """
    return _Walk(kind, matches, asking).through(split_list(text)[1], state or State())


@dataclass(frozen=True, slots=True)
class _Walk:
    kind: Kind
    matches: Pattern
    asking: Asking
    depth: int = 0

    def through(self, items: list[str], state: State) -> Match | None:
        negated = False
        try:
            for item in items:
                set_to = self._setting(item, state)
                if set_to is not None:
                    state = set_to
                    continue
                negated = item.startswith("!")
                pattern = item[1:].lstrip(BLANK) if negated else item
                if pattern.startswith("/"):
                    found, negated = self._file(pattern, state, negated=negated)
                elif pattern.startswith("+"):
                    found = self._named(pattern, state)
                else:
                    found = self._one(pattern, state)
                if found is not None:
                    return None if negated else found
        except _Ends as end:
            return end.match
        return Match() if negated else None

    def _setting(self, item: str, state: State) -> State | None:
        if self.kind in (ADDRESSES, LOCAL_PARTS) and item == CASEFUL:
            return replace(state, caseful=True)
        if self.kind is HOSTS and item in HOST_SETTINGS:
            if item.endswith("unknown"):
                return replace(state, unknown=item.startswith("+include"))
            return state
        return None

    def _one(self, pattern: str, state: State) -> Match | None:
        try:
            return self.matches(pattern, state)
        except NeedsName:
            if state.unknown is False:
                return None
            raise _Ends(Match() if state.unknown else None) from None

    def _named(self, pattern: str, state: State) -> Match | None:
        if self.depth > _DEEPEST:
            raise stops(f"the named list {pattern} is part of itself")
        text = self.asking.named(self.kind.keyword, pattern[1:])
        if text is None:
            raise Unfinished("NULL")
        inner = replace(self, depth=self.depth + 1)
        return inner.through(split_list(text)[1], state)

    def _file(
        self, path: str, state: State, *, negated: bool
    ) -> tuple[Match | None, bool]:
        """The first line that matches, which is then the value; and whether the last
        line that was looked at was negated, the item's own `!` included.
        """
        last = negated
        for line in self.asking.lines(path):
            pattern = self._pattern(line)
            if not pattern:
                continue
            against = pattern.startswith("!")
            pattern = pattern[1:].lstrip(BLANK) if against else pattern
            last = negated != against
            found = self._one(pattern, state)
            if found is not None:
                return Match(found.captures, pattern), last
        return None, last

    def _pattern(self, line: str) -> str:
        """A line without its comment."""
        at = line.find("#")
        while at > 0 and not self.kind.loose and line[at - 1] not in BLANK:
            at = line.find("#", at + 1)
        return (line if at < 0 else line[:at]).strip(BLANK)


def whole(
    text: str, kind: Kind, matches: Pattern, asking: Asking
) -> Match | None:  # fmt: skip
    """`match_list` as a condition has it: what cannot be finished is a failure."""
    try:
        return match_list(text, kind, matches, asking)
    except Unfinished as unfinished:
        raise ExpansionFailed(
            f'unable to complete match against "{text}": {unfinished.reason}'
        ) from None
