"""Quoted values and lists: Exim's results, and the origin of every character."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.config.quoting import split_list, take_word, unquote, unquote_word
from eximkit.source import BLANK, SourceFile, Text

if TYPE_CHECKING:
    from pathlib import Path


def text(data: str) -> Text:
    return Text.of(SourceFile("conf", data))


# What exim -bP shows of smtp_banner for each of these values (None: it refuses).
VALUES = [
    ('"a\\tb"', "a\tb"),
    ('"a\\nb\\rc"', "a\nb\rc"),
    ('"a\\x41g"', "aAg"),
    ('"\\x4142\\q\\N\\"z"', 'A42qN"z'),
    ('"a\\1234"', "aS4"),
    ('"a\\9"', "a9"),
    ('"a\\0b"', "a"),
    ('"a\\xg"', "a"),
    ('"\\400"', ""),
    ('""', ""),
    ('"a"  ', "a"),
    ('"a # b"', "a # b"),
    ('a "b\\tc"', 'a "b\\tc"'),
    ("'a'", "'a'"),
    ('"a', None),
    ('"', None),
    # The last quote is escaped, which Exim does not notice.
    ('"a\\"', 'a"'),
    ('"\\"', '"'),
    ('"a\\"b', None),
    ('"a" b', None),
    ('"a"b', None),
    ('"a" # b', None),
    ('"a\\', None),
]


@pytest.mark.parametrize(("value", "stored"), VALUES)
def test_quotes(value: str, stored: str | None) -> None:
    got = unquote(text(value), "smtp_banner")
    assert got.quoted == value.startswith('"')
    if stored is None:
        assert got.problem is not None
        assert got.problem.code == "EXS232"
        assert got.problem.refuses
        assert "smtp_banner" in got.problem.message
    else:
        assert got.problem is None
        assert got.text.text == stored


def test_exim_agrees_on_quotes(exim: Path, tmp_path: Path) -> None:
    path = tmp_path / "conf"
    for value, stored in VALUES:
        # A backslash at the end would continue the line.
        path.write_text(f"keep_environment =\nsmtp_banner = {value}\n", "latin-1")
        shown = subprocess.run(
            [exim, "-C", path, "-bP", "smtp_banner"], capture_output=True, check=False
        )
        if stored is None:
            assert shown.returncode != 0, value
        else:
            # It shows control characters as escapes.
            escaped = "".join({"\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(c, c)
                              for c in stored)  # fmt: skip
            expected = f"smtp_banner = {escaped}".encode("latin-1")
            assert shown.stdout.rstrip() == expected.rstrip(), value


def test_a_comment_after_a_quoted_value_is_explained() -> None:
    got = unquote(text('"a" # b'))
    assert got.problem is not None
    assert "#" in got.problem.hint
    assert (got.problem.place.start, got.problem.place.end) == (4, 7)


def test_escapes_keep_their_place() -> None:
    got = unquote(text('"ab\\tc\\x41\\"d"')).text
    assert got.text == 'ab\tcA"d'
    where = [(got.place(i, i + 1).start, got.place(i, i + 1).end)
             for i in range(len(got))]  # fmt: skip
    assert where == [(1, 2), (2, 3), (3, 5), (5, 6), (6, 10), (10, 12), (12, 13)]
    exact = [got.place(i, i + 1).exact for i in range(len(got))]
    assert exact == [True, True, False, True, False, False, True]
    assert got.place(2, 5).start == 3
    assert got.place(2, 5).end == 10


@given(st.text(st.characters(max_codepoint=255), max_size=60), st.booleans())
def test_any_value_is_unquoted_and_traced(data: str, quoted: bool) -> None:
    value = f'"{data}"' if quoted else data
    got = unquote(text(value)).text
    at = 0
    for piece in got.pieces:
        assert piece.start == at
        at = piece.end
        source = value[piece.offset : piece.offset + piece.width]
        shown = got.text[piece.start : piece.end]
        assert source == shown if piece.verbatim else source.startswith("\\")
    assert at == len(got.text)


@given(st.text('ab \\"\t', max_size=30))
def test_words(data: str) -> None:
    word, rest = unquote_word(data)
    taken, left = take_word(text(data))
    assert (taken.text.text, left.text) == (word, rest)
    if not data.startswith('"'):
        assert word + rest == data
        assert not any(c in BLANK for c in word)


LISTS = [
    ("a : b:c::d : : e : ", ["a", "b", "c:d", "", "e"]),
    ("<; a;b;;c ; ", ["a", "b;c"]),
    ("  <; a;b", ["a", "b"]),
    (":", [""]),
    (": :", ["", ""]),
    ("", []),
    ("  ", []),
    ("::::1", ["::1"]),
    ("127.0.0.1 : ::::1", ["127.0.0.1", "::1"]),
    (":::b", [":", "b"]),
    ("a::", ["a:"]),
    ("a:::", ["a:"]),
    ("<1 a1b", ["<1 a1b"]),
    ("< a:b", ["< a", "b"]),
    ("< ;a;b", ["< ;a;b"]),
    ("<;;a", ["", "a"]),
    ("<; ;a", ["", "a"]),
    ("<<a<b<<c", ["a", "b<c"]),
    ("<-a-b", ["a", "b"]),
    ("<_a_b", ["a", "b"]),
    ("</", []),
    ("\ta\n:b\n", ["a", "b"]),
    # Control characters cannot be doubled.
    ("<\n a\nb\n\nc", ["a", "b", "", "c"]),
    ("<\t a\tb\t\tc", ["a", "b", "", "c"]),
    ("<\n\na\n", ["", "a"]),
    ("<\x7fa\x7f\x7fb", ["a", "", "b"]),
    # No separator: beyond ASCII.
    ("<\x80a\x80b", ["<\x80a\x80b"]),
]


@pytest.mark.parametrize(("value", "items"), LISTS)
def test_lists(value: str, items: list[str]) -> None:
    assert [item.text for item in split_list(text(value))] == items


def test_exim_agrees_on_lists(exim: Path, tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_text("keep_environment =\n", "latin-1")
    for value, items in LISTS:
        escaped = "".join(f"\\x{ord(c):02x}" for c in value)
        # A map puts the separator back, so that brackets alone tell the items apart.
        asked = subprocess.run(
            [exim, "-C", path, "-be", f"${{reduce{{{escaped}}}{{}}{{$value[$item]}}}}"],
            capture_output=True,
            check=True,
        )
        shown = asked.stdout.decode("latin-1").removesuffix("\n")
        assert shown == "".join(f"[{item}]" for item in items), value


def test_items_keep_their_place() -> None:
    items = split_list(text("<; ab ; c;;d ;e"))
    assert [item.place(0).start for item in items] == [3, 8, 14]
    doubled = items[1]
    assert doubled.text == "c;d"
    assert doubled.place(2, 3).start == 11
    assert not doubled.place(0, 3).exact
    assert items[0].place(0, 2).exact


def test_a_newline_named_before_expansion() -> None:
    value = text("<\\n a:b \\n c\\n\\nd")
    assert [item.text for item in split_list(value, unexpanded=True)] == [
        "a:b", "c", "", "d",
    ]  # fmt: skip


@given(st.text(":;< ab\n\\", max_size=40))
def test_any_list_is_split_and_traced(data: str) -> None:
    for item in split_list(text(data)):
        assert item.text == item.text.strip(BLANK)
        for piece in item.pieces:
            shown = item.text[piece.start : piece.end]
            assert data[piece.offset : piece.offset + piece.width] == shown


def test_long_lists_are_split_in_linear_time() -> None:
    assert len(split_list(text("a : " * 100_000))) == 100_000
    assert len(split_list(text(":" * 100_000))) == 1
