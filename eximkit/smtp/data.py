r"""The content of messages on the wire: dots, chunks, and where a message ends.

RFC 5321 4.5.2 and RFC 3030. Only CRLF.CRLF ends a message, and only CRLF ends a line:
what else looks like an end (LF.LF, LF.CRLF, CRLF.LF, CR.CR, …) is content, here and on
the way out, so that two servers never see two messages where a client sent one.
"""

from __future__ import annotations

import re

from eximkit.errors import LocalProtocolError

_ANY_END = re.compile(rb"\r\n|\r|\n")


def has_bare_ends(content: bytes) -> bool:
    """Whether there is a CR or an LF that is not part of a CRLF."""
    ends = content.count(b"\r\n")
    return not content.count(b"\r") == content.count(b"\n") == ends


def canonical(content: bytes) -> bytes:
    """Text from a file, each of its line ends made CRLF, with one at its end.

    For text of this side only. What came over SMTP has its line ends already, and a
    bare one in it must not become one.
    """
    text = _ANY_END.sub(b"\r\n", content)
    return text if not text or text.endswith(b"\r\n") else text + b"\r\n"


def stuffed(content: bytes) -> bytes:
    """Content as it follows DATA, CRLF.CRLF at its end included.

    Raises LocalProtocolError for bare line ends and for a last line without its end.
    """
    if has_bare_ends(content) or not (not content or content.endswith(b"\r\n")):
        raise LocalProtocolError("the lines of a message end in CRLF, the last as well")
    head = b"." if content.startswith(b".") else b""
    return head + content.replace(b"\r\n.", b"\r\n..") + b".\r\n"


class DotReader:
    """The content behind a DATA, as it arrives; at most four octets are held back.

    ended: CRLF.CRLF was there. size: octets of content so far, dots taken off. bare:
    whether there was a CR or an LF on its own.
    """

    __slots__ = ("_first", "_held", "_last", "bare", "ended", "size")

    def __init__(self) -> None:
        # The line end of DATA's own reply begins the first line (RFC 5321 4.5.2).
        self._held = b"\r\n"
        self._first = True
        self._last = b""
        self.ended = False
        self.size = 0
        self.bare = False

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Content that is certain now, and what stands behind the end of it."""
        data = self._held + octets
        content: list[bytes] = []
        at, rest = 0, b""
        while True:
            dot = data.find(b"\r\n.", at)
            if dot < 0:
                keep = _open_end(data, at)
                content.append(data[at : len(data) - keep])
                self._held = data[len(data) - keep :]
                break
            behind = data[dot + 3 : dot + 5]
            if behind == b"\r\n":
                content.append(data[at : dot + 2])
                self._held, rest = b"", data[dot + 5 :]
                self.ended = True
                break
            if b"\r\n".startswith(behind):
                content.append(data[at:dot])
                self._held = data[dot:]
                break
            content.append(data[at : dot + 2])
            at = dot + 3
        return self._counted(b"".join(content)), rest

    def _counted(self, content: bytes) -> bytes:
        if self._first and content:
            content = content[2:]
            self._first = False
        self.size += len(content)
        if content and not self.bare:
            # A CR at the seam is judged with the octet that follows it.
            self.bare = has_bare_ends(_seam(self._last, content))
            self._last = content[-1:]
        return content


def _seam(last: bytes, content: bytes) -> bytes:
    """Content with the CR before it; without the CR at its end."""
    joined = content if last != b"\r" else last + content
    return joined[:-1] if joined.endswith(b"\r") else joined


def _open_end(data: bytes, at: int) -> int:
    """How many octets at the end of data[at:] may begin a CRLF and a dot."""
    for size in (2, 1):
        if len(data) - at >= size and data.endswith(b"\r\n"[:size]):
            return size
    return 0


class ChunkReader:
    """The octets behind one BDAT. left: how many are still to come."""

    __slots__ = ("ended", "left")

    def __init__(self, size: int) -> None:
        self.left = size
        self.ended = size == 0

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Octets of the chunk, and what stands behind them."""
        mine = octets[: self.left]
        self.left -= len(mine)
        self.ended = not self.left
        return mine, octets[len(mine) :]
