"""DNS records as `dnsdb` writes them (Exim specification, section 9.18)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

CSA_VERSION = "1"
CSA_CODES = {"0": "N", "1": "N", "2": "Y", "3": "?"}
"""By the weight of a record that is about the very name."""


@dataclass(frozen=True, slots=True)
class Separators:
    """What stands between records, and between the fields of one (None: not given)."""

    records: str = "\n"
    fields: str | None = None


Format = Callable[[Sequence[str], Separators, bool], str | None]
"""A record's fields to its text; None leaves it out. The flag: it is about a name above
the one that was asked for.
"""


def _first(fields: Sequence[str], _separators: Separators, _below: bool) -> str:
    return fields[0]


def _all(fields: Sequence[str], separators: Separators, _below: bool) -> str:
    return (" " if separators.fields is None else separators.fields).join(fields)


def _srv(fields: Sequence[str], separators: Separators, below: bool) -> str:
    # With nothing to stand between fields, those in the middle are left out.
    if separators.fields == "":
        return fields[0] + fields[-1]
    return _all(fields, separators, below)


def _tlsa(fields: Sequence[str], separators: Separators, below: bool) -> str:
    return fields[0] if separators.fields == "" else _all(fields, separators, below)


def _second(fields: Sequence[str], _separators: Separators, _below: bool) -> str:
    return fields[1]


def _soa(fields: Sequence[str], separators: Separators, _below: bool) -> str:
    return separators.fields.join(fields) if separators.fields else fields[0]


def _txt(fields: Sequence[str], separators: Separators, _below: bool) -> str:
    if separators.fields is None:
        return fields[0] if fields else ""
    # An empty string at the end is not noticed.
    strings = fields[:-1] if fields and not fields[-1] else fields
    return separators.fields.join(strings)


def _spf(fields: Sequence[str], separators: Separators, below: bool) -> str:
    joined = Separators(separators.records, separators.fields or "")
    return _txt(fields, joined, below)


def _csa(fields: Sequence[str], _separators: Separators, below: bool) -> str | None:
    priority, weight, port, host = fields
    if priority != CSA_VERSION:
        return None
    if below:
        code: str | None = "X" if int(port) & 1 else "?"
    else:
        code = CSA_CODES.get(weight)
    return None if code is None else f"{code} {host}"


def speaks_for_all(fields: Sequence[str]) -> bool:
    """Whether a CSA record says that all names below its own need one as well."""
    priority, _weight, port, _host = fields
    return priority == CSA_VERSION and bool(int(port) & 1)


FORMATS: dict[str, Format] = {
    "A": _first,
    "A+": _first,
    "AAAA": _first,
    "CNAME": _first,
    "CSA": _csa,
    "MX": _all,
    "MXH": _second,
    "NS": _first,
    "PTR": _first,
    "SOA": _soa,
    "SPF": _spf,
    "SRV": _srv,
    "TLSA": _tlsa,
    "TXT": _txt,
    "ZNS": _first,
}
"""By what the query calls the type, in upper case."""
