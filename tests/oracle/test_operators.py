"""Operators, items and conditions, against the answers of a real Exim.

Seeded random operands, put together from what tests/cases/operands.toml lists; results
and messages must be the same, octet for octet.
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.expansion.conditions import CONDITIONS
from eximkit.expansion.items import ITEMS
from eximkit.expansion.lists import join_list, split_list
from eximkit.expansion.operators import PURE_OPERATORS, apply_operator
from eximkit.expansion.sorting import COMPARATORS, sort_items
from eximkit.expansion.textsettings import TextSettings
from eximkit.expansion.values import ExpansionFailed, NotPure
from tests.oracle.asking import ask, escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 400
DATA = tomllib.loads(
    (Path(__file__).parent.parent / "cases" / "operands.toml").read_text()
)
TOKENS: dict[str, list[str]] = {
    **DATA["tokens"],
    "octets": [chr(code) for code in range(1, 256)],
}
ITEM_WITHOUT_ARGUMENTS = {"h", "hash", "l", "length", "nh", "nhash", "s", "substr"}
NOT_IN_4_96 = {"headerwrap", "xtextd"}
SETTINGS = TextSettings()
"""Those of a configuration that sets none."""


def made(chance: random.Random, recipe: dict[str, Any]) -> str:
    """One argument, as the data file says."""
    if "one" in recipe:
        texts: list[str] = recipe["one"]
        return chance.choice(texts)
    if "list" in recipe:
        negations = ["", "", "!", "! "]
        items = [
            chance.choice(negations) + chance.choice(TOKENS[recipe["list"]])
            for _ in range(chance.randrange(5))
        ]
        return chance.choice(["<;", "<; "]) + chance.choice([";", "; "]).join(items)
    count = chance.randrange(recipe.get("most", 8) + 1)
    return "".join(chance.choices(TOKENS[recipe["tokens"]], k=count))


def braced(arguments: Sequence[str], plain: int = 0) -> str:
    """Arguments in braces, all but the first `plain` of them escaped."""
    return "".join(
        f"{{{text if index < plain else escaped(text)}}}"
        for index, text in enumerate(arguments)
    )


@dataclass(frozen=True, slots=True)
class Question:
    """One expression, and what eximkit says it is."""

    expression: str
    result: Callable[[], str]


def unplaced(text: str) -> str:
    """Without what is wrong with a pattern: releases of PCRE2 word it differently."""
    if not text.startswith("regular expression error"):
        return text
    return text.rpartition(": ")[0]


def compare(
    exim: Path, folder: Path, questions: list[Question], answered: float = 0.5
) -> None:
    """What eximkit answers is what Exim answers; it answers at least that share."""
    ours: list[tuple[str, bool, str]] = []
    for question in questions:
        try:
            ours.append((question.expression, True, question.result()))
        except ExpansionFailed as failure:
            if not failure.message.startswith("Exim stops"):
                ours.append((question.expression, False, failure.message))
        except NotPure:
            continue
    assert len(ours) >= answered * len(questions)
    answers = ask(exim, folder, [expression for expression, _, _ in ours])
    wrong = [
        f"{expression}\n  Exim: {answer.ok} {answer.text!r}\n  here: {ok} {text!r}"
        for (expression, ok, text), answer in zip(ours, answers, strict=True)
        if (answer.ok, unplaced(answer.text)) != (ok, unplaced(text))
    ]
    assert not wrong, f"{len(wrong)} of {len(ours)}\n" + "\n".join(wrong[:15])


@pytest.mark.parametrize("name", sorted(PURE_OPERATORS - NOT_IN_4_96))
def test_operators(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"operator {name}")
    arguments = DATA["arguments"].get(name, ["", "", "", "x"])
    questions: list[Question] = []
    for _ in range(ROUNDS):
        usual = DATA["operands"].get(name, "octets")
        tokens = usual if chance.random() < 0.9 else "octets"
        operand = made(chance, {"tokens": tokens})
        argument = chance.choice(arguments)
        bare = not argument and name not in ITEM_WITHOUT_ARGUMENTS
        given = () if bare else tuple(argument.split("_"))
        questions.append(
            Question(
                f"${{{'_'.join((name, *given))}:{escaped(operand)}}}",
                partial(apply_operator, name, given, operand, SETTINGS),
            )
        )
    compare(exim, tmp_path, questions)


def item_result(name: str, arguments: Sequence[str], tail: str) -> str:
    """The text of an item, or of its tail `{y$value}{n}`."""
    found = ITEMS[name](arguments)
    if tail:
        return "n" if found is None else f"y{found}"
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (name, form)
        for name in sorted(ITEMS)
        for form in range(len(DATA["items"][name]))
    ],
)
def test_items(name: str, form: int, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"item {name} {form}")
    recipes = DATA["items"][name][form]
    tail = "{y$value}{n}" if "extract" in name else ""
    plain = sum(recipe.get("plain", False) for recipe in recipes)
    questions: list[Question] = []
    for _ in range(ROUNDS):
        arguments = [made(chance, recipe) for recipe in recipes]
        questions.append(
            Question(
                f"${{{name}{braced(arguments, plain)}{tail}}}",
                partial(item_result, name, arguments, tail),
            )
        )
    compare(exim, tmp_path, questions)


def condition_result(name: str, arguments: Sequence[str]) -> str:
    """What `{y<$0><$1><$2>}{n}` gives after the condition."""
    verdict = CONDITIONS[name](arguments)
    if not verdict:
        return "n"
    captures = [*(verdict.captures or ()), "", "", ""]
    return "y" + "".join(f"<{text}>" for text in captures[:3])


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_conditions(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"condition {name}")
    [recipes] = DATA["conditions"][DATA["alike"].get(name, name)]
    questions: list[Question] = []
    for _ in range(ROUNDS):
        arguments = [made(chance, recipe) for recipe in recipes]
        questions.append(
            Question(
                f"${{if {name}{braced(arguments)}{{y<$0><$1><$2>}}{{n}}}}",
                partial(condition_result, name, arguments),
            )
        )
    compare(exim, tmp_path, questions, answered=0.3)


def sorted_text(name: str, text: str) -> str:
    sign, items = split_list(text)
    pairs = [(item, f"1{item}") for item in items]
    return join_list(sign, sort_items(name, pairs, separator=sign))


@pytest.mark.parametrize("name", sorted(COMPARATORS))
def test_sort(name: str, exim: Path, tmp_path: Path) -> None:
    chance = random.Random(f"sort {name}")
    tokens = [*"abABZ_", "a:b", ":", "::", "::a", "10", "9", "1K", "x", "-1"]
    questions: list[Question] = []
    for _ in range(ROUNDS):
        items = ",".join(chance.choices(tokens, k=chance.randrange(7)))
        text = chance.choice(["<,", ""]) + items
        questions.append(
            Question(
                f"${{sort{braced([text])}{{{name}}}{{1$item}}}}",
                partial(sorted_text, name, text),
            )
        )
    compare(exim, tmp_path, questions)


def mapped_text(text: str, added: str) -> str:
    sign, items = split_list(text)
    return join_list(sign, [f"{added}{item}" for item in items])


def test_lists_are_put_together_again(exim: Path, tmp_path: Path) -> None:
    chance = random.Random("map")
    questions: list[Question] = []
    for _ in range(ROUNDS):
        text = made(chance, {"tokens": "lists"})
        added = chance.choice(["", "x", ":", ";", "\n"])
        questions.append(
            Question(
                f"${{map{braced([text])}{{{escaped(added)}$item}}}}",
                partial(mapped_text, text, added),
            )
        )
    compare(exim, tmp_path, questions)
