"""Conditions that their strings alone decide (Exim specification, section 11.7)."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion import ip, passwords, patterns, regex
from eximkit.expansion.lists import split_list
from eximkit.expansion.numbers import integer
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, NotPure
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eximkit.expansion.matching import Asking, Match


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition holds, before any `!`.

    captures: $0, $1, … as a match sets them, None where it leaves them alone. value:
    what $value becomes, None where it stays.
    """

    holds: bool
    captures: tuple[str, ...] | None = None
    value: str | None = None

    def __bool__(self) -> bool:
        return self.holds


_TRUE = frozenset(("yes", "true"))
_FALSE = frozenset(("", "no", "false"))
_DIGITS = re.compile(r"-?([0-9]*)", re.ASCII)


def _strings(compare: Callable[[str, str], bool]) -> Condition:
    def condition(arguments: Sequence[str]) -> Verdict:
        left, right = arguments
        return Verdict(compare(left, right))

    return condition


def _caseless(compare: Callable[[int, int], bool]) -> Condition:
    """Exim's caseless order, in which the longer string does not win.

    Where one starts with the other, the left one is the greater, whichever is longer.
    """

    def condition(arguments: Sequence[str]) -> Verdict:
        left, right = lower(arguments[0]), lower(arguments[1])
        if left.startswith(right) or right.startswith(left):
            order = int(left != right)
        else:
            order = 1 if left > right else -1
        return Verdict(compare(order, 0))

    return condition


def _numbers(compare: Callable[[int, int], bool]) -> Condition:
    def condition(arguments: Sequence[str]) -> Verdict:
        left, right = (integer(argument) for argument in arguments)
        return Verdict(compare(left, right))

    return condition


def _bool(arguments: Sequence[str]) -> Verdict:
    text = arguments[0].strip(BLANK)
    word = lower(text)
    if word in _TRUE or word in _FALSE:
        return Verdict(word in _TRUE)
    found = _DIGITS.fullmatch(text)
    if found is None:
        raise ExpansionFailed(f'unrecognised boolean value "{text}"')
    return Verdict(found[1].strip("0") != "")


def _bool_lax(arguments: Sequence[str]) -> Verdict:
    word = lower(arguments[0].strip(BLANK))
    return Verdict(word not in _FALSE and word not in {"0", "-"})


def _match(arguments: Sequence[str]) -> Verdict:
    subject, pattern = arguments
    captures = regex.search(pattern, subject)
    return Verdict(captures is not None, captures)


def match_list(name: str, arguments: Sequence[str], asking: Asking) -> Verdict:
    """`match_domain` and its like, with somebody to ask what the list leaves open."""
    subject, text = arguments
    found = LISTS[name](subject, text, asking)
    if found is None:
        return Verdict(False)
    return Verdict(True, found.captures, found.value)


def _matched(name: str) -> Condition:
    return lambda arguments: match_list(name, arguments, patterns.NOBODY)


LISTS: dict[str, Callable[[str, str, Asking], Match | None]] = {
    "match_address": patterns.match_address,
    "match_domain": patterns.match_domain,
    "match_ip": patterns.match_ip,
    "match_local_part": patterns.match_local_part,
}


def _in_list(fold: bool) -> Condition:
    def condition(arguments: Sequence[str]) -> Verdict:
        subject, text = arguments
        wanted = lower(subject) if fold else subject
        for item in split_list(text)[1]:
            if (lower(item) if fold else item) == wanted:
                return Verdict(True, value=item)
        return Verdict(False)

    return condition


def _is_ip(bits: frozenset[int]) -> Condition:
    def condition(arguments: Sequence[str]) -> Verdict:
        address = ip.parse(arguments[0])
        return Verdict(address is not None and address.bits in bits)

    return condition


def _crypteq(arguments: Sequence[str]) -> Verdict:
    text, encrypted = arguments
    return Verdict(passwords.matches(text, encrypted))


CONDITIONS: dict[str, Condition] = {
    "=": _numbers(operator.eq),
    "==": _numbers(operator.eq),
    "<": _numbers(operator.lt),
    "<=": _numbers(operator.le),
    ">": _numbers(operator.gt),
    ">=": _numbers(operator.ge),
    "bool": _bool,
    "bool_lax": _bool_lax,
    "crypteq": _crypteq,
    "eq": _strings(operator.eq),
    "eqi": _caseless(operator.eq),
    "ge": _strings(operator.ge),
    "gei": _caseless(operator.ge),
    "gt": _strings(operator.gt),
    "gti": _caseless(operator.gt),
    "inlist": _in_list(fold=False),
    "inlisti": _in_list(fold=True),
    "isip": _is_ip(frozenset((32, 128))),
    "isip4": _is_ip(frozenset((32,))),
    "isip6": _is_ip(frozenset((128,))),
    "le": _strings(operator.le),
    "lei": _caseless(operator.le),
    "lt": _strings(operator.lt),
    "lti": _caseless(operator.lt),
    "match": _match,
    "match_address": _matched("match_address"),
    "match_domain": _matched("match_domain"),
    "match_ip": _matched("match_ip"),
    "match_local_part": _matched("match_local_part"),
}
"""The conditions that are answered here: from their expanded strings to a verdict.

They raise ExpansionFailed with Exim's message, or NotPure where the strings do not
decide.
"""

if TYPE_CHECKING:
    Condition = Callable[[Sequence[str]], Verdict]

__all__ = ["CONDITIONS", "NotPure", "Verdict"]
