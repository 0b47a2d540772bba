"""The tree of an expansion string (Exim specification, chapter 11).

Every node has `start` and `end`: offsets into the string that was parsed, end
exclusive. A name that Exim does not know still has a node; `check.py` reports it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that stands in a string."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expansion(Node):
    """A string to expand: literal text and substitutions, in order.

    raw: taken unexpanded (the list of a `match_domain` and its like): one Literal whose
    text keeps its dollars. source: of a whole string, its text.
    """

    parts: tuple[Node, ...]
    raw: bool = False
    source: str = field(default="", compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """Text with its escapes resolved."""

    text: str


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$name` or `${name}`; also `$1` and `$acl_m_x`."""

    name: str
    braced: bool


@dataclass(frozen=True, slots=True)
class Header(Node):
    """`$h_subject:`; kind is h, rh, bh or lh; name is what stands before the colon."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Operator(Node):
    """`${name_arg_arg:operand}`; arguments are the texts between the underscores."""

    name: str
    arguments: tuple[str, ...]
    operand: Expansion


@dataclass(frozen=True, slots=True)
class Tail(Node):
    """What follows a condition or a lookup: `{yes}{no}`, `{yes}fail`, `{yes}`, nothing.

    yes, no: None where absent. fail: the word `fail` stands in place of no.
    """

    yes: Expansion | None = None
    no: Expansion | None = None
    fail: bool = False


@dataclass(frozen=True, slots=True)
class Item(Node):
    """`${name{arg}{arg}…}`: every item but `if` and `lookup`.

    options: what follows the name after commas (`run,preexpand`) or as a word
    (`extract json`), else "". condition: that of `filter`. tail: only for items that
    have one (certextract, env, extract, listextract, run); else None.
    """

    name: str
    options: str
    arguments: tuple[Expansion, ...]
    condition: Condition | None = None
    tail: Tail | None = None


@dataclass(frozen=True, slots=True)
class If(Node):
    """`${if condition {yes}{no}}`."""

    condition: Condition
    tail: Tail


@dataclass(frozen=True, slots=True)
class Lookup(Node):
    """`${lookup{key} type{file}…}` or `${lookup type{query}…}` (key is None).

    type: the word as written, with `partial-`, `*` and options (`lsearch*,ret=key`).
    type_start: the offset of that word.
    """

    key: Expansion | None
    type: str
    query: Expansion
    tail: Tail
    type_start: int = field(default=-1, kw_only=True)


@dataclass(frozen=True, slots=True)
class Condition(Node):
    """A condition that is not one of the classes below; negated by an odd number of !.

    arguments: its strings, in order. name_start: the offset of its name, after any !.
    """

    name: str
    negated: bool
    arguments: tuple[Expansion, ...] = ()
    name_start: int = field(default=-1, kw_only=True)


@dataclass(frozen=True, slots=True)
class Defined(Condition):
    """`def:variable` or `def:h_name:`. arguments is empty."""

    of: Variable | Header | None = None


@dataclass(frozen=True, slots=True)
class Group(Condition):
    """`and{{…}{…}}`, `or{{…}{…}}`."""

    members: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantified(Condition):
    """`forany{list}{condition}` and its like; arguments holds the list."""

    condition: Condition | None = None
