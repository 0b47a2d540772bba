"""Names and numbers of arguments, case by case."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit import catalog
from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.check import check
from eximkit.expansion.parse import parse

CASES = tomllib.loads(
    (Path(__file__).parents[1] / "cases/expansions.toml").read_text("utf-8")
)
SURROUNDINGS = [
    "<>", "a ${lc:<>}", "${if def:h_x:{}{<>}}", "${if !eq{<>}{}{y}}",
    "${lookup{<>}lsearch{f}{y}fail}", "${map{a}{<>}}", "${if and{{isip{<>}}}{y}}",
    "${filter{}{eq{<>}{b}}}", "${if acl{{a}{<>}}{y}}", "${env{a}{y}{<>}}",
]  # fmt: skip
NAMES = [
    "lc", "sg", "length", "length_1", "h_x", "item", "nosuch", "env", "extract",
    "quote_mysql", "listextract", "sort", "certextract", "run", "hash", "local_part_x",
]  # fmt: skip
TAILS = ["}", ":}", "{a}}", "{a}{b}}", "{1}{b}{c}}", " }", "{a}{b}fail}", ",x{a}}"]


@pytest.mark.parametrize("around", SURROUNDINGS)
@pytest.mark.parametrize("case", CASES["defect"], ids=lambda c: c["text"])
def test_defects(case: dict[str, str], around: str) -> None:
    release = catalog.release(case.get("release", "4.96"))
    text = around.replace("<>", case["text"])
    (defect,) = check(parse(text), release)
    assert (defect.code, defect.message) == (case["code"], case["message"])
    assert defect.hint == case.get("hint", "")
    assert defect.replacement == case.get("replacement")
    assert text[defect.start : defect.end] == case["marked"]
    assert defect.start >= around.index("<>")


@pytest.mark.parametrize(
    "case", [c for c in CASES["defect"] if "replacement" in c], ids=lambda c: c["text"]
)
def test_the_replacement_mends(case: dict[str, str]) -> None:
    release = catalog.release(case.get("release", "4.96"))
    text = case["text"]
    (defect,) = check(parse(text), release)
    assert defect.replacement is not None
    mended = text[: defect.start] + defect.replacement + text[defect.end :]
    assert check(parse(mended), release) == []


@pytest.mark.parametrize("case", CASES["fine"], ids=lambda c: c["text"])
def test_fine(case: dict[str, str]) -> None:
    release = catalog.release(case.get("release", "4.96"))
    assert check(parse(case["text"]), release) == []


def test_all_defects_are_reported_in_order() -> None:
    text = "$nosuch ${if nosuch{${nosuch:$nosuch}}} ${lookup nosuch{$h_x:$acl_x}}"
    found = check(parse(text), catalog.release("4.96"))
    assert [d.code for d in found] == [
        "EXS201", "EXS204", "EXS203", "EXS201", "EXS206", "EXS201",
    ]  # fmt: skip
    assert [d.start for d in found] == sorted(d.start for d in found)


@given(st.sampled_from(NAMES), st.sampled_from(TAILS), st.sampled_from(SURROUNDINGS))
def test_every_release_answers(name: str, tail: str, around: str) -> None:
    text = around.replace("<>", "${" + name + tail)
    try:
        tree = parse(text)
    except ExpansionSyntaxError:
        return
    for release in catalog.RELEASES:
        for defect in check(tree, release):
            assert 0 <= defect.start < defect.end <= len(text)
