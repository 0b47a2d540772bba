"""Operators, items and conditions, against the answers of a real Exim.

Seeded random operands, put together from tokens that mean something to the operator;
results and messages must be the same, octet for octet.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from eximkit.expansion.conditions import CONDITIONS
from eximkit.expansion.items import ITEMS
from eximkit.expansion.lists import join_list, split_list
from eximkit.expansion.operators import PURE_OPERATORS, apply_operator
from eximkit.expansion.sorting import COMPARATORS, sort_items
from eximkit.expansion.values import ExpansionFailed, NotPure
from tests.oracle import asking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ROUNDS = 400
LONGEST = 8

WORDS = [*"abcXYZ019", "the", "quick", " ", "_", "-", ".", "é"]
OCTETS = [chr(code) for code in range(1, 256)]
NUMBERS = [
    "0", "1", "2", "3", "7", "08", "10", "255", "0x1f", "0x", "077", "9223372036854775807",
    "9223372036854775808", "-1", "-", "+", "K", "k", "M", "G", " ", "4294967296", "x",
]  # fmt: skip
SUMS = [*NUMBERS, *"()*/%&|^~", "<<", ">>", "(", ")", "+", "-", "*", "1", "2", "3"]
IPS = [
    "1.2.3.4", "::1", "::", "2001:db8::1", "fe80::1%lo", "::ffff:1.2.3.4", "0", "1", ":",
    "255", ".", "/", "/8", "/32", "/64", "/128", "/129", "abcd", "1:2:3:4:5:6:7:8", "0:0:",
    "10.", "%", " ",
]  # fmt: skip
ADDRESSES = [
    "a", "b.c", "@", "@", "a@b.c", "<", ">", "(", ")", "(x)", '"', '"a b"', "\\", " ", ",",
    ";", ":", ".", "[1.2.3.4]", "Joe ", "<a@b>", "é", "-", "@r:", "\n", "\t",
]  # fmt: skip
LISTS = [
    *"abc",
    " ",
    " ",
    ":",
    ":",
    "::",
    "<;",
    ";",
    "<\n",
    "\n",
    "\t",
    "<",
    ",",
    "\x01",
]
PAIRS = [
    "a", "b", "=", "=", " ", " ", '"', '"a b"', "\\", "\t", "a=1", "b = 2", "A", "'", ",",
    "\\x41", "\\101", "\\n", "\n",
]  # fmt: skip
JSON = [
    *'[]{},:"', '"a"', '"b"', "1", "2", " ", "\\", "[1,2]", '{"a":1}', '{"a":1,"b":"c"}',
    "null", '"a":', '"b":', '["a","b"]',
]  # fmt: skip
TIMES = [
    "1",
    "4294967297",
    "2147483647s",
    "2",
    "10",
    "w",
    "d",
    "h",
    "m",
    "s",
    "1h",
    "30m",
    "5s",
    " ",
    "x",
    "-",
    "9999999",
]
HEX = [*"0123456789abcdefABCDEF", "g", " "]
BASE64 = ["YW", "Jj", "YQ==", "YWI=", "=", "==", "A", "/", "+", " ", "\n", "-", "abcd"]
XTEXT = ["a", "+", "+41", "+2B", "+0a", "+2b", " ", "é"]
UTF8 = [
    "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc3", "\x80", "\xe2\x82", "\xff",
    "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "\xf8\x88\x80\x80\x80",
]  # fmt: skip
PLAIN_DOMAINS = ["a", "b", ".", "-", "B", "example.com", "_", "1"]
BOOLEANS = ["yes", "no", "TRUE", "false", "0", "1", "00", "-", " ", "x", "\t", "K", "+"]
PATTERNS = [
    "a", "b", ".", "*", "+", "?", "(", ")", "(a)", "(b|c)", "[ab]", "^", "$", "\\w", "\\",
    "{2}", "|", "c", "x*", "(?i)", "(?=b)", "\\b", "[", "]",
]  # fmt: skip
SUBJECTS = [*"abcabc", "A", " ", "x", "ab", "\n"]
HOSTS = [
    "1.2.3.4", "1.2.3.5", "1.2.0.0/16", "0.0.0.0/0", "::1", "::/0", "::ffff:1.2.3.4",
    "2001:db8::/32", "2001:db8::1/128", "10.0.0.0/8", "1.2.3.4/33", "1.2.3.4/", "*",
]  # fmt: skip
DOMAINS = [
    "a.b",
    "x.a.b",
    "A.B",
    "c",
    "*.a.b",
    "*a.b",
    "*",
    "!",
    ":",
    " : ",
    " ",
    "^a",
    "b",
]
LOCALS = ["a", "ab", "AB", "*b", "*", "!", ":", " : ", "+caseful", "^a", " "]
MAILBOXES = [
    "a@b.c", "A@b.C", "ab@x.b.c", "*@b.c", "*b@*.c", "b.c", "*.c", "*", "!", ":", " : ",
    "^a", "+caseful", " ", "a@*", "^.*@b",
]  # fmt: skip


def joined(tokens: Sequence[str], longest: int = LONGEST) -> Callable[..., str]:
    def make(chance: random.Random) -> str:
        return "".join(chance.choices(tokens, k=chance.randrange(longest + 1)))

    return make


def listed(items: Sequence[str]) -> Callable[[random.Random], str]:
    """A list of whole items, some of them negated, with a separator of its own."""

    def make(chance: random.Random) -> str:
        chosen = [
            chance.choice(["", "", "!", "! "]) + chance.choice(items)
            for _ in range(chance.randrange(5))
        ]
        return chance.choice(["<;", "<; "]) + (";" + " " * chance.randrange(2)).join(
            chosen
        )

    return make


def one_of(*tokens: str) -> Callable[[random.Random], str]:
    return lambda chance: chance.choice(tokens)


OPERANDS = {
    "address": ADDRESSES, "addresses": ADDRESSES, "domain": ADDRESSES,
    "local_part": ADDRESSES, "base32": NUMBERS, "base62": NUMBERS,
    "base32d": [*"abcxyz27", "A", "0", "-"], "base62d": [*"abcxyzAZ019", "-"],
    "base64d": BASE64, "eval": SUMS, "eval10": SUMS, "from_utf8": UTF8, "hex2b64": HEX,
    "ipv6denorm": IPS, "ipv6norm": IPS, "listcount": LISTS, "mask": IPS,
    "reverse_ip": IPS, "rfc2047": [*WORDS[:-3], *"!#$%&*+-/^`{|}~"], "rfc2047d": [*WORDS, "=", "?"],
    "time_eval": TIMES, "time_interval": NUMBERS, "utf8clean": UTF8,
    "utf8_domain_from_alabel": PLAIN_DOMAINS, "utf8_domain_to_alabel": PLAIN_DOMAINS,
    "utf8_localpart_from_alabel": ["xn--", "a", "b", "-", "9"],
    "utf8_localpart_to_alabel": UTF8, "quote": [*OCTETS, *' # ,+"<>;' * 12],
}  # fmt: skip
ARGUMENTS = {
    "h": ["1", "3_10", "0", "5_62", "5_63", ""], "hash": ["1", "3_26", "4_62", "x", "2_1"],
    "l": ["0", "3", "", "-1", "2_3", "4294967295"], "length": ["1", "99999999999"],
    "nh": ["7", "100_7", "3_3"], "nhash": ["1", "24", "8_63", "x"],
    "s": ["0", "-0", "1", "-1", "2_3", "-3_2", "-9_8", "", "-", "4294967297", "1_4294967295"],
    "substr": ["1_0", "-2_9", "1_", "_3", "2147483648", "1_2_3", "3x"],
    "quote": ["", "mysql", "pgsql", "sqlite", "ldap", "ldapdn", "ldap_dn", "lsearch", "nis",
              "nis0", "dnsdb", "cdb", "xxx", "dsearch", "passwd", "iplsearch", "dbmjz"],
    "mask": ["", "n", "x"], "sha2": ["", "256", "384", "512", "1"],
    "sha256": ["", "512", "x"], "sha3": ["", "224", "256", "384", "512", "x_1"],
}  # fmt: skip
NOT_IN_4_96 = {"xtextd"}


def unplaced(text: str) -> str:
    """Without the offset in a pattern, which differs between releases of PCRE2."""
    if not text.startswith("regular expression error"):
        return text
    return text.rpartition(" at offset ")[0]


@dataclass(frozen=True, slots=True)
class Question:
    """One expression, and what eximkit says it is."""

    expression: str
    result: Callable[[], str]


def compare(
    exim: Path, folder: Path, questions: list[Question], answered: float = 0.5
) -> None:
    """All that eximkit answers is as Exim answers it; it answers at least that share."""
    ours: list[tuple[Question, bool, str]] = []
    for question in questions:
        try:
            ours.append((question, True, question.result()))
        except ExpansionFailed as failure:
            if not failure.message.startswith("Exim stops"):
                ours.append((question, False, failure.message))
        except NotPure:
            continue
    assert len(ours) >= answered * len(questions)
    answers = asking.ask(exim, folder, [question.expression for question, _, _ in ours])
    wrong = [
        f"{question.expression}\n  Exim: {answer.ok} {answer.text!r}\n  here: {ok} {text!r}"
        for (question, ok, text), answer in zip(ours, answers, strict=True)
        if (answer.ok, unplaced(answer.text)) != (ok, unplaced(text))
    ]
    assert not wrong, f"{len(wrong)} of {len(ours)}\n" + "\n".join(wrong[:15])


@pytest.mark.parametrize("name", sorted(PURE_OPERATORS - NOT_IN_4_96))
def test_operators(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"operator {name}")
    questions: list[Question] = []
    tokens = joined(OPERANDS.get(name, OCTETS))
    arguments = ARGUMENTS.get(name, [""] * 3 + ["x"])
    for _ in range(ROUNDS):
        operand = tokens(chance) if chance.random() < 0.9 else joined(OCTETS)(chance)
        argument = chance.choice(arguments)
        # Without an underscore these names are items.
        bare = not argument and name not in {"h", "hash", "l", "length", "nh", "nhash",
                                             "s", "substr"}  # fmt: skip
        given = () if bare else tuple(argument.split("_"))
        head = "_".join((name, *given))
        questions.append(
            Question(
                f"${{{head}:{asking.escaped(operand)}}}",
                partial(apply_operator, name, given, operand),
            )
        )
    compare(exim, tmp_path, questions)


ITEM_ARGUMENTS: dict[str, Sequence[Callable[[random.Random], str]]] = {
    "extract": (joined(["a", "b", "A", " ", "a", "1x"], 2), joined(PAIRS, 14)),
    "extract json": (one_of("a", "b", "1", "2", "0", " a ", ""), joined(JSON, 12)),
    "extract jsons": (one_of("a", "b", "1", "2"), joined(JSON, 12)),
    "hash": (one_of("0", "1", "3", " 2", "x", "99"), joined(OCTETS)),
    "hmac": (one_of("md5", "sha1", "sha256"), joined(OCTETS, 90), joined(OCTETS)),
    "imapfolder": (joined([*"ab/&. ~", "//", "\x01", "\t", '"'], 7),),
    "length": (joined([*NUMBERS, "1", "2"], 2), joined(WORDS)),
    "listextract": (joined(["1", "2", "3", "-", " ", "x"], 2), joined(LISTS)),
    "listquote": (one_of(":", ";", "", "ab", " "), joined(LISTS)),
    "nhash": (one_of("1", "7", " 100", "-5", "x"), joined(OCTETS)),
    "sg": (
        joined(SUBJECTS),
        joined(PATTERNS, 4),
        joined(["x", "$1", "${2}", "$0", "-"], 3),
    ),
    "substr": (joined([*NUMBERS, "1", "2"], 2), joined(WORDS)),
    "tr": (joined(WORDS), joined(WORDS, 3), joined(WORDS, 3)),
}


def braced(arguments: Sequence[str]) -> str:
    return "".join(f"{{{asking.escaped(argument)}}}" for argument in arguments)


@pytest.mark.parametrize("name", sorted(ITEMS))
def test_items(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"item {name}")
    tailed = name.startswith(("extract", "listextract"))
    tail = "{y$value}{n}" if tailed else ""

    def result(arguments: Sequence[str]) -> str:
        found = ITEMS[name](arguments)
        if not tailed:
            assert found is not None
            return found
        return "n" if found is None else f"y{found}"

    questions = []
    for _ in range(ROUNDS):
        arguments = tuple(make(chance) for make in ITEM_ARGUMENTS[name])
        questions.append(
            Question(
                f"${{{name}{braced(arguments)}{tail}}}",
                partial(result, arguments),
            )
        )
    compare(exim, tmp_path, questions)


MORE_ARGUMENTS: dict[str, Sequence[Callable[[random.Random], str]]] = {
    "extract": (
        one_of("0", "1", "2", "3", "-1", "-2", "-", " 1 ", "4294967297"),
        joined([":", ",", " ", "-", "]", "\\"], 3),
        joined(["a", "b", ":", ",", " ", "-", "]"]),
    ),
    "imapfolder": (
        joined([*"abX/&. ", "/", "\x01"], 7),
        one_of("/", "X", "."),
        joined([*"a./&X"], 2),
    ),
    "hash": (
        one_of("0", "1", "3"),
        one_of("1", "26", "62", "63", "x", "-1"),
        joined(WORDS),
    ),
    "nhash": (one_of("1", "7", "-5"), one_of("1", "9", "x", "-1"), joined(WORDS)),
    "substr": (joined(NUMBERS, 2), joined(NUMBERS, 2), joined(WORDS)),
}


@pytest.mark.parametrize("name", sorted(MORE_ARGUMENTS))
def test_items_with_three_arguments(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"three {name}")
    tail = "{y$value}{n}" if name == "extract" else ""

    def result(arguments: Sequence[str]) -> str:
        found = ITEMS[name](arguments)
        if not tail:
            assert found is not None
            return found
        return "n" if found is None else f"y{found}"

    questions = []
    for _ in range(ROUNDS):
        first, *rest = (make(chance) for make in MORE_ARGUMENTS[name])
        arguments = (first, *rest)
        questions.append(
            Question(
                f"${{{name}{{{first}}}{braced(rest)}{tail}}}",
                partial(result, arguments),
            )
        )
    compare(exim, tmp_path, questions)


CONDITION_ARGUMENTS: dict[str, Sequence[Callable[[random.Random], str]]] = {
    **dict.fromkeys(("=", "==", "<", "<=", ">", ">="), (joined(NUMBERS, 2),) * 2),
    **dict.fromkeys(("bool", "bool_lax"), (joined(BOOLEANS, 3),)),
    **dict.fromkeys(("eq", "eqi"), (joined(["a", "A"], 2),) * 2),
    **dict.fromkeys(
        ("ge", "gei", "gt", "gti", "le", "lei", "lt", "lti"),
        (joined([*"abABZ_[^`", "é", "\xff"], 2),) * 2,
    ),
    **dict.fromkeys(("inlist", "inlisti"), (one_of("a", "A", "", "b"), joined(LISTS))),
    **dict.fromkeys(("isip", "isip4", "isip6"), (joined(IPS, 4),)),
    "crypteq": (
        one_of("a", "b"),
        joined(
            ["{md5}", "{MD5}", "{sha1}", "{", "{x}", "DMF1ucDxtqgxw5niaXcmYQ==",
             "0cc175b9c0f1b6a831c399e269772661",
             "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", "hvfkN/qlp/zhXR3cuerq6jd2Z7g="],
            2,
        ),
    ),
    "match": (joined(SUBJECTS), joined(PATTERNS, 4)),
    "match_address": (one_of("a@b.c", "A@b.C", "ab@x.b.c", "b@q", ""), joined(MAILBOXES)),
    "match_domain": (one_of("a.b", "x.a.b", "A.B", "c", ""), joined(DOMAINS)),
    "match_ip": (
        one_of("1.2.3.4", "::1", "::ffff:1.2.3.4", "2001:db8::1", "", "x"),
        listed(HOSTS),
    ),
    "match_local_part": (one_of("a", "A", "ab", "aB", ""), joined(LOCALS)),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_conditions(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"condition {name}")
    shown = "{y<$0><$1><$2>}{n}"

    def result(arguments: Sequence[str]) -> str:
        verdict = CONDITIONS[name](arguments)
        if not verdict:
            return "n"
        captures = [*(verdict.captures or ()), "", "", ""]
        return "y" + "".join(f"<{text}>" for text in captures[:3])

    questions = []
    for _ in range(ROUNDS):
        arguments = tuple(make(chance) for make in CONDITION_ARGUMENTS[name])
        questions.append(
            Question(
                f"${{if {name}{braced(arguments)}{shown}}}",
                partial(result, arguments),
            )
        )
    compare(exim, tmp_path, questions, answered=0.3)


@pytest.mark.parametrize("name", sorted(COMPARATORS))
def test_sort(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"sort {name}")
    tokens = [*"abABZ_", "a:b", ":", "10", "9", "1K", "x", "-1"]

    def result(text: str) -> str:
        sign, items = split_list(text)
        return join_list(sign, sort_items(name, [(item, f"1{item}") for item in items]))

    questions = []
    for _ in range(ROUNDS):
        text = joined(["<,", ""], 1)(chance) + ",".join(
            chance.choices(tokens, k=chance.randrange(7))
        )
        questions.append(
            Question(
                f"${{sort{braced([text])}{{{name}}}{{1$item}}}}",
                partial(result, text),
            )
        )
    compare(exim, tmp_path, questions)


def test_lists_are_put_together_again(exim: Path, tmp_path: Path) -> None:
    chance = random.Random("map")

    def result(text: str, added: str) -> str:
        sign, items = split_list(text)
        return join_list(sign, [f"{added}{item}" for item in items])

    questions = []
    for _ in range(ROUNDS):
        text, added = joined(LISTS)(chance), joined(["x", ":", ";", "\n"], 1)(chance)

        questions.append(
            Question(
                f"${{map{braced([text])}{{{asking.escaped(added)}$item}}}}",
                partial(result, text, added),
            )
        )
    compare(exim, tmp_path, questions)
