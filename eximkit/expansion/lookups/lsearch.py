"""Files that are searched line by line: `lsearch` (Exim specification, section 9.3).

A line begins with a key, bare or in double quotes; what follows, after blanks and a
colon, is the data, and lines that begin with a blank continue them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from eximkit.expansion.lookups.files import read_regular
from eximkit.expansion.lookups.table import Table
from eximkit.expansion.strings import lower, unescape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context

CHUNK = 4095
"""Exim reads lines in pieces of so many octets; a key ends with the first of them."""
BLANKS = " \t\n\v\f\r"
_INDEXED = 4
"""How many files are kept with their keys sorted out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """key: unescaped where it was quoted. rest: all that follows it, lines joined.

    data: rest without what parts it from the key.
    """

    key: str
    data: str
    rest: str
    quoted: bool

    @property
    def full(self) -> str:
        """The whole entry, as `ret=full` wants it: the key has lost its quotes."""
        return self.key + self.rest


def _chunks(text: str) -> Iterator[tuple[str, bool]]:
    """Pieces of lines, and whether a line ended with each. An octet zero cuts one."""
    at, end = 0, len(text)
    while at < end:
        stop = text.find("\n", at, at + CHUNK)
        stop = min(at + CHUNK, end) if stop < 0 else stop + 1
        piece, zero, _ = text[at:stop].partition("\0")
        at = stop
        ended = not zero and piece.endswith("\n")
        yield piece.rstrip(BLANKS) if ended else piece, ended


def entries(text: str) -> Iterator[Entry]:
    """The entries of a file, in order."""
    lines: list[str] = []
    fresh = True  # The piece at hand begins a line.
    for piece, ended in _chunks(text):
        begins, fresh = fresh, ended
        if not begins:
            if lines:
                lines.append(piece)
            continue
        if piece and piece[0] in BLANKS:
            if lines:
                lines.append(" " + piece.lstrip(BLANKS))
            continue
        if lines:
            yield _entry(lines)
        lines = [] if not piece or piece[0] == "#" else [piece]
    if lines:
        yield _entry(lines)


def _entry(lines: list[str]) -> Entry:
    first = lines[0]
    quoted = first.startswith('"')
    if quoted:
        end = 1
        while end < len(first) and first[end] != '"':
            end += 2 if first[end] == "\\" else 1
        key, rest = unescape(first[1:end]), first[end + 1 :]
    else:
        end = 0
        while end < len(first) and first[end] != ":" and first[end] not in BLANKS:
            end += 1
        key, rest = first[:end], first[end:]
    data = rest.lstrip(BLANKS)
    if data.startswith(":"):
        data = data[1:].lstrip(BLANKS)
    more = "".join(lines[1:])
    return Entry(key, data + more, rest + more, quoted)


@lru_cache(maxsize=_INDEXED)
def _index(text: str) -> dict[str, Entry]:
    """The entries by key in lower case; of several with one key the first counts."""
    found: dict[str, Entry] = {}
    for entry in entries(text):
        found.setdefault(lower(entry.key), entry)
    return found


@dataclass(frozen=True, slots=True)
class Lsearch(Table):
    """A file that is open for `lsearch`."""

    text: str
    full: bool

    def find(self, key: str) -> str | None:
        """The data of the first entry with this key; letter case does not count."""
        entry = _index(self.text).get(lower(key))
        if entry is None:
            return None
        return entry.full if self.full else entry.data


def open_lsearch(context: Context, path: str, kind: Kind) -> Lsearch:
    """Raises ExpansionFailed (file), NotAllowed."""
    return Lsearch(read_regular(context, path), kind.returns_all)
