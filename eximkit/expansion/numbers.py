"""Numbers as Exim reads them from strings (Exim specification, sections 11.5 to 11.7).

Exim keeps them in C integers; where a value does not fit, these functions give what the
C library or the processor gives: saturation for strtoll, wrapping for arithmetic.
"""

from __future__ import annotations

import re

from eximkit.expansion.values import ExpansionFailed
from eximkit.source import BLANK

MAXIMUM = 2**63 - 1
MINIMUM = -(2**63)

SUFFIXES = {"": 0, "k": 10, "m": 20, "g": 30}
"""Multipliers as a number of bits to shift by."""

_INTEGER = re.compile(r"([+-]?)([0-9]+)([kKmMgG]?)[ \t\n\r\f\v]*", re.ASCII)
_SIGNED = re.compile(r"[ \t\n\r\f\v]*([+-]?)([0-9]+)", re.ASCII)
_TIME = re.compile(r"([0-9]+)([wdhms])", re.ASCII)

_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_SECONDS = dict(_UNITS)

# int() refuses, or takes quadratic time over, what is absurdly long.
_DIGITS = 40


def wrap(value: int, bits: int = 64) -> int:
    """The value that a signed C integer of that width holds."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half


def magnitude(digits: str, base: int = 10) -> int:
    """The value of digits, at most MAXIMUM + 2 however many there are."""
    significant = digits.lstrip("0")
    if len(significant) > _DIGITS:
        return MAXIMUM + 2
    return min(int(significant or "0", base), MAXIMUM + 2)


def saturated(sign: str, digits: str) -> int:
    """Sign and digits as strtoll returns them."""
    value = magnitude(digits)
    return max(-value, MINIMUM) if sign == "-" else min(value, MAXIMUM)


def wrapped(digits: str, bits: int = 32) -> int:
    """Digits gathered one by one into a C integer that overflows silently."""
    # Only the last `bits` digits can matter: 10**bits is a multiple of 2**bits.
    return wrap(int(digits[-bits:] or "0"), bits)


def integer(text: str) -> int:
    """The operand of a numeric comparison: K, M and G are allowed, empty is 0."""
    stripped = text.lstrip(BLANK)
    if not stripped:
        return 0
    found = _INTEGER.match(stripped)
    if found is None:
        if re.match(r"[+-]?[0-9]", stripped, re.ASCII):
            raise ExpansionFailed(f'invalid integer "{stripped}"')
        raise ExpansionFailed(f'integer expected but "{stripped}" found')
    sign, digits, suffix = found.groups()
    value = magnitude(digits)
    value = -value if sign == "-" else value
    shift = SUFFIXES[suffix.lower()]
    if not MINIMUM <= value <= MAXIMUM or not (
        MINIMUM >> shift <= value <= MAXIMUM >> shift
    ):
        raise ExpansionFailed(
            f'absolute value of integer "{stripped}" is too large (overflow)'
        )
    if found.end() != len(stripped):
        raise ExpansionFailed(f'invalid integer "{stripped}"')
    return value << shift


def argument(text: str, item: str, signed: bool) -> int:
    """A number given in braces to length, substr, hash or nhash, as a C int."""
    if not text:
        return 0
    found = _SIGNED.fullmatch(text)
    if found is not None:
        value = wrap(saturated(found[1], found[2]), 32)
        if value >= 0 or signed:
            return value
    kind = "number" if signed else "positive number"
    raise ExpansionFailed(f'"{text}" is not a {kind} (in "{item}" expansion)')


def seconds(text: str) -> int | None:
    """A time such as 1h30m in seconds; None if it is none, or negative by overflow."""
    total = at = 0
    while at < len(text):
        found = _TIME.match(text, at)
        if found is None:
            return None
        count = wrap(min(magnitude(found[1]), MAXIMUM), 32)
        total = wrap(total + count * _SECONDS[found[2]], 32)
        at = found.end()
    return total if text and total >= 0 else None


def interval(value: int) -> str:
    """Seconds written as an Exim time; negative as 4.96 shows an overflow."""
    if value == 0:
        return "0s"
    sign, rest = ("-", -value) if value < 0 else ("", value)
    shown = []
    for unit, length in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            shown.append(f"{count}{unit}")
    return sign + "".join(shown)
