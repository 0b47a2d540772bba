"""EXS201 to EXS206: expansion strings that fail when mail arrives. `exim -bV` accepts
them all, because Exim reads a string only when it uses it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.quoting import split_list
from eximkit.expansion.check import COMMAND_ONLY
from eximkit.lint.engine import finding_of
from eximkit.lint.expandable import Flaw, flaws
from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule, RuleContext
from eximkit.lint.rules.regexes.findings import outcome
from eximkit.lint.rules.values import values
from eximkit.problem import Problem
from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.expandable import Expandable
    from eximkit.lint.finding import Finding
    from eximkit.source import Text

_EFFECT = (
    "Exim finds out when it expands the string: in a transport every message is "
    "deferred, in a router the address is taken for unrouteable and the message "
    "bounces, in an ACL every client gets a temporary error. `exim -bV` is content."
)
_TRANSPORT = "begin transports\nremote:\n  driver = smtp\n"
_ROUTER = "begin routers\nlocal:\n  driver = accept\n  transport = file\n"

RULES: tuple[Rule, ...] = (
    Rule(
        "EXS201",
        "unknown-variable",
        Severity.ERROR,
        what="A string names a variable that this release of Exim does not have.",
        why=_EFFECT,
        bad=_TRANSPORT + "  helo_data = $primary_hostnam\n",
        good=_TRANSPORT + "  helo_data = $primary_hostname\n",
        reference="Exim specification, chapter 11: expansion variables",
        fix="unsafe",
    ),
    Rule(
        "EXS202",
        "malformed-expansion",
        Severity.ERROR,
        what="A string cannot be taken apart: a brace is missing or one too many, an "
        "argument is missing, `${if` is followed by no condition, a `$` by nothing "
        "that it could begin.",
        why=_EFFECT + " Braces do not nest inside an argument: the first `}` that "
        "belongs to no `${` ends it.",
        bad=_TRANSPORT + "  helo_data = ${if def:host {$primary_hostname}\n",
        good=_TRANSPORT + "  helo_data = ${if def:host {$primary_hostname}{a.b}}\n",
        reference="Exim specification, chapter 11: string expansions",
    ),
    Rule(
        "EXS203",
        "unknown-item-or-operator",
        Severity.ERROR,
        what="A string uses an expansion item (`${name{...}}`) or operator "
        "(`${name:...}`) that this release of Exim does not have.",
        why=_EFFECT,
        bad=_TRANSPORT + "  helo_data = ${lcc:$primary_hostname}\n",
        good=_TRANSPORT + "  helo_data = ${lc:$primary_hostname}\n",
        reference="Exim specification, chapter 11: expansion items and operators",
        fix="unsafe",
    ),
    Rule(
        "EXS204",
        "unknown-condition",
        Severity.ERROR,
        what="`${if` is followed by a condition that this release of Exim does not "
        "have.",
        why=_EFFECT,
        bad=_ROUTER + "  condition = ${if equal{$domain}{example.org}}\n",
        good=_ROUTER + "  condition = ${if eq{$domain}{example.org}}\n",
        reference="Exim specification, chapter 11: expansion conditions",
        fix="unsafe",
    ),
    Rule(
        "EXS205",
        "def-syntax",
        Severity.ERROR,
        what="`def:` is not followed at once by the name of a variable or a header.",
        why=_EFFECT + " A blank after the colon is enough.",
        bad=_TRANSPORT + "  helo_data = ${if def: host {a.example}{b.example}}\n",
        good=_TRANSPORT + "  helo_data = ${if def:host {a.example}{b.example}}\n",
        reference="Exim specification, chapter 11: expansion conditions, def",
        fix="safe",
    ),
    Rule(
        "EXS206",
        "unknown-lookup-type",
        Severity.ERROR,
        what="A lookup, in a string or as an item of a list, is of a type that this "
        "release of Exim does not have.",
        why="The process that comes upon it ends: the connection drops, or the message "
        "stays in the queue. `exim -bV` is content.",
        bad=_ROUTER + "  domains = lsaerch;/etc/exim/domains\n",
        good=_ROUTER + "  domains = lsearch;/etc/exim/domains\n",
        reference="Exim specification, chapter 9: file and database lookups",
        fix="unsafe",
    ),
)

_LOOKUP_ITEM = re.compile(
    r"!?\s*(?:@@|[^@;]*@)?(?:net[0-9]*-)?(?:partial[0-9]*(?:-|\([^)]*\)))?"
    r"(?P<type>[A-Za-z0-9_]+)(?:\*@?)?(?:,[^;]*)?;",
    re.ASCII,
)
_COMMANDS = frozenset({"command", "transport_filter"})
_MOST = 50
"""Findings of one value at most: what has more is not text that somebody wrote."""

_LOOKED_UP = frozenset({"domain", "host", "address", "localpart"})


def check_strings(context: RuleContext) -> Iterator[Finding]:
    """What `expansion.parse` and `expansion.check` say to every string."""
    for source in values(context):
        text = source.value.text
        if "$" in text or "\\" in text:
            yield from islice(_flaws(source, context), _MOST)
        if source.list in _LOOKED_UP and ";" in text:
            yield from islice(_lookup_items(source, context), _MOST)


def _flaws(source: Expandable, context: RuleContext) -> Iterator[Finding]:
    for flaw in flaws(source.value.text, context.release):
        named = source.value.text[flaw.start : flaw.end]
        if named == COMMAND_ONLY and source.option in _COMMANDS:
            continue
        if named == "$" and flaw.start in outcome(source, context.release).dollars:
            continue  # EXS208 knows better what it is.
        yield _finding(source, source.value, flaw)


def _finding(source: Expandable, text: Text, flaw: Flaw) -> Finding:
    place = text.place(flaw.start, flaw.end)
    return finding_of(
        Problem(
            flaw.code, flaw.message, place, flaw.hint, flaw.replacement,
            section=source.section, driver=source.driver, option=source.option,
        )
    )  # fmt: skip


def _lookup_items(source: Expandable, context: RuleContext) -> Iterator[Finding]:
    known = catalog.lookup_type_names(context.release)
    for item in split_list(source.value, unexpanded=True):
        if "$" in item.text or "\\" in item.text:
            return  # What follows may still be a part of this expansion.
        match = _LOOKUP_ITEM.match(item.text)
        if match is None or match["type"] in known:
            continue
        name = match["type"]
        like = catalog.suggest(name, known)
        flaw = Flaw(
            "EXS206",
            f"{display(name)} is no lookup type of Exim {context.release}",
            *match.span("type"),
            f"did you mean {like}?" if like else "",
            like,
        )
        yield _finding(source, item, flaw)


CHECKS: tuple[Check, ...] = (check_strings,)
