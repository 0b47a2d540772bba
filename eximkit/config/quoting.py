"""Quoted values and lists, with the origin of every character kept.

Exim specification, chapter 6, "String and list types" and "List construction".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.problem import Problem
from eximkit.source import BLANK, Piece, Text

if TYPE_CHECKING:
    from eximkit.source import Place

_QUOTED_PART = re.compile(
    r'[^"\\]+|\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{1,2}|[^0-7])', re.DOTALL
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_CONTROL = frozenset([*map(chr, range(32)), "\x7f"])


@dataclass(frozen=True, slots=True)
class Unquoted:
    """A value as Exim stores it. quoted: it stood in double quotes.

    problem: what is wrong with the quoting; the text is then what can be made of it.
    """

    text: Text
    quoted: bool
    problem: Problem | None = None


def unquote(value: Text, name: str = "") -> Unquoted:
    r"""The value of a string option: quotes are special only where it starts with one.

    value: what follows the `=` and the blanks after it. name: of the option, for the
    message. In quotes `\n \r \t \ooo \xhh` are escapes, and `\c` is `c`.
    """
    if not value.text.startswith('"'):
        return Unquoted(value, False)
    text, end = _unquoted(value, 0)
    of = f" of {name}" if name else ""
    if end < 0 and len(value) > 1 and value.text.endswith('"'):
        # Exim looks at the last character only, and does not see that it is escaped.
        return Unquoted(text, True)
    if end < 0:
        return Unquoted(
            text,
            True,
            _problem(f'no quote (") at the end of the value{of}', value.place(0, 1)),
        )
    rest = value.slice(end).strip()
    if not rest.text:
        return Unquoted(text, True)
    hint = "a # starts a comment only at the start of a line"
    problem = _problem(
        f"characters follow the closing quote{of}",
        rest.place(0, len(rest)),
        hint if rest.text[0] == "#" else "",
    )
    return Unquoted(text, True, problem)


def unquote_word(text: str) -> tuple[str, str]:
    """The first word of `text`, in quotes or up to white space, and what follows it.

    This is how the words of `route_list` and of retry and rewrite rules are read. A
    missing closing quote makes all the rest one word.
    """
    if text.startswith('"'):
        parts, end = _parts(text, 1)
        word = "".join(unescaped for _, _, unescaped in parts)
        closed = end < len(text)
        return word, text[end + 1 :] if closed else ""
    end = _word_end(text)
    return text[:end], text[end:]


def take_word(text: Text) -> tuple[Unquoted, Text]:
    """`unquote_word` for a text with origins; the rest keeps its leading blanks."""
    if not text.text.startswith('"'):
        end = _word_end(text.text)
        return Unquoted(text.slice(0, end), False), text.slice(end)
    word, end = _unquoted(text, 0)
    if end < 0:
        problem = _problem('no closing quote (")', text.place(0, 1))
        return Unquoted(word, True, problem), text.slice(len(text))
    return Unquoted(word, True), text.slice(end)


def split_list(
    value: Text, separator: str = ":", *, unexpanded: bool = False
) -> list[Text]:
    r"""The items of a list, trimmed, doubled separators made single.

    A leading `<c` changes the separator to the punctuation or control character c. A
    trailing empty item does not count. A control character cannot be doubled.
    unexpanded: the value is still to be expanded, so that `<\n` names the newline, and
    `\n` written out is one.
    """
    text = value.text
    at = _blanks_end(text, 0)
    if text[at : at + 1] == "<" and len(text) > at + 1:
        if unexpanded and text[at + 1 : at + 3] in (r"\n", r"\t"):
            separator = text[at + 1 : at + 3]
        elif text[at + 1] in _PUNCTUATION or text[at + 1] in _CONTROL:
            separator = text[at + 1]
        else:
            return _items(value, text, at, separator)
        at += 1 + len(separator)
    return _items(value, text, at, separator)


def _items(value: Text, text: str, at: int, separator: str) -> list[Text]:
    items: list[Text] = []
    doubling = len(separator) == 1 and separator not in _CONTROL
    end, width = len(text), len(separator)
    while True:
        at = _blanks_end(text, at, separator)
        if at >= end:
            return items
        parts: list[Text] = []
        start = at
        while True:
            stop = text.find(separator, start)
            if stop < 0:
                stop = at = end
                break
            at = stop + width
            if not doubling or not text.startswith(separator, at):
                break
            parts.append(value.slice(start, at))
            start = at = at + width
        parts.append(value.slice(start, stop))
        item = parts[0] if len(parts) == 1 else Text.join(parts)
        items.append(item.slice(0, len(item.text.rstrip(BLANK))))


def _blanks_end(text: str, at: int, separator: str = "") -> int:
    """The first character from `at` on that is no blank, or is the separator."""
    while at < len(text) and text[at] in BLANK and text[at] != separator:
        at += 1
    return at


def _word_end(text: str) -> int:
    match = re.search(r"[ \t\n\r\f\v]", text)
    return match.start() if match else len(text)


def _parts(text: str, at: int) -> tuple[list[tuple[int, int, str]], int]:
    """Quoted text from `at` on: stretches with what they mean, and where it ends.

    The end is that of the closing quote, or the length of the text without one.
    """
    parts: list[tuple[int, int, str]] = []
    while match := _QUOTED_PART.match(text, at):
        at = match.end()
        parts.append((match.start(), at, _unescaped(match[0])))
    if at == len(text) - 1 and text[at] == "\\":
        parts.append((at, at + 1, "\\"))
        at += 1
    return parts, at


def _unescaped(part: str) -> str:
    if part[0] != "\\":
        return part
    code = part[1:]
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    if code[0] == "x":
        return chr(int(code[1:] or "0", 16))
    return _ESCAPES.get(code, code)


def _unquoted(value: Text, at: int) -> tuple[Text, int]:
    """The quoted text that starts at `at`, and the offset after it, or -1."""
    parts, end = _parts(value.text, at + 1)
    texts = [
        _stretch(value, start, stop, unescaped) for start, stop, unescaped in parts
    ]
    text = Text.join(texts) if texts else value.slice(at + 1, at + 1)
    nul = text.text.find("\0")
    if nul >= 0:
        # A string of Exim's ends there.
        text = text.slice(0, nul)
    return text, end + 1 if end < len(value) else -1


def _stretch(value: Text, start: int, stop: int, unescaped: str) -> Text:
    if value.text[start:stop] == unescaped:
        return value.slice(start, stop)
    place = value.place(start, stop)
    piece = Piece(
        0, len(unescaped), place.file, place.start, place.end - place.start, False,
        place.use,
    )  # fmt: skip
    return Text(unescaped, (piece,))


def _problem(message: str, place: Place, hint: str = "") -> Problem:
    return Problem("EXS232", message, place, hint=hint, refuses=True)
