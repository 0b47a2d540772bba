"""What eximkit refuses of expansion strings, against what a real Exim 4.96 refuses.

Each string goes to `exim -be` as it is, and once more in a branch that is not taken:
there Exim checks the syntax and runs nothing. What Exim accepts must be accepted, what
it refuses for its syntax must be refused.

Known differences, all in branches that are not taken:

- Exim does not look at what stands after an operator's underscore, nor counts the
  strings of `extract`, nor knows which variables are certificates, until the branch is
  taken. eximkit reports them anyway: the branch is there to be taken some day (LATER).
- Exim 4.96 refuses a blank before the first brace of `extract json {` in a branch that
  is not taken, and accepts it in one that is. eximkit accepts it (BLANK).
- Exim itself dies of `${sort {:}{lt}{...}}`, of `forany_json` with text that is no
  JSON, and of `${nhash_0:`. Such strings are left out, and counted.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.check import check
from eximkit.expansion.parse import parse
from tests.oracle.asking import Answer, ask_all
from tests.oracle.random_expansions import random_expansion

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.catalog import Release

SKIPPED = "${{if bool{{false}}{{ {} }}{{SKIPPED}}}}"
ROUNDS = 2_000
SEEDS = (496, 2811, 5321)
# Exim's test mode reads longer lines in pieces.
LONGEST = 900

LATER = re.compile(
    r"only digits may follow|has no number|lookup type `quote_|has no variant"
    r"|names no kind of list|means nothing after|`\$\{extract` has"
    r"|certificate variable|unknown operator `\$\{[rbl]?h(eader)?_"
    r"|`fail` .* the (yes|no) string of `\$\{extract"
)
BLANK = re.compile(r"missing '\}' closing extract")
# Messages about values, not about syntax: of the strings in the corpora, and of those
# that random_expansions.py puts together.
VALUE = re.compile(
    r'failed to open|"\w+" failed and "fail" requested'
    r"|is not a (base 62|decimal) number"
    r"|field-extract in sort|must not be empty|IMAP folder separator|imapfolder: "
    r"|wrapping .* for extract json|expression evaluation|ERROR from acl"
    r"|integer expected|invalid integer|lookup of |is not a (\w+ )?named list"
    r"|hmac algorithm|is not well-formed|is not an IP address|unable to complete match"
    r"|unknown encryption|regular expression error|missing mask value|hash count"
    r"|unrecognised boolean value|is not an Exim time|odd number of characters|stat\("
    r"|perl_startup|saslauthd daemon|failed to connect|dlopen|divide by zero"
    r"|malformed parameter setting|is not a (positive )?number|must be numeric"
    r"|prvs (first|third) argument"
)
# What a right string of the cases may end with when it is expanded.
FORCED = re.compile(r'"\w+" failed and "fail" requested|ERROR from acl|lookup of ')
SYNTAX = {"syntax", None}


def complaints(text: str, release: Release) -> list[str]:
    try:
        return [defect.message for defect in check(parse(text), release)]
    except ExpansionSyntaxError as error:
        return [error.message]


def disagreement(text: str, answer: Answer, release: Release) -> str | None:
    ours = complaints(text, release)
    if answer.ok and any(not LATER.search(o) for o in ours):
        return f"accepted by Exim: {text!r}\n  refused by eximkit: {ours}"
    if answer.ok or ours or VALUE.search(answer.text) or BLANK.search(answer.text):
        return None
    return f"accepted by eximkit: {text!r}\n  refused by Exim: {answer.text}"


def recorded(corpus: Path, reference: Path) -> list[dict[str, Any]]:
    files = (
        corpus / "exim-testsuite/expansions.jsonl",
        corpus / "exim-testsuite/conf_expansions.jsonl",
        reference / "expansion-probes.jsonl",
    )
    lines = [line for file in files for line in file.read_text("utf-8").split("\n")]
    rows = [json.loads(line) for line in lines if line]
    # A longer line was not one line to the Exim that answered.
    return [row for row in rows if len(row["expr"]) <= LONGEST]


def test_recorded_answers(corpus: Path, reference: Path, release: Release) -> None:
    rows = recorded(corpus, reference)
    refused = [
        (row["expr"], found)
        for row in rows
        if row["ok"] and (found := complaints(row["expr"], release))
    ]
    assert not refused
    # The probes do not say what kind of failure theirs is; the message does.
    passed = [
        (row["expr"], row["error"])
        for row in rows
        if row["ok"] is False
        and (row.get("kind") or (VALUE.search(row["error"]) and "value")) in SYNTAX
        and not complaints(row["expr"], release)
    ]
    assert not passed
    assert len(rows) > 1_700


def test_corpora_in_a_branch_not_taken(
    corpus: Path, reference: Path, exim: Path, release: Release, tmp_path: Path
) -> None:
    texts = sorted({
        SKIPPED.format(row["expr"])
        for row in recorded(corpus, reference)
        if "\n" not in row["expr"] and "forany_json" not in row["expr"]
    })  # fmt: skip
    answers = [(t, a) for t, a in ask_all(exim, tmp_path, texts) if a is not None]
    assert len(answers) == len(texts)
    # Names of another build or release; the recorded answers hold those.
    named = re.compile(r"unknown (lookup type|expansion operator|variable)")
    found = [
        d for text, answer in answers
        if (answer.ok or not named.search(answer.text))
        and (d := disagreement(text, answer, release))
    ]  # fmt: skip
    assert not found, "\n".join(found)


def test_the_cases(checkout: Path, exim: Path, tmp_path: Path) -> None:
    cases = tomllib.loads((checkout / "tests/cases/expansions.toml").read_text("utf-8"))
    for kind in ("error", "defect", "fine"):
        # A backslash at the end of a line of Exim's input joins it to the next.
        texts = [
            case["text"] for case in cases[kind]
            if "release" not in case and not case["text"].endswith("\\")
        ]  # fmt: skip
        answers = ask_all(exim, tmp_path, texts)
        refused = {t for t, a in answers if not (a and (a.ok or FORCED.search(a.text)))}
        assert refused == (set() if kind == "fine" else set(texts))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("frame", ["{}", SKIPPED], ids=["taken", "not-taken"])
def test_random_expansions(
    seed: int, frame: str, exim: Path, release: Release, tmp_path: Path
) -> None:
    at = random.Random(seed)
    texts = [frame.format(random_expansion(at)) for _ in range(ROUNDS)]
    answers = [(t, a) for t, a in ask_all(exim, tmp_path, texts) if a is not None]
    assert len(answers) > ROUNDS * 0.99
    # The generator is worth something only while both kinds are common.
    accepted = sum(answer.ok for _, answer in answers)
    assert ROUNDS / 8 < accepted < ROUNDS * 7 / 8
    found = [
        d for text, answer in answers if (d := disagreement(text, answer, release))
    ]
    assert not found, "\n".join(found[:20])
