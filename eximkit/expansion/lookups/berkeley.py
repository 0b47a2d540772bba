"""Databases of Berkeley DB: hashes and trees, as its releases 4 and 5 lay them out.

All pages are gone through once, so that neither the hash function nor the order of keys
matters. Numbers have the byte order of the machine that wrote them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache

from eximkit.expansion.world import NotAllowed

MAGIC = {0x061561: "hash", 0x053162: "tree"}
_HEADER = 26
_SMALLEST = 512
"""The octets of a small page."""
_HASH_PAGES = frozenset({2, 13})
_TREE_LEAF = 5
_OVERFLOW = 7
_INLINE, _SEVERAL, _ELSEWHERE = 1, 2, 3
"""Where an item of a page is: on it, on it with others of the key, on other pages."""
_DELETED = 0x80


class Damaged(Exception):
    """The pages do not hold what they should."""


@dataclass(slots=True)
class Pages:
    """A file. order: `<` or `>`, how its numbers are written."""

    octets: bytes
    order: str
    size: int
    tree: bool
    budget: int = field(init=False)

    def __post_init__(self) -> None:
        # What lies on other pages may be referred to by many items.
        self.budget = 4 * len(self.octets)

    def number(self, at: int, kind: str) -> int:
        try:
            value: int = struct.unpack_from(self.order + kind, self.octets, at)[0]
        except struct.error:
            raise Damaged from None
        return value

    def items(self, start: int) -> list[tuple[int, int]]:
        """Where each item of the page begins and ends."""
        count = self.number(start + 20, "H")
        places = [self.number(start + _HEADER + 2 * n, "H") for n in range(count)]
        if any(not _HEADER <= place < self.size for place in places):
            raise Damaged
        if self.tree:
            return [(start + place, start + self.size) for place in places]
        ends = [self.size, *places]
        return [
            (start + place, start + end)
            for place, end in zip(places, ends, strict=False)
        ]

    def item(self, at: int, end: int) -> bytes | None:
        """The octets of an item; None for one that has been deleted."""
        sort = self.number(at + 2 if self.tree else at, "B")
        if self.tree and sort & _DELETED:
            return None
        if sort == _INLINE:
            if self.tree:
                return self.octets[at + 3 : at + 3 + self.number(at, "H")]
            return self.octets[at + 1 : end]
        if sort == _ELSEWHERE:
            return self.elsewhere(self.number(at + 4, "I"), self.number(at + 8, "I"))
        if sort == _SEVERAL and not self.tree:
            return self.octets[at + 3 : at + 3 + self.number(at + 1, "H")]
        raise Damaged

    def elsewhere(self, page: int, length: int) -> bytes:
        """An item that has pages of its own."""
        found = bytearray()
        while page and len(found) < length:
            start = page * self.size
            if start + self.size > len(self.octets):
                raise Damaged
            if self.octets[start + 25] != _OVERFLOW:
                raise Damaged
            self.budget -= self.size
            if self.budget < 0:
                raise Damaged
            amount = self.number(start + 22, "H")
            found += self.octets[start + _HEADER : start + _HEADER + amount]
            page = self.number(start + 16, "I")
        return bytes(found[:length])


def opened(octets: bytes) -> Pages | None:
    """A file's pages, None for a file that is none of its own. Raises NotAllowed."""
    if len(octets) < _SMALLEST:
        return None
    for order in "<>":
        magic, version, size = struct.unpack_from(f"{order}III", octets, 12)
        kind = MAGIC.get(magic)
        if kind is not None:
            protected = octets[24] or octets[26] & 1
            regular = _SMALLEST <= size <= 65536 and not size & (size - 1)
            if protected or not regular or not 7 <= version <= 10:
                raise NotAllowed(f"a {kind} of Berkeley DB in form {version}")
            return Pages(octets, order, size, kind == "tree")
    return None


@lru_cache(maxsize=4)
def entries(pages_of: bytes) -> dict[bytes, bytes]:
    """All keys and data, the first of each key. Raises Damaged, NotAllowed."""
    pages = opened(pages_of)
    found: dict[bytes, bytes] = {}
    if pages is None:
        return found
    wanted = {_TREE_LEAF} if pages.tree else _HASH_PAGES
    for start in range(pages.size, len(pages_of) - pages.size + 1, pages.size):
        if pages_of[start + 25] not in wanted:
            continue
        items = pages.items(start)
        for key_at, data_at in zip(items[::2], items[1::2], strict=False):
            key, data = pages.item(*key_at), pages.item(*data_at)
            if key is not None and data is not None:
                found.setdefault(key, data)
    return found
