"""The values of log fields: times, TLS versions, escaped text.

Exim specification, chapter "Log files"; functions of text, octets are decoded before.
"""

from __future__ import annotations

import re
from functools import lru_cache

from eximkit.logs.possessive import compiled

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_TIME_PART = compiled(r"(\d++(?:\.\d++)?)([wdhms])")

_TLS_VERSION = compiled(r"(?P<name>TLS|SSL)v?(?P<number>[0-9](?:\.[0-9])?)(?=[:*]|\Z)")
UNKNOWN_TLS = "unknown"
"""For a cipher of no known version, such as OpenSSL's `UNKNOWN:…`."""

_ESCAPE = compiled(r"\\([0-7]{3}|.)", re.DOTALL)
_CONTROLS = {"n": 10, "r": 13, "t": 9, "b": 8, "v": 11, "f": 12}


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    """The length of a time such as `1w2d3h4m5s`, `0.304s` or `-2s`."""
    total = sum(float(n) * _UNITS[unit] for n, unit in _TIME_PART.findall(text))
    return -total if text.startswith("-") else total


@lru_cache(maxsize=1024)
def tls_version(tls: str) -> str:
    """The version of an X= field, spelt one way: `TLS1.3`, `TLS1`, `SSL3`.

    OpenSSL writes `TLSv1`, GnuTLS `TLS1.0`: both are `TLS1`. "" for no TLS.
    """
    found = _TLS_VERSION.match(tls)
    if found is None:
        return UNKNOWN_TLS if tls else ""
    return found["name"] + found["number"].removesuffix(".0")


def unescaped(text: str) -> str:
    r"""Text without the escapes of a log line.

    `\n`, `\344`, `\"` and `\\` are undone; octets so written are UTF-8 again, or
    surrogate escapes. What is no escape stays as it is.
    """
    if "\\" not in text:
        return text

    def octet(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if len(code) == 3:
            return bytes([int(code, 8) & 255])
        return bytes([_CONTROLS.get(chr(code[0]), code[0])])

    data = text.encode("utf-8", "surrogateescape")
    return _ESCAPE_OCTETS.sub(octet, data).decode("utf-8", "surrogateescape")


_ESCAPE_OCTETS = compiled(_ESCAPE.pattern.encode(), re.DOTALL)
