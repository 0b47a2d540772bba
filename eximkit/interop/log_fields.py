"""The fields of a main log line, as text.

Exim specification, chapter "Log files"; what is escaped, and how, by trying 4.96.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.smtp.session import Use

DEFAULT_SELECTORS = frozenset((
    "connection_reject", "host_lookup_failed", "lost_incoming_connection", "msg_id",
    "outgoing_interface", "rejected_header", "size_reject", "smtp_confirmation",
    "tls_certificate_verified", "tls_cipher",
))  # fmt: skip
"""Of Exim's default selectors those that a peer's log has lines or fields for."""

SELECTORS = DEFAULT_SELECTORS | frozenset((
    "8bitmime", "deliver_time", "incoming_interface", "incoming_port", "millisec",
    "outgoing_port", "pid", "pipelining", "queue_time",
    "queue_time_overall", "receive_time", "received_recipients", "received_sender",
    "return_path_on_delivery", "sender_on_delivery", "smtp_connection",
    "smtp_incomplete_transaction", "smtp_no_mail", "smtp_protocol_error",
    "smtp_syntax_error", "subject", "tls_peerdn", "tls_resumption", "tls_sni",
))  # fmt: skip
"""All that have: `log_selector = +all`, as far as there is something to log."""

MOST_NAME = 256
"""Characters of a text of the peer's in a field: no name that is one is longer."""
MOST_CONFIRMATION = 1024
MOST_SUBJECT = 100
MOST_INPUT = 128
"""Octets of what came too soon, or of a command (checked with 4.96)."""

_CONTROLS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\v": "\\v",
             "\f": "\\f"}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\udc80-\udcff]")
_BEYOND = re.compile(r"[^ -~]")
_QUOTED_LOCAL_PART = re.compile(r'"((?:[^"\\]|\\.)*)"(@.*)?', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection.

    name: of the host, "" where it is not known. helo: as a client gave it, "" before.
    local, local_port: this end, for `I=`.
    """

    address: str
    port: int = 0
    name: str = ""
    helo: str = ""
    local: str = ""
    local_port: int = 0


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS on a connection. version, cipher, bits: as `SSLObject.cipher()` names them.

    verified: "yes", "no", "dane": whether the peer's certificate was found to be good.
    """

    version: str
    cipher: str
    bits: int
    resumed: bool = False
    verified: str = "no"
    peer_dn: str = ""
    sni: str = ""


def selectors_of(log_selector: str) -> frozenset[str]:
    """The selectors in force with a setting such as `+pipelining -msg_id`.

    Words that no line depends on are passed over.
    """
    found = set(DEFAULT_SELECTORS)
    for word in log_selector.split():
        names = SELECTORS if word[1:] == "all" else {word[1:]} & SELECTORS
        if word[0] == "-":
            found -= names
        else:
            found |= names
    return frozenset(found)


def inbound_form(use: Use) -> str:
    """The L field of an arrival."""
    if not use.pipelining_offered:
        return ""
    sign = "*" if use.early else "." if use.early_offered else ""
    return f"L{sign}{'' if use.pipelined else '-'}"


def outbound_form(pipelining: bool, early: bool) -> str:
    """The L field of a delivery. pipelining: offered, and not to be avoided.

    early: early input was sent, and the server still offered what it was sent by.
    """
    return "L*" if early and pipelining else "L" if pipelining else ""


def protocol(
    extended: bool, tls: bool, authenticated: bool = False, utf8: bool = False
) -> str:
    """The name for `P=`: `smtp`, `esmtpsa`, `utf8esmtps`, …"""
    plain = "esmtp" if extended else "smtp"
    signs = "s" * tls + "a" * (authenticated and extended)
    return f"{'utf8' * utf8}{plain}{signs}"


def readable(text: str) -> str:
    """Text whose control characters are escaped, and what is no text at all."""
    return _CONTROL.sub(_escape, text)


def printing(text: str, most: int = 0, also: str = "") -> str:
    """Text in which all that is not printable ASCII is escaped.

    most: characters, 0 for any. also: characters that are escaped with the others.
    """
    if most and len(text) > most:
        text = text[:most]
    if also:
        text = re.sub(f"[{re.escape(also)}]", _octal, text)
    return _BEYOND.sub(_escape, text)


def printing_octets(octets: bytes, most: int) -> str:
    """The same of octets."""
    text = octets[:most].decode("latin-1")
    return printing(re.sub(r"[\x80-\xff]", lambda c: f"\\{ord(c[0]):03o}", text))


def quoted(text: str, most: int) -> str:
    r"""Text for between double quotes: `"` and `\` have a backslash before them.

    most: characters of the text, 0 for any; half an escape would be none.
    """
    return re.sub(r'(["\\])', r"\\\1", text[:most] if most else text)


def _escape(found: re.Match[str]) -> str:
    return _CONTROLS.get(found[0]) or _octal(found)


def _octal(found: re.Match[str]) -> str:
    octets = found[0].encode("utf-8", "surrogateescape")
    return "".join(f"\\{octet:03o}" for octet in octets)


def duration(seconds: float, fine: bool) -> str:
    """A time such as `3s` or `1d2h`; below 5 s `0.304s` where it is to be fine."""
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    if fine and seconds < 5:
        return f"{sign}{seconds:.3f}s"
    left = int(seconds)
    parts = ""
    for unit, length in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        parts += f"{count}{unit}" if count else ""
    return sign + (parts or "0s")


def cipher(tls: Tls) -> str:
    """The value of X=: `TLS1.3:TLS_AES_256_GCM_SHA384:256`."""
    version = tls.version.replace("TLSv", "TLS")
    name = printing(f"{version}:{tls.cipher}:{tls.bits}", MOST_NAME, " ")
    return f"{name}*" if tls.resumed else name


def address(text: str) -> str:
    """An envelope address as a line that does not bracket it has it; `<>` for none."""
    return readable(text) or "<>"


def recipient(text: str) -> str:
    """The address of a delivery: without quotes, and then in brackets with them."""
    found = _QUOTED_LOCAL_PART.fullmatch(text)
    if found is None or not found[1]:
        return readable(text)
    plain = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) + (found[2] or "")
    return f"{readable(plain)} <{readable(text)}>"
