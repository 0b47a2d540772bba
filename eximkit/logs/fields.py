"""The fields of log lines: their patterns, and what attributes they become.

Patterns are ordered: what stands where no field of its name can stand is text of the
field before it. All of them are for text that was decoded, and for `re.ASCII`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from eximkit.logs import syntax
from eximkit.logs.possessive import compiled
from eximkit.logs.record import LogRecord
from eximkit.logs.values import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

IP = syntax.IP.decode()
MESSAGE_ID = syntax.MESSAGE_ID.decode()
STAMP = syntax.DATE.decode() + " " + syntax.CLOCK.decode()

QUOTED = r'"(?:[^"\\]++|\\.)*+"'
# RFC 5321, section 4.1.2, and what Exim leaves as it comes; a quoted word starts a
# local part or follows a dot.
_ATOM = r'[^ "\\()<>\[\]:;,@]++'
_LOCAL_PART = rf"(?:{_ATOM}|\\.|(?<![^ .<(]){QUOTED})++"
_DOMAIN = rf'(?:{_ATOM}|\[[^ \[\]"]*+\])'
QUALIFIED = f"{_LOCAL_PART}@{_DOMAIN}"
ADDRESS = f"{_LOCAL_PART}(?:@{_DOMAIN})?+"
PATH = f"<(?:{ADDRESS})?+>"
"""An address in brackets, or the null sender's `<>`."""
# An unqualified recipient with = in it is rather a field: text before it was cut off.
RECIPIENT = rf'(?:{QUALIFIED}|[^ "\\()<>\[\]:;,@=]++)(?= |\Z)'

TIME = r"-?(?:\d{1,9}(?:\.\d{1,9})?+[wdhms])++"
PORT = r"\d{1,5}"
SIZE = r"\d{1,18}"
NO_QUOTE = r'[^ "]++'
NOT_COLON = r"[^ ]*[^ :]"
"""A value that a colon may follow: it does not end in one."""
END = r"(?= |\Z)"


def field(name: str, tag: str, value: str = r"[^ ]++") -> str:
    """An optional field ` TAG=value`."""
    return rf"(?: {tag}=(?P<{name}>{value}))?+"


def word(name: str, value: str) -> str:
    """An optional bare word."""
    return rf"(?: (?P<{name}>{value}){END})?+"


_KNOWN = "A|C|CV|Ci|DKIM|DMARC|DN|DT|F|H|I|M8S|P|PRX|PS|Q|QT|R|RT|S|SNI|SPF|ST|T|U|X"
UNKNOWN = rf'(?: (?!(?:{_KNOWN})=)[A-Z][A-Za-z0-9_]*+=[^ "]++)*+'
"""Fields that no release so far has, where new ones are most likely to appear."""
INTERFACE = rf"(?: I=\[(?P<interface>{IP})\](?::(?P<interface_port>{PORT}))?+)?+"
PLAIN_DN = r'(?: DN="(?P<dn>[^"]*+)")?+'
ANY_DN = r'(?: DN="(?P<dn>.*?)")?'

_RECIPIENT = compiled(RECIPIENT, re.ASCII | re.DOTALL)


def _path(value: str) -> str:
    return value[1:-1] if value.startswith("<") else value


def _flag(_: str) -> bool:
    return True


def _milliseconds(value: str) -> int:
    return int(value[1:])


def _process(value: str) -> int:
    return int(value[1:-1])


def _recipients(value: str) -> tuple[str, ...]:
    if '"' not in value:
        return tuple(value.split())
    return tuple(_RECIPIENT.findall(value))


def _parents(value: str) -> tuple[str, ...]:
    return tuple(value.split(", "))


def _result(value: str) -> str:
    return value.partition("=")[2] or "yes"


def _commands(value: str) -> tuple[str, ...]:
    return tuple(value.split(","))


def authentication(value: str) -> tuple[str, str, str]:
    """The parts of A=: authenticator, id and sender (`authenticator[:id[:sender]]`).

    The id is the client's and may hold colons; a sender is an address or `<>`.
    """
    authenticator, _, name = value.partition(":")
    head, colon, sender = name.rpartition(":")
    if colon and " " not in sender and ("@" in sender or sender == "<>"):
        return authenticator, head, sender
    return authenticator, name, ""


_CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "milliseconds": _milliseconds,
    "process": _process,
    "sender": _path,
    "return_path": _path,
    "parents": _parents,
    "dnssec": _flag,
    "port": int,
    "continued": _flag,
    "interface_port": int,
    "authenticated": authentication,
    "prdr": _flag,
    "chunking": _flag,
    "arc": _flag,
    "spf": _result,
    "dmarc": _result,
    "size": int,
    "eight_bit": int,
    "receive_time": seconds,
    "queue_time": seconds,
    "delivery_time": seconds,
    "duration": seconds,
    "header_id_created": _flag,
    "received_sender": _path,
    "recipients": _recipients,
    "commands": _commands,
    "error_number": int,
    "number": int,
}
"""Of groups that are not simply text."""

INDEX = {name: index for index, name in enumerate(LogRecord._fields)}
_TOGETHER: dict[str, Place] = {
    "authenticated": slice(INDEX["authenticator"], INDEX["auth_sender"] + 1),
}
"""Groups that become several attributes."""

Values = list[Any]
"""The attributes of a LogRecord in the making, in their order."""
Place = int | slice | str
"""Where the value of a group goes; the name of one that is no attribute."""
Target = tuple[Place, "Callable[[str], Any] | None"]


def targets(groups: Iterable[str]) -> tuple[Target, ...]:
    """What becomes of groups. `name_2` is another place of the field `name`."""
    found: list[Target] = []
    for group in groups:
        name = group if group[-1] > "9" else group[:-2]
        place: Place = INDEX.get(name, name)
        found.append((_TOGETHER.get(name, place), _CONVERSIONS.get(name)))
    return tuple(found)
