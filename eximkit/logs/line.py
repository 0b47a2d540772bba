"""The complete grammar of main log lines: one line to a `LogRecord`.

Exim specification, chapter "Log files". A line is an event only if all of it fits, from
the first octet on.

Garbage is what is not one whole entry: a blank line; one that does not begin with a
whole stamp (Exim's own, or syslog's); one with NUL octets; and one into which another
entry ran: it has a second stamp right behind a part of a message id, or anywhere in an
event whose fields do not fit, or, with a message id and a flag behind it, in a text of
no known sort. A date in a subject, a confirmation, an error or any other text of an
entry that is whole is no second stamp.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.arrivals import take_arrival, take_loose_arrival
from eximkit.logs.deliveries import take_delivery
from eximkit.logs.fields import INDEX, MESSAGE_ID, STAMP
from eximkit.logs.free_lines import take_free_line
from eximkit.logs.possessive import compiled
from eximkit.logs.record import ARRIVALS, Kind, LogRecord
from eximkit.logs.stamp import take_head

if TYPE_CHECKING:
    from eximkit.logs.fields import Values

FLAGS = {
    "<= ": Kind.ARRIVAL,
    "(= ": Kind.FAKE_REJECT,
    "=> ": Kind.DELIVERY,
    "-> ": Kind.FURTHER,
    ">> ": Kind.CUTTHROUGH,
    "*> ": Kind.SUPPRESSED,
    "** ": Kind.FAILURE,
    "== ": Kind.DEFERRAL,
}

_OF_NO_SORT = frozenset({Kind.NOTE, Kind.UNPARSED})
_ABSENT = list(LogRecord._field_defaults.values())
_MESSAGE_ID, _PIECE = INDEX["message_id"], INDEX["piece"]


@cache
def _broken_id() -> re.Pattern[str]:
    return compiled(rf"[0-9A-Za-z-]{{0,23}}{STAMP}[ .]", re.ASCII)


@cache
def _second_event() -> re.Pattern[str]:
    flags = "|".join(re.escape(flag) for flag in FLAGS)
    return compiled(
        rf"{STAMP}(?:\.\d{{3}})?+(?: [+-]\d{{4}})?+(?: \[\d++\])?+ {MESSAGE_ID} "
        rf"(?:{flags}|Completed)",
        re.ASCII,
    )


@cache
def _second_stamp() -> re.Pattern[str]:
    return compiled(STAMP + "[ .]", re.ASCII)


def parse_line(line: bytes, year: int | None = None) -> LogRecord:
    """The entry that a line holds.

    line: without its LF; a CR before that is tolerated. year: of lines that have none
    (syslog without Exim's own stamp); None: their stamps begin with `0000`. Never
    raises, whatever the line holds, and takes a time that its length bounds; what is
    not understood is `Kind.UNPARSED` or `Kind.GARBAGE`.
    """
    text = line.decode("utf-8", "surrogateescape").removesuffix("\r")
    values: Values = [line, Kind.GARBAGE, *_ABSENT]
    end = -1 if "\0" in text else take_head(text, values, year)
    if end >= 0:
        values[1] = _entry(text, end, values)
    if values[1] is Kind.GARBAGE:
        return LogRecord(line, Kind.GARBAGE)
    return LogRecord._make(values)


def _entry(text: str, end: int, values: Values) -> Kind:
    """The kind of the entry whose text begins at `end`; its fields go into `values`."""
    piece = values[_PIECE]
    if piece is not None and piece.number > 1:
        return _without_fields(Kind.PIECE, text[end:], values)
    has_id = values[_MESSAGE_ID] != ""
    if not has_id and _broken_id().match(text, end):
        return Kind.GARBAGE
    kind = FLAGS.get(text[end : end + 3]) if has_id else None
    if kind is None:
        kind = take_free_line(text[end:], values, of_message=has_id)
        if kind in _OF_NO_SORT and _second_event().search(text, end):
            return Kind.GARBAGE
        return kind
    rest = text[end + 3 :]
    arrival = kind in ARRIVALS
    if take_arrival(rest, values) if arrival else take_delivery(rest, values, kind):
        return kind
    if _second_stamp().search(rest):
        return Kind.GARBAGE
    if arrival and take_loose_arrival(rest, values):
        return kind
    return _without_fields(Kind.UNPARSED, text[end:], values)


def _without_fields(kind: Kind, text: str, values: Values) -> Kind:
    """Undo what was put in since the head."""
    after = _MESSAGE_ID + 1
    values[after:] = _ABSENT[after - 2 :]
    values[INDEX["text"]] = text
    return kind
