"""Which message each line of a log belongs to."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from eximkit.logs.chunks import PIECE
from eximkit.logs.patterns import lines_in
from eximkit.logs.pieces import join_pieces
from eximkit.logs.possessive import compiled
from eximkit.logs.syntax import (
    CLOCK,
    DATE,
    ISO_TIME,
    MESSAGE_ID,
    MILLISECONDS,
    PROCESS,
    SYSLOG_SOURCE,
    SYSLOG_TIME,
    ZONE,
)

_STAMP = (
    DATE + rb" " + CLOCK + rb"(?:" + MILLISECONDS + rb")?+(?: " + ZONE + rb")?+"
    rb"(?: " + PROCESS + rb")?+ "
)  # fmt: skip
_SYSLOG = (
    rb"(?:" + SYSLOG_TIME + rb"|" + ISO_TIME + rb")" + SYSLOG_SOURCE
    + rb"(?:\[\d{1,6}[/\\]\d{1,6}\] )?+(?:" + _STAMP + rb")?+(?:" + PROCESS + rb" )?+"
)  # fmt: skip
_HEAD = rb"(?:" + _STAMP + rb"|" + _SYSLOG + rb")(" + MESSAGE_ID + rb") "

# Each match is one line, whatever it is: the ids are then those of all lines in order.
_IDS = compiled(rb"^(?:" + _HEAD + rb")?+.*", re.MULTILINE)
_LINE = compiled(_HEAD)
_MARK = compiled(rb": \[\d{1,6}[/\\]\d{1,6}\] ")
_MENTION = compiled(rb"(?<![0-9A-Za-z])E?(" + MESSAGE_ID + rb")(?![0-9A-Za-z-])")
_TIME = compiled(
    rb"(?:(?:" + SYSLOG_TIME + rb"|" + ISO_TIME + rb")" + SYSLOG_SOURCE
    + rb"(?:\[\d{1,6}[/\\]\d{1,6}\] )?+)?+(?P<own>" + DATE + rb" " + CLOCK
    + rb"(?:" + MILLISECONDS + rb")?+(?: " + ZONE + rb")?+)"
    rb"|(?P<iso>" + ISO_TIME + rb")|(?P<syslog>" + SYSLOG_TIME + rb")"
)  # fmt: skip
_END = compiled(
    rb"(?:Completed(?: QT=[^ ]++)?+\n?\Z"
    rb"|(?![=<(*>-]).*\b(?:rejected (?:after DATA|by )|SMTP data timeout))"
)


class Lines(NamedTuple):
    """The lines of some text, and for each the id of its message or b"".

    An entry that syslog split is one line, with all that it is in the log.
    """

    lines: list[bytes]
    ids: list[bytes]


def lines_of(text: bytes) -> Lines:
    """The lines of some text, and the messages they belong to."""
    lines = lines_in(text)
    # After the last LF the expression finds an empty line that is none.
    return Lines(lines, _IDS.findall(text)[: len(lines)])


def in_pieces(text: bytes) -> bool:
    """Whether there may be entries that syslog split."""
    return _MARK.search(text) is not None


def put_together(found: Lines) -> Lines:
    """The lines, with what syslog split as one."""
    lines: list[bytes] = []
    ids: list[bytes] = []
    unfinished: dict[tuple[bytes, bytes], int] = {}
    for line, message in zip(*found, strict=True):
        piece = PIECE.match(line)
        if piece is not None:
            number, key = int(piece[3]), (piece[2], piece[4])
            first = unfinished.get(key)
            if number > 1 and first is not None:
                lines[first] += line
                continue
            if number == 1:
                unfinished[key] = len(lines)
        lines.append(line)
        ids.append(message)
    return Lines(lines, ids)


def content(line: bytes) -> bytes:
    """The text of an entry, its pieces joined."""
    return b"".join(join_pieces(line.rstrip(b"\n").split(b"\n")))


def id_at(text: bytes, line: int) -> bytes:
    """The id of the message that the line at this offset belongs to, or b""."""
    found = _LINE.match(text, line)
    return found[1] if found else b""


def ends_message(line: bytes) -> bool:
    """Whether a line with an id is the last one of its message, as a rule."""
    found = _LINE.match(line)
    return found is not None and _END.match(line, found.end()) is not None


def mentioned(line: bytes) -> list[bytes]:
    """The ids of other messages in a line, as of the one that a bounce reports on."""
    found = _LINE.match(line)
    return _MENTION.findall(line, found.end() if found else 0)


def time_of(line: bytes) -> datetime | None:
    """When a line was written; without a zone, as the clock said."""
    found = _TIME.match(line)
    try:
        if found is None:
            return None
        if found["syslog"]:
            # Any year with a 29th of February: only differences are asked for.
            text = b"2000 " + found["syslog"]
            return datetime.strptime(text.decode(), "%Y %b %d %H:%M:%S")  # noqa: DTZ007
        return datetime.fromisoformat((found["own"] or found["iso"]).decode())
    except ValueError:
        return None
