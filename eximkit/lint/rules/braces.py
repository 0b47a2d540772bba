"""EXS209: braces of `${if` that close something else than was meant."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from eximkit.expansion.nodes import Condition, If, Literal
from eximkit.expansion.walk import walk
from eximkit.lint.expandable import Flaw, tree
from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule, RuleContext
from eximkit.lint.rules.cells import cells, of_literal
from eximkit.lint.rules.values import values
from eximkit.source import BLANK, display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.expansion.nodes import Expansion
    from eximkit.lint.finding import Finding

_ACL = "begin acl\ncheck:\n"

MISPLACED = Rule(
    "EXS209",
    "misplaced-brace-in-if",
    Severity.WARNING,
    what="The braces of an `${if` pair otherwise than they look: a string of it holds "
    "a `{` that opens nothing, or a brace is left over after its end.",
    why="Within an argument `{` is a character like any other and the first `}` ends "
    "the argument. A brace that is missing there is taken from what follows: the yes "
    "string becomes part of the file name, the no string is used as yes, and the last "
    "brace is added to the result. Exim finds nothing wrong with it.",
    bad=_ACL + "  accept condition = ${if exists{/etc/${lc:MAIL}{yes}{no}}}\n",
    good=_ACL + "  accept condition = ${if exists{/etc/${lc:MAIL}}{yes}{no}}\n",
    reference="Exim specification, chapter 11: expansion items, if",
)

RULES: tuple[Rule, ...] = (MISPLACED,)

_MOST = 50
"""Findings of one value at most: what has more is not text that somebody wrote."""

_CACHED_LENGTH = 4096
_SHOWN = 30


def flaws(text: str, release: Release) -> tuple[Flaw, ...]:
    """The braces of a string that are not where they seem to be."""
    if "${if" not in text:
        return ()
    if len(text) > _CACHED_LENGTH:
        return _flaws(text, release)
    return _remembered(text, release)


def _flaws(text: str, release: Release) -> tuple[Flaw, ...]:
    parsed = tree(text, release)
    if parsed is None:
        return ()
    return tuple(_inside(text, parsed)) or tuple(_left_over(text, parsed))


_remembered = lru_cache(maxsize=2048)(_flaws)


def _inside(text: str, parsed: Expansion) -> Iterator[Flaw]:
    """Strings of conditions, and yes and no strings, with an open brace too many."""
    for node in walk(parsed):
        if isinstance(node, Condition):
            what = f"an argument of `{display(node.name)}`"
            strings = list(node.arguments)
        elif isinstance(node, If):
            what = "a string of `${if`"
            strings = [s for s in (node.tail.yes, node.tail.no) if s is not None]
        else:
            continue
        for string in strings:
            at = _open_brace(text, string)
            if at < 0:
                continue
            shown = display(text[at : min(string.end, at + _SHOWN)])
            message = (
                f"`{shown}` is a part of {what}: the `{{` opens nothing there, and the "
                "next `}` ends the string"
            )
            hint = r"close the braces before it, or write `\{`"
            yield Flaw(MISPLACED.code, message, at, at + 1, hint)


def _open_brace(text: str, string: Expansion) -> int:
    r"""Where an open brace without its match stands in a string, or -1.

    A brace that ends the string may be meant, and so may one that has its `\}`, or a
    backslash of a regular expression before it.
    """
    if not any(isinstance(p, Literal) and "{" in p.text for p in string.parts):
        return -1  # So it is with nearly all of them.
    row = cells(text, string)
    opened: list[int] = []
    for at, cell in enumerate(row):
        before = row[at - 1].char if at else ""
        if cell.char == "{" and cell.bare and before != "\\":
            opened.append(at)
        elif cell.char == "}" and opened:
            opened.pop()
    if not opened or opened[-1] == len(row) - 1:
        return -1
    return row[opened[0]].start


def _left_over(text: str, parsed: Expansion) -> Iterator[Flaw]:
    """A brace right after the end of an `${if`, where more are closed than opened."""
    if not any(isinstance(p, Literal) and "}" in p.text for p in parsed.parts):
        return
    balance = 0
    after_if = False
    for part in parsed.parts:
        if isinstance(part, Literal):
            row = [c for c in of_literal(text, part.start, part.end) if c.bare]
            balance += sum((c.char == "{") - (c.char == "}") for c in row)
            first = next((c for c in row if c.char not in BLANK), None)
            if after_if and balance < 0 and first and first.char in "{}":
                at = first.start
                shown = display(text[at : min(part.end, at + _SHOWN)])
                message = (
                    f"`{shown}` is left over after the end of `${{if`, and is added to "
                    "the result"
                )
                hint = "count the braces before it"
                yield Flaw(MISPLACED.code, message, at, at + 1, hint)
                return
        after_if = isinstance(part, If)


def check_braces(context: RuleContext) -> Iterator[Finding]:
    """Every string with an `${if`."""
    for source in values(context):
        for flaw in islice(flaws(source.value.text, context.release), _MOST):
            yield MISPLACED.finding(
                f"{flaw.message}; {flaw.hint}",
                source.value.place(flaw.start, flaw.end), section=source.section,
                driver=source.driver, option=source.option,
            )  # fmt: skip


CHECKS: tuple[Check, ...] = (check_braces,)
