"""What an evaluation may see: variables, headers, ACLs, named lists, lookups.

The evaluator asks; whoever evaluates decides what is known. An `Environment` as it
stands knows nothing but what it is given: all else is `Unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.values import EMPTY, Hole, Known, Unknown, Value, hole
from eximkit.expansion.variables import initial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.catalog import Release
    from eximkit.expansion.nodes import Expansion
    from eximkit.expansion.world import World

ALWAYS_EMPTY_UNTIL_SET = frozenset(str(n) for n in range(100)) | {"value", "item"}
"""Numeric variables and those that an item sets: empty where nothing has set them."""


@dataclass(frozen=True, slots=True)
class AclLine:
    """A condition or modifier of an ACL statement, its value ready to evaluate.

    value: the parsed expansion, None without `=`; syntax: why it cannot be parsed.
    """

    name: str
    negated: bool
    value: Expansion | None
    variable: str | None = None
    syntax: str = ""


@dataclass(frozen=True, slots=True)
class AclStatement:
    """A verb with its conditions and modifiers, in order."""

    verb: str
    lines: tuple[AclLine, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A lookup's data. An unknown one is `Found(hole(…))`.

    captures: what a partial match or a default makes of $1 and $2: the part of the key
    that a wildcard stands for, and the rest. Higher ones are then empty; $0 stays.
    """

    value: Value
    captures: tuple[str, ...] = ()


class NotFound:
    """A lookup that certainly finds nothing."""


NOT_FOUND = NotFound()
LookupAnswer = Found | NotFound | None
"""None: whether it finds anything is not known."""


def unanswered(
    _type: str, _key: Value | None, _query: Value
) -> LookupAnswer:  # fmt: skip
    """The lookup function of an environment that can ask nobody."""
    return None


@dataclass(frozen=True, slots=True)
class Environment:
    """What is known.

    variables: by name, without `$`. absent_empty: variables of unknown value that are
    empty unless set are taken as empty (`exim -be` does), not as unknown.
    acls: statements by ACL name. lookup: (type, key or None, query) to an answer.

    world: the machine, for what lies outside. With one the evaluation is *concrete*: it
    comes to a value or to a failure, and what cannot be known fails as unsupported.
    None: all that lies outside is Unknown, `lookup` apart.

    lists: named lists, their texts unexpanded, by the keyword that declares them
    (`domainlist`, `hostlist`, `addresslist`, `localpartlist`) and by name. options:
    main options that are set (`primary_hostname`, `headers_charset`, …), expanded where
    Exim does so as it starts. release: the Exim that is to be followed. offset: how
    many seconds local time is ahead of UTC at a time, seconds since the epoch.
    addresses: the IP addresses of this host, None where they are not known. receiving:
    a message is on its way, whose recipient is in $local_part and $domain; else an ACL
    that asks about one fails, as in `exim -be`.
    """

    variables: Mapping[str, Value] = field(default_factory=dict)
    headers: Mapping[str, Value] = field(default_factory=dict)
    acls: Callable[[str], tuple[AclStatement, ...] | None] = lambda _name: None
    lookup: Callable[[str, Value | None, Value], LookupAnswer] = unanswered
    absent_empty: bool = False
    world: World | None = None
    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    release: Release = field(default_factory=lambda: catalog.NEWEST)
    offset: Callable[[float], int] = lambda _time: 0
    addresses: frozenset[str] | None = None
    receiving: bool = False

    def variable(self, name: str) -> Value:
        """The value of `$name`."""
        known = self.variables.get(name)
        if known is not None:
            return known
        if name in ALWAYS_EMPTY_UNTIL_SET or name.startswith("acl_arg"):
            return EMPTY
        if name == "acl_narg":
            return Known("0")
        if self.absent_empty and self.world is not None:
            return initial(name, self)
        return EMPTY if self.absent_empty else hole(name)

    def flag(self, option: str) -> bool:
        """Whether a boolean option is set."""
        return self.options.get(option, "no").lower() not in {"no", "false"}

    def header(self, kind: str, name: str) -> Value:
        """The value of `$h_name:` (kind h, rh, bh or lh)."""
        known = self.headers.get(name.lower())
        if known is not None:
            return known
        return EMPTY if self.absent_empty else hole(f"{kind}_{name}:")


__all__ = [
    "NOT_FOUND",
    "AclLine",
    "AclStatement",
    "Environment",
    "Found",
    "Hole",
    "LookupAnswer",
    "NotFound",
    "Unknown",
    "unanswered",
]
