"""Delivery lines: `=>`, `->`, `>>`, `*>`, `**` and `==`.

Exim specification, chapter "Log files", sections "Logging deliveries", "Deferred
deliveries" and "Delivery failures". An address is logged without the quotes of its local
part, which its sender chose; the address that it was made of follows in brackets, with
them. So what looks like fields before that bracket is text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.fields import (
    ADDRESS,
    INTERFACE,
    QUALIFIED,
    QUOTED,
    TIME,
    attributes,
    authentication,
    field,
    text,
    word,
)
from eximkit.logs.hosts import server
from eximkit.logs.matching import Patient, plain
from eximkit.logs.record import Kind
from eximkit.logs.syntax import IP

if TYPE_CHECKING:
    from eximkit.logs.fields import Fields
    from eximkit.logs.matching import Groups

_NO_QUOTE = rb'[^ "]++'
_BRACKETED = rb"<(?:" + ADDRESS + rb")?+>"
# A pipe, a file, an automatic reply, `:blackhole:`.
_ODD = rb'[|/>:](?:[^<"( ]++| (?![<(]))*+'
_PARENTS = rb"(?: \((?P<parents>" + ADDRESS + rb"(?:, " + ADDRESS + rb")*+)\))?+"
_ORIGINAL = rb" <(?P<original>" + ADDRESS + rb"|system-filter)>"
_PLAIN_ADDRESS = (
    rb"(?P<address>" + ADDRESS + rb"|" + _ODD + rb")" + _PARENTS
    + rb"(?:" + _ORIGINAL + rb")?+"
)  # fmt: skip
_ANY_ADDRESS = rb"(?P<address>.+?)" + _PARENTS + _ORIGINAL
_NOT_COLON = rb"[^ ]*[^ :]"
_ROUTE = (
    rb"(?: F=(?P<sender>" + _BRACKETED + rb"))?+"
    + rb"(?: SRS=" + _BRACKETED + rb")?+"
    + field(b"queue", b"Q", _NOT_COLON)
    + rb"(?: P=(?P<return_path>" + _BRACKETED + rb"))?+"
    + field(b"router", b"R", _NOT_COLON)
    + field(b"transport", b"T", _NOT_COLON)
    + field(b"size", b"S", rb"\d++")
    + field(b"queue_2", b"Q", _NOT_COLON)
)  # fmt: skip
_PLAIN_DN = rb'(?: DN="(?P<dn>[^"]*+)")?+'
_ANY_DN = rb'(?: DN="(?P<dn>.*?)")?'


def _session(dn: bytes) -> bytes:
    return (
        rb"(?:" + server() + rb")?+"
        + field(b"proxy", b"PRX", _NOT_COLON)
        + INTERFACE
        + rb"(?: (?P<tfo>TFO\*?+)(?=[ :]|\Z))?+"
        + field(b"protocol_detail", b"PS", rb"[A-Za-z]++")
        + field(b"tls", b"X", _NOT_COLON)
        + field(b"verified", b"CV", rb"[a-z]++")
        + dn
    )  # fmt: skip


_DONE = (
    field(b"authenticated", b"A", _NO_QUOTE)
    + word(b"form", rb"L\*?+")
    + word(b"prdr", b"PRDR")
    + word(b"chunking", b"K")
    + rb"(?: ST=(?P<shadow>[^ ]++)(?: \((?P<shadow_error>.*?)\)(?= C=| [DQ]T=|\Z))?+)?+"
    + field(b"dkim", b"DKIM")
    + rb'(?: C="(?P<confirmation>(?:[^"\\]++|\\.)*+)")?+'
    + field(b"queue_time", b"QT", TIME)
    + field(b"delivery_time", b"DT", TIME)
)
_DISCARDED = rb"(?P<address>blackhole|discarded) (?P<text>.*+)"
_FAILED = rb" ?:(?: |\Z)(?P<text>.*+)"
_FAILED_BADLY = rb"(?:(?P<address>" + QUALIFIED + rb") )?+(?P<text>.*+)"
_DEFERRED = rb"(?: routing)?+ defer \((?P<error_number>-?\d++)\)(?P<after>.*+)"
_AFTER_NUMBER = (
    rb"(?: H=(?P<host_name>[^ ]++) \[(?P<ip>" + IP + rb")\](?::(?P<port>\d++))?+"
    rb"(?P<continued>\*)?+"
    + INTERFACE
    + rb")?+"
    + field(b"delivery_time", b"DT", TIME)
    + rb"(?: ?:(?: |\Z)(?P<text>.*+))?+"
)
_ERROR_NAME = rb"(?: ?: (?P<error_name>[^:]*?))?"


class _Forms:
    """The patterns of one sort of line: whole, and behind an address already found."""

    def __init__(self, rest: bytes) -> None:
        plain_rest = _ROUTE + _session(_PLAIN_DN) + rest
        patient_rest = _ROUTE + _session(_ANY_DN) + rest
        self.plain = plain(_PLAIN_ADDRESS + plain_rest)
        self.patient = Patient(
            _PLAIN_ADDRESS + patient_rest, _ANY_ADDRESS + patient_rest
        )
        self.plain_rest = plain(plain_rest)
        self.patient_rest = Patient(patient_rest)

    def match(self, octets: bytes) -> Groups | None:
        """The groups of a whole line."""
        if b' <"' in octets:
            end, groups = _unquoted(octets)
            if end:
                rest = octets[end:]
                found = self.plain_rest.fullmatch(rest)
                more = found.groupdict() if found else self.patient_rest.fullmatch(rest)
                return None if more is None else groups | more
        found = self.plain.fullmatch(octets)
        return found.groupdict() if found else self.patient.fullmatch(octets)


@cache
def _forms(kind: Kind) -> _Forms:
    if kind is Kind.FAILURE:
        return _Forms(_FAILED)
    if kind is Kind.DEFERRAL:
        return _Forms(_DEFERRED)
    return _Forms(_DONE)


CANDIDATES = 16
"""How many brackets of a line are looked at for the one behind its address."""


def _unquoted(octets: bytes) -> tuple[int, Groups]:
    """Where an address ends that was logged without its quotes, and its groups.

    What stands in the bracket behind such an address is the same with the quotes. Of
    several such places the last counts: before it all is text. (0, {}) for none.
    """
    found: tuple[int, Groups] = 0, {}
    at = octets.find(b' <"')
    for _ in range(CANDIDATES):
        if at < 0:
            break
        # A list of parents ends where the bracket begins.
        start = octets.find(b" (") if octets[at - 1 : at] == b")" else at
        match = _quoted_original().match(octets, at)
        if match is not None:
            # Local deliveries are logged in lower case.
            local_part = _ESCAPED.sub(rb"\1", match["quoted"][1:-1]).lower()
            whole = local_part + b"@" + match["domain"].lower()
            for end in {at, start} - {-1}:
                address = octets[:end]
                if address.lower() in (local_part, whole):
                    original = octets[at + 2 : match.end() - 1]
                    parents = octets[end + 2 : at - 1] if end < at else None
                    found = (
                        match.end(),
                        {
                            "address": address,
                            "parents": parents,
                            "original": original,
                        },
                    )
        at = octets.find(b' <"', at + 1)
    return found


_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


@cache
def _quoted_original() -> re.Pattern[bytes]:
    return re.compile(
        rb" <(?P<quoted>" + QUOTED + rb")@(?P<domain>[^ <>]*+)>", re.DOTALL
    )


@cache
def _after_number() -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    return plain(_AFTER_NUMBER), plain(_ERROR_NAME + _AFTER_NUMBER)


@cache
def _unusual(kind: Kind) -> re.Pattern[bytes]:
    """What is no delivery to an address: a failure without fields, a message dropped."""
    return plain(_FAILED_BADLY if kind is Kind.FAILURE else _DISCARDED)


@cache
def _last_time() -> re.Pattern[bytes]:
    return re.compile(rb"(?:(?<= )|\A)DT=(" + TIME + rb")\Z")


def parse_delivery(octets: bytes, kind: Kind) -> Fields | None:
    """The fields of what follows a flag, or None where they are not those of its kind."""
    groups = _forms(kind).match(octets)
    if groups is None:
        found = _unusual(kind).fullmatch(octets)
        return None if found is None else attributes(found.groupdict())
    if kind is Kind.DEFERRAL and not _take_error(groups):
        return None
    if kind is Kind.FAILURE:
        _take_time(groups)
    return _finished(groups)


def _take_error(groups: Groups) -> bool:
    """Take apart what follows the error number; False where it does not fit.

    The system's name of an error is there for its own numbers, which are above 0.
    """
    after = groups.pop("after") or b""
    named = int(groups["error_number"] or 0) > 0
    found = _after_number()[named].fullmatch(after)
    if found is None:
        return False
    for name, value in found.groupdict().items():
        if value is not None:
            groups[name] = value
    return True


def _take_time(groups: Groups) -> None:
    """DT= follows the message of a failure. Where the selector is off, and the message
    itself ends so, it is taken for one all the same: nothing tells them apart."""
    message = groups["text"] or b""
    at = message.rfind(b" DT=") + 1
    found = _last_time().match(message, at)
    if found is not None:
        groups["delivery_time"] = found[1]
        groups["text"] = message[:at].rstrip(b" ")


def _finished(groups: Groups) -> Fields:
    parents = groups.pop("parents", None)
    authenticated = groups.pop("authenticated", None)
    fields = attributes(groups)
    if parents is not None:
        fields["parents"] = tuple(text(parents).split(", "))
    if authenticated is not None:
        fields.update(authentication(authenticated))
    fields["remote"] = "ip" in fields
    return fields
