"""Text with origins: every operation keeps them, and places say the truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.source import (
    BLANK,
    Macro,
    Place,
    SourceFile,
    Text,
    decode,
    display,
    octets,
)

FILE = SourceFile("f", "one two\nthree\tfour\r\n\nfive")
OTHER = SourceFile("g", "0123456789")
MACRO = Macro("M", Text.of(SourceFile("m", "value")), Place(FILE, 0, 1))


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Texts put together from stretches of files, some with macros in them."""
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        file = draw(st.sampled_from([FILE, OTHER]))
        start = draw(st.integers(0, len(file.data)))
        part = Text.of(file, start, draw(st.integers(start, len(file.data))))
        if len(part) > 1 and draw(st.booleans()):
            at = draw(st.integers(0, len(part) - 1))
            part = part.replaced(at, at + 1, MACRO)
        parts.append(part)
    return Text.join(parts)


def assert_sound(text: Text) -> None:
    at = 0
    for piece in text.pieces:
        assert piece.start == at
        at = piece.end
        shown = text.text[piece.start : piece.end]
        if piece.verbatim:
            assert piece.file.data[piece.offset : piece.offset + piece.width] == shown
        else:
            assert piece.use is not None
            value = piece.use.macro.value.text
            assert value[piece.use.offset : piece.use.offset + len(shown)] == shown
    assert at == len(text.text)


@given(texts(), st.integers(0, 40), st.integers(0, 40))
def test_slices_keep_origins(text: Text, first: int, second: int) -> None:
    assert_sound(text)
    start, end = sorted(min(n, len(text)) for n in (first, second))
    cut = text.slice(start, end)
    assert cut.text == text.text[start:end]
    assert_sound(cut)
    assert_sound(text.strip())
    assert text.strip().text == text.text.strip(BLANK)
    if start < end:
        whole, part = text.place(start, end), cut.place(0, end - start)
        assert (whole.file, whole.start, whole.end) == (part.file, part.start, part.end)
        assert whole.exact == part.exact


@given(texts(), st.integers(0, 40), st.integers(0, 40))
def test_places_are_in_the_file(text: Text, first: int, second: int) -> None:
    start, end = sorted(min(n, len(text)) for n in (first, second))
    place = text.place(start, end)
    assert 0 <= place.start <= place.end <= len(place.file.data)
    if place.exact:
        assert place.file.data[place.start : place.end] == text.text[start:end]
    assert place.line >= 1
    assert place.column >= 1


def test_joining_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Text.join([])
    assert Text.join([Text.of(FILE, 3, 3), Text.of(FILE, 5, 5)]).place(0).start == 3


def test_lines_and_columns() -> None:
    assert [FILE.line(n) for n in (0, 7, 8, 20, 21, 25)] == [1, 1, 2, 3, 4, 4]
    assert [FILE.line_text(n) for n in (1, 2, 3, 4)] == [
        "one two", "three\tfour", "", "five",
    ]  # fmt: skip
    assert FILE.column(21) == 1
    assert FILE.line_start(2) == 8
    accented = SourceFile("u", octets("é x"))
    assert accented.column(3) == 3


def test_a_macro_in_a_macro_names_both() -> None:
    outer = Macro("OUT", Text.of(SourceFile("o", "a M b")))
    text = Text.of(OTHER).replaced(2, 4, outer).replaced(4, 5, MACRO)
    assert text.text == "01a value b456789"
    assert_sound(text)
    use = text.place(6).use
    assert use is not None
    assert use.outer is not None
    assert [use.macro.name, use.outer.macro.name] == ["M", "OUT"]
    assert (text.place(6, 8).start, text.place(6, 8).end) == (2, 4)
    assert text.place(0, len(text)).exact is False


@given(st.text(), st.binary())
def test_octets_and_back(text: str, data: bytes) -> None:
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert decode(octets(text)) == text
    assert octets(decode(data.decode("latin-1"))) == data.decode("latin-1")
    assert display(data.decode("latin-1")).isprintable()
