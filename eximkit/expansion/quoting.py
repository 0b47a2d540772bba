"""`${quote_<lookup type>:…}` (Exim specification, section 9.9 and on)."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import TYPE_CHECKING

from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKSLASHED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b"}
_MYSQL = str.maketrans({**_BACKSLASHED, "'": "\\'", '"': '\\"', "\\": "\\\\"})
_PGSQL = str.maketrans({**_BACKSLASHED, "'": "''", '"': '\\"', "\\": "\\\\"})
# RFC 4516: what a URL cannot hold is %XX; what the language inside it cannot hold, RFC
# 4515 (filters) or RFC 4514 (names), is escaped before that: %5C is its backslash.
_KEPT = frozenset(ascii_letters + digits + "!$'+-._")
_LDAP = str.maketrans(
    {
        chr(code): f"%5C{code:02X}" if chr(code) in "()*\\" else f"%{code:02X}"
        for code in range(1, 256)
        if chr(code) not in _KEPT
    }
)
_LDAP_DN = str.maketrans(
    {
        chr(code): ("%5C" if chr(code) in ',"\\<>;' else "") + f"%{code:02X}"
        for code in range(1, 256)
        if chr(code) not in _KEPT | set("()*")
    }
    | {"+": "%5C+"}
)
_LDAP_TYPES = ("ldap", "ldapdn", "ldapm")
_SQLITE = str.maketrans({"'": "''"})

_UNCHANGED = (
    "cdb", "dbm", "dbmjz", "dbmnz", "dnsdb", "dsearch", "iplsearch", "lsearch",
    "nwildlsearch", "passwd", "wildlsearch", "nis", "nis0", "spf",
)  # fmt: skip

_QUOTERS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(_UNCHANGED, str),
    **dict.fromkeys(_LDAP_TYPES, lambda text: text.translate(_LDAP)),
    "mysql": lambda text: text.translate(_MYSQL),
    "pgsql": lambda text: text.translate(_PGSQL),
    "sqlite": lambda text: text.translate(_SQLITE),
}


def _dn(text: str) -> str:
    """Text for a distinguished name in an LDAP URL: RFC 4514 first, then RFC 3986."""
    inner = text.lstrip(" #")
    start = text[: len(text) - len(inner)]
    middle = inner.rstrip(" ")
    end = inner[len(middle) :]
    outer = str.maketrans({" ": "%5C%20", "#": "%5C%23"})
    return start.translate(outer) + middle.translate(_LDAP_DN) + end.translate(outer)


def quote_for_lookup(arguments: tuple[str, ...], text: str) -> str:
    """`${quote_<type>:…}`; a type that this build lacks is not known."""
    kind, *options = arguments
    quoter = _QUOTERS.get(kind)
    if quoter is None:
        raise ExpansionFailed(f'unknown lookup type "{kind}"', syntax=True)
    if kind in _LDAP_TYPES and options == ["dn"]:
        return _dn(text)
    if options:
        raise ExpansionFailed(
            f'"{"_".join(options)}" unrecognized after "${{quote_{kind}"',
            syntax=True,
        )
    return quoter(text)
