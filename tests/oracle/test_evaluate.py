"""The evaluator without a connection, against `exim -be`, where there is none either.

What eximkit says of an early greeting is this evaluation, so it must be what Exim
comes to: the same text, or a failure in both.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.environment import Environment
from eximkit.expansion.evaluate import evaluate
from eximkit.expansion.parse import parse
from eximkit.expansion.values import Failure, Known, Unknown
from eximkit.lint.rules.early_pipelining import views
from tests.oracle.asking import ask
from tests.oracle.random_greetings import random_greeting

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.expansion.values import Result

NAME = Known("host.example")
UNBOUND = Environment(
    variables={**views.UNBOUND, "primary_hostname": NAME}, absent_empty=True
)
MANY = 1500


def evaluated(text: str) -> Result:
    """What the evaluator comes to; a syntax error is a failure."""
    try:
        return evaluate(parse(text), UNBOUND)
    except ExpansionSyntaxError as error:
        return Failure(error.message, syntax=True)


def stops(text: str) -> bool:
    """Whether Exim itself would crash, and answer nothing more."""
    result = evaluated(text)
    return isinstance(result, Failure) and result.message.startswith("Exim stops")


@pytest.mark.parametrize("seed", range(4))
def test_unbound_is_what_exim_says(exim: Path, tmp_path: Path, seed: int) -> None:
    """Random strings; where Exim expands them, so does the evaluator, alike."""
    at = random.Random(seed)
    texts = [t for _ in range(MANY) if not stops(t := random_greeting(at))]
    wrong = []
    unknown = failed = 0
    for text, answer in zip(texts, ask(exim, tmp_path, texts), strict=True):
        mine = evaluated(text)
        failed += not answer.ok
        if isinstance(mine, Unknown):
            unknown += 1
        elif isinstance(mine, Failure):
            if answer.ok:
                wrong.append((text, mine.message, answer.text))
        elif not answer.ok or mine.text != answer.text:
            wrong.append((text, mine.text, answer.text))
    assert wrong == []
    assert unknown < MANY / 20
    assert MANY / 20 < failed < MANY * 3 / 4
