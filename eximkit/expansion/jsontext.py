"""JSON as Exim takes it apart (Exim specification, section 11.5).

Exim counts brackets; it does not parse: a comma or a bracket in a string counts like
any other, and what follows the closing bracket is not looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.expansion.strings import field_number
from eximkit.expansion.values import ExpansionFailed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PAIRS = {"[": ("]", "array"), "{": ("}", "object"), '"': ('"', "string")}
_STOPS = re.compile(r"[,\[\]{}]")


def _unwrapped(text: str, opener: str, what: str) -> tuple[str, str] | None:
    """What stands between a bracket and its partner, and what follows; None without."""
    start = len(text) - len(text.lstrip(BLANK))
    if text[start : start + 1] != opener:
        return None
    closer = _PAIRS[opener][0]
    depth = 1
    pattern = re.compile(rf"\\.|[{re.escape(opener + closer)}]", re.DOTALL)
    for found in pattern.finditer(text, start + 1):
        if found[0] == closer:
            depth -= 1
            if not depth:
                return text[start + 1 : found.start()], text[found.end() :]
        elif found[0] == opener:
            depth += 1
    return _missing(closer, opener, what)


def _missing(bracket: str, opener: str, what: str) -> tuple[str, str]:
    kind = _PAIRS[opener][1]
    raise ExpansionFailed(f"missing '{bracket}' wrapping {kind}{what}")


def _items(text: str) -> Iterator[str]:
    """Items between commas that stand in no bracket; an empty one ends the list."""
    at = 0
    while True:
        while at < len(text) and text[at] in BLANK:
            at += 1
        if at >= len(text):
            return
        end = len(text)
        objects = arrays = 0
        for found in _STOPS.finditer(text, at):
            sign = found[0]
            if sign == ",":
                if not objects and not arrays:
                    end = found.start()
                    break
            else:
                objects += (sign == "{") - (sign == "}")
                arrays += (sign == "[") - (sign == "]")
        if end == at:
            return
        yield text[at:end]
        at = end + 1


def _inside(text: str, opener: str, what: str) -> tuple[str, str]:
    return _unwrapped(text, opener, what) or _missing(opener, opener, what)


def _string(text: str) -> str:
    return _inside(text, '"', " result for extract jsons")[0]


def json_items(text: str, *, strings: bool) -> list[str]:
    """The items of a JSON array, for `forany_json` and its like.

    strings: without their double quotes, which each must have. Exim 4.96 crashes on a
    text that is no array; here that is a failure.
    """
    items = list(_items(_inside(text, "[", " for extract json")[0]))
    return [_string(item) for item in items] if strings else items


def extract_json(arguments: Sequence[str], *, strings: bool) -> str | None:
    """`${extract json{key or number}{text}…`; strings: `jsons`."""
    key, text = arguments[0].strip(BLANK), arguments[1]
    if not key:
        raise ExpansionFailed('first argument of "extract" must not be empty')
    number = field_number(key)
    found = _member(key, text) if number is None else _element(number, text)
    return _string(found) if strings and found is not None else found


def _element(number: int, text: str) -> str | None:
    content = _inside(text, "[", " for extract json")[0]
    if number <= 0:
        raise ExpansionFailed('first argument of "extract" must be greater than zero')
    for index, item in enumerate(_items(content), 1):
        if index == number:
            return item.rstrip(BLANK)
    return None


def _member(key: str, text: str) -> str | None:
    content = _inside(text, "{", " for extract json")[0]
    for item in _items(content):
        name, rest = _inside(item, '"', " key for extract json")
        if name == key:
            rest = rest.lstrip(BLANK)
            if not rest.startswith(":"):
                raise ExpansionFailed("missing object value-separator for extract json")
            return rest[1:].lstrip(BLANK)
    return None
