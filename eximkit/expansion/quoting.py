"""`${quote_<lookup type>:…}` (Exim specification, section 9.9 and on)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKSLASHED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b"}
_MYSQL = str.maketrans({**_BACKSLASHED, "'": "\\'", '"': '\\"', "\\": "\\\\"})
_SQLITE = str.maketrans({"'": "''"})

_UNCHANGED = (
    "cdb", "dbm", "dbmjz", "dbmnz", "dnsdb", "dsearch", "iplsearch", "lsearch",
    "nwildlsearch", "passwd", "wildlsearch", "nis", "nis0",
)  # fmt: skip

LOOKUP_QUOTERS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(_UNCHANGED, str),
    "mysql": lambda text: text.translate(_MYSQL),
    "sqlite": lambda text: text.translate(_SQLITE),
}
