"""What Exim refuses, by example: the finding's code and what it points at."""

from __future__ import annotations

import pytest

from tests.config.building import Case, cases, only, read, under

CASES = list(cases())


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.code], ids=lambda c: c.text[19:]
)
def test_refused(case: Case) -> None:
    config = read(case.text)
    problem = only(config)
    assert config.refused
    assert (problem.code, under(problem.place)) == (case.code, case.at)


@pytest.mark.parametrize(
    "case", [c for c in CASES if not c.code], ids=lambda c: c.text[19:]
)
def test_accepted(case: Case) -> None:
    assert read(case.text).problems == []
