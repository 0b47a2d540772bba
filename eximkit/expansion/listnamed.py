"""Named lists as `${listnamed:…}` shows them (Exim specification, section 11.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.lists import items_between, separator
from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYWORDS = {
    "a": "addresslist",
    "d": "domainlist",
    "h": "hostlist",
    "l": "localpartlist",
}
"""By the letter after the underscore, in the order in which Exim looks for a name."""

_ORDER = ("domainlist", "hostlist", "addresslist", "localpartlist")
_KINDS = {
    "addresslist": "address",
    "domainlist": "domain",
    "hostlist": "host",
    "localpartlist": "local part",
}
_MOST = 1 << 20
"""Octets that lists within lists may come to."""

_DEEPEST = 50


def shown(
    lists: Mapping[str, Mapping[str, str]], arguments: tuple[str, ...], name: str
) -> str:
    """The text of a list, unexpanded, lists that it names put in their place.

    arguments: what stands after the underscore. Raises ExpansionFailed.
    """
    suffix = arguments[0] if arguments else ""
    kind = KEYWORDS.get(suffix[:1]) if suffix else ""
    if kind is None:
        raise ExpansionFailed('bad suffix on "list" operator')
    return _shown(lists, kind, name, ())


def _shown(
    lists: Mapping[str, Mapping[str, str]],
    kind: str,
    name: str,
    within: tuple[str, ...],
) -> str:
    plain = name.removeprefix("+")
    kinds = (kind,) if kind else _ORDER
    text = next((lists[k][plain] for k in kinds if plain in lists.get(k, {})), None)
    if text is None:
        what = f"a {_KINDS[kind]} named list" if kind else "a named list"
        raise ExpansionFailed(f'"{plain}" is not {what}')
    if plain in within or len(within) > _DEEPEST:
        raise ExpansionFailed(f'the named list "{plain}" is part of itself')
    sign, start = separator(text)
    items: list[str] = []
    length = 0
    for item in items_between(sign, text, start):
        if item.startswith("+"):
            item = _shown(lists, kind, item, (*within, plain))  # noqa: PLW2901
        elif sign != ":":
            item = item.replace(":", "::")  # noqa: PLW2901
        length += len(item)
        if length > _MOST:
            raise ExpansionFailed(f'the named list "{plain}" is too long')
        items.append(item)
    return " : ".join(items)
