"""Rewritten senders (SRS): `${srs_encode` and the condition `inbound_srs`.

Exim specification, sections 11.5 and 11.7. The day comes in as an argument: whole days
since the epoch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import TYPE_CHECKING

from eximkit.expansion import digests
from eximkit.expansion.addresses import required
from eximkit.expansion.strings import lower
from eximkit.expansion.values import stops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.expansion.textsettings import TextSettings

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_DAYS = len(_BASE32) ** 2
_LIFETIME = 10
_DIGITS = 4
_INBOUND = re.compile(
    r"SRS0=([^=]+)=([A-Z2-7]{2})=([^=]*)=(.*)\n?", re.IGNORECASE | re.ASCII
)
_PLAIN = frozenset(ascii_letters + digits + "!#$%&'*+/=?^_`{|}~.-")


@dataclass(frozen=True, slots=True)
class Inbound:
    """What `inbound_srs` finds. recipient: $srs_recipient, None where it stays."""

    holds: bool
    recipient: str | None = None


def encode(
    arguments: Sequence[str], day: int, settings: TextSettings | None = None
) -> str:
    """`${srs_encode{secret}{return path}{domain}}`; "" for an empty return path.

    Raises ExpansionFailed, with Exim's reason, where that is no address.
    """
    secret, path, domain = arguments
    if not path:
        return ""
    found = required(path, settings)
    local = found.local.replace('"', "")
    if not local and not found.domain:
        raise stops("srs_encode of an empty local part")
    mark = '"' if local != found.local else ""
    stamp = day % _DAYS
    coded = _BASE32[stamp // len(_BASE32)] + _BASE32[stamp % len(_BASE32)]
    shown = f"SRS0={_digest(secret, lower(path))}={coded}={found.domain}={local}"
    return f"{mark}{shown}{mark}@{domain}"


def inbound(local_part: str, secret: str, day: int) -> Inbound:
    """`inbound_srs{local part}{secret}`: whether this is one of our own.

    An empty secret checks the form alone. The day may be any of the last ten.
    """
    found = _INBOUND.fullmatch(local_part)
    if found is None:
        return Inbound(False)
    digest, stamp = found[1], lower(found[2])
    domain, local = lower(found[3]), lower(found[4])
    quoted = not all(c in _PLAIN for c in local_part)
    recipient = f'"{local}"@{domain}' if quoted else f"{local}@{domain}"
    if not secret:
        return Inbound(True, recipient)
    made = _BASE32.index(stamp[0]) * len(_BASE32) + _BASE32.index(stamp[1])
    fresh = (day - made) % _DAYS <= _LIFETIME
    return Inbound(fresh and digest == _digest(secret, recipient), recipient)


def _digest(secret: str, address: str) -> str:
    return digests.hmac("md5", secret, address)[:_DIGITS]
