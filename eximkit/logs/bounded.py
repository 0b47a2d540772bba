"""Tables and sets that stay below a limit and still add up.

What is kept is decided by the key alone, by a number made from it: those with the
smallest numbers stay. A key that is kept in a sum was kept in each part of it, so its
count is exact, and sums are the same in whatever order they are made. What was not kept
is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

K = TypeVar("K")

HOST_LIMIT = 100_000
"""How many hosts are told apart in each direction: some 50 MB of them."""
KEY_LIMIT = 50_000
"""How many addresses, errors, relays and the like are told apart in each table: up to
some 20 MB of them."""
CONNECTION_LIMIT = 250_000
"""How many inbound connections are told apart."""
_SLACK = 1.25
"""A table may grow to this many times its limit before it is cut back."""


def _rank(key: bytes) -> tuple[int, bytes]:
    return crc32(key), key


@dataclass(slots=True)
class BoundedCounts:
    """Counts by key and kind, of at most `limit` keys.

    counts: by key, the counts by kind. overflow: what was counted of keys not kept.
    """

    limit: int
    counts: dict[bytes, dict[bytes, int]] = field(default_factory=dict)
    overflow: dict[bytes, int] = field(default_factory=dict)
    edge: tuple[int, bytes] | None = None
    """The greatest rank kept, once anything was dropped."""

    def add(self, key: bytes, kind: bytes, count: int) -> None:
        """Count something of one key."""
        kinds = self.counts.get(key)
        if kinds is None:
            if self.edge is not None and _rank(key) > self.edge:
                self.overflow[kind] = self.overflow.get(kind, 0) + count
                return
            self.counts[key] = {kind: count}
            if len(self.counts) > self.limit * _SLACK:
                self.cut()
        else:
            kinds[kind] = kinds.get(kind, 0) + count

    def update(self, other: BoundedCounts) -> None:
        """Add all of another table of the same limit."""
        for key, kinds in other.counts.items():
            for kind, count in kinds.items():
                self.add(key, kind, count)
        add_counts(self.overflow, other.overflow)
        if other.edge is not None and (self.edge is None or other.edge < self.edge):
            self.edge = other.edge
            self._drop(key for key in self.counts if _rank(key) > other.edge)
        self.cut()

    def cut(self) -> None:
        """Drop what is beyond the limit."""
        if len(self.counts) <= self.limit:
            return
        ranked = sorted(self.counts, key=_rank)
        self.edge = _rank(ranked[self.limit - 1])
        self._drop(ranked[self.limit :])

    def _drop(self, keys: Iterable[bytes]) -> None:
        for key in list(keys):
            add_counts(self.overflow, self.counts.pop(key))

    def totals(self) -> dict[bytes, int]:
        """The counts by kind, over all keys, kept or not."""
        total = dict(self.overflow)
        for kinds in self.counts.values():
            add_counts(total, kinds)
        return total


@dataclass(slots=True)
class BoundedTotals:
    """Totals by key, of at most `limit` keys; each key has `width` of them.

    overflow: the totals of all keys not kept.
    """

    limit: int
    width: int = 1
    totals: dict[bytes, list[int]] = field(default_factory=dict)
    overflow: list[int] = field(default_factory=list)
    edge: tuple[int, bytes] | None = None
    """The greatest rank kept, once anything was dropped."""

    def add(self, key: bytes, *numbers: int) -> None:
        """Add to the totals of a key: `width` numbers."""
        row = self.totals.get(key)
        if row is not None:
            for place, number in enumerate(numbers):
                row[place] += number
        elif self.edge is not None and _rank(key) > self.edge:
            self._overflow(numbers)
        else:
            self.totals[key] = list(numbers)
            if len(self.totals) > self.limit * _SLACK:
                self.cut()

    def update(self, other: BoundedTotals) -> None:
        """Add all of another table of the same limit."""
        for key, numbers in other.totals.items():
            self.add(key, *numbers)
        if other.overflow:
            self._overflow(other.overflow)
        if other.edge is not None and (self.edge is None or other.edge < self.edge):
            self.edge = other.edge
            self._drop([key for key in self.totals if _rank(key) > other.edge])
        self.cut()

    def cut(self) -> None:
        """Drop what is beyond the limit."""
        if len(self.totals) > self.limit:
            ranked = sorted(self.totals, key=_rank)
            self.edge = _rank(ranked[self.limit - 1])
            self._drop(ranked[self.limit :])

    def _drop(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._overflow(self.totals.pop(key))

    def _overflow(self, numbers: Iterable[int]) -> None:
        before = self.overflow or [0] * self.width
        self.overflow = [a + b for a, b in zip(before, numbers, strict=True)]


@dataclass(slots=True)
class BoundedSet:
    """At most `limit` members; `dropped` tells that there were more.

    `share` is then the part of all possible members that would have been kept.
    """

    limit: int
    members: set[bytes] = field(default_factory=set)
    edge: tuple[int, bytes] | None = None

    def update(self, members: Iterable[bytes]) -> None:
        """Add members."""
        edge = self.edge
        if edge is None:
            self.members.update(members)
        else:
            self.members.update(m for m in members if _rank(m) <= edge)
        if len(self.members) > self.limit * _SLACK:
            self.cut()

    def merge(self, other: BoundedSet) -> None:
        """Add all of another set of the same limit."""
        edges = [edge for edge in (self.edge, other.edge) if edge is not None]
        self.members |= other.members
        if edges:
            self.edge = edge = min(edges)
            self.members = {m for m in self.members if _rank(m) <= edge}
        self.cut()

    def cut(self) -> None:
        """Drop what is beyond the limit."""
        if len(self.members) > self.limit:
            ranked = sorted(self.members, key=_rank)[: self.limit]
            self.edge = _rank(ranked[-1])
            self.members = set(ranked)

    @property
    def dropped(self) -> bool:
        return self.edge is not None

    @property
    def share(self) -> float:
        return 1.0 if self.edge is None else (self.edge[0] + 1) / 2**32


def add_counts(into: dict[K, int], counts: Mapping[K, int]) -> None:
    """Add counts to counts."""
    for key, count in counts.items():
        into[key] = into.get(key, 0) + count
