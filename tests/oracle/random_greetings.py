"""Strings such as a `helo_data` is made of, put together at random.

They read no file, run nothing and ask nobody, so that a real Exim and the evaluator
must come to the same result. Most are well-formed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Make = Callable[[random.Random, int], str]

LONGEST = 700
"""Exim's test mode reads lines in pieces of about a thousand octets."""

NAME_AT_END = re.compile(r"\$[a-z0-9_]+$")
ADDRESS = ("$sending_ip_address", "${sending_ip_address}")
_TEXT = (
    "a", "mail", ".example.org", "-", "[", "]", "192.0.2.1", "2001:db8::1", "10", "0",
    "-1", "x=1 y=2", "a:b:c", "<; a;b", "1:2:3", "yes", "false", "", " ", "\\x41",
    "\\N%x\\N", "A.B", "127.0.0.0/8", "u@example.org", ":", ".",
)  # fmt: skip
_VARIABLES = (
    *ADDRESS, *ADDRESS, *ADDRESS, "$sending_port", "${sending_port}",
    "$primary_hostname", "$acl_m_x", "$host",
)  # fmt: skip
_PLAIN = tuple(name for name in _VARIABLES if name[1] != "{")
_OPERATORS = (
    "lc", "uc", "strlen", "length_3", "substr_1_2", "substr_-2", "hash_4", "nhash_8",
    "md5", "sha1", "sha256", "mask", "reverse_ip", "eval", "eval10", "quote",
    "rxquote", "escape", "domain", "local_part", "address", "base62", "base62d",
    "base64", "str2b64", "hex2b64", "hexquote", "listcount", "time_interval",
    "ipv6norm", "ipv6denorm", "quote_local_part", "l_2", "s_1",
    "nh_4_8", "base32", "time_eval",
)  # fmt: skip
_TWO = (
    "eq", "eqi", "eq", "lt", "lti", "gt", "le", "gei", "match_ip", "match_domain",
    "inlist", "inlisti", "=", "==", ">", "<", ">=", "<=", "match_local_part",
)  # fmt: skip
_NUMERIC = frozenset({"=", "==", ">", "<", ">=", "<="})
_QUANTITIES = (
    "0", "1", "-1", "2K", "", "$sending_port", "${sending_port}",
    "${strlen:$sending_ip_address}", "${eval:1+$sending_port}",
)  # fmt: skip
_NAMES = ("a", "*", "! a : *", "^m", "mail : host.example", "*.example.org")
_LISTS = {
    "match_ip": ("127.0.0.1", "10.0.0.0/8 : 192.0.2.0/24", "*", "! 192.0.2.1"),
    "match_domain": _NAMES,
    "match_local_part": _NAMES,
}
_PATTERNS = (".", "\\N^(\\d+)\\.\\N", "a", "^$", "(x)?", "^", "\\N\\.(.*)$\\N")
_ONE = ("isip", "isip4", "isip6", "bool", "bool_lax")
_ITEMS = (
    ("length", 2), ("substr", 3), ("hash", 2), ("nhash", 2), ("sg", 3), ("tr", 3),
    ("extract", 2), ("extract", 3), ("extract", 4), ("listextract", 2),
    ("listextract", 3), ("listextract", 4), ("map", 2), ("reduce", 3), ("hmac", 3),
    ("listquote", 2),
)  # fmt: skip
_NUMBERS = ("1", "2", "-1", "3", "0", "12")
_COUNTS = ("1", "3", "12")
_FIRST = {
    "length": _COUNTS, "substr": _NUMBERS, "hash": _COUNTS, "nhash": _COUNTS,
    "extract": ("1", "2", "x", "-1", "", "y"), "listextract": _NUMBERS,
    "hmac": ("md5", "sha1"), "listquote": (":", ";", "."),
}  # fmt: skip
_BODIES = {
    "map": ("${item}", "x${item}", "${lc:$item}-"),
    "reduce": ("$value${item}", "${item}"),
}
_SECOND = {"extract": (".", ":", "/."), "substr": _COUNTS, "sg": _PATTERNS}


def _string(at: random.Random, level: int) -> str:
    text = ""
    for _ in range(at.choice((1, 1, 1, 2, 3))):
        part = _part(at, level)
        # A name must not run on into what follows it.
        glued = NAME_AT_END.search(text) and (part[:1].isalnum() or part[:1] == "_")
        text += f"-{part}" if glued else part
    return text


def _part(at: random.Random, level: int) -> str:
    if level <= 0 or at.random() < 0.3:
        return at.choice(_TEXT if at.random() < 0.4 else _VARIABLES)
    return at.choice(_MAKERS)(at, level - 1)


def _braced(at: random.Random, level: int) -> str:
    return f"{{{_string(at, level)}}}"


def _operator(at: random.Random, level: int) -> str:
    name = at.choice(_OPERATORS)
    operand = _string(at, level)
    if name == "mask":
        operand = f"{at.choice(ADDRESS)}/{at.choice(('8', '24', '33'))}"
    return f"${{{name}:{operand}}}"


def _item(at: random.Random, level: int) -> str:
    name, count = at.choice(_ITEMS)
    given = [_braced(at, level) for _ in range(count)]
    if name in _FIRST:
        given[0] = f"{{{at.choice(_FIRST[name])}}}"
    if name in _SECOND and (name != "extract" or given[0][1:2].strip("-").isdigit()):
        given[1] = f"{{{at.choice(_SECOND[name])}}}"
    if name in _BODIES:
        # Exim's test mode hands $item and $value on from line to line: only in here,
        # and not within one another.
        given[-1] = f"{{{at.choice(_BODIES[name])}{_string(at, 0)}}}"
    end = "fail" if name == "listextract" and count == 3 else ""
    return f"${{{name}{''.join(given)}{end}}}"


def _filter(at: random.Random, level: int) -> str:
    return f"${{filter{_braced(at, level)}{{{_condition(at, level)}}}}}"


def _sort(at: random.Random) -> str:
    """Outermost only: where it is skipped, Exim can crash on it."""
    comparator = at.choice(("lt", "lti", "<", "gei", ">", "ge"))
    values = ":".join(at.choices(("3", "1", "20", "-4"), k=at.randrange(6)))
    return f"${{sort{{{values}}}{{{comparator}}}{{$item}}}}"


def _expand(at: random.Random, level: int) -> str:
    if at.random() < 0.4:
        return f"${{expand:{chr(92)}{at.choice(_PLAIN)}}}"
    return f"${{expand:{_part(at, level)}}}"


def _if(at: random.Random, level: int) -> str:
    tail = at.choices(("yn", "y", "", "yf"), (10, 3, 1, 2))[0]
    ends = {"f": "fail"}
    written = "".join(ends.get(letter) or _braced(at, level) for letter in tail)
    return f"${{if {_condition(at, level)}{written}}}"


def _condition(at: random.Random, level: int) -> str:
    return at.choice(("", "", "", "!", "! ")) + at.choices(
        (_defined, _two, _match, _one, _group, _any), (6, 8, 2, 3, 4, 2)
    )[0](at, level)


def _defined(at: random.Random, _level: int) -> str:
    names = ("sending_ip_address",) * 4 + ("sending_port", "host", "h_x:")
    return f"def:{at.choice(names)}"


def _two(at: random.Random, level: int) -> str:
    name = at.choice(_TWO)
    if name in _NUMERIC:
        # Exim fails on what is no number even where it skips the condition.
        return f"{name}{{{at.choice(_QUANTITIES)}}}{{{at.choice(_QUANTITIES)}}}"
    if name in _LISTS:
        return f"{name}{_braced(at, level)}{{{at.choice(_LISTS[name])}}}"
    other = "{}" if at.random() < 0.2 else _braced(at, level)
    return name + _braced(at, level) + other


def _match(at: random.Random, level: int) -> str:
    return f"match{_braced(at, level)}{{{at.choice(_PATTERNS)}}}"


def _one(at: random.Random, level: int) -> str:
    name = at.choice(_ONE)
    if name == "bool":
        # A string that is no boolean fails even where Exim skips the condition.
        return f"bool{{{at.choice(('yes', 'no', '0', '', '17', *ADDRESS))}}}"
    return name + _braced(at, level)


def _group(at: random.Random, level: int) -> str:
    count = at.choice((1, 2, 2, 3)) if level > 0 else 1
    kind = _condition if level > 0 else _defined
    members = "".join(f"{{{kind(at, level - 1)}}}" for _ in range(count))
    return f"{at.choice(('and', 'or'))}{{{members}}}"


def _any(at: random.Random, level: int) -> str:
    inner = (_condition if level > 0 else _defined)(at, level - 1)
    return f"{at.choice(('forany', 'forall'))}{_braced(at, level)}{{{inner}}}"


_MAKERS: tuple[Make, ...] = (
    _operator, _operator, _item, _item, _filter, _expand, _if, _if, _if, _if,
)  # fmt: skip


def random_greeting(at: random.Random) -> str:
    """One string; it ends with a dot, because a backslash would join two lines."""
    text = _string(at, 4) + (_sort(at) if at.random() < 0.1 else "")
    return text + "." if len(text) <= LONGEST else random_greeting(at)
