"""`logs merge`: saved reports say what one report of all their logs says."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from eximkit.cli import main
from tests.logs.generator import Log, Options
from tests.logs.scenes import busy

if TYPE_CHECKING:
    from pathlib import Path

JSON = ("--format", "json")
SAVED = (*JSON, "--mergeable")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["logs", *map(str, words)])


def document(*words: str | Path) -> dict[str, Any]:
    result = run(*words, *JSON)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    # What a report that can be merged counts besides: by host and by the hour.
    for name in ("top_hosts_by_bytes", "per_hour_of_day", "mergeable"):
        found.pop(name, None)
    for stretch in found["pipelining"]["stretches"]:
        stretch |= {name: stretch[name][:10] for name in ("first", "last")}
    return found


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """A log and the one it was rotated to: cut in the middle of messages."""
    log = Log(Options(seed=3), datetime(2026, 3, 1, 1, 5))  # noqa: DTZ001
    log.daemon_start()
    busy(log, 4, 30)
    lines = log.text.splitlines(keepends=True)
    half = next(
        at for at in range(len(lines) // 2, len(lines)) if b" <= " in lines[at - 1]
    )
    paths = [tmp_path / "mainlog.1", tmp_path / "mainlog"]
    paths[0].write_bytes(b"".join(lines[:half]))
    paths[1].write_bytes(b"".join(lines[half:]))
    return paths


@pytest.fixture
def reports(logs: list[Path], tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for log, path in zip(logs, paths, strict=True):
        assert run(log, *SAVED, "--top", "1", "--output", path).exit_code == 0
    return paths


def test_merged_is_what_one_report_says(logs: list[Path], reports: list[Path]) -> None:
    options = ("--full", "--by", "host", "--by", "tls", "--histogram", "15")
    whole = document(*logs, *options)
    assert document("merge", *reports, *options) == whole
    assert document("merge", *reversed(reports), *options) == whole
    parts = [document(log, *options)["times"]["queue"]["counts"] for log in logs]
    assert sum(map(sum, parts)) < sum(whole["times"]["queue"]["counts"])


def test_what_was_merged_can_be_merged(
    logs: list[Path], reports: list[Path], tmp_path: Path
) -> None:
    both = tmp_path / "both.json"
    assert run("merge", *reports, *SAVED, "--output", both).exit_code == 0
    assert document("merge", both, "--full") == document(*logs, "--full")


@pytest.mark.parametrize("form", ["table", "csv", "prometheus"])
def test_formats(reports: list[Path], form: str) -> None:
    result = run("merge", *reports, "--format", form)
    assert result.exit_code == 0
    assert result.stdout


def test_what_cannot_be_merged_is_said(
    logs: list[Path], reports: list[Path], tmp_path: Path
) -> None:
    lists = tmp_path / "lists.json"
    assert run(logs[0], *JSON, "--output", lists).exit_code == 0
    hours = tmp_path / "hours.json"
    assert run(logs[0], *SAVED, "--by", "hour", "--output", hours).exit_code == 0
    first, second = reports
    for words, told in (
        ((first, first), "is it a copy?"),
        ((lists,), "has lists alone"),
        ((first, hours), "only one of them has 'hours'"),
        ((first, second, "--by", "hour"), "does not count hours"),
        ((logs[0],), "no JSON document"),
        ((tmp_path / "none.json",), "No such file"),
    ):
        result = run("merge", *words)
        assert (result.exit_code, told in result.stderr) == (3, True), result.stderr
    assert run("merge", first, "--pattern", "a=b").exit_code == 2
    assert run(logs[0], "--mergeable").exit_code == 2


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d["mergeable"]["summary"].update(lines=-1), "summary.lines"),
        (lambda d: d["mergeable"].update(wanted=3), "mergeable.wanted"),
        (lambda d: d["log"].update(paths=[]), "of more logs than log.paths has"),
        (lambda d: d.update(mergeable=[]), "mergeable.wanted"),
        (lambda d: d["mergeable"].update(summary=None), "mergeable.summary"),
    ],
    ids=["count", "wanted", "paths", "whole", "summary"],
)
def test_a_report_may_be_anything(reports: list[Path], change: Any, place: str) -> None:
    data = json.loads(reports[0].read_bytes())
    change(data)
    reports[0].write_text(json.dumps(data))
    result = run("merge", *reports)
    assert result.exit_code == 3
    assert place in result.stderr
