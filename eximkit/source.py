"""Where text came from: files, and text assembled from pieces of them.

Exim works on octets, and so does eximkit: text is held as one character per octet
(ISO 8859-1), which keeps every offset a byte offset. `decode` and `display` turn octets
into what a person reads; `octets` turns a person's text into octets.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

BLANK = " \t\n\r\f\v"
"""What Exim's readers take for white space: ASCII only, never U+0085 or U+00A0."""


def octets(text: str) -> str:
    """Text as a person typed it, one character per UTF-8 octet."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def decode(text: str) -> str:
    """Octet text as Unicode; octets that are not UTF-8 become surrogate escapes."""
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def display(text: str) -> str:
    """Octet text made safe for a terminal: no control character, nothing invalid."""
    shown = text.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown
    )


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """One file as it was read.

    path: as the user or the configuration named it, as a person reads it. data: its
    octets, one character each. included_from: the place of the `.include` that brought
    it, if any. generated: no such file exists, so that nothing in it can be edited.
    """

    path: str
    data: str
    included_from: Place | None = None
    generated: bool = False
    _starts: list[int] = field(default_factory=list, repr=False)

    def _line_starts(self) -> list[int]:
        if not self._starts:
            starts, at = [0], self.data.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.data.find("\n", at + 1)
            self._starts.extend(starts)
        return self._starts

    def line(self, offset: int) -> int:
        """The number, from 1, of the line that holds the octet at `offset`."""
        return bisect_right(self._line_starts(), min(offset, len(self.data)))

    def column(self, offset: int) -> int:
        """The column, from 1, in characters (not octets)."""
        before = self.data[self._line_starts()[self.line(offset) - 1] : offset]
        return len(before if before.isascii() else decode(before)) + 1

    def line_start(self, number: int) -> int:
        """The offset of the first octet of line `number` (from 1)."""
        return self._line_starts()[number - 1]

    def line_text(self, number: int) -> str:
        """Line `number` (from 1) without its line end, as octet text."""
        starts = self._line_starts()
        end = starts[number] if number < len(starts) else len(self.data)
        return self.data[starts[number - 1] : end].rstrip("\r\n")


@dataclass(frozen=True, slots=True, eq=False)
class Macro:
    """A macro in force: its replacement text, and where it was defined.

    place is None for macros of the command line (`-D`) and for built-in ones.
    """

    name: str
    value: Text
    place: Place | None = None
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class MacroUse:
    """A stretch of text supplied by a macro; `outer` if that stood in another macro."""

    macro: Macro
    offset: int
    outer: MacroUse | None = None


class Piece(NamedTuple):
    """Characters [start, end) of a text, and the octets of a file that they stand for.

    verbatim: character `start + i` is octet `offset + i`. Otherwise the whole piece
    stands for the `width` octets at `offset` (a macro's name, an escape in quotes).
    """

    start: int
    end: int
    file: SourceFile
    offset: int
    width: int
    verbatim: bool = True
    use: MacroUse | None = None

    def moved(self, by: int) -> Piece:
        """The same piece in a text in which it starts `by` characters later."""
        return Piece(
            self.start + by, self.end + by, self.file, self.offset, self.width,
            self.verbatim, self.use,
        )  # fmt: skip

    def cut(self, start: int, end: int) -> Piece:
        """The part of this piece within [start, end), which must overlap it."""
        low, high = max(start, self.start), min(end, self.end)
        if low == self.start and high == self.end:
            return self
        skipped = low - self.start
        use = self.use
        if use is not None and skipped:
            use = MacroUse(use.macro, use.offset + skipped, use.outer)
        if not self.verbatim:
            return Piece(low, high, self.file, self.offset, self.width, False, use)
        return Piece(low, high, self.file, self.offset + skipped, high - low, True, use)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A range of octets of a file, as the target of a text's position.

    exact: the text is, octet for octet, file.data[start:end], so that it can be edited.
    use: the macro that supplied the text, if one did; then [start, end) is its use.
    """

    file: SourceFile
    start: int
    end: int
    exact: bool = True
    use: MacroUse | None = None

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def line(self) -> int:
        return self.file.line(self.start)

    @property
    def column(self) -> int:
        return self.file.column(self.start)

    @property
    def end_line(self) -> int:
        return self.file.line(self.end)

    @property
    def end_column(self) -> int:
        """The column after the last character."""
        return self.file.column(self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """Text with the origin of each of its characters.

    pieces cover [0, len(text)) without gaps, in order. An empty text keeps one empty
    piece, so that it has a place too.
    """

    text: str
    pieces: tuple[Piece, ...]

    def __len__(self) -> int:
        return len(self.text)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def of(cls, file: SourceFile, start: int = 0, end: int | None = None) -> Text:
        """The octets [start, end) of a file, as they stand."""
        stop = len(file.data) if end is None else end
        length = stop - start
        return cls(file.data[start:stop], (Piece(0, length, file, start, length),))

    @classmethod
    def join(cls, texts: Iterable[Text]) -> Text:
        """The texts one after the other."""
        strings: list[str] = []
        pieces: list[Piece] = []
        length = 0
        first: Text | None = None
        for text in texts:
            first = text if first is None else first
            strings.append(text.text)
            pieces.extend(p.moved(length) if length else p for p in text.pieces
                          if p.end > p.start)  # fmt: skip
            length += len(text.text)
        if first is None:
            raise ValueError("nothing to join")
        if not pieces:
            pieces = list(first.pieces[:1])
        return cls("".join(strings), tuple(pieces))

    def slice(self, start: int, end: int | None = None) -> Text:
        """Characters [start, end), 0 <= start <= end <= len, origins kept."""
        stop = len(self.text) if end is None else end
        if start == 0 and stop == len(self.text):
            return self
        if start >= stop:
            at = self.place(start, start)
            return Text("", (Piece(0, 0, at.file, at.start, 0, True, at.use),))
        first = self.pieces[0]
        if len(self.pieces) == 1 and first.verbatim and first.use is None:
            # So nearly all texts are, and nearly all time goes here.
            length = stop - start
            piece = Piece(0, length, first.file, first.offset + start, length)
            return Text(self.text[start:stop], (piece,))
        within = self.pieces[self._find(start) : self._find(stop - 1) + 1]
        cut = [p.cut(start, stop) for p in within if p.end > p.start]
        moved = tuple(p.moved(-start) for p in cut) if start else tuple(cut)
        return Text(self.text[start:stop], moved)

    def strip(self) -> Text:
        """Without white space at either end."""
        left = len(self.text) - len(self.text.lstrip(BLANK))
        right = len(self.text.rstrip(BLANK))
        return self.slice(left, max(left, right))

    def replaced(self, start: int, end: int, macro: Macro) -> Text:
        """[start, end), where the macro's name stood, replaced by the macro's text."""
        at = self.place(start, end)
        width = at.end - at.start
        length = len(macro.value.text)
        piece = Piece(0, length, at.file, at.start, width, False,
                      MacroUse(macro, 0, at.use))  # fmt: skip
        inserted = Text(macro.value.text, (piece,))
        return Text.join((self.slice(0, start), inserted, self.slice(end)))

    def _find(self, offset: int) -> int:
        """The index of the piece that holds character `offset`, or of the last one."""
        pieces = self.pieces
        if len(pieces) == 1:
            return 0
        low, high = 0, len(pieces) - 1
        while low < high:
            middle = (low + high) // 2
            if pieces[middle].end > offset:
                high = middle
            else:
                low = middle + 1
        return low

    def place(self, start: int, end: int | None = None) -> Place:
        """Where characters [start, end) came from; an empty range is a position.

        The range is that of the file of the first character; text from other files
        (an include in the middle of a continuation) does not widen it.
        """
        stop = start if end is None else end
        first = self.pieces[self._find(start)]
        if stop <= start:
            # The end of the text belongs to the last piece.
            if not first.verbatim:
                at = first.offset + (first.width if start >= first.end else 0)
            else:
                at = first.offset + min(start, first.end) - first.start
            return Place(first.file, at, at, first.use is None, first.use)
        low = first.offset + (start - first.start if first.verbatim else 0)
        high = low
        exact = first.use is None
        for piece in self.pieces[self._find(start) : self._find(stop - 1) + 1]:
            exact = exact and piece.verbatim and piece.file is first.file
            if piece.file is not first.file:
                continue
            if piece.verbatim:
                high = max(high, piece.offset + min(stop, piece.end) - piece.start)
            else:
                high = max(high, piece.offset + piece.width)
        exact = exact and high - low == stop - start
        return Place(first.file, low, high, exact, first.use)
