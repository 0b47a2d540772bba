"""Parts of strings: by position, by translation, by key, by number.

Exim specification, section 11.5.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

from eximkit.expansion.lists import items_between, separator, split_list
from eximkit.expansion.numbers import wrap, wrapped
from eximkit.expansion.values import ExpansionFailed
from eximkit.source import BLANK

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_INDEX = re.compile(r"(-?)([0-9]*)", re.ASCII)
_KEY = re.compile(r"[^= \t\n\r\f\v]*", re.ASCII)
_BLANKS = re.compile(r"[ \t\n\r\f\v]*", re.ASCII)
_UNQUOTED = re.compile(r"[^ \t\n\r\f\v]*", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|(\\?)\Z)', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "v": "\v", "f": "\f"}


def lower(text: str) -> str:
    """ASCII letters only, as in the C locale."""
    return text.translate(_LOWER)


def upper(text: str) -> str:
    """ASCII letters only, as in the C locale."""
    return text.translate(_UPPER)


def head(text: str, length: int) -> str:
    """`${length…`: a negative length is as good as endless."""
    return text if length < 0 else text[:length]


def substring(text: str, start: int, length: int | None) -> str:
    """`${substr…`: without a length a negative start leaves what comes before it."""
    if length is not None and length < 0:
        length = None
    if start >= 0:
        return text[start:] if length is None else text[start : start + length]
    start += len(text)
    if length is None:
        return text[: max(start, 0)]
    if start < 0:
        return text[: max(start + length, 0)]
    return text[start : start + length]


def translate(text: str, of: str, to: str) -> str:
    """`${tr…`: the last of repeated characters counts; a short `to` lends its last."""
    if not to:
        return text
    table = {ord(c): to[min(index, len(to) - 1)] for index, c in enumerate(of)}
    return text.translate(table)


def unescape(text: str) -> str:
    """Backslash escapes of a string in double quotes."""

    def octet(found: re.Match[str]) -> str:
        if found[1] is not None:
            return chr(int(found[1], 16))
        if found[2] is not None:
            return chr(int(found[2], 8) & 255)
        return _ESCAPED.get(found[3], found[3])

    return _ESCAPE.sub(octet, text)


def field_number(text: str) -> int | None:
    """The number in a first argument of extract, or None where it is a key."""
    found = _INDEX.fullmatch(text.strip(BLANK))
    if found is None:
        return None
    value = wrapped(found[2])
    return wrap(-value, 32) if found[1] else value


def not_empty(key: str) -> None:
    """Look at the first argument of extract. Raises ExpansionFailed."""
    if not key.strip(BLANK):
        raise ExpansionFailed('first argument of "extract" must not be empty')


def by_number(number: int, separators: str, text: str) -> str | None:
    """`${extract{number}{separators}{text}…`: field 0 is all of it, -1 the last."""
    if number == 0:
        return text
    splitter = f"[{re.escape(separators)}]" if separators else r"(?!)"
    fields = re.split(splitter, text)
    return _pick(fields, number)


def by_key(key: str, text: str) -> str | None:
    """`${extract{key}{text}…`: the value of key=value, key = "value" or key value."""
    wanted = lower(key)
    at, end = _skip(text, 0), len(text)
    while at < end:
        found = _KEY.match(text, at)
        name, at = (found[0], found.end()) if found else ("", at)
        at = _skip(text, at)
        if text[at : at + 1] == "=":
            at = _skip(text, at + 1)
        value, at = _value(text, at)
        if lower(name) == wanted:
            return value
        at = _skip(text, at)
    return None


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> tuple[str, int]:
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        return unescape(quoted[1]) + (quoted[2] or ""), quoted.end()
    found = _UNQUOTED.match(text, at)
    return (found[0], found.end()) if found else ("", at)


def list_number(text: str) -> int:
    """The first argument of listextract. Raises ExpansionFailed."""
    stripped = text.strip(BLANK)
    if not stripped:
        raise ExpansionFailed('first argument of "listextract" must not be empty')
    number = field_number(stripped)
    if number is None:
        raise ExpansionFailed('first argument of "listextract" must be numeric')
    return number


def from_list(number: int, text: str) -> str | None:
    """`${listextract{number}{text}…`; there is no item 0.

    Two oddities of 4.96: too far back by more than one gives the first item, and a list
    of nothing but `<` and a separator has those for its second and further items.
    """
    items = split_list(text)[1]
    if number > 1 and not items:
        sign, start = separator(text)
        if start and text[start - 1 : start] == sign:
            again = items_between(sign, text)
            return again[0] if again else None
    if items and number < -len(items) - 1:
        return items[0]
    return _pick(items, number)


def _pick(fields: list[str], number: int) -> str | None:
    index = number - 1 if number > 0 else len(fields) + number
    return fields[index] if number and 0 <= index < len(fields) else None
