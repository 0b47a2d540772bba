"""`dnsdb`: the DNS as a database (Exim specification, sections 9.18 to 9.20).

>, ; defer_never, dnssec_lax, mx = <; first.example ; second.example
^^^^ ^^^^^^^^^^^  ^^^^^^^^^^  ^^   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
separators  modifiers        type  names
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.expansion import ip
from eximkit.expansion.lists import split_list
from eximkit.expansion.lookups.dns_questions import Asker, Result, reversed_name
from eximkit.expansion.lookups.dns_records import FORMATS, Separators
from eximkit.expansion.lookups.table import Deferred
from eximkit.expansion.numbers import seconds
from eximkit.expansion.strings import lower
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context

AUTHENTICATED = "lookup_dnssec_authenticated"
"""The variable that tells of the last answer; empty where nobody wanted to know."""
_MODIFIER = re.compile("(defer|dnssec|retrans|retry)_", re.IGNORECASE)
_CHOICE = re.compile("strict|lax|never", re.IGNORECASE)
_COUNT = re.compile(f"[{BLANK}]*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]*)")
_COMMA = re.compile(f"[{BLANK}]*,[{BLANK}]*")
_LIKE = {"MXH": "MX", "ZNS": "NS", "CSA": "SRV"}
"""What is asked for in the DNS where the type is Exim's own."""


@dataclass(slots=True)
class Query:
    """What a query says. type: in upper case; names: the rest of it."""

    separators: Separators = field(default_factory=Separators)
    defer: str = "lax"
    dnssec: str = "lax"
    retrans: int | None = None
    retry: int | None = None
    type: str = "TXT"
    names: str = ""


def read_query(text: str) -> Query:
    """Take a query apart. Raises Deferred with Exim's reason."""
    query = Query()
    at = len(text) - len(text.lstrip(BLANK))
    if text.startswith(">", at):
        query.separators, at = _separators(text, at)
    while (found := _MODIFIER.match(text, at)) is not None:
        at = _MODIFIERS[lower(found[1])](query, text, found.end())
    kind, sign, names = text[at:].partition("=")
    if not sign:
        query.names = kind
        return query
    query.type = kind.rstrip(BLANK).upper()
    query.names = names.lstrip(BLANK)
    if query.type not in FORMATS:
        raise Deferred("unsupported DNS record type")
    return query


def _separators(text: str, at: int) -> tuple[Separators, int]:
    between = text[at + 1 : at + 2]
    fields, at = None, at + 2
    if text.startswith(",", at):
        fields, at = text[at + 1 : at + 2], at + 2
    elif text.startswith(";", at):
        fields, at = "", at + 1
    rest = text[at:]
    return Separators(between, fields), at + len(rest) - len(rest.lstrip(BLANK))


def _after_comma(text: str, at: int) -> int:
    found = _COMMA.match(text, at)
    if found is None:
        raise Deferred("dnsdb modifier syntax error")
    return found.end()


def _choice(text: str, at: int, what: str) -> tuple[str, int]:
    found = _CHOICE.match(text, at)
    if found is None:
        raise Deferred(f"unsupported dnsdb {what} behaviour")
    return lower(found[0]), _after_comma(text, found.end())


def _defer(query: Query, text: str, at: int) -> int:
    query.defer, at = _choice(text, at, "defer")
    return at


def _dnssec(query: Query, text: str, at: int) -> int:
    query.dnssec, at = _choice(text, at, "dnssec")
    return at


def _retrans(query: Query, text: str, at: int) -> int:
    value, comma, _ = text[at:].partition(",")
    query.retrans = seconds(value) if comma else None
    if not query.retrans:
        raise Deferred("unsupported dnsdb timeout value")
    return _after_comma(text, at + len(value))


def _retry(query: Query, text: str, at: int) -> int:
    found = _COUNT.match(text, at)
    sign, digits = (found[1], found[2]) if found else ("", "")
    value = int(digits[:18] or "0", 16 if digits[1:2] in {"x", "X"} else 10)
    if sign == "-" and value:
        raise Deferred("unsupported dnsdb retry count")
    query.retry = value
    return _after_comma(text, found.end() if found else at)


_MODIFIERS: dict[str, Callable[[Query, str, int], int]] = {
    "defer": _defer,
    "dnssec": _dnssec,
    "retrans": _retrans,
    "retry": _retry,
}


def dnsdb(context: Context, text: str, _kind: Kind) -> str | None:
    """All that the DNS has for the names, joined. Raises Deferred, NotAllowed."""
    query = read_query(text)
    asker = Asker(
        context.world, context.options, query.dnssec != "never", query.retrans,
        query.retry,
    )  # fmt: skip
    output: list[str] = []
    unsure = False
    for name in _names(query):
        for result in _results(asker, query.type, name):
            if query.dnssec == "never":
                context.remember(AUTHENTICATED, "")
            else:
                context.remember(AUTHENTICATED, "yes" if asker.secure else "no")
            if _uncertain(result, query):
                if query.defer == "strict":
                    raise Deferred("")
                unsure = unsure or query.defer == "lax"
            else:
                _collect(output, query, result)
    found = "".join(output)
    if not found and unsure:
        raise Deferred("")
    return found or None


def _names(query: Query) -> list[str]:
    """One IPv6 address is no list of its groups."""
    if query.type == "PTR" and not query.names.startswith("<"):
        address = ip.parse(query.names.partition("%")[0])
        if address is not None and address.bits == 128:
            return [query.names]
    return split_list(query.names)[1]


def _results(asker: Asker, kind: str, name: str) -> Iterator[Result]:
    if kind in {"PTR", "CSA"}:
        name = reversed_name(name) or name
    if kind == "A+":
        yield asker.ask(name, "AAAA")
        yield asker.ask(name, "A")
    elif kind in {"ZNS", "SOA"}:
        yield asker.climb(name, _LIKE.get(kind, kind))
    elif kind == "CSA":
        yield asker.client(name)
    else:
        yield asker.ask(name, _LIKE.get(kind, kind))


def _uncertain(result: Result, query: Query) -> bool:
    if result.status in {"again", "failed"}:
        return True
    return result.status == "found" and query.dnssec == "strict" and not result.secure


def _collect(output: list[str], query: Query, result: Result) -> None:
    """Add the records. A separator stands only after something that is not empty, and
    before records that are left out as well.
    """
    formatted = FORMATS[query.type]
    for record in result.records:
        if output:
            output.append(query.separators.records)
        text = formatted(record.fields, query.separators, result.below)
        if text:
            output.append(text)
