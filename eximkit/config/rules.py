"""Retry and rewriting rules: what makes Exim refuse them when it loads them.

Exim specification, chapters 31 (rewriting) and 32 (retry); details by trying 4.96.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.config import literals
from eximkit.config.quoting import unquote_word
from eximkit.config.refusal import refusal, shown
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.config.statements import Part, RetryLine, RewriteLine
    from eximkit.problem import Problem
    from eximkit.source import Place

_EXACT_ERRORS = ("*", "auth_failed", "refused", "timeout", "quota")
# Exim compares these only as far as the rule's word goes: "look" is "lookup".
_PREFIX_ERRORS = ("lookup", "lost_connection", "tls_required")
_CODE_ERRORS = ("mail_4", "rcpt_4", "data_4")
_CODE = re.compile(r"xx|[0-9]x|[0-9][0-9]")
# What may follow `refused_` and `timeout_`; Exim takes any beginning of these, too.
_REFUSED = ("a", "mx")
_TIMEOUT = ("a", "mx", "connect", "connect_a", "connect_mx", "dns")

_RULE = re.compile(
    r"(?P<letter>[^,;\s]),\s*(?P<cutoff>[0-9A-Za-z]*),\s*(?P<wait>[0-9A-Za-z]*)"
    r"(?:,\s*(?P<factor>[0-9A-Za-z.]*))?\s*",
    re.ASCII,
)
_FACTOR = re.compile(r"([0-9]+)(?:\.[0-9]*)?")
_TIMES = ("F", "G", "H")

REWRITE_FLAGS = frozenset("EFTbcfhrstqQRSw")


def check_retry(rule: RetryLine) -> Problem | None:
    """What is wrong with a retry rule: the first thing, as the rest hangs on it."""
    error = rule.error
    if error is None:
        whole = rule.pattern
        return refusal(
            "EXS238",
            "this retry rule has no error type: pattern, error, rules is the order",
            whole.place,
            hint='"*" stands for every error',
        )
    problem = _error_problem(error)
    if problem is not None:
        return problem
    if rule.senders is not None and rule.equals is None:
        return refusal(
            "EXS238", '"=" is expected after "senders" in a retry rule',
            rule.senders.place,
        )  # fmt: skip
    return next(_retry_rules(rule.rules), None) if rule.rules is not None else None


def _error_problem(error: Part) -> Problem | None:
    """Whether a word is the name of a retry error (specification, chapter 32)."""
    word = error.text.lower()
    if (
        word in _EXACT_ERRORS
        or word.startswith("*_")
        or any(name.startswith(word) for name in _PREFIX_ERRORS)
    ):
        return None
    hint = ""
    if word[:6] in _CODE_ERRORS:
        # Here the x has to be a small one.
        if _CODE.fullmatch(error.text[6:]):
            return None
        hint = f"{word[:6]} is followed by xx, by a digit and x, or by two digits"
    elif word.startswith("refused_"):
        if any(name.startswith(word[8:]) for name in _REFUSED):
            return None
        hint = 'only "refused", "refused_A" and "refused_MX" exist'
    elif word.startswith("timeout_"):
        if any(name.startswith(word[8:]) for name in _TIMEOUT):
            return None
        hint = 'A, MX, connect, connect_A, connect_MX or DNS may follow "timeout_"'
    elif word.startswith("quota_"):
        if not isinstance(literals.time(error.text[6:] or "?"), literals.Reason):
            return None
        hint = 'a time such as 7d is expected after "quota_"'
    elif "," in word:
        hint = 'the error type is missing; "*" stands for every error'
    return refusal(
        "EXS238", f'"{shown(error.text)}" is not a retry error', error.place, hint
    )


def _retry_rules(rules: Part) -> Iterator[Problem]:
    """`F,cutoff,interval` and `G|H,cutoff,interval,factor`, separated by semicolons."""
    text, at = rules.text, 0
    while at < len(text):
        match = _RULE.match(text, at)
        end = text.find(";", at)
        end = len(text) if end < 0 else end
        place = rules.line.place(rules.start + at, rules.start + max(end, at + 1))
        what = f'"{shown(text[at:end].strip(BLANK))}"'
        if match is None and end == at:
            yield refusal(
                "EXS238", "a retry rule is empty: one semicolon is enough", place
            )
            return
        if match is None:
            yield refusal(
                "EXS238",
                f"{what} is not a retry rule: a letter and times follow each other "
                "after commas, as in F,2h,15m",
                place,
            )
            return
        if match["letter"].upper() not in _TIMES:
            yield refusal(
                "EXS238",
                f'"{shown(match["letter"])}" is not the letter of a retry rule',
                place,
                hint="F, G or H is expected",
            )
            return
        problem = _parameters(match, place, what)
        if problem is not None:
            yield problem
            return
        if match.end() < len(text) and text[match.end()] != ";":
            yield refusal(
                "EXS238",
                f"a semicolon is expected after the retry rule "
                f'"{shown(match[0].strip(BLANK))}"',
                rules.line.place(rules.start + match.end(), rules.end),
            )
            return
        at = match.end() + 1
        while at < len(text) and text[at] in BLANK:
            at += 1


def _parameters(match: re.Match[str], place: Place, what: str) -> Problem | None:
    for name in ("cutoff", "wait"):
        value = literals.time(match[name] or "?")
        if isinstance(value, literals.Reason) or value == 0:
            return refusal(
                "EXS238",
                f"{what}: the {_NAMES[name]} has to be a time greater than zero",
                place,
                hint="write it as in 15m or 1h30m",
            )
    growing = match["letter"].upper() != "F"
    if growing == (match["factor"] is not None):
        factor = _FACTOR.fullmatch(match["factor"]) if growing else None
        if not growing or (factor is not None and factor[1].strip("0")):
            return None
        return refusal(
            "EXS238", f"{what}: the factor has to be a number of at least 1",
            place,
        )  # fmt: skip
    wanted = "needs a factor after the interval" if growing else "takes no factor"
    return refusal(
        "EXS238", f"{what}: {match['letter'].upper()} {wanted}",
        place,
    )  # fmt: skip


_NAMES = {"cutoff": "cutoff time", "wait": "interval"}


def check_rewrite(rule: RewriteLine) -> Problem | None:
    """What is wrong with a rewriting rule."""
    if rule.replacement is None:
        return refusal(
            "EXS238",
            "this rewriting rule has no replacement: pattern, replacement, flags is "
            "the order",
            rule.pattern.place,
        )
    if rule.flags is None:
        return None
    flags = rule.flags.text
    for at, flag in enumerate(flags):
        if flag in REWRITE_FLAGS or flag in BLANK:
            continue
        start = rule.flags.start + at
        quoted = rule.replacement.text.startswith('"')
        return refusal(
            "EXS238",
            f'"{shown(flag)}" is not a rewriting flag',
            rule.flags.line.place(start, start + 1),
            hint="" if quoted else "a replacement with blanks has to be in quotes",
        )
    pattern = unquote_word(rule.pattern.text)[0]
    if "S" in flags and not pattern.startswith(("^", "\\N^")):
        return refusal(
            "EXS238",
            "the S flag is for regular expressions, which start with ^",
            rule.pattern.place,
        )
    return None
