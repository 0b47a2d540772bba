"""Arrival lines: `<=` and `(=`.

Exim specification, chapter "Log files", section "Logging message reception". Releases
differ in where PRX=, A=, SPF and RT= stand; Exim 4.92 to 4.100 are understood.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.fields import (
    ADDRESS,
    ANY_DN,
    END,
    INTERFACE,
    IP,
    NO_QUOTE,
    PLAIN_DN,
    PORT,
    QUOTED,
    RECIPIENT,
    SIZE,
    TIME,
    UNKNOWN,
    field,
    word,
)
from eximkit.logs.hosts import BEFORE_ADDRESS, client, patient_client
from eximkit.logs.matching import Patient, Plain

if TYPE_CHECKING:
    from eximkit.logs.fields import Values

# Message-IDs are addresses to Exim: blanks only within quotes.
_HEADER_ID = rf'(?:[^ "\\]++|\\.|{QUOTED})++'
_PROTOCOL = field("protocol", "P")
_PROXY = rf"\[?{IP}\]?(?::{PORT})?+"
BEHIND_SIZE = (
    field("eight_bit", "M8S", r"\d")
    + field("receive_time", "RT", TIME)
    + field("dkim", "DKIM")
    + word("arc", "ARC")
    + word("dmarc", r"DMARC(?:=[^ ]++)?+")
    + field("receive_time_2", "RT", TIME)
    + field("queue", "Q")
    + rf"(?: id(?P<header_id_created>\*)?+=(?P<header_id>{_HEADER_ID}))?+"
    + r'(?: T="(?P<subject_raw>(?:[^"\\]++|\\.)*+)")?+'
    + rf"(?: from <(?P<received_sender>(?:{ADDRESS})?+)>)?+"
    + rf"(?: for(?P<recipients>(?: {RECIPIENT})++))?+"
    + r"(?: ?<trunc>)?+(?: ?\*{4} log string overflowed log buffer \*{4})?+"
)
"""What may stand behind S=: mostly text of the message's sender."""


def _session(
    host: str,
    ident: str,
    dn: str,
    authenticated: str,
    protocol: str = _PROTOCOL,
) -> str:
    return (
        field("reference", "R")
        + word("dnssec", "DS")
        + host
        + word("tfo", r"TFO\*?+")
        + ident
        + field("connection_id", "Ci")
        + field("proxy", "PRX", _PROXY)
        + protocol
        + field("proxy_2", "PRX", _PROXY)
        + word("form", r"L[.*]?+-?+")
        + word("spf", r"SPF(?:=[^ ]++)?+")
        + field("proxy_3", "PRX", _PROXY)
        + field("tls", "X")
        + field("verified", "CV")
        + dn
        + field("sni", "SNI", NO_QUOTE)
        + authenticated
        + word("prdr", "PRDR")
        + field("proxy_4", "PRX", _PROXY)
        + word("chunking", "K")
        + field("authenticated_2", "A", NO_QUOTE)
        + field("receive_time_3", "RT", TIME)
        + UNKNOWN
        + rf" S=(?P<size>{SIZE})"
    )


_SENDER = f"(?P<sender><>|{ADDRESS})"
_PLAIN_SESSION = _session(
    f"(?:{client()}{INTERFACE})?+",
    field("ident", "U"),
    PLAIN_DN,
    field("authenticated", "A", NO_QUOTE),
)


PLAIN = _SENDER + _PLAIN_SESSION + BEHIND_SIZE
"""The pattern of nearly all arrivals; it is tried first."""


@cache
def _plain() -> Plain:
    return Plain(PLAIN)


@cache
def _patient() -> Patient:
    """For those with a text of the client's that is like fields.

    An ident and an authentication id may hold blanks. Where they seem to hold the end
    of a HELO and an address, it is rather the HELO that holds fields: no authentication
    is needed to send one. Only the last pattern lets them hold that.

    The names of Exim's protocols end in `a` where there was an authentication: there,
    and only there, A= follows a certificate.
    """
    host = f"(?:{patient_client()}{INTERFACE})?"
    ident = f"(?: U=(?P<ident>(?:{BEFORE_ADDRESS})+?))?"
    login = f" A=(?P<authenticated>(?:{BEFORE_ADDRESS})+?)"
    readings = (
        (login, "(?: P=(?P<protocol>[^ ]++(?<=a)))"),
        ("", "(?: P=(?P<protocol>[^ ]++(?<!a)))?+"),
        ("(?: A=(?P<authenticated>.+?))?", _PROTOCOL),
    )
    return Patient(
        *(
            _SENDER + _session(host, ident, ANY_DN, *reading) + BEHIND_SIZE
            for reading in readings
        )
    )


@cache
def _loose() -> Plain:
    """For those of which only the session fits: cut, or by a sender of an odd form."""
    return Plain(rf"(?P<sender>[^ ]++){_PLAIN_SESSION}{END}.*+")


def take_arrival(text: str, values: Values) -> bool:
    """Put the fields of what follows `<=` into their places; False where they do not
    fit.
    """
    return (
        _plain().take(text, values) is not None
        or _patient().take(text, values) is not None
    )


def take_loose_arrival(text: str, values: Values) -> bool:
    """The same where only the fields up to S= fit; those behind are left out."""
    return _loose().take(text, values) is not None
