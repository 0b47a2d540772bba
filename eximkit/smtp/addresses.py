"""Paths and names in commands: what RFC 5321 4.1.2 and 4.1.3 let them be.

Text is str; characters beyond ASCII are let through here (RFC 6531), whether they were
allowed is decided by the command that holds them.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

from eximkit.errors import RemoteProtocolError

LOCAL_PART, DOMAIN, PATH = 64, 255, 256
"""Limits in octets (RFC 5321 4.5.3.1)."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010ffff]"
_LABEL = r"[A-Za-z0-9_\x80-\U0010ffff](?:[A-Za-z0-9_\x80-\U0010ffff-]*)"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*\.?"
_LITERAL = r"\[[!-Z^-~]*\]"
_QUOTED = r'"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*"'
_ROUTE = rf"(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?"
_PATH = re.compile(
    rf"<(?:{_ROUTE}(?P<mailbox>(?P<local>{_ATEXT}+(?:\.{_ATEXT}+)*|{_QUOTED})"
    rf"@(?P<domain>{_DOMAIN}|{_LITERAL}))|(?P<short>[Pp][Oo][Ss][Tt][Mm][Aa][Ss]"
    r"[Tt][Ee][Rr]))?>"
)
_NAME = re.compile(_DOMAIN, re.ASCII)


def is_name(text: str) -> bool:
    """Whether a host may greet with this: a domain or an address literal."""
    if len(text) > DOMAIN or not text.isascii():
        return False
    return _NAME.fullmatch(text) is not None or is_literal(text)


def is_literal(text: str) -> bool:
    """Whether this is an address literal, such as [192.0.2.1] or [IPv6:2001:db8::1]."""
    if not (text.startswith("[") and text.endswith("]")):
        return False
    inner = text[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            IPv6Address(inner[5:])
        else:
            IPv4Address(inner)
    except ValueError:
        return False
    return "%" not in inner


def path(text: str, start: int = 0) -> tuple[str, str]:
    """The address at this place of a text, in angle brackets there, and what follows.

    <> gives "". A source route is left out, as RFC 5321 4.1.1.3 asks for. Raises
    RemoteProtocolError.
    """
    match = _PATH.match(text, start)
    if match is None:
        raise RemoteProtocolError("not an address in <>", 501, "5.1.3")
    address, short = match.group("mailbox", "short")
    address = address or short or ""
    if len(address) > LOCAL_PART or not address.isascii() or address.endswith("]"):
        local, domain = match["local"], match["domain"]
        if domain.startswith("[") and not is_literal(domain):
            raise RemoteProtocolError("not an address literal", 501, "5.1.3")
        for part, limit in ((local, LOCAL_PART), (domain, DOMAIN), (address, PATH - 2)):
            if len(part.encode("utf-8", "surrogateescape")) > limit:
                raise RemoteProtocolError("an address too long", 501, "5.1.3")
    return address, text[match.end() :]


def domain_of(address: str) -> str:
    """What stands behind the last @, in lower case; "" without one."""
    return address.rpartition("@")[2].lower() if "@" in address else ""
