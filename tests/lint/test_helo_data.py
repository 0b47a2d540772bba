"""Every decided case: its codes, and the greetings that Exim really sent."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from eximkit import catalog
from eximkit.config.build import build
from eximkit.config.directives import MemoryFiles
from eximkit.lint import engine
from eximkit.source import SourceFile, octets

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.lint.result import LintResult

GROUPS = ("EXP", "EXS", "EXH")


@cache
def cases(corpus: Path) -> list[dict[str, Any]]:
    lines = (corpus / "helo-data/cases.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def linted(case: dict[str, Any]) -> LintResult:
    files = {path: octets(text) for path, text in case.get("files", {}).items()}
    main = SourceFile("exim.conf", octets(case["config"]))
    release = catalog.release(case["target_version"])
    config = build(main, MemoryFiles(files), release=release)
    return engine.run(config, release)


def test_codes(corpus: Path) -> None:
    """The set of codes of each case is the decided one."""
    wrong = {}
    for case in cases(corpus):
        expected = {e["code"] for e in case["expected"]}
        found = {f.code for f in linted(case).findings if f.code.startswith(GROUPS)}
        if found != expected:
            wrong[case["id"]] = (sorted(found - expected), sorted(expected - found))
    assert wrong == {}


def test_severities(corpus: Path) -> None:
    """Findings are as bad as decided."""
    for case in cases(corpus):
        expected = {e["code"]: e["severity"] for e in case["expected"]}
        for finding in linted(case).findings:
            if finding.code in expected:
                assert finding.severity.value == expected[finding.code], case["id"]


def agrees(shown: str | None, sent: str | None) -> bool:
    """Whether a greeting with placeholders is the one that was sent."""
    if shown is None or sent is None:
        return shown is sent
    pattern = re.sub(r"<[^<>]+>|[^<]+|<", _piece, shown)
    return re.fullmatch(pattern, sent) is not None


def _piece(match: re.Match[str]) -> str:
    text = match[0]
    return ".*" if len(text) > 1 and text[0] == "<" else re.escape(text)


def observed(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The one greeting of each of two deliveries, where it was as simple as that."""
    seen = case["observed_4_96"]
    deliveries = seen.get("deliveries", [])
    if len(deliveries) < 2 or len(seen.get("second_server", ())):
        return None
    if any(len(d) != 1 for d in deliveries[:2]):
        return None
    return deliveries[0][0], deliveries[1][0]


def test_greetings(corpus: Path) -> None:
    """`transports` says what Exim 4.96 sent, and when it went early."""
    wrong: dict[str, tuple[object, ...]] = {}
    looked = 0
    for case in cases(corpus):
        pair = observed(case)
        if pair is None:
            continue
        looked += 1
        row = linted(case).greetings[0]
        first, later = pair
        if not agrees(row.wire.first, first["greeting"]) or not agrees(
            row.wire.later, later["greeting"]
        ):
            wrong[case["id"]] = (row.wire, first["greeting"], later["greeting"])
        if later["early"] and not row.early_possible:
            wrong[case["id"]] = ("not early", first, later)
    assert wrong == {}
    assert looked > 100


@pytest.mark.parametrize(
    ("shown", "sent", "same"),
    [
        ("EHLO [<sending_ip_address>]", "EHLO [127.0.0.1]", True),
        ("EHLO [<sending_ip_address>]", "EHLO 127.0.0.1", False),
        ("EHLO []", "EHLO []", True),
        (None, None, True),
        (None, "EHLO x", False),
    ],
)
def test_placeholders(shown: str | None, sent: str | None, same: bool) -> None:
    assert agrees(shown, sent) is same
