"""The operators `eval` and `eval10` (Exim specification, section 11.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.expansion.numbers import MAXIMUM, MINIMUM, SUFFIXES, magnitude, wrap
from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_BLANKS = re.compile(r"[ \t\n\r\f\v]*", re.ASCII)
_OPERATOR = re.compile(r"<<|>>|[-+*/%&^|]")
# C's own forms: 0x… (the digits may be missing: the C library has then taken the x),
# octal, decimal.
_ANY_BASE = re.compile(
    r"(?P<hex>0[xX][0-9a-fA-F]*)|(?P<octal>0[0-7]*)|(?P<plain>[1-9][0-9]*)"
)
_DECIMAL = re.compile(r"(?P<plain>[0-9]+)")

_BINDING = {
    "|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}  # fmt: skip


_HALF = MAXIMUM // 2


def _near_overflow(left: int, right: int) -> bool:
    """Exim refuses more than would overflow, and not all that does."""
    return left >= _HALF or (left <= -_HALF and right <= -_HALF)


def _plus(left: int, right: int) -> int:
    if _near_overflow(left, right):
        raise ArithmeticError("overflow in sum")
    return wrap(left + right)


def _minus(left: int, right: int) -> int:
    if _near_overflow(left, right):
        raise ArithmeticError("overflow in difference")
    return wrap(left - right)


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise ArithmeticError("divide by zero")
    if left == MINIMUM and right == -1:
        return MAXIMUM
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _modulo(left: int, right: int) -> int:
    if right == 0:
        raise ArithmeticError("modulo by zero")
    if left == MINIMUM and right == -1:
        return MAXIMUM
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


# The processor takes a shift count modulo 64, and Exim lets it.
_APPLY: dict[str, Callable[[int, int], int]] = {
    "|": lambda left, right: left | right,
    "^": lambda left, right: left ^ right,
    "&": lambda left, right: left & right,
    "<<": lambda left, right: wrap(left << (right & 63)),
    ">>": lambda left, right: left >> (right & 63),
    "+": _plus,
    "-": _minus,
    "*": lambda left, right: wrap(left * right),
    "/": _divide,
    "%": _modulo,
}
_PREFIX: dict[str, Callable[[int], int]] = {
    "+": lambda value: value,
    "-": lambda value: wrap(-value),
    "~": lambda value: ~value,
}
_OPEN = "("


def _blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _number(text: str, at: int, decimal: bool) -> tuple[int, int] | None:
    """The number at `at` with its suffix, and the offset after it."""
    found = (_DECIMAL if decimal else _ANY_BASE).match(text, at)
    if found is None:
        return None
    kind = found.lastgroup
    digits = found[0][2:] if kind == "hex" else found[0]
    base = {"hex": 16, "octal": 8}.get(kind or "", 10)
    value, end = min(magnitude(digits, base), MAXIMUM), found.end()
    suffix = text[end : end + 1].lower()
    if suffix and suffix in SUFFIXES:
        value, end = wrap(value << SUFFIXES[suffix]), end + 1
    return value, end


def _wrong(what: str, text: str, at: int) -> ExpansionFailed:
    return ExpansionFailed(
        f'error in expression evaluation: {what} (after processing "{text[:at]}")'
    )


def evaluate(text: str, decimal: bool = False) -> int:
    """The value of an integer expression.

    decimal: as `eval10`, where 010 is ten and 0x is not known. Raises ExpansionFailed.
    """
    values: list[int] = []
    pending: list[str] = []  # binary operators, "(" and prefixes marked "u"

    def reduce(binding: int, at: int) -> None:
        while pending and pending[-1] != _OPEN:
            operator = pending[-1]
            if operator.startswith("u"):
                values.append(_PREFIX[operator[1]](values.pop()))
            elif _BINDING[operator] < binding:
                return
            else:
                right, left = values.pop(), values.pop()
                try:
                    values.append(_APPLY[operator](left, right))
                except ArithmeticError as error:
                    raise _wrong(str(error), text, at) from None
            pending.pop()

    at = 0
    while True:
        at = _blanks(text, at)
        if text[at : at + 1] in _PREFIX:
            pending.append("u" + text[at])
            at += 1
            continue
        if text[at : at + 1] == _OPEN:
            pending.append(_OPEN)
            at += 1
            continue
        number = _number(text, at, decimal)
        if number is None:
            raise _wrong("expecting number or opening parenthesis", text, at)
        values.append(number[0])
        at = _blanks(text, number[1])
        while True:
            found = _OPERATOR.match(text, at)
            reduce(_BINDING[found[0]] if found else 0, at)
            if found is not None:
                pending.append(found[0])
                at = found.end()
                break
            if not pending:
                if at < len(text):
                    raise _wrong("expecting operator", text, at)
                return values[0]
            if text[at : at + 1] != ")":
                raise _wrong("expecting closing parenthesis", text, at)
            pending.pop()
            at = _blanks(text, at + 1)
