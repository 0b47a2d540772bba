"""Right expansions put together at random from what the catalogue has.

Every operator, item and condition that can be answered without a file, a socket or a
command takes part, with arguments that mean something to it (tests/cases/operands.toml)
or that are such calls themselves.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eximkit import catalog
from tests.oracle.asking import escaped

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Make = Callable[[random.Random, int], str]

LONGEST = 600
"""Exim's test mode reads lines in pieces of about a thousand octets."""

DATA: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent.parent / "cases" / "operands.toml").read_text()
)
TOKENS: dict[str, list[str]] = {
    **DATA["tokens"],
    "octets": [chr(code) for code in range(1, 256)],
}
RELEASE = catalog.release("4.96")

# What asks the machine, runs code, or is another thing every time.
OPERATORS = sorted(
    set(catalog.operator_names(RELEASE)) - {"randint", "stat", "listnamed", "from_utf8"}
)
OUTSIDE = frozenset((
    "certextract", "dlfunc", "env", "lookup", "perl", "readfile", "readsocket", "run",
))  # fmt: skip
WITH_OTHERS = frozenset((
    "acl", "authresults", "extract", "filter", "if", "map", "prvscheck", "reduce",
    "sort",
))  # fmt: skip
ITEMS = sorted(
    name for name in catalog.item_names(RELEASE) if name not in OUTSIDE | WITH_OTHERS
)
RECIPES: dict[str, list[list[dict[str, Any]]]] = {
    **DATA["items"],
    "prvs": [[{"tokens": "mailboxes", "most": 2}, {"one": ["k", "", "secret"]}]],
    "srs_encode": [
        [{"one": ["k", ""]}, {"tokens": "addresses", "most": 3}, {"one": ["c.d", ""]}],
    ],
}
GROUPED = frozenset(("and", "or"))
QUANTIFIED = frozenset(("forall", "forany"))
CONDITIONS = sorted({
    *DATA["conditions"], *DATA["alike"], *GROUPED, *QUANTIFIED, "def",
})  # fmt: skip
VARIABLES = (
    "$acl_m0", "${acl_m_x}", "$primary_hostname", "$h_subject:", "$rh_x:", "$domain",
    "$local_part", "$sender_host_address", "$acl_narg", "$qualify_domain",
)  # fmt: skip
COMPARATORS = ("<", "<=", ">", ">=", "ge", "gei", "gt", "lei", "lt", "eq", "isip")


def tokens(at: random.Random, kind: str, most: int = 6) -> str:
    """Some tokens of a kind in a row, escaped."""
    return escaped("".join(at.choices(TOKENS[kind], k=at.randrange(most + 1))))


def recipe(at: random.Random, how: dict[str, Any], level: int) -> str:
    """An argument as the data file says, or sometimes a call."""
    if level > 0 and at.random() < 0.2:
        return call(at, level - 1)
    if "one" in how:
        return escaped(at.choice(how["one"]))
    if "list" in how:
        return tokens(at, how["list"], 1)
    return tokens(at, how["tokens"], min(how.get("most", 6), 12))


def text(at: random.Random, level: int) -> str:
    """A string of one to three parts."""
    return "".join(part(at, level) for _ in range(at.choice((1, 1, 2, 3))))


def part(at: random.Random, level: int) -> str:
    chance = at.random()
    if chance < 0.25:
        return at.choice(VARIABLES)
    if chance < 0.5 or level <= 0:
        return tokens(at, at.choice(sorted(TOKENS)), 3)
    return call(at, level - 1)


def operator(at: random.Random, level: int) -> str:
    name = at.choice(OPERATORS)
    arguments = at.choice(DATA["arguments"].get(name, [""]))
    shown = f"{name}_{arguments}" if arguments else name
    if level > 0 and at.random() < 0.3:
        return f"${{{shown}:{text(at, level - 1)}}}"
    kind = DATA["operands"].get(name, "octets")
    return f"${{{shown}:{tokens(at, kind)}}}"


def item(at: random.Random, level: int) -> str:
    name = at.choice(ITEMS)
    given = at.choice(RECIPES[name])
    shown = "".join(f"{{{recipe(at, how, level)}}}" for how in given)
    return f"${{{name}{shown}{tail(at, level) if name == 'listextract' else ''}}}"


def extract(at: random.Random, level: int) -> str:
    form = at.choice(("extract json", "extract jsons", "extract", "extract"))
    given = at.choice(DATA["items"][form])
    key = at.choice(("1", "2", "-1", "0")) if len(given) > 2 else "a"
    others = "".join(f"{{{recipe(at, how, level)}}}" for how in given[1:])
    return f"${{{form}{{{key}}}{others}{tail(at, level)}}}"


def listed(at: random.Random, level: int) -> str:
    """map, filter, reduce and sort."""
    source = recipe(at, {"tokens": "lists", "most": 7}, level)
    name = at.choice(("map", "filter", "reduce", "sort"))
    inner = f"{text(at, level - 1)}$item"
    forms = {
        "map": f"{{{inner}}}",
        "filter": f"{{{condition(at, level - 1)}}}",
        "reduce": f"{{{text(at, 0)}}}{{$value{inner}}}",
        "sort": f"{{{at.choice(COMPARATORS)}}}{{1$item}}",
    }
    return f"${{{name}{{{source}}}{forms[name]}}}"


def check(at: random.Random, level: int) -> str:
    """prvscheck, and sg with a replacement that is expanded."""
    if at.random() < 0.5:
        return (
            f"${{prvscheck{{{at.choice(('', 'prvs=1786f695a7=a@b', 'a@b'))}}}"
            f"{{k}}{{{text(at, level - 1)}}}}}"
        )
    subject = recipe(at, {"tokens": "subjects"}, level)
    pattern = tokens(at, "patterns", 3)
    replacement = at.choice(("\\$1", "\\${lc:\\$0\\}", "x\\$2", "\\$nosuch", "\\$\\{"))
    return f"${{sg{{{subject}}}{{{pattern}}}{{{replacement}}}}}"


def tail(at: random.Random, level: int, value: str = "$value") -> str:
    """The yes and no strings, if any; `value` only where the item sets it, for Exim
    keeps what a string that failed has left there.
    """
    kind = at.choice(("", "", "y", "yn", "yn", "yf"))
    yes = f"{{{text(at, level - 1)}{value}}}" if kind else ""
    no = {"yn": f"{{{text(at, level - 1)}}}", "yf": "fail"}.get(kind, "")
    return yes + no


def choice(at: random.Random, level: int) -> str:
    return f"${{if {condition(at, level)}{tail(at, level, '')}}}"


def condition(at: random.Random, level: int) -> str:
    """One condition, negated at times."""
    name = at.choice(CONDITIONS)
    negation = at.choice(("", "", "", "!"))
    if name == "def":
        return f"{negation}def:{at.choice(('acl_m0', 'h_x:', 'primary_hostname'))}"
    if name in GROUPED:
        members = "".join(
            f"{{{condition(at, level - 1)}}}"
            for _ in range(at.randrange(3) if level > 0 else 0)
        )
        return f"{negation}{name}{{{members}}}"
    if name in QUANTIFIED:
        inner = condition(at, level - 1) if level > 0 else "eq{$item}{a}"
        return f"{negation}{name}{{{tokens(at, 'lists')}}}{{{inner}}}"
    [given] = DATA["conditions"][DATA["alike"].get(name, name)]
    return f"{negation}{name}" + "".join(
        f"{{{recipe(at, how, level)}}}" for how in given
    )


MAKERS: tuple[Make, ...] = (
    operator, operator, operator, item, item, extract, listed, check, choice, choice,
)  # fmt: skip


def call(at: random.Random, level: int) -> str:
    """One operator, item or condition."""
    return at.choice(MAKERS)(at, level)


def random_call(at: random.Random) -> str:
    """One string, with a dot at its end: a backslash there would join the next line."""
    made = text(at, 3) if at.random() < 0.2 else call(at, 2)
    if len(made) > LONGEST:
        return random_call(at)
    return made + "."
