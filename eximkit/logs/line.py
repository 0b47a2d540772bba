"""The complete grammar of main log lines: one line to a `LogRecord`.

Exim specification, chapter "Log files". A line is an event only if all of it fits, from
the first octet on.

Garbage is what is not one whole entry: a blank line; one that does not begin with a whole
stamp (Exim's own, or syslog's); one with NUL octets; and one into which another entry
ran: it has a second stamp right behind a part of a message id, or, in an entry whose
fields do not fit, anywhere. A date in a subject, a confirmation, an error or any other
text of an entry that is whole is no second stamp.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.arrivals import parse_arrival, parse_loose_arrival
from eximkit.logs.deliveries import parse_delivery
from eximkit.logs.fields import text
from eximkit.logs.free_lines import parse_free_line
from eximkit.logs.record import Kind, LogRecord
from eximkit.logs.stamp import STAMP, Head, parse_head

if TYPE_CHECKING:
    from eximkit.logs.fields import Fields

FLAGS = {
    b"<= ": Kind.ARRIVAL,
    b"(= ": Kind.FAKE_REJECT,
    b"=> ": Kind.DELIVERY,
    b"-> ": Kind.FURTHER,
    b">> ": Kind.CUTTHROUGH,
    b"*> ": Kind.SUPPRESSED,
    b"** ": Kind.FAILURE,
    b"== ": Kind.DEFERRAL,
}


@cache
def _broken_id() -> re.Pattern[bytes]:
    return re.compile(rb"[0-9A-Za-z-]{0,23}" + STAMP + rb"[ .]")


@cache
def _second_stamp() -> re.Pattern[bytes]:
    return re.compile(STAMP + rb"(?=[ .])")


def parse_line(line: bytes, year: int | None = None) -> LogRecord:
    """The entry that a line holds.

    line: without its LF; a CR before that is tolerated. year: of lines that have none
    (syslog without Exim's own stamp); None: their stamps begin with `0000`. Never raises,
    whatever the line holds; what is not understood is `Kind.UNPARSED` or `Kind.GARBAGE`.
    """
    entry = line[:-1] if line.endswith(b"\r") else line
    head = None if b"\0" in entry else parse_head(entry, year)
    if head is None or _broken_id().match(entry, head.end):
        return LogRecord(line, Kind.GARBAGE)
    octets = entry[head.end :]
    kind, fields = _entry(octets, head)
    if kind is Kind.GARBAGE:
        return LogRecord(line, Kind.GARBAGE)
    return LogRecord(
        line,
        kind,
        head.stamp,
        head.milliseconds,
        head.zone,
        head.process,
        head.syslog_host,
        head.piece,
        head.message_id,
        **fields,
    )


def _entry(octets: bytes, head: Head) -> tuple[Kind, Fields]:
    if head.piece is not None and head.piece.number > 1:
        return Kind.PIECE, {"text": text(octets)}
    kind = FLAGS.get(octets[:3]) if head.message_id else None
    if kind is None:
        return parse_free_line(octets, of_message=bool(head.message_id))
    arrival = kind in (Kind.ARRIVAL, Kind.FAKE_REJECT)
    rest = octets[3:]
    fields = parse_arrival(rest) if arrival else parse_delivery(rest, kind)
    if fields is not None:
        return kind, fields
    if _second_stamp().search(rest):
        return Kind.GARBAGE, {}
    fields = parse_loose_arrival(rest) if arrival else None
    if fields is not None:
        return kind, fields
    return Kind.UNPARSED, {"text": text(octets)}
