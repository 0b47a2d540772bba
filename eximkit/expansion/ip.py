"""IP addresses and networks (Exim specification, sections 10.13, 11.6 and 11.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eximkit.expansion.numbers import saturated
from eximkit.expansion.values import ExpansionFailed, NotPure

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_HEX = re.compile(r"[0-9A-Fa-f]{1,4}")
# The C library reads the number: blanks and a sign may stand before it.
_MASKED = re.compile(
    r"([^/]*)(?:/(|[ \t\n\r\f\v]*([+-]?)([0-9]+)))?", re.DOTALL | re.ASCII
)
_GROUPS = 8
_LONGEST = 64
_MAPPED = "::ffff:"


@dataclass(frozen=True, slots=True)
class Address:
    """bits: 32 or 128. value: the address as a number of that many bits."""

    bits: int
    value: int


def _ipv4(text: str) -> int | None:
    if len(text) > len("255.255.255.255") or not _IPV4.fullmatch(text):
        return None
    value = 0
    for part in text.split("."):
        value = value << 8 | int(part)
    return value


def _groups(text: str) -> list[int] | None:
    """Colon-separated groups; the last may be an IPv4 address, which makes two."""
    if not text:
        return []
    parts = text.split(":")
    groups: list[int] = []
    for index, part in enumerate(parts):
        if _HEX.fullmatch(part):
            groups.append(int(part, 16))
            continue
        value = _ipv4(part) if index == len(parts) - 1 else None
        if value is None:
            return None
        groups += (value >> 16, value & 0xFFFF)
    return groups


def _ipv6(text: str) -> int | None:
    head, gap, tail = text.partition("::")
    first, last = _groups(head), _groups(tail)
    if first is None or last is None or (gap and "." in head):
        return None
    missing = _GROUPS - len(first) - len(last)
    if (missing < 1) if gap else (missing != 0):
        return None
    value = 0
    for group in (*first, *[0] * missing, *last):
        value = value << 16 | group
    return value


def parse(text: str) -> Address | None:
    """The address, or None. An IPv6 address may have a zone (`%eth0`), ignored."""
    if len(text) > 2 * _LONGEST:
        return None
    if ":" not in text:
        value = _ipv4(text)
        return None if value is None else Address(32, value)
    written, sign, zone = text.partition("%")
    if sign and not re.fullmatch("[A-Za-z0-9]+", zone, re.ASCII):
        raise NotPure("the zones that the system knows")
    value = _ipv6(written)
    return None if value is None else Address(128, value)


def parse_masked(text: str) -> tuple[Address, int | None] | None:
    """An address and the number after its slash (None without one), or None."""
    found = _MASKED.fullmatch(text)
    if found is None or (found[2] is not None and "%" in found[1]):
        return None
    address = parse(found[1])
    if address is None or found[2] is None:
        return None if address is None else (address, None)
    length = saturated(found[3] or "", found[4] or "")
    return None if length < 0 else (address, length & 0xFFFFFFFF)


def groups(address: Address) -> list[int]:
    """The eight 16-bit groups; an IPv4 address is mapped (::ffff:0:0/96)."""
    value = address.value | (0xFFFF << 32 if address.bits == 32 else 0)
    return [value >> shift & 0xFFFF for shift in range(112, -1, -16)]


def _required(text: str) -> Address:
    address = parse(text)
    if address is None:
        raise ExpansionFailed(f'"{text}" is not an IP address')
    return address


def full(text: str) -> str:
    """`${ipv6denorm:…}`: all eight groups of four digits."""
    return ":".join(f"{group:04x}" for group in groups(_required(text)))


def shortest(parts: list[int]) -> str:
    """Groups with the first longest run of zeros, of one even, written `::`.

    All zeros come out as a single colon, as Exim 4.96 has it.
    """
    best_start, best_length, at = 0, 0, 0
    while at < _GROUPS:
        length = 0
        while at + length < _GROUPS and parts[at + length] == 0:
            length += 1
        if length > best_length:
            best_start, best_length = at, length
        at += length or 1
    shown = [f"{group:x}" for group in parts]
    if best_length == _GROUPS:
        return ":"
    if not best_length:
        return ":".join(shown)
    head, tail = shown[:best_start], shown[best_start + best_length :]
    return ":".join(head) + "::" + ":".join(tail)


def normal(text: str) -> str:
    """`${ipv6norm:…}`: the shortest form, IPv4 addresses mapped."""
    return shortest(groups(_required(text)))


def mask(text: str, colons: bool) -> str:
    """`${mask:…}` and `${mask_n:…}`; the first writes IPv6 with dots and all digits."""
    found = parse_masked(text)
    if found is None:
        raise ExpansionFailed(f'"{text}" is not an IP address')
    address, length = found
    if length is None:
        raise ExpansionFailed(f'missing mask value in "{text}"')
    if length > address.bits:
        raise ExpansionFailed(f'mask value too big in "{text}"')
    value = network(address, length)
    if address.bits == 32:
        shown = ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))
    elif colons:
        shown = shortest(groups(Address(128, value)))
    else:
        shown = ".".join(f"{group:04x}" for group in groups(Address(128, value)))
    return f"{shown}/{length}"


def network(address: Address, length: int) -> int:
    """The value of the address with all but its first `length` bits cleared."""
    kept = address.bits - min(length, address.bits)
    return address.value >> kept << kept


def reverse(text: str) -> str:
    """`${reverse_ip:…}`: as in the names of DNS lists; mapped addresses are IPv4."""
    found = parse_masked(text)
    if found is None:
        raise ExpansionFailed(f"reverse_ip() not given an IP address [{text}]")
    address = found[0]
    value = address.value
    if address.bits == 128 and text.startswith(_MAPPED):
        address = _mapped(text[len(_MAPPED) :].partition("/")[0])
        value = address.value
    if address.bits == 32:
        return ".".join(str(value >> shift & 255) for shift in (0, 8, 16, 24))
    return ".".join(reversed(f"{value:032x}"))


def _mapped(rest: str) -> Address:
    """What Exim 4.96 takes the end of a mapped address for: one of its own.

    The first group is then the first of an IPv6 address, and the others its last ones.
    """
    value = _ipv4(rest)
    if value is not None:
        return Address(32, value)
    first, *others = _groups(rest) or [0]
    if not others:
        raise NotPure("what lies in memory")
    value = first << 112
    for place, group in enumerate(reversed(others)):
        value |= group << 16 * place
    return Address(128, value)
