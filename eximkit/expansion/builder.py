"""Makes tree nodes of what the grammar recognised, while it is being recognised.

The parser calls the method that has a rule's name with the rule's tokens and values, so
that no syntax tree is built first. The types of `children` are the grammar's promise.
"""

from __future__ import annotations

import re
from typing import Any

from lark import Token, Transformer

from eximkit.expansion.nodes import (
    Condition,
    Defined,
    Expansion,
    Group,
    Header,
    If,
    Item,
    Literal,
    Lookup,
    Node,
    Operator,
    Quantified,
    Tail,
    Variable,
)
from eximkit.source import BLANK

# The grammar says what is in which place; spelling that out again proves nothing.
Children = list[Any]
Placed = Any

TAILED = {"certextract": 2, "env": 1, "extract": 2, "listextract": 2, "run": 1}
"""Items with yes and no parts, and how many arguments come before these."""

_YES_AND_NO = 2
_VARIABLES = frozenset({"VARIABLE", "HEADER", "BRACED"})
_NUMBER = re.compile(r"[ \t\n\r\f\v]*(?:-[0-9]*|[0-9]+)[ \t\n\r\f\v]*")
_ESCAPES = {
    "": "", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "x": "\0",
}  # fmt: skip
_HEADER_KINDS = {"header": "h", "rheader": "rh", "bheader": "bh", "lheader": "lh"}
# Operators whose own names hold an underscore; what follows them is no argument.
_WHOLE = frozenset({
    "from_utf8", "local_part", "quote_local_part", "reverse_ip", "time_eval",
    "time_interval", "utf8_domain_from_alabel", "utf8_domain_to_alabel",
    "utf8_localpart_from_alabel", "utf8_localpart_to_alabel",
})  # fmt: skip


def unescape(token: str) -> str:
    """The character that an escape sequence stands for (specification, 11.1)."""
    code = token[1:]
    if code[:1] and code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    if code[:1] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)


def _text(token: Token) -> str:
    if token.type == "ESCAPE":
        return unescape(token)
    if token.type == "PROTECTED":
        return token[2:].removesuffix("\\N")
    return str(token)


def _start(token: Placed) -> int:
    """Where the token's own text starts, after the white space before it."""
    return token.end_pos - len(token.lstrip(BLANK))  # type: ignore[no-any-return]


def _header(start: int, end: int, text: str) -> Header:
    kind, _, name = text.partition("_")
    return Header(start, end, _HEADER_KINDS.get(kind, kind), name.removesuffix(":"))


def _variable(token: Placed) -> Node:
    if token.type == "HEADER":
        return _header(token.start_pos, token.end_pos, token[1:])
    if token.type == "BRACED":
        return Variable(token.start_pos, token.end_pos, str(token[2:-1]), True)
    return Variable(token.start_pos, token.end_pos, str(token[1:]), False)


def _parts(children: Children) -> tuple[Node, ...]:
    """Tokens and nodes as nodes; neighbouring literal text becomes one."""
    parts: list[Node] = []
    run: list[str] = []
    start = end = 0
    for child in children:
        if isinstance(child, Token) and child.type not in _VARIABLES:
            if not run:
                start = child.start_pos or 0
            run.append(_text(child))
            end = child.end_pos or 0
            continue
        if run:
            parts.append(Literal(start, end, "".join(run)))
            run = []
        parts.append(_variable(child) if isinstance(child, Token) else child)
    if run:
        parts.append(Literal(start, end, "".join(run)))
    return tuple(parts)


def _by_number(arguments: list[Expansion]) -> bool:
    """Whether `extract` has a field number, hence separators as its second argument.

    Exim decides after expanding the key. Where that is not known the number of braces
    is taken for it, and what could be either counts as a key.
    """
    parts = arguments[0].parts if arguments else ()
    if len(parts) == 1 and isinstance(parts[0], Literal):
        return _NUMBER.fullmatch(parts[0].text) is not None
    return bool(parts) and len(arguments) == TAILED["extract"] + 1 + _YES_AND_NO


def _tail(children: Children, close: Placed) -> Tail:
    """Of what stands between the last argument and the closing brace."""
    given = [c for c in children if isinstance(c, Expansion)]
    start = close.start_pos
    if children:
        start = given[0].start - 1 if given else _start(children[0])
    yes = given[0] if given else None
    no = given[1] if len(given) > 1 else None
    return Tail(start, close.start_pos, yes, no, len(children) > len(given))


class Builder(Transformer[Token, Expansion]):
    """The callbacks, by rule of `expansion.lark`."""

    def start(self, children: Children) -> Expansion:
        parts = _parts(children)
        return Expansion(0, parts[-1].end if parts else 0, parts)

    def argument(self, children: Children) -> Expansion:
        first, *rest, last = children
        return Expansion(first.end_pos, last.start_pos, _parts(rest))

    key = argument

    def raw(self, children: Children) -> Expansion:
        first, *rest, last = children
        start, end = first.end_pos, last.start_pos
        literal = (Literal(start, end, "".join(map(_text, rest))),) if rest else ()
        return Expansion(start, end, literal, True)

    def operator(self, children: Children) -> Operator:
        first, *rest, last = children
        name, arguments = str(first[2:-1]), []
        if name not in _WHOLE:
            name, *arguments = name.split("_")
        operand = Expansion(first.end_pos, last.start_pos, _parts(rest))
        return Operator(first.start_pos, last.end_pos, name, tuple(arguments), operand)

    def item(self, children: Children) -> Item:
        first, *rest, close = children
        name, options = str(first[2:]), ""
        if first.type == "JSON":
            name, options = name.split()
        elif rest and isinstance(rest[0], Token) and rest[0].type == "OPTIONS":
            options = str(rest.pop(0)[1:])
        arguments = [c for c in rest if isinstance(c, Expansion)]
        own, tail = len(arguments), None
        if name in TAILED:
            before = TAILED[name]
            if name == "extract" and not options and _by_number(arguments):
                before += 1
            # Too many stay together: then none of them is a yes or a no.
            if own <= before + _YES_AND_NO:
                own = min(own, before)
            tail = _tail(rest[own:], close)
        elif own < len(rest):
            tail = _tail(rest[own:], close)
        given = tuple(arguments[:own])
        return Item(first.start_pos, close.end_pos, name, options, given, tail=tail)

    def filtered(self, children: Children) -> Item:
        first, over, clause, close = children
        return Item(first.start_pos, close.end_pos, "filter", "", (over,), clause)

    def lookup(self, children: Children) -> Lookup:
        first, *rest, close = children
        key = rest.pop(0) if isinstance(rest[0], Expansion) else None
        kind, query, *tail = rest
        return Lookup(
            first.start_pos, close.end_pos, key, str(kind.lstrip(BLANK)), query,
            _tail(tail, close), type_start=_start(kind),
        )  # fmt: skip

    def conditional(self, children: Children) -> If:
        first, condition, *tail, close = children
        return If(first.start_pos, close.end_pos, condition, _tail(tail, close))

    def clause(self, children: Children) -> Condition:
        return children[1]  # type: ignore[no-any-return]

    def plain(self, children: Children) -> Condition:
        negated, name, rest = _named(children)
        end = rest[-1].end + 1 if rest else name.end_pos
        return Condition(
            _start(children[0]), end, name.lstrip(BLANK), negated, tuple(rest),
            name_start=_start(name),
        )  # fmt: skip

    def defined(self, children: Children) -> Defined:
        negated, name, _ = _named(children)
        text = name.lstrip(BLANK).removeprefix("def:")
        start, end = name.end_pos - len(text), name.end_pos
        of = (
            _header(start, end, text)
            if name.type == "DEF_HEADER"
            else Variable(start, end, text, False)
        )
        return Defined(
            _start(children[0]), end, "def", negated, (), of, name_start=_start(name)
        )

    def logic(self, children: Children) -> Group:
        negated, name, (_, *members, close) = _named(children)
        return Group(
            _start(children[0]), close.end_pos, name.lstrip(BLANK), negated, (),
            tuple(members), name_start=_start(name),
        )  # fmt: skip

    def quantified(self, children: Children) -> Quantified:
        negated, name, (over, _, clause, close) = _named(children)
        return Quantified(
            _start(children[0]), close.end_pos, name.lstrip(BLANK), negated, (over,),
            clause, name_start=_start(name),
        )  # fmt: skip

    def grouped(self, children: Children) -> Condition:
        negated, name, (_, *arguments, close) = _named(children)
        return Condition(
            _start(children[0]), close.end_pos, name.lstrip(BLANK), negated,
            tuple(arguments), name_start=_start(name),
        )  # fmt: skip


def _named(children: Children) -> tuple[bool, Placed, Children]:
    """Whether an odd number of ! stands before the name, the name, and the rest."""
    if children[0].type == "NOT":
        return children[0].count("!") % 2 == 1, children[1], children[2:]
    return False, children[0], children[1:]
