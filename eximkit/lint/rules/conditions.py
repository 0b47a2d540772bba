"""EXS214: conditions whose text is never yes or no."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from eximkit.expansion.nodes import Condition, If, Literal, Lookup
from eximkit.expansion.walk import walk
from eximkit.lint.expandable import Flaw, tree
from eximkit.lint.finding import Severity
from eximkit.lint.fixes import replacing
from eximkit.lint.rule import Check, Rule, RuleContext
from eximkit.lint.rules import braces
from eximkit.lint.rules.values import values
from eximkit.source import BLANK, display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.expansion.nodes import Expansion
    from eximkit.lint.expandable import Expandable
    from eximkit.lint.finding import Finding, Fix

_ACL = "begin acl\ncheck:\n"

NOT_BOOLEAN = Rule(
    "EXS214",
    "condition-not-boolean",
    Severity.ERROR,
    what="A condition expands to a text that is neither a number nor yes, no, true or "
    "false, whatever the variables in it hold: a comparison without `${if`, for "
    "instance.",
    why="The `condition` of an ACL then gives every client a temporary error, `bool` "
    "makes the expansion fail, and a `server_condition` refuses every login for now. "
    "The `condition` of a router and the other conditions of an authenticator are true "
    "for every such text, so that they never decide anything. `exim -bV` is content.",
    bad=_ACL + "  deny condition = $acl_m_score == 1\n",
    good=_ACL + "  deny condition = ${if eq{$acl_m_score}{1}}\n",
    reference="Exim specification, chapters 11 (expansion conditions, bool), 15 "
    "(generic options for routers, condition) and 44 (ACL conditions, condition)",
    fix="unsafe",
)

RULES: tuple[Rule, ...] = (NOT_BOOLEAN,)

_OPTIONS = {
    ("acl", "condition"): "strict",
    ("routers", "condition"): "always true",
    ("authenticators", "client_condition"): "always true",
    ("authenticators", "server_advertise_condition"): "always true",
    ("authenticators", "server_condition"): "always deferred",
}
"""What Exim makes of a text that is no boolean."""

_EFFECTS = {
    "strict": "is neither a number nor yes, no, true or false: Exim gives a temporary "
    "error",
    "always true": "is not empty, 0, no or false, whatever its variables hold, so that "
    "the condition is always true",
    "always deferred": "is neither a number nor yes, no, true or false: every login is "
    "refused for now",
    "bool": "is no boolean: the expansion fails",
}
_BOOLEAN = re.compile(r"-?[0-9]+|yes|no|true|false|", re.IGNORECASE | re.ASCII)
_NEVER = re.compile(r"[^A-Za-z0-9\-]")
"""What stands in no boolean."""

_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
"""What may be a macro, in a piece of a configuration that does not define it."""

_COMPARISON = re.compile(
    r"(?P<left>\$(?:\w+|\{\w+\}))[ \t]*(?P<sign>==|=|eq|!=|ne|<=|>=|<|>)[ \t]*"
    r"(?P<right>\$\w+|[\w.@-]+|)",
    re.ASCII,
)
_NUMERIC = {"<": "<", ">": ">", "<=": "<=", ">=": ">="}
_EQUAL = {"==": "eq", "=": "eq", "eq": "eq", "!=": "!eq", "ne": "!eq"}
_MOST = 50
"""Findings of one value at most: what has more is not text that somebody wrote."""

_CACHED_LENGTH = 4096
_SHOWN = 40


def check_conditions(context: RuleContext) -> Iterator[Finding]:
    """Every condition, and every `bool` in a string."""
    for source in values(context):
        yield from islice(_of_value(source, context), _MOST)


def _of_value(source: Expandable, context: RuleContext) -> Iterator[Finding]:
    text = source.value.text
    kind = _OPTIONS.get((source.section, source.option), "")
    if not kind and "bool" not in text:
        return
    if braces.flaws(text, context.release):
        return  # What is wrong is said already.
    fragment = context.config.fragment is not None
    for flaw in _flaws(text, kind, context.release):
        if fragment and _NAME.search(text, flaw.start, flaw.end):
            continue
        fix, unfixable = _fix(source) if kind else (None, "")
        yield NOT_BOOLEAN.finding(
            flaw.message, source.value.place(flaw.start, flaw.end),
            section=source.section, driver=source.driver, option=source.option,
            fix=fix, unfixable=unfixable,
        )  # fmt: skip


def _flaws(text: str, kind: str, release: Release) -> tuple[Flaw, ...]:
    if len(text) > _CACHED_LENGTH:
        return _found(text, kind, release)
    return _remembered(text, kind, release)


def _found(text: str, kind: str, release: Release) -> tuple[Flaw, ...]:
    parsed = tree(text, release)
    if parsed is None:
        return ()
    wrong: list[tuple[Expansion, str]] = []
    if kind == "strict":
        wrong += ((e, kind) for e in _outcomes(parsed) if _is_wrong(e, blanks=False))
    elif kind and _is_wrong(parsed, blanks=True) and _is_text(parsed):
        wrong.append((parsed, kind))
    for node in walk(parsed):
        if isinstance(node, Condition) and node.name == "bool" and node.arguments:
            wrong += (
                (e, "bool")
                for e in _outcomes(node.arguments[0])
                if _is_wrong(e, blanks=True)
            )
    return tuple(_flaw(text, expansion, how) for expansion, how in wrong)


_remembered = lru_cache(maxsize=2048)(_found)


def _flaw(text: str, expansion: Expansion, how: str) -> Flaw:
    start, end = expansion.start, expansion.end
    shown = text[start:end]
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}..."
    message = f'"{display(shown)}" {_EFFECTS[how]}'
    return Flaw(NOT_BOOLEAN.code, message, start, end)


def _outcomes(expansion: Expansion) -> Iterator[Expansion]:
    """The texts that one may come to be, by the yes and no strings that it ends in."""
    waiting = [expansion]
    while waiting:
        here = waiting.pop()
        only = here.parts[0] if len(here.parts) == 1 else None
        if isinstance(only, If | Lookup):
            branches = (only.tail.no, only.tail.yes)
            waiting += (branch for branch in branches if branch is not None)
        else:
            yield here


def _is_wrong(expansion: Expansion, *, blanks: bool) -> bool:
    """Whether it is never a boolean. blanks: those at either end do not count."""
    literal = [part.text for part in expansion.parts if isinstance(part, Literal)]
    if len(literal) == len(expansion.parts):
        whole = "".join(literal)
        return _BOOLEAN.fullmatch(whole.strip(BLANK) if blanks else whole) is None
    if blanks:
        literal = [text.strip(BLANK) for text in literal]
    return any(_NEVER.search(text) for text in literal)


def _is_text(expansion: Expansion) -> bool:
    """Whether it holds what no word does: a word alone may be a way to say yes."""
    return any(
        _NEVER.search(part.text.strip(BLANK))
        for part in expansion.parts
        if isinstance(part, Literal)
    )


def _fix(source: Expandable) -> tuple[Fix | None, str]:
    """A comparison as Exim writes it."""
    match = _COMPARISON.fullmatch(source.value.text.strip(BLANK))
    if match is None:
        return None, "write what is meant as `${if ...}`"
    sign, left, right = match["sign"], match["left"], match["right"]
    numeric = _NUMERIC.get(sign)
    if numeric and not re.fullmatch(r"-?[0-9]+|\$\w+", right):
        return None, "write what is meant as `${if ...}`"
    name = f"{numeric} " if numeric else _EQUAL[sign]
    new = f"${{if {name}{{{left}}}{{{right}}}}}"
    place = source.value.place(0, len(source.value))
    return replacing(place, new, safe=False, title=f"write {display(new)}")


CHECKS: tuple[Check, ...] = (check_conditions,)
