"""The grammar file itself: sound, lossless, nothing in it unused."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark, Token, Tree, UnexpectedInput

from eximkit import catalog, grammar
from eximkit.grammar import build

if TYPE_CHECKING:
    from pathlib import Path

PIECES = [
    "${", "$", "{", "}", "}", "\\", "\\N", " ", "if ", "eq", "{a}", "{b}", "lookup",
    "lsearch", "dnsdb", "def:", "h_x:", "h_x", "item", "and", "filter", "match_ip",
    "extract json", "run,preexpand", "forany", "acl", "!", "lc:", "fail", "1", "\x85",
    "\xa0", "\xe9", "\n", "\t", ":", ",", "${lc:", "${if ", "sg", "\\x41", "\\}", "$a",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
octets = st.text(st.characters(max_codepoint=255), max_size=60)


@pytest.fixture(scope="module")
def plain() -> Lark:
    return grammar.parser("expansion", ("start",))


def tokens(tree: Tree[Token]) -> list[Token]:
    return list(tree.scan_values(lambda value: isinstance(value, Token)))


def corpus_texts(corpus: Path, reference: Path) -> list[str]:
    files = (
        corpus / "exim-testsuite/expansions.jsonl",
        corpus / "exim-testsuite/conf_expansions.jsonl",
        reference / "expansion-probes.jsonl",
    )
    lines = [line for file in files for line in file.read_text("utf-8").split("\n")]
    return [json.loads(line)["expr"] for line in lines if line]


def test_no_two_terminals_collide() -> None:
    # strict: also no shift/reduce conflict that is resolved in silence.
    pytest.importorskip("interegular", reason="strict grammars need interegular")
    assert build("expansion", ("start",), strict=True).parse("a") is not None


def test_joined_tokens_are_the_input(
    corpus: Path, reference: Path, plain: Lark
) -> None:
    parsed = 0
    for text in corpus_texts(corpus, reference):
        try:
            tree = plain.parse(text)
        except UnexpectedInput:
            continue
        parsed += 1
        assert "".join(tokens(tree)) == text
    assert parsed > 1_600


@given(texts | octets)
def test_joined_tokens_are_the_input_whatever_it_is(text: str) -> None:
    try:
        tree = grammar.parser("expansion", ("start",)).parse(text)
    except UnexpectedInput:
        return
    assert "".join(tokens(tree)) == text


def test_every_rule_and_terminal_is_reached(checkout: Path, plain: Lark) -> None:
    cases = tomllib.loads((checkout / "tests/cases/expansions.toml").read_text("utf-8"))
    rules: set[str] = set()
    terminals: set[str] = set()
    for case in cases["fine"] + cases["defect"]:
        tree = plain.parse(case["text"])
        rules |= {str(node.data) for node in tree.iter_subtrees()}
        terminals |= {token.type for token in tokens(tree)}
    named = {
        str(rule.alias or rule.origin.name)
        for rule in plain.rules
        if not rule.origin.name.startswith("_")
    }
    assert rules == named
    assert terminals == {t.name for t in plain.terminals}


@pytest.mark.parametrize("name", catalog.condition_names(catalog.NEWEST))
def test_the_shape_of_every_condition_is_known(name: str, plain: Lark) -> None:
    entry = catalog.condition(name)
    assert entry is not None
    strings = "{{a}{b}}" if name in {"acl", "saslauthd"} else "{a}" * entry.minimum
    strings = {"and": "{{def:a}}", "or": "{}", "def": ":a"}.get(name, strings)
    if name.startswith("for"):
        strings = "{a}{def:b}"
    kinds = {t.type for t in tokens(plain.parse(f"${{if {name}{strings}{{y}}{{n}}}}"))}
    # An unknown condition would take {y} and {n} for its own strings.
    assert "CONDITION" not in kinds


def test_a_grammar_is_built_once() -> None:
    assert grammar.parser("expansion", ("start",)) is grammar.parser(
        "expansion", ("start",)
    )
