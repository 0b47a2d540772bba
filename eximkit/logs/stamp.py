"""The head of a line: syslog prefix, stamp, zone, process, message id.

Exim specification, chapter "Log files", sections "Where the logs are written", "Logging
to syslog" and "Logging identification".
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs import syntax
from eximkit.logs.fields import INDEX, MESSAGE_ID, STAMP
from eximkit.logs.possessive import compiled
from eximkit.logs.record import Piece

if TYPE_CHECKING:
    from eximkit.logs.fields import Values

_MONTHS = {name.decode(): n for name, n in syntax.MONTH_NUMBERS.items()}
_DATE, _CLOCK = syntax.DATE.decode(), syntax.CLOCK.decode()
# Exim's own part of the head; nothing of it need be there behind a syslog prefix.
_OWN = (
    rf"(?P<milliseconds>{syntax.MILLISECONDS.decode()})?+"
    rf"(?: (?P<zone>{syntax.ZONE.decode()}))?+"
    rf"(?: (?P<process>{syntax.PROCESS.decode()}))?+(?: |\Z)"
)
_ID = rf"(?:(?P<id>{MESSAGE_ID})(?: |\Z))?+"
_PLAIN = rf"(?P<stamp>{STAMP}){_OWN}{_ID}"
_SYSLOG = (
    rf"(?:(?P<month>{'|'.join(_MONTHS)}) (?P<day>[ \d]\d) "
    rf"(?P<clock>[ \d]\d:\d\d:\d\d)|(?P<iso_date>{_DATE})T(?P<iso_clock>{_CLOCK})"
    rf"(?:\.(?P<fraction>\d{{1,9}}))?+(?P<iso_zone>Z|[+-]\d\d:\d\d))"
    rf" (?P<host>[^ \n]++) [^ \n\[\]:]++(?:\[(?P<pid>\d{{1,10}})\])?+: "
    rf"(?:\[(?P<number>\d{{1,6}})(?P<mark>[/\\])(?P<total>\d{{1,6}})\] )?+"
    rf"(?:(?P<stamp>{STAMP}){_OWN})?+{_ID}"
)

_OF_HEAD = slice(INDEX["stamp"], INDEX["message_id"] + 1)


@cache
def _plain() -> re.Pattern[str]:
    return compiled(_PLAIN, re.ASCII)


@cache
def _syslog() -> re.Pattern[str]:
    return compiled(_SYSLOG, re.ASCII)


def take_head(line: str, values: Values, year: int | None = None) -> int:
    """Put the head of a line into its places; where it ends, or -1 if it is not whole.

    year: of lines that have none, from syslog; None: 0000.
    """
    found = _plain().match(line)
    if found is None:
        found = _syslog().match(line)
        if found is None:
            return -1
        values[_OF_HEAD] = _of_syslog(found.groupdict(""), year)
        return found.end()
    stamp, milliseconds, zone, process, message_id = found.groups()
    values[_OF_HEAD] = (
        stamp,
        None if milliseconds is None else int(milliseconds[1:]),
        zone or "",
        None if process is None else int(process[1:-1]),
        "",
        None,
        message_id or "",
    )
    return found.end()


def _of_syslog(part: dict[str, str], year: int | None) -> tuple[object, ...]:
    zone = part["zone"]
    milliseconds = part["milliseconds"][1:]
    if part["stamp"]:
        stamp = part["stamp"]
    elif part["month"]:
        date = f"{(year or 0) % 10000:04}-{_MONTHS[part['month']]:02}-{part['day']}"
        stamp = f"{date.replace(' ', '0')} {part['clock'].replace(' ', '0')}"
    else:
        stamp = f"{part['iso_date']} {part['iso_clock']}"
        zone = part["iso_zone"].replace(":", "").replace("Z", "+0000")
        milliseconds = part["fraction"][:3].ljust(3, "0") if part["fraction"] else ""
    process = part["process"][1:-1] or part["pid"]
    piece = None
    if part["number"]:
        piece = Piece(int(part["number"]), int(part["total"]), part["mark"])
    return (
        stamp,
        int(milliseconds) if milliseconds else None,
        zone,
        int(process) if process else None,
        part["host"],
        piece,
        part["id"],
    )
