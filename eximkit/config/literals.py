"""Numbers, times and booleans as Exim reads them from a configuration.

Exim specification, chapter 6, "Boolean options" to "Time values". Each reader takes
what follows the `=` and the blanks after it, and gives the value or a `Reason`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_letters, digits

from eximkit.source import BLANK, display

_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}
_WORD = ascii_letters + digits + "_"
_INTEGER = re.compile(r"[ \t\n\r\f\v]*([+-]?)(0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*)")
_OCTAL = re.compile(r"[ \t\n\r\f\v]*([+-]?)([0-7]+)")
_DECIMAL = re.compile(r"[ \t\n\r\f\v]*([+-]?)([0-9]+)")
_FRACTION = re.compile(r"\.([0-9]{0,3})[0-9]*")
_TIME = re.compile(r"([0-9]+)([wdhms])")
_DURATION = re.compile(r"(?:[0-9]+[wdhms])+")

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_UNITS = "KMGTPE"
_COMMENT = " (a # starts a comment only at the start of a line)"
_DIGITS = 30
"""More digits than fit any of Exim's integers."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is refused. start, end: the characters of it that are wrong."""

    message: str
    start: int
    end: int


def boolean(text: str) -> bool | Reason:
    """`yes`, `true`, `no`, `false` in any case; nothing at all means true."""
    if not text.strip(BLANK):
        return True
    end = len(text) - len(text.lstrip(_WORD))
    value = _BOOLEANS.get(text[:end].lower())
    if value is None:
        return Reason(
            f'"{display(text[:_DIGITS])}" is not a boolean: yes, no, true or false is '
            "expected",
            0,
            len(text),
        )
    return _excess(text, end, "the boolean value") or value


def integer(text: str) -> int | Reason:
    """A 32-bit integer: decimal, `0x…`, octal with a leading 0; suffix K, M, G or T."""
    return _integer(text, _INTEGER, "integer", 0, 31, "KMGT")


def octal(text: str) -> int | Reason:
    """A 32-bit octal integer; the suffixes are those of `integer`."""
    return _integer(text, _OCTAL, "octal integer", 8, 31, "KMGT")


def kilobytes(text: str) -> int | Reason:
    """A 64-bit size in units of 1024 octets; suffix K (the unit itself) to E."""
    return _integer(text, _INTEGER, "integer", 0, 63, _UNITS, unit=1)


def fixed(text: str) -> int | Reason:
    """A fixed-point number in thousandths: `8`, `8.`, `8.125`; no sign.

    Exim ignores further digits.
    """
    match = _DECIMAL.match(text)
    if match is None:
        return Reason("a number such as 8 or 8.5 is expected", 0, len(text))
    whole = _bounded(match[2])
    whole = -whole if match[1] == "-" else whole
    # Exim keeps the low 32 bits, and takes the sign that results for an overflow.
    if abs(whole) >= 1 << 63 or _int32(whole) < 0:
        return _too_large(text, match.end())
    end, thousandths = match.end(), 0
    fraction = _FRACTION.match(text, end)
    if fraction is not None:
        end = fraction.end()
        thousandths = int(fraction[1].ljust(3, "0"))
    return _excess(text, end, "the number") or _int32(whole) * 1000 + thousandths


def time(text: str) -> int | Reason:
    """A time in seconds: `1w2d3h4m5s`, in any order, each with its unit."""
    content = text.rstrip(BLANK)
    if not _DURATION.fullmatch(content):
        return Reason(_time_message(content), 0, len(text))
    seconds = 0
    for number, unit in _TIME.findall(content):
        # Exim computes in 32 bits without a check; a negative outcome is its error.
        count = _int32(min(_bounded(number), (1 << 63) - 1))
        seconds = _int32(seconds + count * _SECONDS[unit])
    if seconds < 0:
        return _too_large(text, len(content))
    return seconds


def time_list(text: str) -> tuple[int, ...] | Reason:
    """Times separated by colons; no other separator, no empty item."""
    if not text.strip(BLANK):
        return ()
    times: list[int] = []
    at = 0
    for item in text.split(":"):
        start = at + len(item) - len(item.lstrip(BLANK))
        value = time(item.strip(BLANK))
        if isinstance(value, Reason):
            end = start + len(item.strip(BLANK))
            return Reason(value.message, start, max(end, start))
        times.append(value)
        at += len(item) + 1
    return tuple(times)


def _integer(
    text: str,
    pattern: re.Pattern[str],
    kind: str,
    base: int,
    bits: int,
    units: str,
    unit: int = 0,
) -> int | Reason:
    """unit: the power of 1024 in which the value is counted."""
    match = pattern.match(text)
    if match is None:
        return Reason(f"an {kind} is expected", 0, len(text))
    end = match.end()
    value = _bounded(match[2], base)
    if match[1] == "-":
        value = -value
    suffix = text[end : end + 1].upper()
    if suffix and suffix in units:
        end += 1
        value *= 1024 ** (units.index(suffix) + 1 - unit)
    excess = _excess(text, end, f"the {kind}")
    if excess is not None:
        return excess
    if not -(1 << bits) <= value < 1 << bits:
        return _too_large(text, end)
    return value


def _bounded(number: str, base: int = 10) -> int:
    """The value of `number`, in time that is bounded however long it is."""
    if base == 0:
        hexadecimal = number[:2] in ("0x", "0X")
        base = 16 if hexadecimal else 8 if number[0] == "0" else 10
        number = number[2:] if hexadecimal else number
    significant = number.lstrip("0") or "0"
    return int(significant, base) if len(significant) <= _DIGITS else 1 << 100


def _int32(value: int) -> int:
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def _excess(text: str, end: int, what: str) -> Reason | None:
    rest = text[end:].lstrip(BLANK)
    if not rest:
        return None
    comment = _COMMENT if rest[0] == "#" else ""
    start = len(text) - len(rest)
    return Reason(f"characters follow {what}{comment}", start, len(text.rstrip(BLANK)))


def _too_large(text: str, end: int) -> Reason:
    return Reason(f'"{display(text[:end][:_DIGITS])}" is too large', 0, end)


def _time_message(text: str) -> str:
    if text.isdecimal():
        return f"{text[:_DIGITS]} lacks a unit: a time is written as in 5m or 1h30m"
    shown = display(text[:_DIGITS])
    return f'"{shown}" is not a time: numbers with w, d, h, m or s are, as in 1h30m'
