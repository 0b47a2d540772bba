"""Errors that the characters alone explain: a stray dollar, a header without colon."""

from __future__ import annotations

import re

from eximkit import catalog
from eximkit.errors import ExpansionSyntaxError
from eximkit.source import BLANK

_NAME = re.compile(r"\$\{[A-Za-z][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"\$\{[0-9]+")
_HEADER = re.compile(r"(?:\$|def:)[rbl]?h(?:eader)?_[!-9;-~\x80-\xFF]*:?")
_INTENDED = re.compile(r"(?:\$|def:)[A-Za-z0-9_-]+")


_LONGEST = 60


def short(text: str) -> str:
    """User text for a message: no longer than a name can reasonably be."""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def is_operator(name: str) -> bool:
    """Whether `${name:...}` is an operator that takes no number, in any release."""
    found = catalog.operator(name)
    return found is not None and found.name == name and not catalog.item(name)


def _way_on(name: str, shown: str) -> str:
    """How to go on after `${name`."""
    if catalog.item(name):
        return f"write `{shown}{{...}}}}`"
    if is_operator(name) and not catalog.variable(name):
        return f"write `{shown}:...}}`"
    return f"write `{shown}}}`"


def dollar(text: str, at: int) -> ExpansionSyntaxError:
    """About the `$` at `at`, which starts nothing."""
    named = _NAME.match(text, at)
    if named:
        end = named.end()
        name, after = short(named[0]), text[end : end + 1]
        hint = _way_on(named[0][2:], name)
        if after:
            message = f"`{after}` follows `{name}`, which only `}}`, `:` or `{{` can"
            return ExpansionSyntaxError(message, end, end + 1, hint)
        message = f"`{name}` is still open: it has no `}}`"
        return ExpansionSyntaxError(message, at, end, hint)
    number = _NUMBER.match(text, at)
    if number:
        return ExpansionSyntaxError(
            f"`}}` is expected after `{short(number[0])}`", at, number.end(),
            "only digits may stand in the braces",
        )  # fmt: skip
    if text.startswith("{", at + 1):
        after = text[at + 2 : at + 3]
        hint = "write the name right after `${`"
        if after and after in BLANK:
            hint = "no blank may follow `${`"
        return ExpansionSyntaxError(
            "`${` is not followed by a letter or a digit", at, at + 2, hint
        )
    return ExpansionSyntaxError(
        "`$` is not followed by a letter, a digit or `{`", at, at + 1,
        "write `\\$` for a dollar, or `\\N...\\N` round a regular expression",
    )  # fmt: skip


def runaway_header(text: str) -> ExpansionSyntaxError | None:
    """About the first header name that swallowed a brace, for want of a colon."""
    for found in _HEADER.finditer(text):
        intended = _INTENDED.match(found[0])
        if intended is None or not found[0].startswith(("{", "}"), intended.end()):
            continue
        upto = "the next colon" if found[0].endswith(":") else "the next white space"
        return ExpansionSyntaxError(
            f"no colon ends the header name, so it runs on to {upto}",
            found.start(), found.end(), f"write `{short(intended[0])}:`",
        )  # fmt: skip
    return None
