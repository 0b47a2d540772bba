"""The fields of event lines: their patterns and what attributes they become.

Patterns are ordered: what stands where no field of its name can stand is text of the
field before it. They exist twice. The plain ones hold for nearly every line and cannot
backtrack. The patient ones let those texts that a remote party chooses (HELO, ident,
certificate, authentication id) hold anything, and take the first reading in which the
*whole* line fits; they run under a match limit of PCRE2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eximkit.logs.syntax import IP
from eximkit.logs.values import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

QUOTED = rb'"(?:[^"\\]++|\\.)*+"'
# RFC 5321, section 4.1.2, and what Exim leaves as it comes; a quoted word starts a
# local part or follows a dot.
_ATOM = rb'[^ "\\()<>\[\]:;,@]++'
_LOCAL_PART = rb"(?:" + _ATOM + rb"|\\.|(?<![^ .<(])" + QUOTED + rb")++"
_DOMAIN = rb"(?:" + _ATOM + rb'|\[[^ \[\]"]*+\])'
QUALIFIED = _LOCAL_PART + rb"@" + _DOMAIN
ADDRESS = _LOCAL_PART + rb"(?:@" + _DOMAIN + rb")?+"
# An unqualified recipient with = in it is rather a field: text before it was cut off.
RECIPIENT = rb"(?:" + QUALIFIED + rb'|[^ "\\()<>\[\]:;,@=]++)(?= |\Z)'

TIME = rb"-?[0-9.]++[wdhms][0-9.wdhms]*+"
END = rb"(?= |\Z)"


def field(name: bytes, tag: bytes, value: bytes = rb"[^ ]++") -> bytes:
    """An optional field ` TAG=value`."""
    return rb"(?: " + tag + rb"=(?P<" + name + rb">" + value + rb"))?+"


def word(name: bytes, value: bytes) -> bytes:
    """An optional bare word."""
    return rb"(?: (?P<" + name + rb">" + value + rb")" + END + rb")?+"


INTERFACE = rb"(?: I=\[(?P<interface>" + IP + rb")\](?::(?P<interface_port>\d++))?+)?+"

Value = Any
Fields = dict[str, Value]


def text(octets: bytes) -> str:
    """Octets of a log as text."""
    return octets.decode("utf-8", "surrogateescape")


def _path(octets: bytes) -> str:
    return text(octets[1:-1] if octets.startswith(b"<") else octets)


def _flag(_: bytes) -> bool:
    return True


def _seconds(octets: bytes) -> float:
    return seconds(octets.decode())


CONVERSIONS: Mapping[str, Callable[[bytes], Value]] = {
    "sender": _path,
    "return_path": _path,
    "dnssec": _flag,
    "port": int,
    "continued": _flag,
    "interface_port": int,
    "prdr": _flag,
    "chunking": _flag,
    "arc": _flag,
    "size": int,
    "eight_bit": int,
    "receive_time": _seconds,
    "queue_time": _seconds,
    "delivery_time": _seconds,
    "duration": _seconds,
    "header_id_created": _flag,
    "error_number": int,
    "number": int,
}
"""Attributes of LogRecord that are not simply text."""


def attributes(groups: Mapping[str, bytes | None]) -> Fields:
    """The groups of a match as attributes; `name_2` is another place of `name`."""
    found: Fields = {}
    for group, value in groups.items():
        if value is not None:
            name = group if group[-1] > "9" else group[:-2]
            convert = CONVERSIONS.get(name)
            found[name] = text(value) if convert is None else convert(value)
    return found


def authentication(octets: bytes) -> Fields:
    """The parts of A=: `authenticator[:id[:sender]]`.

    The id is the client's and may hold colons; a sender is an address or `<>`.
    """
    authenticator, _, rest = text(octets).partition(":")
    name, colon, sender = rest.rpartition(":")
    if not colon or " " in sender or not ("@" in sender or sender == "<>"):
        name, sender = rest, ""
    return {
        "authenticator": authenticator,
        "authenticated_id": name,
        "auth_sender": sender,
    }
