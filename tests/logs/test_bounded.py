"""Tables and sets below a limit add up, in any order, and never lose a count."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs.bounded import BoundedCounts, BoundedSet

LIMIT = 5
KEYS = st.integers(0, 40).map(lambda n: b"host-%d" % n)
ROWS = st.lists(st.tuples(KEYS, st.sampled_from([b"L", b"L*", b""]), st.integers(1, 9)))
PARTS = st.lists(ROWS, min_size=1, max_size=5)


def table(rows: list[tuple[bytes, bytes, int]]) -> BoundedCounts:
    counts = BoundedCounts(LIMIT)
    for row in rows:
        counts.add(*row)
    return counts


def total(parts: list[BoundedCounts]) -> BoundedCounts:
    counts = BoundedCounts(LIMIT)
    for part in parts:
        counts.update(part)
    return counts


@given(PARTS, st.randoms())
def test_sums_of_tables_do_not_depend_on_order(
    parts: list[list[tuple[bytes, bytes, int]]], random: object
) -> None:
    whole = total([table(list(chain(*parts)))])
    assert total([table(rows) for rows in parts]) == whole
    assert total([table(rows) for rows in reversed(parts)]) == whole
    first, *others = [table(rows) for rows in parts]
    assert total([first, total(others)]) == whole
    random.shuffle(parts)  # type: ignore[attr-defined]
    assert total([total([table(rows)]) for rows in parts]) == whole


@given(ROWS)
def test_a_table_loses_no_count_and_keeps_exact_ones(
    rows: list[tuple[bytes, bytes, int]],
) -> None:
    true: Counter[tuple[bytes, bytes]] = Counter()
    for key, kind, count in rows:
        true[key, kind] += count
    counts = total([table(rows)])
    assert len(counts.counts) == min(LIMIT, len({key for key, _ in true}))
    assert sum(counts.totals().values()) == sum(true.values())
    for key, kinds in counts.counts.items():
        assert kinds == {kind: n for (k, kind), n in true.items() if k == key}
    assert bool(counts.overflow) == (len({key for key, _ in true}) > LIMIT)


@given(st.lists(st.lists(KEYS), min_size=1, max_size=5))
def test_sums_of_sets_do_not_depend_on_order(parts: list[list[bytes]]) -> None:
    def made(members: list[bytes]) -> BoundedSet:
        found = BoundedSet(LIMIT)
        found.update(members)
        return found

    def union(sets: list[BoundedSet]) -> BoundedSet:
        found = BoundedSet(LIMIT)
        for each in sets:
            found.merge(each)
        return found

    whole = union([made(list(chain(*parts)))])
    sets = [made(members) for members in parts]
    assert union(sets) == whole
    assert union(sets[::-1]) == whole
    assert union([sets[0], union(sets[1:])]) == whole
    assert len(whole.members) == min(LIMIT, len(set(chain(*parts))))
    assert whole.dropped == (len(set(chain(*parts))) > LIMIT)
    assert 0 < whole.share <= 1
