"""Patterns that lines of a log are searched for.

Matching is PCRE2's, on octets, each line by itself, with limits: no pattern takes for
ever. Whole chunks are searched at once where that finds the same lines.
"""

from __future__ import annotations

import re
from itertools import accumulate, compress
from operator import ne
from typing import Any

from eximkit.errors import SettingsError
from eximkit.logs.possessive import compiled

_LIMITS = b"(*LF)(*LIMIT_MATCH=1000000)(*LIMIT_HEAP=32000)"
_FEW = 1 << 12
"""Matches are few if there is no more than one in so many octets."""

# What a pattern may consist of so that a match in a line is one in the text around it,
# and the other way round, once nothing in it can match a line end: nothing looks at
# what is not matched, or refuses to try again, or asks for the end of the text.
_PLAIN = compiled(
    rb"""(?:
      [^\\()\[*+?}]                   # itself, or an operator that asks for no more
    | \\[^A-Za-z0-9\n] | \\[dDwWsSbBtafe]
    | \((?:\?(?:[ix]+(?::|(?=\))) | :) | (?![?*]))
    | \)
    | [*+?}](?![+])                   # not possessive
    | \[(?:\^?\]?)(?:
        [^\\\[\]\0-\x1f] | \[:[adlpuw][a-z]+:\] | \\[^A-Za-z0-9\n] | \\[dwS]
      )*\]
    )*+""",
    re.VERBOSE,
)
_LINE_ENDS = compiled(rb"\\[DWs]|\\.|\[(\^?)(\]?)(?:[^\]\\]|\\.)*\]", re.DOTALL)
_NO_LINE_END = {rb"\D": rb"[^\d\n]", rb"\W": rb"[^\w\n]", rb"\s": rb"[^\S\n]"}
_REFUSED = compiled(r"compilation failed at position (\d+); (.*)", re.DOTALL)


class Pattern:
    """What to look for in lines.

    text: a regular expression, or just itself if `literal`. Raises SettingsError.
    """

    def __init__(
        self, text: str, *, ignore_case: bool = False, literal: bool = False
    ) -> None:
        octets = text.encode("utf-8", "surrogateescape")
        if b"\n" in octets:
            raise SettingsError(f"a pattern of more than one line: {text!r}")
        if literal:
            octets = re.escape(octets)
        self.text = text
        self._line = _compiled(octets, ignore_case, text)
        self._chunk: Any = None
        if _PLAIN.fullmatch(octets):
            within = _LINE_ENDS.sub(_without_line_ends, octets)
            self._chunk = _compiled(within, ignore_case, text)

    def matches(self, line: bytes) -> bool:
        """Whether a line, without its LF, has it. Raises SettingsError."""
        from pcre2 import LibraryError  # type: ignore[import-untyped]

        try:
            return self._line.search(line) is not None
        except LibraryError as error:
            if str(error).startswith("UTF"):
                raise SettingsError(
                    f"pattern {self.text!r} asks for UTF-8, and some lines are not; "
                    "without (*UTF) it is compared octet by octet"
                ) from None
            raise SettingsError(
                f"matching {self.text!r} takes too long on some lines; "
                "a pattern with fewer nested repetitions means the same"
            ) from None

    def hits(self, lines: list[bytes], text: bytes) -> list[bool]:
        """For each line of a text (`lines_in`) whether it matches.

        Raises SettingsError.
        """
        marked = self._marked(text)
        if marked is None:
            return [self.matches(line.removesuffix(b"\n")) for line in lines]
        # A match after the last LF is none of any line; `map` leaves it out.
        return list(map(ne, map(len, lines), map(len, lines_in(marked))))

    def lines(self, text: bytes) -> list[int]:
        """Where the lines begin that match, in order. Raises SettingsError."""
        marked = self._marked(text)
        if marked is None or (len(marked) - len(text)) * _FEW > len(text):
            lines = lines_in(text)
            begins = accumulate(map(len, lines), initial=0)
            return list(compress(begins, self.hits(lines, text)))
        found: list[int] = []
        end = -1
        for match in self._chunk.finditer(text) if len(marked) > len(text) else ():
            start = match.start()
            if start > end:
                line = text.rfind(b"\n", 0, start) + 1
                if line < len(text):
                    found.append(line)
                end = text.find(b"\n", start)
                if end < 0:
                    break
        return found

    def _marked(self, text: bytes) -> bytes | None:
        """The text with an octet more for each match; None for line by line.

        It is one call for the whole text, and what is longer then has a match.
        """
        from pcre2 import LibraryError

        if self._chunk is None:
            return None
        try:
            marked: bytes = self._chunk.sub(b"\1$0", text)
        except LibraryError:
            # Too much for a chunk may be little enough for each line.
            return None
        return marked


def lines_in(text: bytes) -> list[bytes]:
    """The lines of a text, each but the last with its LF."""
    if b"\r" not in text:
        return text.splitlines(keepends=True)
    lines = [line + b"\n" for line in text.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _without_line_ends(found: re.Match[bytes]) -> bytes:
    token = found[0]
    if found[1]:
        # A bracket that comes first is no end of the class.
        return b"[^\\n" + (b"\\]" + token[3:] if found[2] else token[2:])
    return _NO_LINE_END.get(token, token)


def _compiled(octets: bytes, ignore_case: bool, text: str) -> Any:  # noqa: ANN401
    """PCRE2's pattern, which has no type. Raises SettingsError."""
    import pcre2

    flags = pcre2.MULTILINE | (pcre2.IGNORECASE if ignore_case else 0)
    try:
        try:
            return pcre2.compile(_LIMITS + octets, flags)
        except pcre2.PatternError:
            raise
        except pcre2.LibraryError:
            # Not every processor has a just-in-time compiler for it.
            return pcre2.compile(_LIMITS + octets, flags, jit=False)
    except pcre2.PatternError as error:
        found = _REFUSED.match(str(error))
        what, at = (found[2], int(found[1])) if found else (str(error), 0)
        place = max(0, at - len(_LIMITS))
        raise SettingsError(f"pattern {text!r}: {what} at character {place}") from None
