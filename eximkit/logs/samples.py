"""What a log is, judged by some of its text.

Exim specification, chapter "Log files".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from eximkit.logs.possessive import compiled
from eximkit.logs.syntax import (
    CLOCK,
    DATE,
    ISO_TIME,
    MESSAGE_ID,
    MILLISECONDS,
    MONTH_NUMBERS,
    PROCESS,
    SYSLOG_SOURCE,
    SYSLOG_TIME,
    ZONE,
)

SAMPLE = 1 << 16
"""How many octets of a file are looked at to say what it is."""

_OWN = DATE + rb" " + CLOCK + rb"(?:" + MILLISECONDS + rb")?+(?: " + ZONE + rb")?+ "
_LINE = compiled(
    rb"^(?:(?:(?P<month>" + SYSLOG_TIME + rb")|(?P<iso>" + ISO_TIME + rb"))"
    rb"(?P<program>" + SYSLOG_SOURCE + rb"))?+"
    rb"(?:\[\d{1,6}[/\\]\d{1,6}\] )?+"
    rb"(?:(?P<own>" + _OWN + rb")(?:" + PROCESS + rb" )?+)?+"
    rb"(?P<event>" + MESSAGE_ID + rb" (?:<=|\(=|[=*>-]>|\*\*|==|Completed)[ \n])?+",
    re.MULTILINE,
)
_EXIM = compiled(rb" [^ ]*exim[^ ]*: ", re.IGNORECASE)
_OF_MESSAGES = compiled(
    rb"^(?:P Received: |  [A-Z][A-Za-z-]+: |Envelope-(?:from|to): |-{20,}$)",
    re.MULTILINE,
)
_CALLED = compiled(r"(reject|panic)[._]?log", re.IGNORECASE)
_KINDS = {
    "reject": "a reject log: the main log has the rejections, and the messages too",
    "panic": "a panic log: the main log has its entries, and the messages too",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What a sample of a log says.

    wrong: why the file is no main log, "" where it may be one. first: the time of the
    first entry, `YYYY-MM-DD HH:MM:SS` (with `0000` for a year that is not there), ""
    without any. syslog: lines went through syslog, entries may be in pieces. yearless:
    the lines carry no year.
    """

    wrong: str = ""
    first: str = ""
    syslog: bool = False
    yearless: bool = False


def look_at(sample: bytes, name: str = "") -> Look:
    """What the file of this name is, by some of its text.

    An empty file is a main log in which nothing has been logged.
    """
    first = ""
    syslog = yearless = events = False
    for line in _LINE.finditer(sample):
        own, month, iso = line["own"], line["month"], line["iso"]
        if not (own or ((month or iso) and _is_exim(line))):
            continue
        syslog |= bool(month or iso)
        yearless |= bool(month) and not own
        events |= bool(line["event"])
        first = first or (own or iso or _sortable(month)).decode("ascii")[:19]
    return Look(
        _wrong(sample, name, bool(first), events),
        first.replace("T", " "),
        syslog,
        yearless,
    )


def looks_like_mainlog(sample: bytes, name: str = "") -> str:
    """Why this cannot be some of a main log; "" where it can."""
    return look_at(sample, name).wrong


def _is_exim(line: re.Match[bytes]) -> bool:
    return bool(line["event"]) or _EXIM.search(line["program"]) is not None


def _sortable(time: bytes) -> bytes:
    month = MONTH_NUMBERS.get(time[:3], 0)
    day = time[4:6].replace(b" ", b"0")
    return b"0000-%02d-%b %b" % (month, day, time[7:15].replace(b" ", b"0"))


def _wrong(sample: bytes, name: str, stamped: bool, events: bool) -> str:
    if events or not sample.strip(b"\0\r\n "):
        return ""
    called = _CALLED.search(name.rpartition("/")[2])
    if _OF_MESSAGES.search(sample):
        return _KINDS["reject"] if stamped else "not a log, but text with mail headers"
    if called and stamped:
        return _KINDS[called[1].lower()]
    if stamped:
        return ""
    if sample.count(b"\0") * 20 > len(sample):
        return "not a main log: it is binary"
    return "not a main log: no line of it begins with the time of an Exim entry"
