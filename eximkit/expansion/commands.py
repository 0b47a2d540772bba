"""Commands as Exim splits them into words (Exim specification, section 29.3)."""

from __future__ import annotations

import re

from eximkit.expansion.strings import unescape
from eximkit.source import BLANK

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)', re.DOTALL)
_PLAIN = re.compile(r"[^ \t\n\r\f\v]*", re.ASCII)


def split_command(text: str) -> list[str]:
    """The words of a command; quotes only count where they start one.

    Double quotes allow escapes, single quotes nothing. A quote that is not closed goes
    to the end.
    """
    words: list[str] = []
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in BLANK:
            at += 1
        if at >= end:
            return words
        if text[at] == "'":
            stop = text.find("'", at + 1)
            stop = end if stop < 0 else stop
            words.append(text[at + 1 : stop])
            at = stop + 1
            continue
        quoted = _QUOTED.match(text, at)
        if quoted is not None:
            words.append(unescape(quoted[1]))
            at = quoted.end()
            continue
        plain = _PLAIN.match(text, at)
        stop = plain.end() if plain else end
        words.append(text[at:stop])
        at = stop
