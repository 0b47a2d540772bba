"""EXS215, EXS222: what is empty when a condition is false or a lookup finds nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from eximkit.expansion.nodes import Condition, If, Literal, Lookup, Operator
from eximkit.expansion.walk import walk
from eximkit.lint.expandable import tree
from eximkit.lint.finding import Severity
from eximkit.lint.fixes import replacing
from eximkit.lint.rule import Check, Rule, RuleContext
from eximkit.lint.rules.values import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.catalog import Release
    from eximkit.expansion.nodes import Expansion, Node
    from eximkit.lint.expandable import Expandable
    from eximkit.lint.finding import Finding, Fix

_FILE = "begin transports\nlocal:\n  driver = appendfile\n  file = "
_SMTP = "begin transports\nremote:\n  driver = smtp\n"

NO_ELSE = Rule(
    "EXS215",
    "if-missing-else-in-address",
    Severity.WARNING,
    what="An option that needs an address, a path or a name is an `${if` without a "
    "string for the case that its condition is false.",
    why="The option is then empty. An empty `return_path` sends mail as bounces are "
    "sent, so that nobody hears of it when it cannot be delivered; without a file, a "
    "directory, a user or a transport every delivery is deferred. After "
    "`return_path = ${if ... {...}fail}` the return path stays as it is.",
    bad=_SMTP + "  return_path = ${if eq{$domain}{a.example}{x@b.example}}\n",
    good=_SMTP + "  return_path = ${if eq{$domain}{a.example}{x@b.example}fail}\n",
    reference="Exim specification, chapters 11 (expansion items, if), 15 and 24 "
    "(generic options for routers and for transports)",
    fix="safe",
)
NO_FAILURE = Rule(
    "EXS222",
    "lookup-without-failure-branch",
    Severity.INFO,
    what="A lookup says nothing for the case that it finds nothing, where an empty "
    "result is hardly meant: in a path, an address, the name of a user or a secret.",
    why="The result is then the empty string: a path with a piece missing, an empty "
    "return path, a password that is empty for every user who does not exist. Name "
    "another value, or write `fail`.",
    bad=_FILE + "${lookup{$local_part}lsearch{/etc/boxes}}\n",
    good=_FILE + "${lookup{$local_part}lsearch{/etc/boxes}{$value}fail}\n",
    reference="Exim specification, chapter 11: expansion items, lookup",
)

RULES: tuple[Rule, ...] = (NO_ELSE, NO_FAILURE)

_DEFERRED = "every delivery that comes to it is deferred"
_REPUTED = "the message goes out without a return path, as bounces do"
_SECRET = "the secret is empty then"  # noqa: S105 - it is a sentence
_NEEDED = {
    "routers": {
        "file": _DEFERRED, "group": _DEFERRED, "router_home_directory": _DEFERRED,
        "transport": _DEFERRED, "transport_current_directory": _DEFERRED,
        "transport_home_directory": _DEFERRED, "user": _DEFERRED,
    },
    "transports": {
        "current_directory": _DEFERRED, "directory": _DEFERRED, "file": _DEFERRED,
        "group": _DEFERRED, "home_directory": _DEFERRED, "return_path": _REPUTED,
        "socket": _DEFERRED, "user": _DEFERRED,
    },
    "authenticators": {"client_secret": _SECRET, "server_secret": _SECRET},
}  # fmt: skip
"""Options that cannot do with an empty value, and what becomes of one."""

_COMPARING = frozenset({"eq", "eqi"})
_PASSWORDS = "server_condition"
_MOST = 50
"""Findings of one value at most: what has more is not text that somebody wrote."""

_CACHED_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Missing:
    """What has no string for no: `${if` at [start, end), or a lookup.

    whole: the value is nothing else, so that it is empty then.
    """

    start: int
    end: int
    lookup: bool
    whole: bool


def check_branches(context: RuleContext) -> Iterator[Finding]:
    """Every option that needs a value, and what compares passwords."""
    for source in values(context):
        text = source.value.text
        if "${if" not in text and "${lookup" not in text:
            continue
        effect = _NEEDED.get(source.section, {}).get(source.option, "")
        if effect or source.section == "expansion":
            missing: Iterable[Missing] = _missing(text, context.release)
        elif source.section == "authenticators" and source.option == _PASSWORDS:
            missing = _compared(text, context.release)
            effect = "a user who does not exist may give an empty password"
        else:
            continue
        for one in islice(missing, _MOST):
            if one.lookup or source.section != "expansion":
                yield _finding(source, one, effect)


def _finding(source: Expandable, missing: Missing, effect: str) -> Finding:
    place = source.value.place(missing.start, missing.end)
    if effect and not missing.whole:
        effect = "a piece of the value is missing then"
    where = f"; {effect}" if effect else ""
    if missing.lookup:
        message = f"the lookup gives the empty string where it finds nothing{where}"
        return NO_FAILURE.finding(
            message, place, section=source.section, driver=source.driver,
            option=source.option,
        )  # fmt: skip
    fix, unfixable = _fix(source, missing)
    return NO_ELSE.finding(
        f"`${{if` gives the empty string where its condition is false{where}", place,
        section=source.section, driver=source.driver, option=source.option, fix=fix,
        unfixable=unfixable,
    )  # fmt: skip


def _fix(source: Expandable, missing: Missing) -> tuple[Fix | None, str]:
    if source.option != "return_path":
        return None, "what it is to be in the other case has to be decided"
    last = source.value.place(missing.end - 1, missing.end)
    title = "leave the return path as it is in the other case"
    return replacing(last, "fail}", safe=True, title=title)


def _missing(text: str, release: Release) -> tuple[Missing, ...]:
    """Where the value as such may come out empty, or with an empty piece."""
    if len(text) > _CACHED_LENGTH:
        return _find_missing(text, release)
    return _remembered(text, release)


def _find_missing(text: str, release: Release) -> tuple[Missing, ...]:
    parsed = tree(text, release)
    return tuple(_in(parsed)) if parsed is not None else ()


_remembered = lru_cache(maxsize=2048)(_find_missing)


def _in(value: Expansion) -> Iterator[Missing]:
    """The parts of a value that its own text comes from, in the order of the text.

    A piece of a longer text may be empty on purpose where `${if` decides.
    """
    waiting: list[tuple[Node, bool]] = [(value, True)]
    while waiting:
        node, whole = waiting.pop()
        if isinstance(node, If | Lookup):
            tail = node.tail
            found = isinstance(node, Lookup)
            lacking = tail.no is None and not tail.fail
            if lacking and (found or (whole and tail.yes is not None)):
                yield Missing(node.start, node.end, found, whole)
            branches = (tail.no, tail.yes)
            waiting += ((branch, whole) for branch in branches if branch is not None)
        elif isinstance(node, Operator):
            waiting.append((node.operand, False))
        else:
            parts = getattr(node, "parts", ())
            whole = whole and len(parts) == 1
            waiting += ((part, whole) for part in reversed(parts))


def _compared(text: str, release: Release) -> Iterator[Missing]:
    """Lookups that are compared as they are with what a client says."""
    parsed = tree(text, release)
    if parsed is None:
        return
    for node in walk(parsed):
        if not isinstance(node, Condition) or node.name not in _COMPARING:
            continue
        if any(all(isinstance(p, Literal) for p in a.parts) for a in node.arguments):
            continue
        for argument in node.arguments:
            if len(argument.parts) == 1:
                yield from (missing for missing in _in(argument) if missing.lookup)


CHECKS: tuple[Check, ...] = (check_branches,)
