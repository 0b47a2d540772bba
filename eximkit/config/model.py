"""A configuration as Exim holds it after reading: sections, drivers, ACLs, options.

Built by `build.py`; nothing here knows how. Every text keeps its origin
(`source.Text`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.config.lines import Remark
    from eximkit.problem import Problem
    from eximkit.source import Macro, Place, SourceFile, Text


@dataclass(frozen=True, slots=True)
class Option:
    """One setting `[hide ]name[ = value]` of the main part or of a driver.

    name: without `no_`/`not_`. value: None where there is no `=`; quotes and their
    escapes are resolved, nothing is expanded. quoted: it stood in double quotes.
    line: the logical line. name_place: of the name as typed.
    """

    name: str
    value: Text | None
    line: Text
    name_place: Place
    negated: bool = False
    hidden: bool = False
    quoted: bool = False

    @property
    def text(self) -> str:
        """The value, "" where there is none."""
        return self.value.text if self.value is not None else ""


class Options:
    """The settings of one block, in order; some may be set more than once."""

    __slots__ = ("_all", "_by_name")

    def __init__(self) -> None:
        self._all: list[Option] = []
        self._by_name: dict[str, list[Option]] = {}

    def add(self, option: Option) -> None:
        self._all.append(option)
        self._by_name.setdefault(option.name, []).append(option)

    def get(self, name: str) -> Option | None:
        """The setting in force, the first one (Exim refuses a second, or adds it)."""
        found = self._by_name.get(name)
        return found[0] if found else None

    def all(self, name: str) -> tuple[Option, ...]:
        """Every setting of an option that accumulates (`set`, `condition`, …)."""
        return tuple(self._by_name.get(name, ()))

    def text(self, name: str, default: str = "") -> str:
        """The value of an option, `default` where it is not set."""
        option = self.get(name)
        return default if option is None else option.text

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean option: `x`, `x = true`, `no_x`, …"""
        option = self.get(name)
        if option is None:
            return default
        if option.negated:
            return False
        return option.text.strip().lower() in ("", "true", "yes")

    def __iter__(self) -> Iterator[Option]:
        return iter(self._all)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self._all)


@dataclass(frozen=True, slots=True)
class NamedList:
    """`domainlist NAME = list`; kind is domain, host, address or localpart."""

    kind: str
    name: str
    value: Text
    line: Text
    hidden: bool = False
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition or modifier of an ACL statement: `[!]name = value`.

    For `set acl_m_x = v`: name is "set", variable is "acl_m_x". value is None without
    `=` (`endpass`).
    """

    name: str
    value: Text | None
    line: Text
    name_place: Place
    negated: bool = False
    variable: str | None = None
    quoted: bool = False

    @property
    def text(self) -> str:
        return self.value.text if self.value is not None else ""


@dataclass(slots=True)
class AclStatement:
    """A verb with its conditions and modifiers, in order."""

    verb: str
    line: Text
    verb_place: Place
    conditions: list[Condition] = field(default_factory=list)


@dataclass(slots=True)
class Acl:
    """A named ACL."""

    name: str
    line: Text
    statements: list[AclStatement] = field(default_factory=list)


@dataclass(slots=True)
class Driver:
    """A router, transport or authenticator. kind is "router", "transport", …

    driver: the value of its `driver` option, "" where there is none.
    """

    kind: str
    name: str
    line: Text
    options: Options = field(default_factory=Options)
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the retry or the rewrite section: its fields as texts."""

    line: Text
    fields: tuple[Text, ...]


@dataclass(slots=True)
class Config:
    """One configuration.

    lines: every logical line that Exim's parser saw, in order, after macros,
    conditionals, comments and continuations. sections: names of the `begin` lines
    present, canonical (`acl`, `routers`, …) with their line. fragment: None for a whole
    configuration, else what the text was said to be (`--as`): then what is not there is
    unknown, not absent.
    """

    files: list[SourceFile] = field(default_factory=list)
    lines: list[Text] = field(default_factory=list)
    options: Options = field(default_factory=Options)
    named_lists: list[NamedList] = field(default_factory=list)
    acls: dict[str, Acl] = field(default_factory=dict)
    routers: list[Driver] = field(default_factory=list)
    transports: list[Driver] = field(default_factory=list)
    authenticators: list[Driver] = field(default_factory=list)
    retry: list[Rule] = field(default_factory=list)
    rewrite: list[Rule] = field(default_factory=list)
    sections: dict[str, Text] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    """Comment lines `# eximkit: ...`; their `line` is an index into `lines`."""
    release: Release | None = None
    """The Exim by whose options and built-in macros it was read."""
    fragment: str | None = None
    expansion: Text | None = None
    """The string of an `--as expansion` fragment."""

    @property
    def refused(self) -> bool:
        """Whether Exim would refuse to load it."""
        return any(p.refuses for p in self.problems)
