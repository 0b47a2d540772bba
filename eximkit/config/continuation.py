"""A logical line in the making: physical lines and the backslashes that join them."""

from __future__ import annotations

from eximkit.source import BLANK, Text


class Gathered:
    """What a logical line is made of, so far. length: in characters."""

    __slots__ = ("_ends", "_texts", "length")

    def __init__(self) -> None:
        self._texts: list[Text] = []
        self._ends: list[int] = []
        self.length = 0

    @property
    def count(self) -> int:
        return len(self._texts)

    def add(self, text: Text) -> None:
        self._texts.append(text)
        self._ends.append(len(text))
        self.length += len(text)

    def strip(self) -> None:
        """Drop the blanks at the end."""
        while self.length and self._last() in BLANK:
            self._drop()

    def take_backslash(self) -> bool:
        """Drop the last character if it is a backslash; whether it was."""
        found = self._last() == "\\"
        if found:
            self._drop()
        return found

    def text(self) -> Text:
        ends = zip(self._texts, self._ends, strict=True)
        texts = [text.slice(0, end) for text, end in ends]
        return texts[0] if len(texts) == 1 else Text.join(texts)

    def _last(self) -> str:
        # The first part stays when it is empty: it still has a place.
        while self._ends[-1] == 0 and len(self._ends) > 1:
            self._ends.pop()
            self._texts.pop()
        return self._texts[-1].text[self._ends[-1] - 1]

    def _drop(self) -> None:
        self._ends[-1] -= 1
        self.length -= 1
