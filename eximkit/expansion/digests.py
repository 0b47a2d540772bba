"""Digests: md5, sha1, sha2, sha3, hmac, and Exim's own `hash` and `nhash`.

Exim specification, sections 11.5 and 11.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.values import ExpansionFailed, stops

if TYPE_CHECKING:
    from collections.abc import Mapping

_LETTERS = "abcdefghijklmnopqrtsuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_PRIMES = (
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79,
    83, 89, 97, 101, 103, 107, 109, 113,
)  # fmt: skip

_SHA2: Mapping[str, str] = {
    "": "sha256", "256": "sha256", "384": "sha384", "512": "sha512",
}  # fmt: skip
_SHA3: Mapping[str, str] = {
    "": "sha3_256", "224": "sha3_224", "256": "sha3_256", "384": "sha3_384",
    "512": "sha3_512",
}  # fmt: skip
_HMAC: Mapping[str, str] = {"md5": "md5", "sha1": "sha1"}


def digest(algorithm: str, text: str) -> str:
    """A digest in lower-case hexadecimal."""
    import hashlib  # few expansions need it, and it is slow to load

    return hashlib.new(
        algorithm, text.encode("latin-1"), usedforsecurity=False
    ).hexdigest()


def sha2(arguments: tuple[str, ...], text: str) -> str:
    """`${sha256:…}`, `${sha2_<n>:…}`."""
    algorithm = _SHA2.get("_".join(arguments))
    if algorithm is None:
        raise ExpansionFailed("unrecognised sha2 variant")
    return digest(algorithm, text).upper()


def sha3(arguments: tuple[str, ...], text: str) -> str:
    """`${sha3:…}`, `${sha3_<n>:…}`."""
    algorithm = _SHA3.get("_".join(arguments))
    if algorithm is None:
        raise ExpansionFailed("unrecognised sha3 variant")
    return digest(algorithm, text).upper()


def hmac(algorithm: str, secret: str, text: str) -> str:
    """`${hmac{md5}{secret}{text}}` (RFC 2104), lower-case hexadecimal."""
    name = _HMAC.get(algorithm)
    if name is None:
        raise ExpansionFailed(f'hmac algorithm "{algorithm}" is not recognised')
    import hmac as library  # as in digest

    key, data = secret.encode("latin-1"), text.encode("latin-1")
    return library.new(key, data, name).hexdigest()


def hash_text(text: str, length: int, limit: int = 26) -> str:
    """`${hash_<length>_<limit>:…}`: at most `length` of the first `limit` letters."""
    if limit > len(_LETTERS):
        raise ExpansionFailed(f'hash count "{limit}" too big')
    if length < 0 or (limit <= 0 and 0 < length < len(text)):
        raise stops("hash")
    if length >= len(text):
        return text
    if not length:
        return ""
    octets = [ord(c) for c in text]
    for index, octet in enumerate(octets[length:], length):
        shift = (octet + index) & 7
        mixed = (octet << shift | octet >> (8 - shift)) & 255
        octets[(index - length) % length] ^= mixed
    return "".join(_LETTERS[octet % limit] for octet in octets[:length])


def nhash(text: str, first: int, second: int | None = None) -> str:
    """`${nhash_<n>_<m>:…}`: a number below n, or two of them, with a slash."""
    total = 0
    for index, character in enumerate(text):
        prime = _PRIMES[-1 - index % len(_PRIMES)]
        total = (total + prime * ord(character)) & 0xFFFFFFFF
    if second is None:
        modulus = first & 0xFFFFFFFF
        if modulus == 0:
            raise stops("nhash by zero")
        return str(total % modulus)
    modulus = (first * second) & 0xFFFFFFFF
    if modulus == 0:
        raise stops("nhash by zero")
    total %= modulus
    return f"{total // second}/{total % second}"
