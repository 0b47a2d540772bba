"""Signed sender addresses (BATV, prvs scheme): `${prvs` and `${prvscheck`.

Exim specification, section 11.5. The day comes in as an argument: whole days since the
epoch, as `clock() // 86400`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
"""Seconds of a day."""

_LIFETIME = 7
_DAYS = 1000
_LONGEST_SECRET = 64
_SIGNED = re.compile(
    r"prvs=([0-9])([0-9]{3})([0-9A-F]{6})=(.+)@(.+)\n?", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed address taken apart.

    address: what was signed. key_number: one digit ($prvscheck_keynum). expires: a day,
    modulo 1000. digest: six hexadecimal digits.
    """

    address: str
    key_number: str
    expires: int
    digest: str

    def holds(self, secret: str, day: int) -> bool:
        """Whether the signature is right and has not expired ($prvscheck_result)."""
        today, expires = day % _DAYS, self.expires
        if today >= _DAYS - _LIFETIME and expires <= _LIFETIME:
            expires += _DAYS
        made = _digest(secret, self.key_number, self.expires, self.address)
        return expires >= today and made == self.digest.lower()


def sign(arguments: Sequence[str], day: int) -> str:
    """`${prvs{address}{secret}{key number}}`; the number is 0 if it is not given.

    Raises ExpansionFailed for an address without a domain, for a number that is not one
    digit, and for a secret of more than 64 octets.
    """
    address, secret = arguments[0], arguments[1]
    number = arguments[2] if len(arguments) > 2 else "0"
    local, sign, domain = address.rpartition("@")
    if not (local and sign and domain):
        raise ExpansionFailed("prvs first argument must be a qualified email address")
    if len(number) != 1 or number not in "0123456789":
        raise ExpansionFailed("prvs third argument must be a single digit")
    expires = (day + _LIFETIME) % _DAYS
    digest = _digest(secret, number, expires, address)
    return f"prvs={number}{expires:03d}{digest}={address}"


def signed(text: str) -> Signed | None:
    """The parts of a signed address, None where the text is none."""
    found = _SIGNED.fullmatch(text)
    if found is None:
        return None
    number, expires, digest, local, domain = found.groups()
    return Signed(f"{local}@{domain}", number, int(expires), digest)


def _digest(secret: str, number: str, expires: int, address: str) -> str:
    """The first six digits of HMAC-SHA-1 (RFC 2104)."""
    if len(secret) > _LONGEST_SECRET:
        raise ExpansionFailed("prvs hmac-sha1 conversion failed")
    import hmac  # few expansions need it, and it is slow to load

    text = f"{number}{expires:03d}{address}".encode("latin-1")
    return hmac.new(secret.encode("latin-1"), text, "sha1").hexdigest()[:6]
