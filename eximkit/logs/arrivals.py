"""Arrival lines: `<=` and `(=`.

Exim specification, chapter "Log files", section "Logging message reception". Releases
differ in where PRX=, SPF and RT= stand; Exim 4.92 to 4.100 are understood.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.fields import (
    ADDRESS,
    END,
    INTERFACE,
    QUOTED,
    RECIPIENT,
    TIME,
    attributes,
    authentication,
    field,
    text,
    word,
)
from eximkit.logs.hosts import BEFORE_ADDRESS, client, patient_client
from eximkit.logs.matching import Patient, plain

if TYPE_CHECKING:
    from eximkit.logs.fields import Fields
    from eximkit.logs.matching import Groups

_SENDER = rb"(?P<sender><>|" + ADDRESS + rb")"
_NO_QUOTE = rb'[^ "]++'

# Message-IDs are addresses to Exim: blanks only within quotes.
_HEADER_ID = rb'(?:[^ "\\]++|\\.|' + QUOTED + rb")++"
_TAIL = (
    field(b"eight_bit", b"M8S", rb"\d++")
    + field(b"receive_time", b"RT", TIME)
    + field(b"dkim", b"DKIM")
    + word(b"arc", b"ARC")
    + rb"(?: (?P<dmarc>DMARC(?:=[^ ]++)?+)" + END + rb")?+"
    + field(b"receive_time_2", b"RT", TIME)
    + field(b"queue", b"Q")
    + field(b"receive_time_3", b"RT", TIME)
    + rb"(?: id(?P<header_id_created>\*)?+=(?P<header_id>" + _HEADER_ID + rb"))?+"
    + rb'(?: T="(?P<subject_raw>(?:[^"\\]++|\\.)*+)")?+'
    + rb"(?: from <(?P<received_sender>(?:" + ADDRESS + rb")?+)>)?+"
    + rb"(?: for(?P<recipients>(?: " + RECIPIENT + rb")++))?+"
    + rb"(?: ?<trunc>)?+(?: ?\*{4} log string overflowed log buffer \*{4})?+"
)  # fmt: skip


def _session(host: bytes, ident: bytes, dn: bytes, authenticated: bytes) -> bytes:
    return (
        _SENDER
        + field(b"reference", b"R")
        + word(b"dnssec", b"DS")
        + host
        + word(b"tfo", rb"TFO\*?+")
        + ident
        + field(b"connection_id", b"Ci")
        + field(b"proxy", b"PRX")
        + field(b"protocol", b"P")
        + field(b"proxy_2", b"PRX")
        + word(b"form", rb"L[.*]?+-?+")
        + rb"(?: (?P<spf>SPF(?:=[^ ]++)?+)" + END + rb")?+"
        + field(b"proxy_3", b"PRX")
        + field(b"tls", b"X")
        + field(b"verified", b"CV")
        + dn
        + field(b"sni", b"SNI", _NO_QUOTE)
        + authenticated
        + word(b"prdr", b"PRDR")
        + field(b"proxy_4", b"PRX")
        + word(b"chunking", b"K")
        + field(b"authenticated_2", b"A", _NO_QUOTE)
        + field(b"receive_time_4", b"RT", TIME)
        + rb" S=(?P<size>\d++)"
    )  # fmt: skip


@cache
def _plain() -> re.Pattern[bytes]:
    """For nearly all arrivals."""
    session = _session(
        rb"(?:" + client() + INTERFACE + rb")?+",
        field(b"ident", b"U"),
        rb'(?: DN="(?P<dn>[^"]*+)")?+',
        field(b"authenticated", b"A", _NO_QUOTE),
    )
    return plain(session + _TAIL)


@cache
def _patient() -> Patient:
    """For those with a text of the client's that is like fields.

    An ident and an authentication id may hold blanks. Where they seem to hold the end of
    a HELO and an address, it is rather the HELO that holds fields: no authentication is
    needed to send one. The last pattern lets ids hold anything.
    """
    host = rb"(?:" + patient_client() + INTERFACE + rb")?"
    ident = rb"(?: U=(?P<ident>(?:" + BEFORE_ADDRESS + rb")+?))?"
    dn = rb'(?: DN="(?P<dn>.*?)")?'
    return Patient(
        *(
            _session(host, ident, dn, rb"(?: A=(?P<authenticated>" + each + rb"))?")
            + _TAIL
            for each in (rb'(?:(?!")' + BEFORE_ADDRESS + rb")+?", rb".+?")
        )
    )


@cache
def _loose() -> re.Pattern[bytes]:
    """For those with a session that is whole and something else behind the size."""
    session = _session(
        rb"(?:" + client() + INTERFACE + rb")?+",
        field(b"ident", b"U"),
        rb'(?: DN="(?P<dn>[^"]*+)")?+',
        field(b"authenticated", b"A", _NO_QUOTE),
    )
    return plain(session + rb"(?= |\Z)(?P<rest>.*+)")


def parse_arrival(octets: bytes) -> Fields | None:
    """The fields of what follows `<=`, or None where they are not an arrival's."""
    found = _plain().fullmatch(octets)
    groups = found.groupdict() if found is not None else _patient().fullmatch(octets)
    return None if groups is None else _finished(groups)


def parse_loose_arrival(octets: bytes) -> Fields | None:
    """The same where only the fields up to S= fit; those behind are left out."""
    found = _loose().fullmatch(octets)
    if found is None:
        return None
    groups = found.groupdict()
    groups.pop("rest")
    return _finished(groups)


def _finished(groups: Groups) -> Fields:
    recipients = groups.pop("recipients", None)
    last = groups.pop("authenticated_2", None)
    authenticated = groups.pop("authenticated", None) or last
    fields = attributes(groups)
    if recipients is not None:
        fields["recipients"] = tuple(
            text(each) for each in _recipient().findall(recipients)
        )
    if authenticated is not None:
        fields.update(authentication(authenticated))
    return fields


@cache
def _recipient() -> re.Pattern[bytes]:
    return re.compile(RECIPIENT, re.DOTALL)
