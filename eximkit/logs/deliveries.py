"""Delivery lines: `=>`, `->`, `>>`, `*>`, `**` and `==`.

Exim specification, chapter "Log files", sections "Logging deliveries", "Deferred
deliveries" and "Delivery failures". An address is logged without the quotes of its
local part, which its sender chose; the address that it was made of follows in brackets,
with them. So what looks like fields before that bracket is text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.fields import (
    ADDRESS,
    ANY_DN,
    INDEX,
    INTERFACE,
    IP,
    NO_QUOTE,
    NOT_COLON,
    PATH,
    PLAIN_DN,
    PORT,
    QUALIFIED,
    QUOTED,
    SIZE,
    TIME,
    UNKNOWN,
    field,
    word,
)
from eximkit.logs.hosts import server
from eximkit.logs.matching import Patient, Plain
from eximkit.logs.possessive import compiled
from eximkit.logs.record import Kind

if TYPE_CHECKING:
    from eximkit.logs.fields import Values
    from eximkit.logs.matching import Others

# A pipe, a file, an automatic reply, `:blackhole:`.
_ODD = r'[|/>:](?:[^<"( ]++| (?![<(]))*+'
_PARENTS = rf"(?: \((?P<parents>{ADDRESS}(?:, {ADDRESS})*+)\))?+"
_ORIGINAL = rf" <(?P<original>{ADDRESS})>"
_PLAIN_ADDRESS = rf"(?P<address>{ADDRESS}|{_ODD}){_PARENTS}(?:{_ORIGINAL})?+"
_ANY_ADDRESS = rf"(?P<address>.+?){_PARENTS}{_ORIGINAL}"

_BEFORE_ROUTER = (
    rf"(?: F=(?P<sender>{PATH}))?+(?: SRS={PATH})?+"
    + field("queue", "Q", NOT_COLON)
    + rf"(?: P=(?P<return_path>{PATH}))?+"
)
_ROUTER = f" R=(?P<router>{NOT_COLON})" + field("transport", "T", NOT_COLON)
# System filters deliver without a router. Of what was delivered, how is known.
_DELIVERED_BY = f"(?:{_ROUTER}| T=(?P<transport_2>{NOT_COLON}))"
_SIZE = field("size", "S", SIZE)


def _session(dn: str) -> str:
    return (
        f"(?:{server()})?+"
        + field("proxy", "PRX", NOT_COLON)
        + INTERFACE
        + r"(?: (?P<tfo>TFO\*?+)(?=[ :]|\Z))?+"
        + field("protocol_detail", "PS", r"[A-Za-z]++")
        + field("tls", "X", NOT_COLON)
        + field("verified", "CV", r"[a-z]++")
        + dn
    )


_DONE = (
    field("authenticated", "A", NO_QUOTE)
    + word("form", r"L\*?+")
    + word("prdr", "PRDR")
    + word("chunking", "K")
    + UNKNOWN
    + r"(?: ST=(?P<shadow>[^ ]++)"
    + r"(?: \((?P<shadow_error>.*?)\)(?= C=| [DQ]T=|\Z))?+)?+"
    + field("dkim", "DKIM")
    + r'(?: C="(?P<confirmation>(?:[^"\\]++|\\.)*+)")?+'
    + field("queue_time", "QT", TIME)
    + field("delivery_time", "DT", TIME)
)
_FAILED = r" ?:(?: |\Z)(?P<text>.*+)"
_DEFERRED = r"(?: routing)?+ defer \((?P<error_number>-?\d{1,9})\)(?P<after>.*+)"
_AFTER_NUMBER = (
    rf"(?: H=(?P<host_name>[^ ]++) \[(?P<ip>{IP})\](?::(?P<port>{PORT}))?+"
    rf"(?P<continued>\*)?+{INTERFACE})?+"
    + field("delivery_time", "DT", TIME)
    + r"(?: ?:(?: |\Z)(?P<text>.*+))?+"
)
_ERROR_NAME = r"(?: ?: (?P<error_name>[^:]*?))?"
# A failure of no address in particular, and a message that was dropped.
_UNUSUAL = {
    Kind.FAILURE: rf"(?:(?P<address>{QUALIFIED}) )?+(?P<text>.*+)",
    Kind.DELIVERY: r"(?P<address>blackhole|discarded) (?P<text>.*+)",
}


class _Forms:
    """The patterns of one sort of line: whole, and behind an address already found."""

    def __init__(self, rest: str, how: str = f"(?:{_DELIVERED_BY})?+") -> None:
        route = _BEFORE_ROUTER + how + _SIZE
        plain = route + _session(PLAIN_DN) + rest
        patient = route + _session(ANY_DN) + rest
        self.pattern = _PLAIN_ADDRESS + plain
        self._plain = Plain(self.pattern)
        self._patient = Patient(_PLAIN_ADDRESS + patient, _ANY_ADDRESS + patient)
        self._plain_rest = Plain(plain)
        self._patient_rest = Patient(patient)

    def take(self, text: str, values: Values) -> Others | None:
        """Put the fields of a line into their places; None where they do not fit."""
        end = _take_unquoted(text, values) if ' <"' in text else 0
        if end:
            rest = text[end:]
            others = self._plain_rest.take(rest, values)
            return self._patient_rest.take(rest, values) if others is None else others
        others = self._plain.take(text, values)
        return self._patient.take(text, values) if others is None else others


@cache
def _forms(kind: Kind) -> _Forms:
    if kind is Kind.FAILURE:
        return _Forms(_FAILED)
    if kind is Kind.DEFERRAL:
        return _Forms(_DEFERRED)
    return _Forms(_DONE, _DELIVERED_BY)


def plain_pattern(kind: Kind) -> str:
    """The pattern of plain lines of a kind; it is tried first, unless a quoted local
    part follows ` <`. What it calls `after`, `after_number` describes.
    """
    return _forms(kind).pattern


def after_number(*, named: bool) -> str:
    """What follows the number of an error; named: one of the system, above 0."""
    return (_ERROR_NAME if named else "") + _AFTER_NUMBER


@cache
def _unusual(kind: Kind) -> Plain | None:
    return Plain(_UNUSUAL[kind]) if kind in _UNUSUAL else None


CANDIDATES = 16
"""How many brackets of a line are looked at for the one behind its address."""
_ESCAPED = compiled(r"\\(.)", re.DOTALL)
_PARENTS_START, _ORIGINAL_START = " (", ' <"'


@cache
def _quoted_original() -> re.Pattern[str]:
    return compiled(
        rf" <(?P<original>(?P<quoted>{QUOTED})@(?P<domain>[^ <>]*+))>", re.DOTALL
    )


def _take_unquoted(text: str, values: Values) -> int:
    """Find an address that was logged without its quotes; where what follows it begins.

    What stands in the bracket behind such an address is the same with the quotes. Of
    several such places the last counts: all before it is text. 0 for none.
    """
    end = 0
    at = text.find(_ORIGINAL_START)
    for _ in range(CANDIDATES):
        if at < 0:
            break
        found = _quoted_original().match(text, at)
        if found is not None:
            # Local deliveries are logged in lower case.
            local_part = _ESCAPED.sub(r"\1", found["quoted"][1:-1]).lower()
            same = (local_part, f"{local_part}@{found['domain'].lower()}")
            before_parents = text.rfind(_PARENTS_START, 0, at)
            for stop in (at, at if before_parents < 0 else before_parents):
                if text[:stop].lower() in same:
                    end = found.end()
                    values[INDEX["address"]] = text[:stop]
                    values[INDEX["original"]] = found["original"]
                    values[INDEX["parents"]] = (
                        tuple(text[stop + 2 : at - 1].split(", ")) if stop < at else ()
                    )
        at = text.find(_ORIGINAL_START, at + 1)
    return end


@cache
def _after_number() -> tuple[Plain, Plain]:
    return Plain(after_number(named=False)), Plain(after_number(named=True))


def take_delivery(text: str, values: Values, kind: Kind) -> bool:
    """Put the fields of what follows a flag into their places; False where they are not
    those of its kind.
    """
    others = _forms(kind).take(text, values)
    if others is None:
        unusual = _unusual(kind)
        return unusual is not None and unusual.take(text, values) is not None
    if kind is Kind.DEFERRAL:
        # The system's name of an error is there for its own numbers, above 0.
        named = values[INDEX["error_number"]] > 0
        if _after_number()[named].take(others["after"], values) is None:
            return False
    elif kind is Kind.FAILURE:
        _split_time(values)
    values[INDEX["remote"]] = values[INDEX["ip"]] != ""
    return True


def _split_time(values: Values) -> None:
    """DT= follows the message of a failure. Where the selector is off, and the message
    itself ends so, it is taken for one all the same: nothing tells them apart.
    """
    message = values[INDEX["text"]]
    before, sign, last = message.rpartition(" DT=")
    if sign and _time_field().take(last, values) is not None:
        values[INDEX["text"]] = before


@cache
def _time_field() -> Plain:
    return Plain(f"(?P<delivery_time>{TIME})")
