"""`eximkit explain`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from eximkit.cli import main
from eximkit.lint import rules


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


@pytest.mark.parametrize("code", rules.codes())
def test_every_code_has_a_page(code: str) -> None:
    run = explain(code)
    assert run.exit_code == 0
    for word in (code, "What", "Why", "Bad", "Good", "Since", "Fix", "Reference"):
        assert word in run.stdout
    rule = rules.rule(code)
    shown = set(run.stdout.splitlines())
    prose = shown - {f"  {line}" for line in (rule.bad + rule.good).splitlines()}
    assert max(map(len, prose)) <= 80


def test_without_a_code_all_are_listed() -> None:
    run = explain()
    assert [line.split()[0] for line in run.stdout.splitlines()] == list(rules.codes())


def test_several_codes_in_any_case() -> None:
    run = explain("exs210", "EXH301")
    assert run.stdout.startswith("EXS210 ipv6-in-colon-list (error)")
    assert "\nEXH301 empty-helo (error)" in run.stdout


def test_json() -> None:
    data = json.loads(explain("--format", "json", "EXS210").stdout)
    assert data["schema"] == "eximkit.explain/1"
    (row,) = data["rules"]
    assert row["code"] == "EXS210"
    assert row["what"] == rules.rule("EXS210").what
    assert len(json.loads(explain("--format", "json").stdout)["rules"]) == len(
        rules.codes()
    )


def test_an_unknown_code_is_wrong_usage() -> None:
    run = explain("EXS2010")
    assert run.exit_code == 2
    assert "EXS201" in run.stderr
