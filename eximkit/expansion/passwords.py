"""Hashed passwords: the condition `crypteq` (Exim specification, section 11.7).

Of the methods of crypt(3) those are here that need nothing but digests, and DES: the
traditional one, $1$ (MD5), $5$ and $6$ (SHA-2).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from eximkit.expansion import descrypt, digests, encodings
from eximkit.expansion.descrypt import ALPHABET
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from collections.abc import Sequence

_MECHANISM = re.compile(r"\{([A-Za-z0-9]+)\}", re.ASCII)
_DIGESTS = {"md5": 16, "sha1": 20}
"""Mechanisms that are a digest without a salt, and how many octets it has."""

_METHOD = re.compile(r"\$(1|5|6)\$(?:rounds=([0-9]+)\$)?([^$:\n]*)", re.ASCII)
_SHA_ROUNDS = 5000
_FEWEST_ROUNDS = 1000
_MOST_ROUNDS = 100_000
"""Rounds that are followed; each costs a microsecond."""

_LONGEST = 1024
"""Octets of a password that is hashed; the time grows with it."""


def matches(password: str, encrypted: str) -> bool:
    """Whether a password is the one in `encrypted`: `{mechanism}hash`, or crypt(3)'s.

    Raises ExpansionFailed for a mechanism that Exim does not have, NotPure for a method
    of crypt(3) that is not followed.
    """
    if not encrypted:
        return False
    if not encrypted.startswith("{"):
        return crypt(password, encrypted) == encrypted
    found = _MECHANISM.match(encrypted)
    name = lower(found[1]) if found else ""
    wanted = encrypted[found.end() :] if found else ""
    if name in {"crypt", "crypt16"}:
        made = (
            crypt(password, wanted) if name == "crypt" else _crypt16(password, wanted)
        )
        return made is not None and made == wanted
    if name not in _DIGESTS:
        raise ExpansionFailed(f'unknown encryption mechanism in "{encrypted}"')
    digest = digests.digest(name, password)
    if len(wanted) == 2 * _DIGESTS[name]:
        return lower(wanted) == digest
    return wanted == encodings.hex_to_base64(digest)


@lru_cache(maxsize=256)
def crypt(password: str, setting: str) -> str | None:
    """The hash that a setting (salt, method) asks for; None where it is not valid."""
    octets = password.partition("\0")[0].encode("latin-1")
    if len(octets) > _LONGEST:
        raise NotPure(f"crypt(3) of more than {_LONGEST} octets")
    if not setting.startswith(("$", "_")):
        return descrypt.hashed(octets, setting)
    found = _METHOD.match(setting)
    if found is None:
        raise NotPure("this method of crypt(3)")
    method, rounds, salt = found.groups()
    if method == "1":
        return None if rounds else _md5(octets, salt[:8].encode("latin-1"))
    if rounds and not _FEWEST_ROUNDS <= int(rounds[-10:]) <= _MOST_ROUNDS:
        raise NotPure(f"crypt(3) in {rounds} rounds")
    prefix = f"${method}$" + (f"rounds={rounds}$" if rounds else "")
    name = "sha256" if method == "5" else "sha512"
    return prefix + _sha2(name, octets, salt[:16], int(rounds or _SHA_ROUNDS))


def _crypt16(password: str, setting: str) -> str | None:
    """The second eight octets of a password are hashed by themselves, their salt being
    the third and the fourth character of the first hash.
    """
    first = crypt(password, setting)
    if first is None or len(password) <= 8:
        return first
    second = crypt(password[8:], first[2:4])
    return first[:13] + (second or "")[2:13]


def _base64(octets: bytes, order: Sequence[Sequence[int]]) -> str:
    """Groups of octets (by index, highest first) as characters, lowest bits first."""
    shown: list[str] = []
    for group in order:
        value = 0
        for index in group:
            value = value << 8 | octets[index]
        for _ in range(len(group) + 1):
            shown.append(ALPHABET[value & 63])
            value >>= 6
    return "".join(shown)


_MD5_ORDER = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5), (11,))


def _md5(password: bytes, salt: bytes) -> str:
    """The method $1$."""

    def digest(*parts: bytes) -> bytes:
        return hashlib.md5(b"".join(parts), usedforsecurity=False).digest()

    inner = digest(password, salt, password)
    repeated = (inner * (len(password) // 16 + 1))[: len(password)]
    size, bits = len(password), b""
    while size:
        bits += b"\0" if size & 1 else password[:1]
        size >>= 1
    result = digest(password, b"$1$", salt, repeated, bits)
    for number in range(1000):
        result = digest(*_mixed(number, password, salt, result))
    return f"$1${salt.decode('latin-1')}${_base64(result, _MD5_ORDER)}"


def _mixed(number: int, password: bytes, salt: bytes, result: bytes) -> list[bytes]:
    """What one round takes the digest of."""
    parts = [password if number & 1 else result]
    if number % 3:
        parts.append(salt)
    if number % 7:
        parts.append(password)
    parts.append(result if number & 1 else password)
    return parts


def _sha2_order(size: int) -> list[tuple[int, ...]]:
    """Thirds of the digest, one octet from each, taken in turns."""
    third = size // 3
    order: list[tuple[int, ...]] = []
    for index in range(third):
        group = (index, index + third, index + 2 * third)
        turn = (index if size == 64 else -index) % 3
        order.append((*group[turn:], *group[:turn]))
    order.append((63,) if size == 64 else (31, 30))
    return order


def _sha2(name: str, password: bytes, salt_text: str, rounds: int) -> str:
    """The methods $5$ and $6$, without their prefix."""
    salt = salt_text.encode("latin-1")

    def digest(*parts: bytes) -> bytes:
        return hashlib.new(name, b"".join(parts), usedforsecurity=False).digest()

    inner = digest(password, salt, password)
    size = len(inner)
    parts = [password, salt, _as_long(inner, len(password))]
    count = len(password)
    while count:
        parts.append(inner if count & 1 else password)
        count >>= 1
    result = digest(*parts)
    long_password = _as_long(digest(password * len(password)), len(password))
    long_salt = _as_long(digest(salt * (16 + result[0])), len(salt))
    for number in range(rounds):
        result = digest(*_mixed(number, long_password, long_salt, result))
    return f"{salt_text}${_base64(result, _sha2_order(size))}"


def _as_long(digest: bytes, length: int) -> bytes:
    return (digest * (length // len(digest) + 1))[:length]
