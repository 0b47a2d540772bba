"""What the catalogue says of one name: frozen values, the same for every caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.catalog.releases import Release


@dataclass(frozen=True, slots=True)
class Entry:
    """A name and the releases that have it.

    since: the first one, None where 4.92 has it already. until: the last one, None
    where the newest has it. optional: of a feature that Debian's heavy build leaves
    out. certain: False where since or until may be one release out: no source says
    more.
    """

    name: str
    since: Release | None = None
    until: Release | None = None
    optional: bool = False
    certain: bool = field(default=True, kw_only=True)

    def in_release(self, release: Release) -> bool:
        """Whether that release has it, in a build with the feature it belongs to."""
        return (self.since is None or release >= self.since) and (
            self.until is None or release <= self.until
        )


@dataclass(frozen=True, slots=True)
class OptionInfo(Entry):
    """An option of the main part or of a driver.

    section: "main", "generic-router", "router:accept", "generic-transport",
    "transport:smtp", "generic-auth", "auth:plaintext", … type: what a value must look
    like, in the words of `options.toml` ("boolean", "boolean!", "integer", "time-list",
    "user-list", "string", …; every list that is no list of users, groups or times has
    the type "string"). expanded: the value is expanded when it is used, from the
    release expanded_since on. list: what it is a list of: "string", "domain", "host",
    "address", "localpart", or "". multi: it may be set more than once.
    """

    section: str = "main"
    type: str = "string"
    expanded: bool = False
    list: str = ""
    multi: bool = False
    expanded_since: Release | None = None

    def expanded_in(self, release: Release) -> bool:
        """Whether that release expands the value."""
        return self.expanded and (
            self.expanded_since is None or release >= self.expanded_since
        )

    def type_in(self, release: Release) -> str:
        """The type in that release: "integer!" once an integer is expanded."""
        if self.expanded_since and self.type != "string" and self.expanded_in(release):
            return f"{self.type}!"
        return self.type


@dataclass(frozen=True, slots=True)
class OperatorInfo(Entry):
    """An expansion operator; what may follow `NAME_`.

    arguments: "digits" (numbers parted by "_"), "signed" (the first may be negative),
    "any" (text with a meaning), "" (nothing; Exim ignores what is there, until 4.98.2).
    """

    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ItemInfo(Entry):
    """An expansion item: least and most braced arguments, without the yes/no strings.

    maximum: None for no limit. tail: yes/no strings may follow (`${if`, `${lookup`, …).
    """

    minimum: int = 0
    maximum: int | None = None
    tail: bool = False


@dataclass(frozen=True, slots=True)
class ConditionInfo(Entry):
    """An expansion condition: least and most braced arguments, None for no limit."""

    minimum: int = 0
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class LookupInfo(Entry):
    """A lookup type: single_key for `${lookup{key} TYPE {file}}`."""

    single_key: bool = True


@dataclass(frozen=True, slots=True)
class LookupOption(Entry):
    """An option of a lookup type, `NAME=VALUE` or `NAME`.

    values: those it may have in the release that was asked about, () for one that
    stands alone, None for any text.
    """

    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AclInfo(Entry):
    """A word of an ACL statement: a modifier or a condition; negatable: `!` allowed."""

    modifier: bool = False
    negatable: bool = False
