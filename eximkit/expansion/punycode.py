"""Punycode (RFC 3492) with the refusals of the library that Exim uses."""

from __future__ import annotations

_BASE, _TMIN, _TMAX, _SKEW, _DAMP = 36, 1, 26, 38, 700
_FIRST, _BIAS = 128, 72
_WIDTH = 1 << 32
_REFUSED = range(0xD800, 0xDC00)
"""Of the surrogates only the first half is refused."""


class BadInput(ValueError):
    """Not punycode."""


class Overflow(ValueError):
    """A number in it does not fit 32 bits."""


def encode(text: str) -> str:
    """The code of a text, without any prefix."""
    return text.encode("punycode").decode("ascii")


def decode(code: str) -> str:
    """The text of a code without its prefix. Raises BadInput, Overflow.

    Letter case of ASCII letters in the text is that of the code.
    """
    at = code.rfind("-")
    out = list(code[:at]) if at > 0 else []
    if any(c >= "\x80" for c in out):
        raise BadInput
    rest = code[at + 1 :] if at > 0 else code
    number, value, bias = _FIRST, 0, _BIAS
    digits = iter(rest)
    for first in digits:
        before, weight, key, digit = value, 1, _BASE, _digit(first)
        while True:
            value += digit * weight
            if value >= _WIDTH:
                raise Overflow
            threshold = min(max(key - bias, _TMIN), _TMAX)
            if digit < threshold:
                break
            weight *= _BASE - threshold
            if weight >= _WIDTH:
                raise Overflow
            key += _BASE
            digit = _digit(next(digits, ""))
        places = len(out) + 1
        bias = _adapted(value - before, places, first=before == 0)
        number += value // places
        value %= places
        if number >= _WIDTH:
            raise Overflow
        if number > 0x10FFFF or number in _REFUSED:
            raise BadInput
        out.insert(value, chr(number))
        value += 1
    return "".join(out)


def _digit(character: str) -> int:
    """The library takes what stands before the digits in ASCII for digits as well."""
    code = ord(character) if character else 0
    if 22 <= code < 58:
        return code - 22
    value = ord(character.lower()) - ord("a") if character.isascii() and code else -1
    if not 0 <= value < 26:
        raise BadInput
    return value


def _adapted(delta: int, places: int, *, first: bool) -> int:
    delta = delta // _DAMP if first else delta // 2
    delta += delta // places
    key = 0
    while delta > (_BASE - _TMIN) * _TMAX // 2:
        delta //= _BASE - _TMIN
        key += _BASE
    return key + (_BASE - _TMIN + 1) * delta // (delta + _SKEW)
