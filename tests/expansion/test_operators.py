"""Operators, items and conditions over plain strings.

The cases are in tests/cases/operators.toml; rows of the corpora that are one operator,
item or condition over literals come on top.
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.expansion import regex
from eximkit.expansion.conditions import CONDITIONS
from eximkit.expansion.items import PURE_ITEMS, apply_item
from eximkit.expansion.jsontext import json_items
from eximkit.expansion.lists import join_list, split_list
from eximkit.expansion.operators import PURE_OPERATORS, apply_operator
from eximkit.expansion.sorting import sort_items
from eximkit.expansion.textsettings import TextSettings
from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = tomllib.loads(
    (Path(__file__).parent.parent / "cases" / "operators.toml").read_text()
)
REFUSED = {"nosuch", "quote_nosuch"}
"""Names of operators that do not exist."""

OCTETS = st.text(st.characters(max_codepoint=255), max_size=40)


def shown(case: dict[str, Any]) -> str:
    given = f"{case.get('arguments', '')}{case.get('operand', '')!r}"
    return f"{case['name']} {given}{case.get('options', '')}"


def check(case: dict[str, Any], compute: Callable[[], object]) -> None:
    """Call, and expect what the case says of failures."""
    if case.get("not_pure"):
        with pytest.raises(NotPure):
            compute()
    elif "fails" in case:
        with pytest.raises(ExpansionFailed) as caught:
            compute()
        assert caught.value.message == case["fails"]
        assert not caught.value.forced
    else:
        assert compute() == case.get("result")


@pytest.mark.parametrize("case", CASES["operator"], ids=shown)
def test_operator(case: dict[str, Any]) -> None:
    arguments = tuple(case.get("arguments", ()))
    options = case.get("options")
    settings = None if options is None else TextSettings.of(options)
    check(
        case, lambda: apply_operator(case["name"], arguments, case["operand"], settings)
    )


@pytest.mark.parametrize("case", CASES["item"], ids=shown)
def test_item(case: dict[str, Any]) -> None:
    options = case.get("options")
    settings = None if options is None else TextSettings.of(options)
    check(case, lambda: apply_item(case["name"], case["arguments"], settings))


@pytest.mark.parametrize("case", CASES["condition"], ids=shown)
def test_condition(case: dict[str, Any]) -> None:
    def verdict() -> tuple[bool, list[str] | None]:
        found = CONDITIONS[case["name"]](case["arguments"])
        return found.holds, None if found.captures is None else list(found.captures)

    if "holds" in case:
        assert verdict() == (case["holds"], case.get("captures"))
    else:
        check(case, verdict)


def test_each_name_has_a_case() -> None:
    for kind, names in (
        ("operator", PURE_OPERATORS),
        ("item", PURE_ITEMS),
        ("condition", CONDITIONS.keys()),
    ):
        assert {case["name"] for case in CASES[kind]} - REFUSED == set(names)


def test_a_match_says_what_value_becomes() -> None:
    assert CONDITIONS["match_domain"](["x.a", "b:*.A"]).value == "*.A"
    assert CONDITIONS["match_address"](["x@a.b", "*.b"]).value == "@*.b"
    assert CONDITIONS["inlisti"](["a", "b:A"]).value == "A"
    assert CONDITIONS["match_ip"](["1.2.3.4", "1.2.3.4"]).value is None
    assert CONDITIONS["match_domain"](["a", "!b"]).value is None


@pytest.mark.parametrize(
    ("text", "sign", "items"),
    [
        ("a:b", ":", ["a", "b"]),
        (" <; a ;b; ", ";", ["a", "b"]),
        ("a::b: c", ":", ["a:b", "c"]),
        ("a : : b", ":", ["a", "", "b"]),
        ("<\na\n\nb", "\n", ["a", "", "b"]),
        ("<1 a1b", ":", ["<1 a1b"]),
        ("<\x80a\x80b", ":", ["<\x80a\x80b"]),
        ("", ":", []),
        ("<", ":", []),
    ],
)
def test_split_list(text: str, sign: str, items: list[str]) -> None:
    assert split_list(text) == (sign, items)


@pytest.mark.parametrize(
    ("sign", "items", "text"),
    [
        (":", ["a", "b"], "a:b"),
        (":", ["", "", "a:"], ": :a::"),
        (":", [":", ":x"], "::: ::x"),
        ("\n", ["a", "", "b"], "a\n \nb"),
        (":", [], ""),
    ],
)
def test_join_list(sign: str, items: list[str], text: str) -> None:
    assert join_list(sign, items) == text


@given(st.lists(st.text("ab:; ", min_size=1).filter(lambda s: s == s.strip())))
def test_lists_survive_joining_and_splitting(items: list[str]) -> None:
    wanted = [item for item in items if not item.startswith(("<", ":"))]
    assert split_list(join_list(":", wanted)) == (":", wanted)


def test_json_items() -> None:
    assert json_items(' ["a", [1,2] ,3]', strings=False) == ['"a"', "[1,2] ", "3"]
    assert json_items('["a", "b"]', strings=True) == ["a", "b"]
    with pytest.raises(ExpansionFailed):
        json_items("[1]", strings=True)
    with pytest.raises(ExpansionFailed):
        json_items("1,2", strings=False)


def test_sorting_keeps_exims_order_of_equals() -> None:
    pairs = [("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b")]
    assert sort_items("lt", pairs) == ["a1", "a2", "b1", "b2"]
    assert sort_items("le", pairs) == ["a2", "a1", "b2", "b1"]
    assert sort_items("<", [(n, n) for n in ("10", "9", "x", "1K")]) == [
        "9", "10", "x", "1K",
    ]  # fmt: skip
    with pytest.raises(ExpansionFailed):
        sort_items("eq", pairs)
    with pytest.raises(NotPure):
        sort_items("lt", [("", "a")])


def test_a_replacement_is_made_for_each_match() -> None:
    seen: list[tuple[str, ...]] = []

    def replace(groups: tuple[str, ...]) -> str:
        seen.append(groups)
        return str(len(seen))

    assert regex.substitute("abcab", "a(b)(z)?", replace) == "1c2"
    assert seen == [("ab", "b", ""), ("ab", "b", "")]


def test_patterns_have_their_own_verbs_and_octets() -> None:
    assert regex.search("(*UTF)^.$", "\xc3\xa9") is not None
    assert regex.search("^.$", "\xc3\xa9") is None
    assert regex.search("\xe9", "caf\xe9") == ("\xe9",)


# Anything at all --------------------------------------------------------------------


@given(st.sampled_from(sorted(PURE_OPERATORS)), st.lists(OCTETS, max_size=2), OCTETS)
def test_operators_never_raise_anything_else(
    name: str, arguments: list[str], operand: str
) -> None:
    try:
        result = apply_operator(name, tuple(arguments), operand, TextSettings())
    except (ExpansionFailed, NotPure):
        return
    assert "\0" not in result
    result.encode("latin-1")


@given(st.sampled_from(sorted(PURE_ITEMS)), st.tuples(OCTETS, OCTETS, OCTETS))
def test_items_never_raise_anything_else(
    name: str, arguments: tuple[str, str, str]
) -> None:
    counts = {"listextract": 2, "listquote": 2, "length": 2}
    given_to = arguments[: counts.get(name, 3)]
    try:
        result = apply_item(name, given_to, None)
    except (ExpansionFailed, NotPure):
        return
    (result or "").encode("latin-1")


@given(st.sampled_from(sorted(CONDITIONS)), st.tuples(OCTETS, OCTETS))
def test_conditions_never_raise_anything_else(
    name: str, arguments: tuple[str, str]
) -> None:
    one = {"bool", "bool_lax", "isip", "isip4", "isip6"}
    try:
        verdict = CONDITIONS[name](arguments[: 1 if name in one else 2])
    except (ExpansionFailed, NotPure):
        return
    assert verdict.holds in {True, False}


LONG = [
    "a" * 100_000, "(" * 100_000, "-" * 100_000 + "1", "a@b," * 25_000, ":" * 100_000,
    "=?utf-8?q?a?=" * 8_000, " =?a?q?" * 15_000, "xn--a" * 20_000, "\xc3\xa9" * 50_000,
    "[" * 100_000, '"' * 100_000, "9" * 100_000, "(a)" * 30_000, "@a," * 30_000,
]  # fmt: skip


def outcome(compute: Callable[[], object]) -> object:
    """What it gives, or the exception that says so."""
    try:
        return compute()
    except (ExpansionFailed, NotPure) as refusal:
        return refusal


@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:4])
def test_long_text_is_no_trouble(text: str) -> None:
    for name in PURE_OPERATORS:
        found = outcome(partial(apply_operator, name, (), text, TextSettings()))
        assert isinstance(found, (str, ExpansionFailed, NotPure)), name
    for name in ("extract", "extract json", "listextract"):
        arguments = ["7", text, text][: 2 + (name == "extract")]
        found = outcome(partial(apply_item, name, arguments, None))
        assert found is None or isinstance(found, (str, ExpansionFailed)), name
    for name in ("match_domain", "match_ip", "match_address", "inlist"):
        found = outcome(partial(CONDITIONS[name], [text, text]))
        assert found is not None, name


# Rows of the corpora ----------------------------------------------------------------

PLAIN = r"([^${}\\]*)"
ARGUMENT = r"\{[^${}\\]*\}\s*"
ONE_OPERATOR = re.compile(rf"{PLAIN}\$\{{([a-z0-9_]+):{PLAIN}\}}{PLAIN}")
ONE_ITEM = re.compile(
    rf"{PLAIN}\$\{{([a-z]+(?: jsons?)?)\s*((?:{ARGUMENT})+)\}}{PLAIN}"
)
ONE_CONDITION = re.compile(
    rf"{PLAIN}\$\{{if\s+(!?)([a-z_0-9]+|[<=>]+)\s*((?:{ARGUMENT})+)\}}{PLAIN}"
)
ITEM_ARGUMENTS = {"hmac": 3, "sg": 3, "tr": 3, "imapfolder": 1}


def operator_row(row: dict[str, Any]) -> str | None:
    found = ONE_OPERATOR.fullmatch(row["expr"])
    if found is None:
        return None
    before, written, operand, after = found.groups()
    names = [n for n in PURE_OPERATORS if written == n or written.startswith(n + "_")]
    if not names or written in {"hash", "length", "nhash", "substr"}:
        return None
    name = max(names, key=len)
    if name in {"headerwrap", "xtextd"}:  # newer than the 4.96 that answered
        return None
    arguments = written[len(name) + 1 :].split("_") if written != name else []
    return before + apply_operator(name, tuple(arguments), operand) + after


def item_row(row: dict[str, Any]) -> str | None:
    found = ONE_ITEM.fullmatch(row["expr"])
    if found is None or found[2] not in PURE_ITEMS:
        return None
    before, name, written, after = found.groups()
    arguments = re.findall(r"\{(.*?)\}", written, re.DOTALL)
    if len(arguments) != ITEM_ARGUMENTS.get(name, 2):
        return None
    if name == "extract" and re.fullmatch(r"\s*-?\d*\s*", arguments[0]):
        return None
    return before + (apply_item(name, arguments, None) or "") + after


def condition_row(row: dict[str, Any]) -> str | None:
    found = ONE_CONDITION.fullmatch(row["expr"])
    if found is None or found[3] not in CONDITIONS:
        return None
    before, negated, name, written, after = found.groups()
    arguments = re.findall(r"\{(.*?)\}", written, re.DOTALL)
    count = 1 if name.startswith(("bool", "isip")) else 2
    if len(arguments) != count + 2:
        return None
    verdict = CONDITIONS[name](arguments[:count])
    taken: str = arguments[count + (verdict.holds == bool(negated))]
    return before + taken + after


@pytest.mark.parametrize(
    ("read", "least"), [(operator_row, 150), (item_row, 20), (condition_row, 60)]
)
def test_rows_of_the_corpora(
    read: Callable[[dict[str, Any]], str | None],
    least: int,
    corpus: Path,
    reference: Path,
) -> None:
    checked = 0
    for file in (
        reference / "expansion-probes.jsonl",
        corpus / "exim-testsuite" / "expansions.jsonl",
    ):
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            if row.get("tag"):
                continue
            found = outcome(partial(read, row))
            if found is None or isinstance(found, NotPure):
                continue
            if isinstance(found, ExpansionFailed):
                assert (row["ok"], row["error"]) == (False, found.message), row
            else:
                assert (row["ok"], row["output"]) == (True, found), row
            checked += 1
    assert checked >= least
