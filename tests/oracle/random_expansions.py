"""Expansion strings put together at random, right ones and broken ones.

They are given to a real Exim, so nothing in them runs a command or opens a file that
exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Make = Callable[[random.Random, int], str]

LONGEST = 700
"""Exim's test mode reads lines in pieces of about a thousand octets."""

_TEXT = [
    "a", "b ", "", " ", "x@y.z", "1", "-2", "\\n", "\\}", "\\{", "\\$", "{", "\\\\",
    ":", "a=b", "\xe9", "\x85", "\xa0", "\\x41", "\\101", "\\N$x}\\N", "fail", "\\",
    "!", "eq",
]  # fmt: skip
_VARIABLES = [
    "$acl_m0", "${acl_m_x}", "$1", "${2}", "$value", "$item", "${item}",
    "$h_subject:", "$h_x ", "$rh_y:", "$header_a-b:", "$primary_hostname",
    "${local_part}", "$domain", "$h_no", "$nosuch", "${nosuch}", "$r_x", "$0a",
    "$acl_c_a-b", "${acl_m_a-b}", "$", "${", "$lh_[]:", "${ value}", "${value }",
    "$auth1", "$acl_x", "$acl_mx", "${1x}", "$_", "$:",
]  # fmt: skip
_OPERATORS = [
    "lc", "uc", "length_1", "l_2", "substr_1_2", "substr_-1", "s_1", "strlen",
    "quote", "quote_mysql", "quote_ldap_dn", "hash_3", "local_part", "domain",
    "escape", "rxquote", "lc_x", "sha3_256", "length", "length_", "nosuch",
    "quote_nosuch", "substr__1", "lc ", "h_x", "md5", "from_utf8", "eval10",
    "base62d", "lc-", "hash_1_2_3", "LC", "listnamed_x",
]  # fmt: skip
_TWO = [
    "eq", "eqi", "lt", "match_domain", "match_local_part", "match_address", "inlist",
    "gei", "eq ", "=", "==", ">", "<= ", "!eq", "! eq", "!!eq", "match_ip", "crypteq",
    "inlisti", "nosuch", "eqx", "eq_", "Eq", "!=", "<>",
]  # fmt: skip
_ONE = ["bool_lax", "isip", "isip4 ", "!isip6", "bool_lax ", "isipx", "isip{"]
_NONE = ["first_delivery", "queue_running", "!first_delivery ", "first_deliveryx", ""]
_DEFINED = [
    "acl_m0", "h_x:", "h_x", "value ", "nosuch", "1", "", " item", "rh_a:", "item",
    "$item", "domain:", "header_x: ", "acl_m_a-b", "{item}", "h_}:",
]  # fmt: skip
_ITEMS = [
    ("sg", 3), ("tr", 3), ("length", 2), ("substr", 2), ("hash", 2), ("acl", 1),
    ("listextract", 2), ("extract", 2), ("extract", 3), ("extract json", 2),
    ("env", 1), ("extract jsons ", 2), ("map", 2), ("reduce", 3), ("hmac", 3),
    ("imapfolder", 1), ("nosuch", 1), ("sg,x", 3), ("lc", 1), ("value", 1),
    ("sgx", 3), ("listquote", 2), ("authresults", 1), ("extractx", 2),
    ("listextract", 4), ("map ", 2), ("sg x", 3),
]  # fmt: skip
_TYPES = [
    "lsearch", "lsearch*", "lsearch*@", "partial-lsearch", "partial2-lsearch*",
    "dsearch", "partial(.)lsearch", "lsearch,ret=key", "wildlsearch", "nosuch",
    "lsearch,x=y ", "", "partial(a)lsearch", "partialx", "lsearchx", "lsearch*x",
    "partial3(*.)lsearch", "cdb",
]  # fmt: skip
_QUERIES = ["passwd", "passwd ", "passwd*", "partial-passwd", "nosuch", "passwd,x", ""]
_BREAKERS = [
    "{",
    "}",
    "}",
    "{",
    "$",
    " ",
    "\\",
    ":",
    "!",
    "x",
    "fail",
    "${",
    "}}",
    "{{",
]


def _string(at: random.Random, level: int) -> str:
    return "".join(_part(at, level) for _ in range(at.choice((0, 1, 1, 1, 2, 3))))


def _part(at: random.Random, level: int) -> str:
    if level <= 0 or at.random() < 0.35:
        return at.choice(_TEXT) if at.random() < 0.7 else at.choice(_VARIABLES)
    return at.choice(_MAKERS)(at, level - 1)


def _braced(at: random.Random, level: int) -> str:
    return at.choice(("{", "{", "{", " {")) + _string(at, level) + "}"


def _tail(at: random.Random, level: int) -> str:
    kinds = ("", "y", "yn", "yn", "yf", "yfx", "ynn", "f", "w", "ynw", "y n")
    weights = (3, 3, 9, 9, 3, 1, 1, 1, 1, 1, 3)
    (kind,) = at.choices(kinds, weights)
    fixed = {"f": at.choice(("fail", " fail ")), "x": "ed", "w": "word", " ": " "}
    return "".join(fixed.get(letter) or _braced(at, level) for letter in kind)


def _operator(at: random.Random, level: int) -> str:
    return f"${{{at.choice(_OPERATORS)}:{_string(at, level)}}}"


def _item(at: random.Random, level: int) -> str:
    name, count = at.choice(_ITEMS)
    count = max(0, count + at.choices((0, -1, 1, 2), (12, 1, 1, 1))[0])
    given = [_braced(at, level) for _ in range(count)]
    if given and name.startswith(("listextract", "extract")):
        given[0] = at.choice(("{1}", "{k}", "{-1}", "{ 2 }", "{$acl_m0}", "{x1}"))
    if name in {"length", "substr", "hash"} and given:
        given[0] = at.choice(("{1}", "{2}", "{$acl_m0}", "{x}", "{}"))
    tail = _tail(at, level) if at.random() < 0.2 else ""
    return f"${{{name}{''.join(given)}{tail}}}"


def _filter(at: random.Random, level: int) -> str:
    over, close = _braced(at, level), at.choice(("}", "}", " } "))
    return f"${{filter{over}{{{_condition(at, level)}{close}}}"


def _sort(at: random.Random, level: int) -> str:
    comparator = at.choice(("lt", "<", "gei", "eq", "$1", "lt x", "ltx", "<>", ">="))
    return f"${{sort{_braced(at, level)}{{{comparator}}}{_braced(at, level)}}}"


def _lookup(at: random.Random, level: int) -> str:
    end = f"{{/nonexistent{_string(at, level)}}}{_tail(at, level)}}}"
    if at.random() < 0.5:
        return f"${{lookup{_braced(at, level)} {at.choice(_TYPES)}{end}"
    return f"${{lookup {at.choice(_QUERIES)}{end}"


def _if(at: random.Random, level: int) -> str:
    gap = at.choice((" ", " ", " ", "  ", "", "\t"))
    return f"${{if{gap}{_condition(at, level)}{_tail(at, level)}}}"


def _condition(at: random.Random, level: int) -> str:
    kind = at.choices(("two", "one", "none", "def", "group", "any", "acl"),
                      (8, 2, 1, 5, 3 * (level > 0), 2 * (level > 0), 1))[0]  # fmt: skip
    if kind == "two":
        return at.choice(_TWO) + _braced(at, level) + _braced(at, level)
    if kind == "one":
        return at.choice(_ONE) + _braced(at, level)
    if kind == "none":
        return at.choice(_NONE)
    if kind == "def":
        return at.choice(("def:", "def:", "!def:")) + at.choice(_DEFINED)
    if kind == "acl":
        given = "".join(_braced(at, level) for _ in range(at.choice((0, 1, 2, 2))))
        return at.choice(("acl", "acl ", "!acl")) + at.choice((f"{{{given}}}", given))
    inner = [_condition(at, level - 1) for _ in range(at.choice((0, 1, 2, 2)))]
    if kind == "group":
        member = at.choice(("{{{}}}", "{{{}}}", "{{ {} }}", "{}"))
        members = "".join(member.format(i) for i in inner)
        return at.choice(("and", "or", "!and ", "nand")) + f"{{{members}}}"
    clause = inner[0] if inner else ""
    return at.choice(("forany", "forall", "!forany ", "foreach")) + (
        f"{_braced(at, level)}{{{clause}}}")  # fmt: skip


_MAKERS: tuple[Make, ...] = (
    _operator, _operator, _item, _item, _if, _if, _if, _lookup, _filter, _sort,
)  # fmt: skip


def _break(at: random.Random, text: str) -> str:
    """One small thing inserted, deleted or doubled."""
    place = at.randrange(len(text) + 1)
    kind = at.random()
    if kind < 0.4:
        return text[:place] + at.choice(_BREAKERS) + text[place:]
    if kind < 0.8:
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place : place + 1] * 2 + text[place + 1 :]


def random_expansion(at: random.Random) -> str:
    """One string; about half of them as they were meant, the others broken.

    It ends with a dot, because a backslash there would join it to the next line.
    """
    text = "".join(_part(at, 3) for _ in range(at.choice((1, 1, 2))))
    for _ in range(at.choices((0, 1, 2, 3), (10, 5, 3, 2))[0]):
        text = _break(at, text)
    return text + "." if len(text) <= LONGEST else random_expansion(at)
