"""EXS207, EXS208: what is said of the regular expressions of a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from eximkit.expansion.regex import search
from eximkit.expansion.values import ExpansionFailed, NotPure
from eximkit.lint.expandable import Expandable, tree
from eximkit.lint.finding import Severity
from eximkit.lint.fixes import replacing
from eximkit.lint.rule import Check, Rule, RuleContext
from eximkit.lint.rules.cells import HOLE, text_of
from eximkit.lint.rules.regexes.eaten import (
    MARK,
    dollars,
    eaten,
    marked,
    protectable,
)
from eximkit.lint.rules.regexes.places import LISTS, patterns
from eximkit.lint.rules.values import values
from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.catalog import Release
    from eximkit.config.model import Config
    from eximkit.lint.finding import Finding, Fix
    from eximkit.lint.rules.cells import Cell

_ACL = "begin acl\ncheck:\n"
_LISTED = "Exim specification, chapter 10: regular expressions in lists"

BAD = Rule(
    "EXS207",
    "bad-regex",
    Severity.ERROR,
    what="A regular expression cannot be compiled: an item of a list, or the pattern "
    "of a rewriting or retry rule, that begins with `^`; or the second argument of "
    "`match` or `${sg`.",
    why="Exim compiles it when it comes to use it. In a list the process then ends: "
    "the client loses its connection, a delivery stops with a panic. In a string the "
    "expansion fails. In `regex` and `mime_regex` the item never matches. `exim -bV` "
    "is content.",
    bad=_ACL + "  deny sender_domains = ^(mail|web\\\\.example\n",
    good=_ACL + "  deny sender_domains = ^(mail|web)\\\\.example\n",
    reference=_LISTED + "; chapter 8: regular expressions",
)
EATEN = Rule(
    "EXS208",
    "regex-anchor-or-backslash-eaten",
    Severity.ERROR,
    what="A regular expression stands in a string that Exim expands first, and loses a "
    r"backslash by that, or has a `$` that begins no variable. Between `\N` and `\N` "
    "nothing is expanded.",
    why="With a `$` that no name follows the expansion fails, which gives every client "
    r"a temporary error. Of `\d` the letter d is left and of `\.` the dot that "
    "matches anything, so that the pattern silently matches something else. `exim -bV` "
    "is content.",
    bad=_ACL + "  deny sender_domains = ^.*\\.example$\n",
    good=_ACL + "  deny sender_domains = \\N^.*\\.example$\\N\n",
    reference=_LISTED + "; chapter 11: literal text in expanded strings",
    fix="safe",
)

RULES: tuple[Rule, ...] = (BAD, EATEN)

_PATTERNS_ONLY = frozenset({"regex", "mime_regex"})
"""ACL conditions whose lists hold nothing else."""

_MOST = 50
"""Findings of one value at most: what has more is not text that somebody wrote."""

_CACHED_LENGTH = 4096
_LONGEST = 65_536
"""Octets of a value that is looked at, character by character."""
_SHOWN = 60
"""Octets of a regular expression that a message repeats."""


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A regular expression, [start, end), of which the expansion takes something.

    protected: what to write instead, or "" where that is not plain.
    """

    start: int
    end: int
    message: str
    protected: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is wrong with the regular expressions of one string.

    refused: (start, end, message) of those that PCRE2 refuses. dollars: the offsets of
    all dollars that are told of in `spoilt`.
    """

    refused: tuple[tuple[int, int, str], ...] = ()
    spoilt: tuple[Spoilt, ...] = ()
    dollars: frozenset[int] = frozenset()


_NOTHING = Outcome()


def outcome(source: Expandable, release: Release) -> Outcome:
    """The regular expressions of a value."""
    text = source.value.text
    listed = source.list in LISTS
    every = source.section == "acl" and source.option in _PATTERNS_ONLY
    inside = "${" in text and ("match" in text or "sg" in text)
    concerned = every or inside or (listed and "^" in text)
    if not concerned or len(text) > _LONGEST:
        return _NOTHING
    if len(text) > _CACHED_LENGTH:
        return _outcome(text, listed, every, release)
    return _remembered(text, listed, every, release)


def _outcome(text: str, listed: bool, every: bool, release: Release) -> Outcome:
    parsed, source = tree(text, release), text
    if parsed is None:
        repaired = marked(text)
        if repaired is None:
            return _NOTHING
        source, parsed = repaired
    refused: list[tuple[int, int, str]] = []
    spoilt: list[Spoilt] = []
    lone: set[int] = set()
    for row, _in_list in patterns(source, parsed, listed=listed, every=every):
        anchors = dollars(row)
        lone.update(cell.start for cell in anchors)
        lost = anchors or eaten(row)
        if lost:
            spoilt.append(_spoilt(text, row, lost[0]))
        elif reason := _refusal(row):
            refused.append((row[0].start, row[-1].end, reason))
    return Outcome(tuple(refused), tuple(spoilt), frozenset(lone))


_remembered = lru_cache(maxsize=2048)(_outcome)


def _spoilt(text: str, row: Sequence[Cell], cell: Cell) -> Spoilt:
    start, end = row[0].start, row[-1].end
    protected = f"\\N{text[start:end]}\\N" if protectable(row) else ""
    if cell.char == MARK:
        what = "its `$` begins no variable, so that the expansion fails"
    else:
        written = display(text[cell.start : cell.end])
        left = display(cell.char)
        what = f"the expansion makes `{left}` of its `{written}`"
    advice = r"put \N before and after it" if protected else "double its backslashes"
    if not protected and cell.char == MARK:
        advice = r"write `\$`"
    return Spoilt(start, end, f"{what}; {advice}", protected)


def _refusal(row: Sequence[Cell]) -> str:
    """What PCRE2 says to a regular expression that is known whole, or ""."""
    pattern = text_of(row)
    if not pattern or HOLE in pattern or "\0" in pattern:
        return ""
    try:
        search(pattern, "")
    except NotPure:
        return ""
    except ExpansionFailed as error:
        reason = error.message.rpartition('": ')[2]
        shown = f"{pattern[:_SHOWN]}..." if len(pattern) > _SHOWN else pattern
        return f'"{display(shown)}" is not a regular expression: {reason}'
    return ""


def _rules(config: Config) -> Iterator[Expandable]:
    """The patterns of rewriting and retry rules: Exim takes each for a list."""
    for section, rules in (("rewrite", config.rewrite), ("retry", config.retry)):
        for rule in rules:
            if rule.fields:
                yield Expandable(rule.fields[0], section, None, "pattern", "address")


def check_patterns(context: RuleContext) -> Iterator[Finding]:
    """Every regular expression, as far as it is constant."""
    for source in (*values(context), *_rules(context.config)):
        found = outcome(source, context.release)
        for start, end, message in islice(found.refused, _MOST):
            yield BAD.finding(
                message, source.value.place(start, end), section=source.section,
                driver=source.driver, option=source.option,
            )  # fmt: skip
        for spoilt in islice(found.spoilt, _MOST):
            fix, unfixable = _fix(source, spoilt)
            yield EATEN.finding(
                spoilt.message, source.value.place(spoilt.start, spoilt.end),
                section=source.section, driver=source.driver, option=source.option,
                fix=fix, unfixable=unfixable,
            )  # fmt: skip


def _fix(source: Expandable, spoilt: Spoilt) -> tuple[Fix | None, str]:
    if not spoilt.protected:
        return None, r"parts of it need expanding, so that \N cannot stand round it"
    place = source.value.place(spoilt.start, spoilt.end)
    title = f"write {display(spoilt.protected)}"
    return replacing(place, spoilt.protected, safe=True, title=title)


CHECKS: tuple[Check, ...] = (check_patterns,)
