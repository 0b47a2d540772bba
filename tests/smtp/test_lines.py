"""Lines out of octets, whatever they are cut into."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.smtp.lines import LineBuffer, TooLong

LIMIT = 8
PIECES = st.lists(st.text("ab\r\n", max_size=30).map(str.encode), max_size=12)


def lines(buffer: LineBuffer) -> list[bytes | None]:
    """The lines that are complete, None for one that is too long."""
    found: list[bytes | None] = []
    while True:
        try:
            line = buffer.line()
        except TooLong:
            found.append(None)
            continue
        if line is None:
            return found
        found.append(line)


@given(PIECES)
def test_cuts_make_no_difference(pieces: list[bytes]) -> None:
    *ended, rest = b"".join(pieces).split(b"\n")
    wanted = [line + b"\n" for line in ended]
    buffer = LineBuffer(LIMIT)
    found = []
    for piece in pieces:
        buffer.add(piece)
        found += lines(buffer)
    assert found == [line if len(line) <= LIMIT else None for line in wanted]
    assert buffer.skipping == (len(rest) > LIMIT)
    if not buffer.skipping:
        assert buffer.peek(99) == rest
        assert len(buffer) == len(rest)
        assert buffer.take(99) == rest
        assert len(buffer) == 0


@given(PIECES, st.integers(0, 40))
def test_octets_are_taken_as_they_are(pieces: list[bytes], most: int) -> None:
    buffer = LineBuffer(1000)
    for piece in pieces:
        buffer.add(piece)
    first = buffer.line() or b""
    taken = buffer.take(most)
    assert len(taken) <= most
    assert first + taken + buffer.take(10_000) == b"".join(pieces)


def test_what_is_used_is_neither_found_nor_counted() -> None:
    buffer = LineBuffer(100)
    buffer.add(b"one\r\ntwo\r\n")
    assert buffer.line() == b"one\r\n"
    assert b"one" not in buffer
    assert b"two" in buffer
    assert buffer.startswith(b"two")
    assert buffer.clear() == 5


@pytest.mark.parametrize("end", [b"part of a line", b"x" * 200])
def test_a_line_that_waits_keeps_no_more_than_itself(end: bytes) -> None:
    """A thousand clients that wait amid a line cost little, whatever came before."""
    buffer = LineBuffer(100)
    buffer.add(b"NOOP\r\n" * 10_000 + end)
    assert len(lines(buffer)) == 10_000
    assert sys.getsizeof(buffer.unused) < 200
