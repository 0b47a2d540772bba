"""Encodings and quotings of octet strings (Exim specification, section 11.6)."""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from string import ascii_letters, digits
from typing import TYPE_CHECKING

from eximkit.expansion.numbers import wrap
from eximkit.expansion.values import ExpansionFailed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD = frozenset(ascii_letters + digits)
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE62 = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz"
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_UNBLANK = str.maketrans("", "", BLANK)
_DECIMAL = re.compile(r"[ \t\n\r\f\v]*([+-]?)([0-9]+)", re.ASCII)
_UNSIGNED = 2**64 - 1

_ATEXT = frozenset(ascii_letters + digits + "!#$%&'*+-/=?^_`{|}~.")
_QUOTED: Mapping[int, str] = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
)
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\b": "\\b", "\v": "\\v", "\f": "\\f"}
_PRINTED: Mapping[int, str] = str.maketrans(
    {
        chr(code): _ESCAPES.get(chr(code), f"\\{code:03o}")
        for code in (*range(9), *range(10, 32), *range(127, 256))
    }
)
_PRINTED_8BIT: Mapping[int, str] = str.maketrans(
    {chr(code): f"\\{code:03o}" for code in (ord("\\"), *range(127, 256))}
)
_HEXED: Mapping[int, str] = str.maketrans(
    {chr(code): f"\\x{code:02x}" for code in (*range(33), *range(127, 256))}
)
_REGEX_QUOTED: Mapping[int, str] = str.maketrans(
    {chr(code): "\\" + chr(code) for code in range(256) if chr(code) not in _WORD}
)


def base64(text: str) -> str:
    """`${base64:…}` and `${str2b64:…}`."""
    return b2a_base64(text.encode("latin-1"), newline=False).decode("ascii")


def base64_decoded(text: str, operator: str = "base64d") -> str:
    """`${base64d:…}`: blanks are skipped, anything else but base 64 is an error."""
    compact = text.translate(_UNBLANK)
    if not _BASE64.fullmatch(compact):
        raise ExpansionFailed(
            f'string "{text}" is not well-formed for "{operator}" operator'
        )
    return a2b_base64(compact).decode("latin-1")


def _decimal(text: str, operator: str) -> int:
    found = _DECIMAL.fullmatch(text or "0")
    if found is None:
        raise ExpansionFailed(
            f'argument for {operator} operator is "{text}", '
            "which is not a decimal number"
        )
    sign, shown = found.groups()
    significant = shown.lstrip("0")
    if len(significant) > len(str(_UNSIGNED)) or int(significant or "0") > _UNSIGNED:
        return _UNSIGNED
    value = int(significant or "0")
    return -value & _UNSIGNED if sign == "-" else value


def base32(text: str) -> str:
    """`${base32:…}`: no digits for zero."""
    value, shown = _decimal(text, "base32"), ""
    while value:
        value, digit = divmod(value, len(_BASE32))
        shown = _BASE32[digit] + shown
    return shown


def base62(text: str) -> str:
    """`${base62:…}`: six digits, higher ones are lost."""
    value, shown = _decimal(text, "base62"), ""
    for _ in range(6):
        value, digit = divmod(value, len(_BASE62))
        shown = _BASE62[digit] + shown
    return shown


def _from_digits(text: str, alphabet: str, base: int) -> str:
    value = 0
    for character in text:
        digit = alphabet.find(character)
        if digit < 0:
            raise ExpansionFailed(
                f'argument for base{base}d operator is "{text}", '
                f"which is not a base {base} number"
            )
        value = (value * base + digit) & _UNSIGNED
    return str(wrap(value))


def base32_decoded(text: str) -> str:
    """`${base32d:…}`."""
    return _from_digits(text, _BASE32, 32)


def base62_decoded(text: str) -> str:
    """`${base62d:…}`."""
    return _from_digits(text, _BASE62, 62)


def hex_to_base64(text: str) -> str:
    """`${hex2b64:…}`."""
    if not re.fullmatch(r"[0-9A-Fa-f]*", text):
        raise ExpansionFailed(f'"{text}" is not a hex string')
    if len(text) % 2:
        raise ExpansionFailed(f'"{text}" contains an odd number of characters')
    return base64(bytes.fromhex(text).decode("latin-1"))


def hexquote(text: str) -> str:
    """`${hexquote:…}`: what is no printable ASCII, and the blank, in hexadecimal."""
    return text.translate(_HEXED)


def escape(text: str) -> str:
    """`${escape:…}`: what is no printable ASCII as octal, tabs as they are."""
    return text.translate(_PRINTED)


def escape8bit(text: str) -> str:
    """`${escape8bit:…}`: the backslash, DEL and what is no ASCII as octal."""
    return text.translate(_PRINTED_8BIT)


def rxquote(text: str) -> str:
    """`${rxquote:…}`: a backslash before all but letters and digits."""
    return text.translate(_REGEX_QUOTED)


def quote(text: str) -> str:
    """`${quote:…}`: quoted unless letters, digits, `_`, `.` and `-` are all of it."""
    if text and all(c in _WORD or c in "_.-" for c in text):
        return text
    return f'"{text.translate(_QUOTED)}"'


def quote_local_part(text: str) -> str:
    """`${quote_local_part:…}`: quoted unless a dot-atom, in which two dots may meet."""
    if text and all(c in _ATEXT for c in text) and "." not in (text[0], text[-1]):
        return text
    return f'"{text.translate(_QUOTED)}"'


def xtext_decoded(text: str) -> str:
    """RFC 3461 xtext: +XX is the octet with that code."""

    def octet(found: re.Match[str]) -> str:
        return chr(int(found[1], 16))

    return re.sub(r"\+([0-9A-F]{2})", octet, text)
