"""Lists in strings: items between separators (Exim specification, section 6.20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_CONTROL = frozenset(map(chr, (*range(1, 32), 127)))


def separator(text: str) -> tuple[str, int]:
    """The separator of a list, and the offset of its first item."""
    start = len(text) - len(text.lstrip(BLANK))
    if text[start : start + 1] == "<":
        sign = text[start + 1 : start + 2]
        if sign in _PUNCTUATION or sign in _CONTROL:
            return sign, start + 2
        if not sign:
            return ":", start + 1
    return ":", start


def split_list(text: str) -> tuple[str, list[str]]:
    """The separator of a list and its items, doubled separators made single."""
    sign, start = separator(text)
    return sign, items_between(sign, text, start)


def items_between(sign: str, text: str, at: int = 0) -> list[str]:
    """The items from offset `at` on, with a separator already chosen."""
    doubles = sign not in _CONTROL
    blank = BLANK.replace(sign, "")
    items: list[str] = []
    end = len(text)
    while True:
        while at < end and text[at] in blank:
            at += 1
        if at >= end:
            return items
        parts: list[str] = []
        while True:
            stop = text.find(sign, at)
            if stop < 0:
                stop = end
            parts.append(text[at:stop])
            at = stop + 1
            if not doubles or text[at : at + 1] != sign:
                break
            parts.append(sign)
            at += 1
        items.append("".join(parts).rstrip(BLANK))


def join_list(sign: str, items: Iterable[str]) -> str:
    """Items put together as `map`, `filter`, `sort` and `addresses` do it.

    Separators in an item are doubled; an item that is empty or starts with one gets a
    blank before it, unless it is the first.
    """
    parts: list[str] = []
    for item in items:
        if parts and (not item or item.startswith(sign)):
            parts.append(" " + item.replace(sign, sign + sign))
        else:
            parts.append(item.replace(sign, sign + sign))
    return sign.join(parts)
