"""Trees, their positions, the messages, and what parse() does with absurd input."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.nodes import (
    Condition,
    Defined,
    Expansion,
    Group,
    Header,
    If,
    Item,
    Literal,
    Lookup,
    Node,
    Operator,
    Quantified,
    Tail,
    Variable,
)
from eximkit.expansion.parse import MAX_DEPTH, MAX_LENGTH, parse
from eximkit.expansion.walk import children, walk

CASES = tomllib.loads(
    (Path(__file__).parents[1] / "cases/expansions.toml").read_text("utf-8")
)
PIECES = [
    "${", "$", "{", "}", "}", "\\", "\\N", " ", "if ", "eq", "{a}", "{b}", "lookup",
    "lsearch", "dnsdb", "def:", "h_x:", "h_x", "item", "and", "filter", "match_ip",
    "extract json", "run,preexpand", "forany", "acl", "!", "lc:", "fail", "1", "\x85",
    "\xa0", "\xe9", "\n", "\t", ":", ",", "${lc:", "${if ", "sg", "\\x41", "\\}", "$a",
    "{eq{a}{b}}", "extract{1}", "saslauthd", "def", "map", "sort", "\\8", "bool",
]  # fmt: skip
soup = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
octets = st.text(st.characters(max_codepoint=255), max_size=60)


def outcome(text: str) -> Expansion | ExpansionSyntaxError:
    try:
        return parse(text)
    except ExpansionSyntaxError as error:
        return error


def only(text: str) -> Any:
    parts = parse(text).parts
    assert len(parts) == 1
    return parts[0]


def text_of(expansion: Expansion | None) -> str | None:
    """The text of an expansion that holds nothing but text."""
    if expansion is None:
        return None
    return "".join(p.text for p in expansion.parts if isinstance(p, Literal))


# ---- shapes --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "plain", "a { b } c", "\xa0\x85\xff", "{}}{"])
def test_text_without_dollars_is_one_literal(text: str) -> None:
    tree = parse(text)
    assert text_of(tree) == text
    assert len(tree.parts) == (text != "")
    assert (tree.start, tree.end) == (0, len(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\n\\r\\t\\\\", "\n\r\t\\"),
        ("\\$x", "$x"), ("\\101\\60", "A0"),
        ("\\777", "\xff"), ("\\400", "\0"), ("\\18", "\x018"), ("\\x41\\x4g", "A\x04g"),
        ("\\xg", "\0g"), ("\\q\\8\\9", "q89"), ("a\\", "a"), ("\\Na\\$b\\Nc", "a\\$bc"),
        ("\\N}$", "}$"), ("\\N\\\\Nc", "\\c"), ("\\N\\N", ""), ("\\N", ""),
        ("\\}", "}"), ("\\\xe9", "\xe9"),
    ],
)  # fmt: skip
def test_escapes(text: str, expected: str) -> None:
    assert text_of(parse(text)) == expected


def test_neighbouring_text_is_one_literal() -> None:
    tree = parse("a\\x41{\\N$\\N}b$c")
    assert tree.parts == (Literal(0, 13, "aA{$}b"), Variable(13, 15, "c", False))


@pytest.mark.parametrize(
    ("text", "name", "braced", "end"),
    [
        ("$host", "host", False, 5), ("$host-x", "host", False, 5),
        ("$1", "1", False, 2), ("$12ab", "12", False, 3), ("${12}", "12", True, 5),
        ("${host}", "host", True, 7), ("$acl_m_x.y", "acl_m_x", False, 8),
        ("${acl_m_a-b}", "acl_m_a-b", True, 12), ("$h\xe9", "h", False, 2),
    ],
)  # fmt: skip
def test_variables(text: str, name: str, braced: bool, end: int) -> None:
    assert parse(text).parts[0] == Variable(0, end, name, braced)


@pytest.mark.parametrize(
    ("text", "kind", "name", "end"),
    [
        ("$h_subject: x", "h", "subject", 11), ("$header_x-y:z", "h", "x-y", 12),
        ("$rh_a b", "rh", "a", 5), ("$bheader_a:", "bh", "a", 11),
        ("$lh_:x", "lh", "", 5),
        ("$h_a}{b\tc", "h", "a}{b", 7), ("$h_\xe9\x85:", "h", "\xe9\x85", 6),
    ],
)  # fmt: skip
def test_headers(text: str, kind: str, name: str, end: int) -> None:
    assert parse(text).parts[0] == Header(0, end, kind, name)


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("${lc: a }", "lc", ()), ("${substr_-1_2:a}", "substr", ("-1", "2")),
        ("${length_:a}", "length", ("",)), ("${reverse_ip:a}", "reverse_ip", ()),
        ("${quote_local_part:a}", "quote_local_part", ()),
        ("${quote_ldap_dn:a}", "quote", ("ldap", "dn")),
        ("${local_part_x:a}", "local", ("part", "x")), ("${lc-x:a}", "lc-x", ()),
    ],
)  # fmt: skip
def test_operators(text: str, name: str, arguments: tuple[str, ...]) -> None:
    node = only(text)
    assert isinstance(node, Operator)
    assert (node.name, node.arguments) == (name, arguments)
    assert (node.start, node.end) == (0, len(text))
    assert text[node.operand.start : node.operand.end] == text[text.index(":") + 1 : -1]


@pytest.mark.parametrize(
    ("text", "arguments", "yes", "no", "fail"),
    [
        ("${sg{a}{b}{c}}", ["a", "b", "c"], None, None, False),
        ("${env{a}}", ["a"], None, None, False),
        ("${env {a} {b} }", ["a"], "b", None, False),
        ("${env{a}{b}fail}", ["a"], "b", None, True),
        ("${extract{k}{d}{y}{n}}", ["k", "d"], "y", "n", False),
        ("${extract{1}{:}{d}{y}{n}}", ["1", ":", "d"], "y", "n", False),
        ("${extract{ -2 }{:}{d}{y}fail}", [" -2 ", ":", "d"], "y", None, True),
        ("${extract{-}{:}{d}}", ["-", ":", "d"], None, None, False),
        ("${extract{1x}{d}{y}{n}}", ["1x", "d"], "y", "n", False),
        ("${extract json{1}{d}{y}{n}}", ["1", "d"], "y", "n", False),
        ("${extract\tjsons {k} {d}}", ["k", "d"], None, None, False),
        ("${extract{$1}{d}{y}{n}}", ["", "d"], "y", "n", False),
        ("${extract{$1}{:}{d}{y}{n}}", ["", ":", "d"], "y", "n", False),
        ("${run,preexpand {a}{y}}", ["a"], "y", None, False),
        ("${env{a}{b}{c}{d}}", ["a", "b", "c", "d"], None, None, False),
    ],
)
def test_items(
    text: str, arguments: list[str], yes: str | None, no: str | None, fail: bool
) -> None:
    node = only(text)
    assert isinstance(node, Item)
    assert [text_of(a) for a in node.arguments] == arguments
    tail = node.tail or Tail(0, 0)
    assert (text_of(tail.yes), text_of(tail.no), tail.fail) == (yes, no, fail)


def test_options_of_items() -> None:
    assert only("${extract  jsons {k}{d}}").options == "jsons"
    assert only("${run,preexpand{a}}").options == "preexpand"
    assert only("${extract{k}{d}}").options == ""


def test_if() -> None:
    node = only("${if !!={1} {2} {y} fail }")
    assert isinstance(node, If)
    assert (node.condition.name, node.condition.negated) == ("=", False)
    assert [text_of(a) for a in node.condition.arguments] == ["1", "2"]
    assert (text_of(node.tail.yes), node.tail.no, node.tail.fail) == ("y", None, True)


@pytest.mark.parametrize(
    ("text", "of", "negated"),
    [
        ("${if def:host{y}}", Variable(9, 13, "host", False), False),
        ("${if ! def:h_x: {y}}", Header(11, 15, "h", "x"), True),
        ("${if def:h_x {y}}", Header(9, 12, "h", "x"), False),
    ],
)
def test_def(text: str, of: Node, negated: bool) -> None:
    condition = only(text).condition
    assert isinstance(condition, Defined)
    assert (condition.of, condition.negated) == (of, negated)


def test_groups_and_quantifiers() -> None:
    condition = only("${if !and{{ isip{a} }{forany{b}{!def:c}}}}").condition
    assert isinstance(condition, Group)
    assert (condition.name, condition.negated) == ("and", True)
    first, second = condition.members
    assert (type(first), first.name) == (Condition, "isip")
    assert isinstance(second, Quantified)
    assert text_of(second.arguments[0]) == "b"
    assert isinstance(second.condition, Defined)
    assert second.condition.negated


def test_grouped_arguments() -> None:
    condition = only("${if acl {{a} {$1}} {y}}").condition
    assert [len(a.parts) for a in condition.arguments] == [1, 1]


def test_filter() -> None:
    node = only("${filter{a:b}{eq{$item}{b}}}")
    assert isinstance(node, Item)
    assert node.condition is not None
    assert (node.name, node.condition.name, node.tail) == ("filter", "eq", None)


@pytest.mark.parametrize(
    ("text", "key", "kind", "query", "yes"),
    [
        ("${lookup{k}lsearch{f}}", "k", "lsearch", "f", None),
        ("${lookup {k} partial-lsearch*@,ret=key {f} {y}{n}}", "k",
         "partial-lsearch*@,ret=key", "f", "y"),
        ("${lookup dnsdb{>! a=b}{y}}", None, "dnsdb", ">! a=b", "y"),
        ("${lookup{k}ls}arch{f}}", "k", "ls}arch", "f", None),
    ],
)  # fmt: skip
def test_lookups(
    text: str, key: str | None, kind: str, query: str, yes: str | None
) -> None:
    node = only(text)
    assert isinstance(node, Lookup)
    assert (text_of(node.key), node.type, text_of(node.query)) == (key, kind, query)
    assert text_of(node.tail.yes) == yes
    assert text[node.type_start :].startswith(kind)


def test_the_list_of_match_is_not_expanded() -> None:
    condition = only("${if match_domain{$a}{$b\\}\\N}\\N{c}{y}}").condition
    first, second = condition.arguments
    assert not first.raw
    assert isinstance(first.parts[0], Variable)
    assert second.raw
    assert text_of(second) == "$b}}{c"


def test_braces_do_not_nest() -> None:
    tree = parse("${lc:A{B}}")
    assert isinstance(tree.parts[0], Operator)
    assert text_of(tree.parts[0].operand) == "A{B"
    assert tree.parts[1] == Literal(9, 10, "}")


# ---- messages ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES["error"], ids=lambda c: c["text"])
def test_errors(case: dict[str, str]) -> None:
    with pytest.raises(ExpansionSyntaxError) as raised:
        parse(case["text"])
    error = raised.value
    assert error.message == case["message"]
    assert error.hint == case.get("hint", "")
    assert error.code == case.get("code", "EXS202")
    assert case["text"][error.start : error.end] == case["marked"]


@pytest.mark.parametrize("case", CASES["error"], ids=lambda c: c["text"])
def test_errors_are_found_wherever_they_stand(case: dict[str, str]) -> None:
    before = "x ${lc:$a} ${if eq{a}{b}{${uc:c}}{"
    with pytest.raises(ExpansionSyntaxError) as raised:
        parse(before + case["text"])
    error = raised.value
    assert error.message == case["message"]
    assert (before + case["text"])[error.start : error.end] == case["marked"]
    assert error.start >= len(before)


# ---- whatever comes ------------------------------------------------------------------


@given(soup | octets)
def test_it_parses_or_says_where_not(text: str) -> None:
    found = outcome(text)
    if isinstance(found, ExpansionSyntaxError):
        assert 0 <= found.start < found.end <= len(text)
        assert found.message
        return
    assert (found.start, found.end) == (0, len(text))
    for node in walk(found):
        inside = children(node)
        assert all(node.start <= c.start <= c.end <= node.end for c in inside)
        assert [c.start for c in inside] == sorted(c.start for c in inside)


DENSE = {
    "escapes": "\\a" * (MAX_LENGTH // 2),
    "variables": "$1" * (MAX_LENGTH // 2),
    "stray braces": "$a" + "}" * (MAX_LENGTH - 2),
    "open braces": "$a" + "{" * (MAX_LENGTH - 2),
    "one header": "$h_" + "a" * (MAX_LENGTH - 3),
    "one name": "${" + "a" * (MAX_LENGTH - 2),
    "blanks": "${sg{a}" + " \t" * ((MAX_LENGTH - 8) // 2),
    "arguments": "${sg" + "{a}" * ((MAX_LENGTH - 5) // 3) + "}",
    "unclosed": "${if eq{a}{a}{" * (MAX_LENGTH // 14),
    "unclosed operators": "${lc:" * (MAX_LENGTH // 5),
    "nots": "${if " + "!" * (MAX_LENGTH - 16) + "eq{a}{b}}",
    "groups": "${if " + "and{{" * (MAX_LENGTH // 5 - 4),
    "protected": "\\N" + "\\a" * (MAX_LENGTH // 2 - 1),
    "type": "${lookup{a}" + "x" * (MAX_LENGTH - 11),
    "headers that end": "$h_a}" * (MAX_LENGTH // 5),
    "bad tail": "${if eq{a}{b}{c}" * (MAX_LENGTH // 16),
}


@pytest.mark.parametrize("text", DENSE.values(), ids=DENSE.keys())
def test_the_densest_text_takes_bounded_time(text: str) -> None:
    start = time.process_time()
    found = outcome(text)
    if isinstance(found, ExpansionSyntaxError):
        assert len(found.message) < 400
        assert len(found.hint) < 400
    # About a second where measured; a quadratic step would take minutes.
    assert time.process_time() - start < 20


def test_longer_text_is_refused() -> None:
    with pytest.raises(ExpansionSyntaxError, match="has 262145 characters"):
        parse("$a" + "x" * (MAX_LENGTH - 1))


def test_plain_text_may_be_longer() -> None:
    assert text_of(parse("x" * (4 * MAX_LENGTH))) == "x" * (4 * MAX_LENGTH)


NESTS = [("${lc:", "}"), ("${if eq{a}{b}{", "}}"), ("${if and{{def:x}{eq{", "}{}}}}"),
         ("${sg{a}{b}{", "}}"), ("${lookup{", "}lsearch{f}}")]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), NESTS)
def test_deep_nesting(before: str, after: str) -> None:
    # What Exim survives with the usual stack of 8 MB is read ...
    shallow = MAX_DEPTH // 4
    assert len(list(walk(parse(before * shallow + after * shallow)))) > shallow
    # ... and what it dies of is an error with a place.
    with pytest.raises(ExpansionSyntaxError, match=f"no more than {MAX_DEPTH} levels"):
        parse(before * 10_000 + after * 10_000)


def test_braces_in_text_are_no_nesting() -> None:
    assert text_of(parse("\\$" + "{" * 100_000 + "}" * 100_000)) is not None
