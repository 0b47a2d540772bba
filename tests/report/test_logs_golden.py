"""Every format of a log report against reviewed output (`tests/golden-logs`).

EXIMKIT_GOLDEN=write writes them anew; `git diff` then shows what changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from eximkit.cli import main

CHECKOUT = Path(__file__).resolve().parents[2]
GOLDEN = CHECKOUT / "tests" / "golden-logs"
GROUPS = [
    word
    for name in ("day", "hour", "host", "transport", "router", "proto", "tls")
    for word in ("--by", name)
]
CASES = {
    "mainlog.txt": ["mainlog"],
    "mainlog.json": ["--format", "json", "mainlog"],
    "mainlog.csv": ["--format", "csv", "mainlog"],
    "rotated.txt": ["mainlog*"],
    "groups.txt": [*GROUPS, "--since", "2026-03-02", "mainlog"],
    "groups.csv": [*GROUPS, "--format", "csv", "--since", "2026-03-02", "mainlog"],
    "groups.json": [
        *GROUPS, "--format", "json", "--top", "2", "--since", "2026-03-02", "mainlog",
    ],
    "ports.txt": ["ports"],
    "ports-outbound.txt": ["--direction", "out", "ports"],
    "selector-off.txt": ["selector-off"],
    "switched-on.txt": ["switched-on"],
    "switched-on.json": ["--format", "json", "--top", "0", "switched-on"],
    "local-only.txt": ["local-only"],
    "damaged.txt": ["damaged"],
    "damaged-unparsed.txt": ["--unparsed", "damaged"],
}  # fmt: skip

TABLES = [n for n in CASES if n.endswith(".txt") and "unparsed" not in n]


def report(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> str:
    monkeypatch.chdir(CHECKOUT / "samples" / "logs")
    run = CliRunner().invoke(main, ["logs", *arguments])
    assert run.exit_code == 0, run.output
    return run.stdout


@pytest.mark.parametrize("name", list(CASES))
def test_report(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    written = report(monkeypatch, CASES[name])
    golden = GOLDEN / name
    if os.environ.get("EXIMKIT_GOLDEN") == "write":
        golden.write_text(written, "utf-8")
    assert written == golden.read_text("utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_tables_fit_80_columns(name: str) -> None:
    lines = (GOLDEN / name).read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_characters_are_all_that_a_locale_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    plain = report(monkeypatch, ["mainlog"])
    assert plain.isascii()
    wide = (GOLDEN / "mainlog.txt").read_text("utf-8")
    strip = str.maketrans("", "", "#█▏▎▍▌▋▊▉ ")
    assert plain.translate(strip) == wide.translate(strip)


def test_every_golden_file_is_a_case() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(CASES)
