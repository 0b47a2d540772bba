"""Every rule is documented, and proved: it fires on bad text and is silent on good.

`tests/cases/rules/CODE.toml` has tables `[[bad]]` and `[[good]]`:

    name        what the case shows
    config      the text
    codes       the exact set of codes, where that is of interest
    fixed       the text after `--fix --unsafe-fixes`, where there is a fix
    release     the Exim release (default 4.96), define, as: as the options of `lint`
    files       what `.include` can reach: path to text
    asks_exim   false where a real Exim 4.96 has no say (other builds, files elsewhere)
"""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eximkit import catalog
from eximkit.config.build import build
from eximkit.config.directives import MemoryFiles
from eximkit.lint import engine, rules, verify
from eximkit.source import SourceFile, decode, octets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.lint.finding import Finding
    from eximkit.lint.result import LintResult

CASES = Path(__file__).resolve().parent.parent / "cases" / "rules"
ORACLE = "4.96"


@dataclass(frozen=True)
class Case:
    code: str
    kind: str
    name: str
    config: str
    codes: list[str] | None = None
    fixed: str | None = None
    release: str = ORACLE
    define: list[str] = field(default_factory=list)
    fragment: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    asks_exim: bool = True

    def result(self, replaced: Mapping[str, str] | None = None) -> LintResult:
        """Lint the text, or what stands in its place."""
        release = catalog.release(self.release)
        data = {"main.conf": octets(self.config), **self.files, **(replaced or {})}
        config = build(
            SourceFile("main.conf", data["main.conf"]), MemoryFiles(data),
            release=release, defines=self.define, fragment=self.fragment,
        )  # fmt: skip
        return engine.run(config, release)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.result().findings


def read(path: Path) -> list[Case]:
    data: dict[str, list[dict[str, Any]]] = tomllib.loads(path.read_text("utf-8"))
    assert set(data) == {"bad", "good"}, f"{path.name} lacks bad or good cases"
    return [
        Case(path.stem, kind, fragment=row.pop("as", None), **row)
        for kind, rows in data.items()
        for row in rows
    ]


ALL = [case for path in sorted(CASES.glob("*.toml")) for case in read(path)]


def those(kind: str) -> pytest.MarkDecorator:
    cases = [case for case in ALL if case.kind == kind]
    return pytest.mark.parametrize(
        "case", cases, ids=[f"{case.code}-{case.name}" for case in cases]
    )


each_rule = pytest.mark.parametrize("code", rules.codes())


@each_rule
def test_each_rule_has_a_page(code: str) -> None:
    rule = rules.rule(code)
    for part in ("name", "what", "why", "bad", "good", "reference"):
        assert getattr(rule, part).strip(), part
    assert rule.bad != rule.good
    assert rule.fix in {"", "safe", "unsafe"}
    assert not rule.since or rule.since in map(str, catalog.RELEASES)


@each_rule
def test_each_rule_has_cases(code: str) -> None:
    assert {case.kind for case in ALL if case.code == code} == {"bad", "good"}


def test_each_case_has_a_rule() -> None:
    assert {case.code for case in ALL} - set(rules.codes()) == set()


@each_rule
def test_the_examples_of_the_page_are_true(code: str) -> None:
    rule = rules.rule(code)
    # Some rules are about other releases only; the cases say about which.
    releases = [c.release for c in ALL if c.code == code and c.kind == "bad"]
    release = releases[0] if releases else ORACLE
    bad = Case(code, "bad", "page", rule.bad, release=release)
    good = Case(code, "good", "page", rule.good, release=release)
    assert code in {finding.code for finding in bad.findings}
    assert code not in {finding.code for finding in good.findings}


@those("bad")
def test_fires(case: Case) -> None:
    found = [finding for finding in case.findings if finding.code == case.code]
    assert found
    for finding in found:
        assert finding.message
        assert finding.severity is rules.rule(case.code).severity


@those("good")
def test_stays_silent(case: Case) -> None:
    assert [f.message for f in case.findings if f.code == case.code] == []


@pytest.mark.parametrize(
    "case", [c for c in ALL if c.codes is not None], ids=lambda c: f"{c.code}-{c.name}"
)
def test_reports_exactly(case: Case) -> None:
    assert sorted({finding.code for finding in case.findings}) == case.codes


@pytest.mark.parametrize(
    "case", [c for c in ALL if c.fixed is not None], ids=lambda c: f"{c.code}-{c.name}"
)
def test_is_mended(case: Case) -> None:
    texts = verify.fixed(case.result, None, unsafe=True)
    assert decode(texts["main.conf"]) == case.fixed


@pytest.mark.parametrize(
    "case",
    [c for c in ALL if c.asks_exim and c.release == ORACLE and not c.fragment],
    ids=lambda c: f"{c.code}-{c.kind}-{c.name}",
)
def test_exim_refuses_what_it_is_said_to_refuse(
    case: Case, exim: Path, tmp_path: Path
) -> None:
    path = tmp_path / "main.conf"
    path.write_bytes(octets(case.config).encode("latin-1"))
    run = subprocess.run(
        [exim, "-C", path, *(f"-D{macro}" for macro in case.define), "-bV"],
        capture_output=True, check=False,
    )  # fmt: skip
    refused = any(finding.exim_refuses for finding in case.findings)
    assert refused == (run.returncode != 0), run.stdout + run.stderr
