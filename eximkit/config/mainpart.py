"""What belongs to the main part alone: named lists, and checks after its last line.

Exim specification, chapters 10 (named lists) and 14 (main options); details by trying
4.96.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.model import NamedList
from eximkit.config.quoting import unquote
from eximkit.config.refusal import Guesses, refusal, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.config.model import Config, Option
    from eximkit.config.statements import ListDefinition
    from eximkit.problem import Problem
    from eximkit.source import Text

DIRECTIVES = (
    ".ifdef", ".ifndef", ".elifdef", ".elifndef", ".else", ".endif", ".include",
    ".include_if_exists",
)  # fmt: skip

MAXIMUM_LISTS = 32
"""How many named lists of one kind there can be (tried with 4.96)."""

# Items need no white space between them: "+pid-queue_run" is two.
_SELECTOR = re.compile(r"[+-][A-Za-z0-9_]*|[^ \t\n\r\f\v]+")


def named_list(
    definition: ListDefinition, line: Text
) -> tuple[NamedList | None, Problem | None]:
    """The list that a line defines, and what is wrong with the line."""
    word, name, value = definition.keyword, definition.name, definition.value
    if definition.kind is None:
        place = word.place
        return None, refusal(
            "EXS230",
            "after domainlist, hostlist, addresslist or localpartlist (or these with "
            "_cache) white space, a name and = are expected",
            place,
        )
    if value.equals is None:
        part = value.junk or name or word
        called = f'"{name.text}"' if name else f'"{word.text}"'
        return None, refusal("EXS230", f'"=" is missing after {called}', part.place)
    at = value.equals.end
    raw = value.text.traced if value.text else line.slice(at, at)
    unquoted = unquote(raw, name.text if name else "")
    made = NamedList(
        definition.kind,
        name.text if name else "",
        unquoted.text,
        line,
        hidden=definition.hidden,
        quoted=unquoted.quoted,
    )
    return made, unquoted.problem


def too_early_to_hide(definition: ListDefinition, release: Release) -> Problem:
    """`hide` before a named list, in a release that does not know it there."""
    return refusal(
        "EXD602",
        f'"hide" before a named list came with Exim 4.94; {release} does not have it',
        definition.keyword.place,
    )


def second_list(made: NamedList, definition: ListDefinition, before: Text) -> Problem:
    """The same name for two lists of one kind."""
    part = definition.name or definition.keyword
    return refusal(
        "EXR305",
        f'there is a {made.kind} list called "{made.name}" already',
        part.place,
        hint="rename one of them",
        related=(("the first one is here", before.place(0, len(before))),),
    )


def malformed(line: Text) -> Problem:
    """A line that does not start as a setting does."""
    return refusal(
        "EXS230",
        f'an option setting is expected, not "{shown(line.text)}"',
        line.place(0, len(line)),
        _directive_hint(line.text),
    )


def _directive_hint(text: str) -> str:
    """What a line that looks like a directive may have meant."""
    if not text.startswith("."):
        return ""
    word = text.split(" ", maxsplit=1)[0].lower()
    near = catalog.suggest(word, DIRECTIVES)
    return f'did you mean "{near}"?' if near else ""


def check(config: Config, release: Release) -> Iterator[Problem]:
    """What Exim looks at when it has read all of the main part."""
    option = config.options.get("log_selector")
    if option is not None:
        yield from _log_selector(option, release)
    yield from _too_many_lists(config)


def _too_many_lists(config: Config) -> Iterator[Problem]:
    """Each kind of named list has its own limit."""
    counts = dict.fromkeys(("domain", "host", "address", "localpart"), 0)
    for made in config.named_lists:
        counts[made.kind] += 1
        if counts[made.kind] == MAXIMUM_LISTS + 1:
            yield refusal(
                "EXS239",
                f"Exim takes {MAXIMUM_LISTS} named {made.kind} lists and no more",
                made.line.place(0, len(made.line)),
                "put several into one",
            )


def _log_selector(option: Option, release: Release) -> Iterator[Problem]:
    """`+word` and `-word`; the sign belongs to the word (specification, chapter 53)."""
    value = option.value
    # A value that starts with "=" is a number of old.
    if value is None or value.text.startswith("="):
        return
    guesses = Guesses()
    for match in _SELECTOR.finditer(value.text):
        word = match[0]
        place = value.place(match.start(), match.end())
        if word[0] not in "+-":
            yield refusal(
                "EXO901",
                f'"+" or "-" is expected before "{shown(word)}" in log_selector',
                place,
            )
            return
        if len(word) == 1:
            yield refusal(
                "EXO901", f'"{word}" in log_selector belongs directly before a word',
                place,
            )  # fmt: skip
            return
        info = catalog.log_selector(word[1:])
        if info is not None and info.in_release(release):
            continue
        names = catalog.log_selector_names(release)
        hint, near = guesses.guess(word[1:], names, place)
        if info is not None and info.since is not None and release < info.since:
            hint, near = f"Exim has it from {info.since}", None
        yield refusal(
            "EXO901", f'log_selector has no item "{shown(word)}"', place, hint,
            replacement=word[0] + near if near else None,
        )  # fmt: skip
