"""Errors that the characters alone explain: a stray dollar, a header without colon."""

from __future__ import annotations

import re

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


def dollar(text: str, at: int) -> ExpansionSyntaxError:
    """About the `$` at `at`, which starts nothing."""
    named = _NAME.match(text, at)
    if named:
        end = named.end()
        name, after = short(named[0]), text[end : end + 1]
        if not after:
            return ExpansionSyntaxError(
                f"`{name}` is still open: it has no `}}`", at, end,
                f"write `{name}}}` for a variable",
            )  # fmt: skip
        return ExpansionSyntaxError(
            f"`{after}` follows `{name}`, which only `}}`, `:`, `{{` or a blank can",
            end, end + 1,
            f"write `{name}}}` for a variable, `{name}:...}}` for an operator",
        )  # fmt: skip
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
