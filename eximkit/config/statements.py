"""Logical lines to statements, by the start rules of `grammars/config.lark`.

A statement says what a line is made of and where; nothing is judged here. Every line
gives a statement: what Exim would not take stands in `junk` or in `Malformed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from eximkit import grammar
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lark import Token, Tree

    from eximkit.source import Place, Text

Span: TypeAlias = tuple[str, int, int]
"""A token: its type, and its characters [start, end) of the line."""

_STARTS = ("main_line", "acl_line", "driver_line", "retry_line", "rewrite_line")


@dataclass(frozen=True, slots=True)
class Part:
    """Characters [start, end) of the line."""

    line: Text
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.line.text[self.start : self.end]

    @property
    def place(self) -> Place:
        return self.line.place(self.start, self.end)

    @property
    def traced(self) -> Text:
        return self.line.slice(self.start, self.end)

    def stripped(self) -> Part:
        """Without the white space at either end."""
        text = self.text
        start = self.start + len(text) - len(text.lstrip(BLANK))
        return Part(self.line, start, start + len(text.strip(BLANK)))


@dataclass(frozen=True, slots=True)
class Value:
    """What follows a name: nothing, `= value` (the value may be empty), or junk."""

    equals: Part | None = None
    text: Part | None = None
    junk: Part | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """`begin SECTION`."""

    section: Part


@dataclass(frozen=True, slots=True)
class Definition:
    """A line that Exim takes for the definition of a macro, well formed or not."""

    line: Text


@dataclass(frozen=True, slots=True)
class ListDefinition:
    """`[hide ]domainlist[_cache] NAME = list`; name is None where there is none.

    keyword: the whole line where Exim does not recognize the word.
    """

    keyword: Part
    kind: str | None
    name: Part | None
    value: Value
    hidden: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """`[hide ]NAME[ = value]`; name is empty after a lone `hide`."""

    name: Part
    value: Value
    hidden: bool


@dataclass(frozen=True, slots=True)
class BlockName:
    """`NAME:` of a driver or of an ACL, and what follows on the line."""

    name: Part
    junk: Part | None


@dataclass(frozen=True, slots=True)
class AclLine:
    """`[verb] [[!]condition[ = value]]`; variable: of a `set` (None: it has none)."""

    verb: Part | None
    negation: Part | None
    condition: Part | None
    variable: Part | None
    value: Value


@dataclass(frozen=True, slots=True)
class RetryLine:
    """`pattern error [senders = list] rules`; what the line does not have is None."""

    pattern: Part
    error: Part | None
    senders: Part | None
    list: Part | None
    equals: Part | None
    rules: Part | None


@dataclass(frozen=True, slots=True)
class RewriteLine:
    """`pattern replacement [flags]`; what the line does not have is None."""

    pattern: Part
    replacement: Part | None
    flags: Part | None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that does not start as a setting does."""

    line: Text


Statement: TypeAlias = (
    Begin
    | Definition
    | ListDefinition
    | Setting
    | BlockName
    | AclLine
    | RetryLine
    | RewriteLine
    | Malformed
)


def parse(line: Text, start: str) -> Statement:
    """The statement on a logical line that is not empty.

    start: the rule for its section, such as "acl_line".
    """
    shape = _remembered if len(line.text) <= _REMEMBERED_LENGTH else _shape
    rule, tokens = shape(line.text, start)
    return _READERS[rule](line, {n: Part(line, low, high) for n, low, high in tokens})


def _shape(text: str, start: str) -> tuple[str, tuple[Span, ...]]:
    """The rule that a line fits, and where its tokens are."""
    tree = grammar.parser("config", _STARTS).parse(text, start=start)
    node: Tree[Token] = tree.children[0]  # type: ignore[assignment]
    return str(node.data), tuple(_tokens(node))


# A second reading of an edited file meets nearly all of its lines again.
_remembered = lru_cache(maxsize=8192)(_shape)
_REMEMBERED_LENGTH = 400


def _tokens(node: Tree[Token]) -> Iterator[Span]:
    """The tokens of a statement by type, `rule.TYPE` for those of its inner rules.

    No rule of the grammar holds itself, so this goes no deeper than the rules do.
    """
    for child in node.children:
        # The other kind is a tree; lark is not imported here just to say so.
        if isinstance(child, str):
            yield child.type, child.start_pos or 0, child.end_pos or 0
            continue
        rule = str(child.data)
        for name, low, high in _tokens(child):
            yield (f"{rule}.{name}" if rule in _FIELDS else name), low, high


_FIELDS = frozenset({"pattern", "list", "address", "replacement"})


def _value(parts: dict[str, Part]) -> Value:
    # White space can stand at the end of a line if a backslash ends the file.
    junk = parts.get("JUNK")
    junk = junk if junk is not None and junk.text.strip(BLANK) else None
    return Value(parts.get("EQ"), parts.get("REST"), junk)


def _field(parts: dict[str, Part], rule: str) -> Part | None:
    return parts.get(f"{rule}.QUOTED") or parts.get(f"{rule}.WORD")


def _begin(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    return Begin(parts["REST"])


def _definition(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    return Definition(line)


def _malformed(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    return Malformed(line)


def _named_list(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    word = parts["LIST_WORD"].stripped()
    kind = word.text.removesuffix("_cache").removesuffix("list")
    name = parts.get("LIST_NAME")
    return ListDefinition(word, kind, name, _value(parts), "HIDE" in parts)


def _list_like(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    return ListDefinition(parts["LIST_LIKE"], None, None, Value(), "HIDE" in parts)


def _setting(line: Text, parts: dict[str, Part]) -> Statement:
    hide = parts.get("HIDE")
    name = parts.get("NAME") or parts.get("HIDDEN")
    if name is None:
        at = hide.end if hide is not None else 0
        name = Part(line, at, at)
    return Setting(name, _value(parts), hide is not None)


def _block_name(line: Text, parts: dict[str, Part]) -> Statement:
    whole = parts.get("ACL_NAME") or parts["DRIVER_NAME"]
    end = whole.start + len(whole.text.rstrip(BLANK).removesuffix(":").rstrip(BLANK))
    return BlockName(Part(line, whole.start, end), parts.get("JUNK"))


def _acl_line(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    verb = parts.get("VERB")
    condition = parts.get("CONDITION") or parts.get("SET")
    return AclLine(
        verb and verb.stripped(),
        parts.get("NOT"),
        condition and condition.stripped(),
        parts.get("VARIABLE"),
        _value(parts),
    )


def _retry(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    pattern = _field(parts, "pattern")
    assert pattern is not None  # noqa: S101 - the rule begins with it
    return RetryLine(
        pattern,
        parts.get("WORD"),
        parts.get("SENDERS"),
        _field(parts, "list"),
        parts.get("EQ"),
        parts.get("REST"),
    )


def _rewrite(line: Text, parts: dict[str, Part]) -> Statement:  # noqa: ARG001
    pattern = _field(parts, "address")
    assert pattern is not None  # noqa: S101 - the rule begins with it
    return RewriteLine(pattern, _field(parts, "replacement"), parts.get("REST"))


_READERS = {
    "begin": _begin,
    "macro": _definition,
    "definition": _definition,
    "named_list": _named_list,
    "list_like": _list_like,
    "setting": _setting,
    "malformed": _malformed,
    "acl_name": _block_name,
    "driver_name": _block_name,
    "statement": _acl_line,
    "continued": _acl_line,
    "retry": _retry,
    "rewrite": _rewrite,
}
