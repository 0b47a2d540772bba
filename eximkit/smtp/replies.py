"""Replies: codes, texts, and their lines on the wire (RFC 5321 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp.lines import LineBuffer
from eximkit.smtp.states import CLOSING, Kind, kind

LINE = 512
"""The most octets of a reply line, its end included (RFC 5321 4.5.3.1.5): ours."""
LONGEST_LINE = 4096
"""What is read of others, who take that limit lightly."""
MOST_LINES = 500

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n\0]*))?\r\n")
_STATUS = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a server. code: 200 to 599. lines: its text, one str a line.

    Octets that are not UTF-8 are held as lone surrogates (`surrogateescape`).
    """

    code: int
    lines: tuple[str, ...]
    _octets: bytes = field(default=b"", init=False, repr=False, compare=False)

    @property
    def kind(self) -> Kind:
        return kind(self.code)

    @property
    def positive(self) -> bool:
        return self.code < 300

    @property
    def refused(self) -> bool:
        return self.code >= 400

    @property
    def permanent(self) -> bool:
        return self.code >= 500

    @property
    def status(self) -> str:
        """The enhanced status code, such as 5.1.1, or "" (RFC 2034)."""
        match = _STATUS.match(self.lines[0])
        return match[1] if match else ""

    @property
    def text(self) -> str:
        return " ".join(self.lines)

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


def reply(code: int, text: str = "", *more: str) -> Reply:
    """A reply of one line or several."""
    return Reply(code, (text, *more))


def encode(answer: Reply) -> bytes:
    """The lines of a reply. A text too long for one line goes over several.

    Raises LocalProtocolError for a code or a text that cannot be on the wire.
    """
    octets = answer._octets  # noqa: SLF001 - its own module's
    if not octets:
        # Most replies are the same for everybody: they are put into octets once.
        octets = _encode(answer.code, answer.lines)
        object.__setattr__(answer, "_octets", octets)
    return octets


def _encode(code: int, lines: tuple[str, ...]) -> bytes:
    if not 200 <= code <= 599 or not lines:
        raise LocalProtocolError(f"no reply has the code {code}")
    *more, last = lines
    text = "".join(lines) if more else last
    if len(text) <= LINE - 6 and text.isascii() and text.isprintable():
        # As almost all of ours are: each line is one on the wire.
        head = "".join([f"{code}-{line}\r\n" for line in more])
        return f"{head}{code} {last}\r\n".encode("ascii")
    return _encode_cut(code, lines)


def _encode_cut(number: int, lines: tuple[str, ...]) -> bytes:
    texts: list[bytes] = []
    room = LINE - 6
    for line in lines:
        octets = line.encode("utf-8", "surrogateescape")
        if re.search(rb"[\r\n\0]", octets):
            raise LocalProtocolError("the text of a reply has a line end or a NUL")
        texts += [octets[at : at + room] for at in range(0, len(octets), room)] or [b""]
    code = b"%d" % number
    return b"".join(
        b"%b%b%b\r\n" % (code, b"-" if more else b" ", text)
        for more, text in zip(range(len(texts) - 1, -1, -1), texts, strict=True)
    )


class ReplyReader:
    """Octets to replies, however they are cut.

    Strict, since a reply that is read otherwise than it was meant is taken for the
    answer to another command: lines end in CRLF, a code is three digits and the
    same in all lines of a reply. Memory is bounded: LONGEST_LINE, MOST_LINES.
    """

    __slots__ = ("_buffer", "_code", "_lines")

    def __init__(self) -> None:
        self._buffer = LineBuffer(LONGEST_LINE)
        self._code = 0
        self._lines: list[str] = []

    def __len__(self) -> int:
        """How many octets have been read and not been used, at least."""
        return len(self._buffer) + len(self._lines)

    def add(self, octets: bytes) -> None:
        self._buffer.add(octets)

    def clear(self) -> int:
        self._lines.clear()
        return self._buffer.clear()

    @property
    def may_be_closing(self) -> bool:
        """Whether what is here is, or may become, a 421."""
        code = b"%d" % CLOSING
        if self._lines:
            return self._code == CLOSING
        return any(
            len(self._buffer) == n and self._buffer.startswith(code[:n])
            for n in (0, 1, 2)
        ) or self._buffer.startswith(code)

    def next(self) -> Reply | None:
        """The next reply; None while it is not complete. Raises RemoteProtocolError."""
        while (line := self._buffer.line()) is not None:
            match = _LINE.fullmatch(line)
            if match is None:
                raise RemoteProtocolError(f"not a line of a reply: {line[:80]!r}")
            code = int(match[1])
            if self._lines and code != self._code:
                raise RemoteProtocolError(
                    f"a reply begins with {self._code} and goes on with {code}"
                )
            self._code = code
            self._lines.append((match[3] or b"").decode("utf-8", "surrogateescape"))
            if match[2] != b"-":
                lines = tuple(self._lines)
                self._lines.clear()
                return Reply(code, lines)
            if len(self._lines) >= MOST_LINES:
                raise RemoteProtocolError(f"a reply of more than {MOST_LINES} lines")
        if self._buffer.skipping:
            raise RemoteProtocolError(f"a reply line over {LONGEST_LINE} octets")
        return None
