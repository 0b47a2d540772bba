"""The words that main log lines are made of, as regular expressions over octets.

The complete grammar (`line.py`) and the fast path (`scan.py`) are built from them.
All repetitions are possessive: no input makes them backtrack. Exim specification,
chapter "Log files".
"""

from __future__ import annotations

DATE = rb"\d{4}-\d\d-\d\d"
CLOCK = rb"\d\d:\d\d:\d\d"
MILLISECONDS = rb"\.\d{3}"
ZONE = rb"[+-]\d{4}"
PROCESS = rb"\[\d{1,7}\]"

MESSAGE_ID = (
    rb"[0-9A-Za-z]{6}-"
    rb"(?>[0-9A-Za-z]{11}-[0-9A-Za-z]{4}|[0-9A-Za-z]{6}-[0-9A-Za-z]{2})"
)
"""Of 23 characters from Exim 4.97 on, of 16 before."""

IP = rb"[0-9A-Fa-f:.]++"
"""An address inside brackets; not checked any further."""

MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
MONTH_NUMBERS = {name: number for number, name in enumerate(MONTHS, 1)}
MONTH = rb"(?>" + rb"|".join(MONTHS) + rb")"
SYSLOG_CLOCK = rb"[ \d]\d:\d\d:\d\d"
SYSLOG_TIME = MONTH + rb" [ \d]\d " + SYSLOG_CLOCK
"""RFC 3164, section 4.1.2: no year, the day padded with a blank; some that write it pad
the hour in the same way."""
ISO_TIME = DATE + rb"T" + CLOCK + rb"(?:\.\d{1,9})?+(?:Z|[+-]\d\d:\d\d)"
"""RFC 3339, as rsyslog writes it."""
SYSLOG_SOURCE = rb" [^ \n\0]++ [^ \n\0\[\]:]++(?:\[\d++\])?+: "
"""Host and program, after the time."""
