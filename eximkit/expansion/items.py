"""Expansion items over plain strings (Exim specification, section 11.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion import digests
from eximkit.expansion.imap import imap_folder
from eximkit.expansion.jsontext import extract_json
from eximkit.expansion.numbers import argument
from eximkit.expansion.strings import (
    by_key,
    by_number,
    field_number,
    from_list,
    head,
    list_number,
    substring,
    translate,
)
from eximkit.expansion.values import ExpansionFailed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eximkit.expansion.textsettings import TextSettings

_NUMBER_FIELDS = 3


def apply_item(
    name: str, arguments: Sequence[str], settings: TextSettings | None
) -> str | None:
    """The text of an item that is in `ITEMS` or `SETTINGS_ITEMS`."""
    if name in SETTINGS_ITEMS:
        return SETTINGS_ITEMS[name](arguments, settings)
    return ITEMS[name](arguments)


def _extract(arguments: Sequence[str]) -> str | None:
    key = arguments[0].strip(BLANK)
    if not key:
        raise ExpansionFailed('first argument of "extract" must not be empty')
    number = field_number(key)
    if number is None:
        return by_key(key, arguments[1])
    if len(arguments) < _NUMBER_FIELDS:
        raise ExpansionFailed("missing '{' for arg 3 of extract", syntax=True)
    return by_number(number, arguments[1], arguments[2])


def _listextract(arguments: Sequence[str]) -> str | None:
    return from_list(list_number(arguments[0]), arguments[1])


def _length(arguments: Sequence[str]) -> str:
    return head(arguments[1], argument(arguments[0], "length", signed=False))


def _substr(arguments: Sequence[str]) -> str:
    start = argument(arguments[0], "substr", signed=True)
    length = None
    if len(arguments) > 2:
        length = argument(arguments[1], "substr", signed=False)
    return substring(arguments[-1], start, length)


def _hash(arguments: Sequence[str]) -> str:
    length = argument(arguments[0], "hash", signed=True)
    limit = 26
    if len(arguments) > 2:
        limit = argument(arguments[1], "hash", signed=False)
    return digests.hash_text(arguments[-1], length, limit)


def _nhash(arguments: Sequence[str]) -> str:
    first = argument(arguments[0], "nhash", signed=True)
    second = None
    if len(arguments) > 2:
        second = argument(arguments[1], "nhash", signed=False)
    return digests.nhash(arguments[-1], first, second)


def _listquote(arguments: Sequence[str]) -> str:
    sign, item = arguments[0][:1], arguments[1]
    if not item:
        return " "
    return item.replace(sign, sign + sign) if sign else item


SETTINGS_ITEMS: dict[str, Callable[[Sequence[str], TextSettings | None], str]] = {
    "imapfolder": imap_folder,
}
"""Items that main options change, None where these are not known."""

ITEMS: dict[str, Callable[[Sequence[str]], str | None]] = {
    "extract": _extract,
    "extract json": lambda arguments: extract_json(arguments, strings=False),
    "extract jsons": lambda arguments: extract_json(arguments, strings=True),
    "hash": _hash,
    "hmac": lambda arguments: digests.hmac(*arguments),
    "length": _length,
    "listextract": _listextract,
    "listquote": _listquote,
    "nhash": _nhash,
    "substr": _substr,
    "tr": lambda arguments: translate(*arguments),
}
"""Items by name, or name and format: from their expanded arguments to their text, None
for "not found" (then the `no` part of the tail counts).

They raise ExpansionFailed with Exim's message, or NotPure.
"""

PURE_ITEMS = frozenset((*ITEMS, *SETTINGS_ITEMS))
"""The items that `apply_item` answers."""
