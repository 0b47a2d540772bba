"""Entries that syslog took in pieces are one line again."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs import pieces
from eximkit.logs.line import parse_line
from eximkit.logs.pieces import join_pieces
from eximkit.logs.record import Kind

ENTRY = (
    b"2026-01-02 03:04:05 10HmaX-000000005vi-0000 <= a@b H=x [192.0.2.1] P=esmtp L* "
    b"S=9 for r@x.example s@x.example t@x.example"
)


def cut(
    entry: bytes, ends: list[int], prefix: bytes, kind: bytes = b"/"
) -> list[bytes]:
    """An entry as syslog has it, cut at these places."""
    places = [0, *sorted(ends), len(entry)]
    total = len(places) - 1
    return [
        prefix + b"[%d%b%d] " % (n + 1, kind if n + 1 < total else b"/", total)
        + entry[places[n] : places[n + 1]]
        for n in range(total)
    ]  # fmt: skip


def test_an_entry_in_pieces_is_parsed_as_one() -> None:
    prefix = b"Jan  2 03:04:05 mx1 exim[12]: "
    (line,) = join_pieces(cut(ENTRY, [50, 60, 100], prefix))
    assert line == prefix + ENTRY
    record = parse_line(line)
    assert (record.kind, record.form, len(record.recipients)) == (Kind.ARRIVAL, "L*", 3)


def test_a_line_end_is_marked() -> None:
    prefix = b"2026-01-02T03:04:05Z mx1 exim[12]: "
    assert list(join_pieces(cut(b"ab", [1], prefix, b"\\"))) == [prefix + rb"a\nb"]


def test_pieces_of_others_may_stand_between() -> None:
    one = cut(ENTRY, [70], b"Jan  2 03:04:05 mx1 exim[12]: ")
    two = cut(ENTRY, [30], b"Jan  2 03:04:05 mx1 exim[13]: ")
    three = cut(ENTRY, [30], b"Jan  2 03:04:05 mx2 exim[12]: ")
    plain = [b"", ENTRY]
    found = list(
        join_pieces(
            [one[0], two[0], plain[0], three[0], two[1], plain[1], one[1], three[1]]
        )
    )
    assert found == [
        plain[0],
        b"Jan  2 03:04:05 mx1 exim[13]: " + ENTRY,
        plain[1],
        b"Jan  2 03:04:05 mx1 exim[12]: " + ENTRY,
        b"Jan  2 03:04:05 mx2 exim[12]: " + ENTRY,
    ]


def test_incomplete_entries_come_as_they_were() -> None:
    lines = cut(ENTRY, [20, 40], b"Jan  2 03:04:05 mx1 exim[12]: ")
    again = cut(ENTRY, [20, 40], b"Jan  2 03:04:06 mx1 exim[12]: ")
    assert list(join_pieces(lines[:2])) == lines[:2]
    assert list(join_pieces(lines[1:])) == lines[1:]
    left, joined = join_pieces([lines[0], *again])
    assert left == lines[0]
    assert joined.endswith(ENTRY)


def test_what_waits_is_bounded() -> None:
    waiting = [
        cut(ENTRY, [9], b"Jan  2 03:04:05 mx1 exim[%d]: " % n)[0]
        for n in range(pieces.PENDING_LIMIT + 5)
    ]
    assert list(join_pieces(waiting)) == waiting
    piece = b"Jan  2 03:04:05 mx1 exim[1]: [%d/9999] " + b"x" * 870
    endless = [piece % n for n in range(1, 300)]
    assert list(join_pieces(endless)) == endless


@given(
    st.lists(
        st.lists(st.integers(1, len(ENTRY) - 1), max_size=5, unique=True), max_size=6
    ),
    st.integers(),
)
def test_nothing_is_lost_in_whatever_order(ends: list[list[int]], seed: int) -> None:
    """Pieces of one process keep their order; those of several are mixed."""
    queues = [
        cut(ENTRY, each, b"Jan  2 03:04:05 mx1 exim[%d]: " % n)
        for n, each in enumerate(ends)
        if each
    ]
    chance = random.Random(seed)
    mixed = []
    left = [list(queue) for queue in queues]
    while any(left):
        mixed.append(chance.choice([queue for queue in left if queue]).pop(0))
    found = sorted(join_pieces(mixed))
    assert found == sorted(
        b"Jan  2 03:04:05 mx1 exim[%d]: " % n + ENTRY
        for n, each in enumerate(ends)
        if each
    )


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b"")), max_size=10))
def test_other_lines_are_left_alone(lines: list[bytes]) -> None:
    assert list(join_pieces(lines)) == lines
