"""Where regular expressions stand: items of lists, arguments of `match` and `sg`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.lists import separator
from eximkit.expansion.nodes import Condition, Item
from eximkit.expansion.walk import walk
from eximkit.lint.rules.cells import HOLE, cells, text_of
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.expansion.nodes import Expansion
    from eximkit.lint.rules.cells import Cell

LISTS = frozenset({"domain", "host", "address", "localpart"})
"""Kinds of lists in which an item that starts with `^` is a regular expression."""

_LIST_CONDITIONS = frozenset({"match_domain", "match_address", "match_local_part"})


def patterns(
    text: str, tree: Expansion, *, listed: bool, every: bool
) -> Iterator[tuple[Sequence[Cell], bool]]:
    """The regular expressions of a string; whether each is an item of a list.

    listed: the string itself is a list of LISTS. every: it is a list of nothing else.
    """
    if listed or every:
        for item in _items(cells(text, tree), every=every):
            yield item, True
    for node in walk(tree):
        if isinstance(node, Condition) and len(node.arguments) > 1:
            argument = cells(text, node.arguments[1])
            if node.name == "match":
                yield argument, False
            elif node.name in _LIST_CONDITIONS:
                for item in _items(argument, every=False):
                    yield item, True
        elif isinstance(node, Item) and node.name == "sg" and len(node.arguments) > 1:
            yield cells(text, node.arguments[1]), False


def _items(row: list[Cell], *, every: bool) -> Iterator[list[Cell]]:
    """The items of a list that are regular expressions.

    A list that begins with what is not known may have any separator.
    """
    text = text_of(row)
    sign, at = separator(text)
    if text[at : at + 1] == HOLE:
        return
    for item in _split(row, text, sign, at):
        pattern = item if every else _without_sign(item)
        if pattern and (every or pattern[0].char == "^"):
            yield pattern


def _split(row: list[Cell], text: str, sign: str, at: int) -> Iterator[list[Cell]]:
    """The items from offset `at` on, white space round them left out."""
    doubles = sign >= " " and sign != "\x7f"
    item: list[Cell] = []
    end = len(text)
    while at < end:
        stop = text.find(sign, at)
        stop = end if stop < 0 else stop
        item += row[at:stop]
        at = stop + 1
        if doubles and text[at : at + 1] == sign:
            item.append(row[stop])
            at += 1
            continue
        yield _stripped(item)
        item = []
    if item:
        yield _stripped(item)


def _stripped(item: list[Cell]) -> list[Cell]:
    text = text_of(item)
    start = len(text) - len(text.lstrip(BLANK))
    return item[start : len(text.rstrip(BLANK))]


def _without_sign(item: list[Cell]) -> list[Cell]:
    """Without the `!` that negates, and the white space after it."""
    if item and item[0].char == "!":
        at = 1
        while at < len(item) and item[at].char in BLANK:
            at += 1
        return item[at:]
    return item
