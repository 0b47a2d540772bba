from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import LocalProtocolError
from eximkit.smtp import data
from eximkit.smtp.data import ChunkReader, DotReader
from eximkit.smtp.intake import Intake

ENDS = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r", b"\n\n", b"\0\r\n")


def read(octets: bytes, cuts: tuple[int, ...] = ()) -> tuple[bytes, bytes, DotReader]:
    """Content, what is behind its end, and the reader."""
    reader = DotReader()
    content = rest = b""
    places = (0, *cuts, len(octets))
    for start, end in itertools.pairwise(places):
        if reader.ended:
            rest += octets[start:end]
            continue
        more, rest = reader.feed(octets[start:end])
        content += more
    return content, rest, reader


@pytest.mark.parametrize(
    ("octets", "content"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..a\r\n...\r\n.\r\n", b".a\r\n..\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n"),
    ],
)
def test_dots(octets: bytes, content: bytes) -> None:
    behind = b"RSET\r\n"
    for cut in range(len(octets + behind) + 1):
        assert read(octets + behind, (cut,))[:2] == (content, behind)


NO_END = [
    (before, after)
    for before, after in itertools.product(ENDS, repeat=2)
    if not (before.endswith(b"\r\n") and after.startswith(b"\r\n"))
]


@pytest.mark.parametrize(("before", "after"), NO_END)
def test_only_crlf_dot_crlf_ends_a_message(before: bytes, after: bytes) -> None:
    text = b"a" + before + b"." + after + b"MAIL FROM:<evil@x.example>\r\n"
    octets = text + b".\r\n"
    for cut in range(len(octets) + 1):
        content, rest, reader = read(octets, (cut,))
        assert reader.ended
        assert rest == b""
        assert reader.bare == data.has_bare_ends(text)
        assert b"evil" in content
        assert content.count(b"\n") == text.count(b"\n")


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n."])))
def test_what_is_sent_is_what_is_read(parts: list[bytes]) -> None:
    content = data.canonical(b"".join(parts))
    assert data.canonical(content) == content
    octets = data.stuffed(content)
    assert octets.count(b"\r\n.\r\n") <= 1
    got, rest, reader = read(octets + b"QUIT\r\n")
    assert (got, rest) == (content, b"QUIT\r\n")
    assert not reader.bare


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n."])),
    st.data(),
)
def test_cuts_make_no_difference(parts: list[bytes], cuts: st.DataObject) -> None:
    octets = b"".join(parts) + b"\r\n.\r\nrest"
    places = cuts.draw(st.lists(st.integers(0, len(octets)), max_size=8).map(sorted))
    content, rest, reader = read(octets, tuple(places))
    alike = read(octets)
    assert (content, rest, reader.size) == (*alike[:2], alike[2].size)
    assert reader.bare == alike[2].bare == data.has_bare_ends(content)
    # The end is the first CRLF.CRLF of what was sent, the line of DATA before it.
    end = (b"\r\n" + octets).index(b"\r\n.\r\n")
    assert rest == octets[end + 3 :]


@pytest.mark.parametrize("content", [b"a", b"a\n", b"a\r", b"\r\r\n", b"a\n\r\n"])
def test_a_client_sends_no_bare_ends(content: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        data.stuffed(content)


@pytest.mark.parametrize(
    ("content", "bare"),
    [
        (b"", False),
        (b"a\r\nb\r\n", False),
        (b"a\nb\r\n", True),
        (b"a\rb\r\n", True),
        (b"\r\r\n", True),
        (b"\r\n\n", True),
        (b"\n\r", True),
        (b"a\r", True),
    ],
)
def test_bare_ends(content: bytes, bare: bool) -> None:
    assert data.has_bare_ends(content) is bare


def test_text_from_a_file() -> None:
    assert data.canonical(b"a\nb\r\nc\rd") == b"a\r\nb\r\nc\r\nd\r\n"
    assert data.canonical(b"") == b""


def test_chunks() -> None:
    reader = ChunkReader(5)
    assert reader.feed(b"abc") == (b"abc", b"")
    assert not reader.ended
    assert reader.feed(b"deQUIT") == (b"de", b"QUIT")
    assert reader.ended


@pytest.mark.parametrize(
    "content", [b"a\r\nb\r\n", b"a\rb\r\n", b"a\nb", b"\r\n\r", b""]
)
def test_bare_ends_in_chunks_are_seen_across_seams(content: bytes) -> None:
    for cut in range(len(content) + 1):
        intake = Intake(0)
        for part in (content[:cut], content[cut:]):
            intake.kept(part, ChunkReader(0))
        intake.end()
        assert intake.bare == data.has_bare_ends(content)


def test_beyond_the_limit_nothing_is_kept() -> None:
    intake = Intake(4)
    reader = ChunkReader(0)
    assert intake.kept(b"abcd", reader) == b"abcd"
    assert not intake.too_large
    assert intake.kept(b"e", reader) == b""
    assert intake.too_large
    assert intake.size == 5
