"""The head of a line: syslog prefix, stamp, zone, process, message id.

Exim specification, chapter "Log files", sections "Where the logs are written", "Logging
to syslog" and "Logging identification".
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from eximkit.logs.record import Piece
from eximkit.logs.syntax import (
    CLOCK,
    DATE,
    MESSAGE_ID,
    MILLISECONDS,
    MONTHS,
    PROCESS,
    ZONE,
)

MONTH_NUMBERS = {name: number for number, name in enumerate(MONTHS, 1)}

STAMP = DATE + rb" " + CLOCK
# Exim's own part of the head; nothing of it need be there behind a syslog prefix.
_OWN = (
    rb"(?:(?P<milliseconds>" + MILLISECONDS + rb"))?+"
    rb"(?: (?P<zone>" + ZONE + rb"))?+"
    rb"(?: (?P<process>" + PROCESS + rb"))?+(?: |\Z)"
)
_ID = rb"(?:(?P<id>" + MESSAGE_ID + rb")(?: |\Z))?+"
_PLAIN = rb"(?P<stamp>" + STAMP + rb")" + _OWN + _ID
_SYSLOG = (
    rb"(?:(?P<month>" + b"|".join(MONTHS) + rb") (?P<day>[ \d]\d) (?P<clock>[ \d]\d:\d\d:\d\d"
    rb")|(?P<iso_date>" + DATE + rb")T(?P<iso_clock>" + CLOCK + rb")"
    rb"(?:\.(?P<fraction>\d{1,9}))?+(?P<iso_zone>Z|[+-]\d\d:\d\d))"
    rb" (?P<host>[^ \n]++) [^ \n\[\]:]++(?:\[(?P<pid>\d{1,10})\])?+: "
    rb"(?:\[(?P<number>\d{1,6})(?P<mark>[/\\])(?P<total>\d{1,6})\] )?+"
    rb"(?:(?P<stamp>" + STAMP + rb")" + _OWN + rb")?+" + _ID
)  # fmt: skip


class Head(NamedTuple):
    """What a line begins with; the text starts at `end`. See `LogRecord`."""

    end: int
    stamp: str
    milliseconds: int | None = None
    zone: str = ""
    process: int | None = None
    syslog_host: str = ""
    piece: Piece | None = None
    message_id: str = ""


@cache
def _plain() -> re.Pattern[bytes]:
    return re.compile(_PLAIN)


@cache
def _syslog() -> re.Pattern[bytes]:
    return re.compile(_SYSLOG)


def parse_head(line: bytes, year: int | None = None) -> Head | None:
    """The head of a line, or None where there is no whole one.

    year: of lines that have none, from syslog; None: 0000.
    """
    found = _plain().match(line)
    if found is not None:
        stamp, milliseconds, zone, process, message_id = found.groups()
        return Head(
            found.end(),
            stamp.decode(),
            None if milliseconds is None else int(milliseconds[1:]),
            "" if zone is None else zone.decode(),
            None if process is None else int(process[1:-1]),
            "",
            None,
            "" if message_id is None else message_id.decode(),
        )
    found = _syslog().match(line)
    return None if found is None else _of_syslog(found, year)


def _of_syslog(found: re.Match[bytes], year: int | None) -> Head:
    part = found.groupdict(b"")
    zone = part["zone"]
    milliseconds = part["milliseconds"][1:]
    if part["stamp"]:
        stamp = part["stamp"]
    elif part["month"]:
        month = MONTH_NUMBERS[part["month"]]
        day = part["day"].replace(b" ", b"0")
        clock = part["clock"].replace(b" ", b"0")
        stamp = b"%04d-%02d-%b %b" % ((year or 0) % 10000, month, day, clock)
    else:
        stamp = part["iso_date"] + b" " + part["iso_clock"]
        zone = part["iso_zone"].replace(b":", b"").replace(b"Z", b"+0000")
        milliseconds = part["fraction"][:3].ljust(3, b"0") if part["fraction"] else b""
    process = part["process"][1:-1] or part["pid"]
    piece = None
    if part["number"]:
        piece = Piece(int(part["number"]), int(part["total"]), part["mark"].decode())
    return Head(
        found.end(),
        stamp.decode(),
        int(milliseconds) if milliseconds else None,
        zone.decode(),
        int(process) if process else None,
        part["host"].decode("utf-8", "surrogateescape"),
        piece,
        part["id"].decode(),
    )
