"""SARIF that a reader can rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from sarif_pydantic import Sarif

from eximkit.cli import main
from tests.report.sarif_schema import SCHEMA

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "configs"
CONFIGS = sorted(SAMPLES.glob("*/*.conf"))
HELO = """NAME = ${sending_ip_address}
begin transports
t:
  driver = smtp
  hosts_pipe_connect = *
  helo_data = [NAME]
"""


def sarif(*arguments: str, stdin: str | None = None) -> dict[str, Any]:
    run = CliRunner().invoke(
        main, ["lint", "--format", "sarif", "--exit-zero", *arguments], input=stdin
    )
    assert run.exit_code == 0, run.output
    log: dict[str, Any] = json.loads(run.stdout)
    jsonschema.validate(log, SCHEMA)
    known = Sarif.model_validate(log).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    assert lost(log, known) == []
    return log


def lost(mine: Any, known: Any, at: str = "") -> list[str]:
    """What another implementation of the format does not give back as it was."""
    if isinstance(mine, dict) and isinstance(known, dict):
        return [
            place
            for key, value in mine.items()
            if value is not None
            for place in lost(value, known.get(key), f"{at}/{key}")
        ]
    if isinstance(mine, list) and isinstance(known, list) and len(mine) == len(known):
        return [
            place
            for n, (left, right) in enumerate(zip(mine, known, strict=True))
            for place in lost(left, right, f"{at}[{n}]")
        ]
    return [] if mine == known else [f"{at}: {mine!r} is {known!r}"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_samples_give_valid_logs(path: Path) -> None:
    (run,) = sarif(str(path))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [r["id"] for r in rules] == sorted({r["ruleId"] for r in run["results"]})
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_the_schema_refuses_what_is_not_sarif() -> None:
    log = sarif(str(CONFIGS[0]))
    log["runs"][0]["result"] = []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, SCHEMA)


def test_standard_input_has_no_location() -> None:
    (run,) = sarif("-", stdin=HELO)["runs"]
    assert run["results"]
    for result in run["results"]:
        assert result["locations"] == []
        assert not result.keys() & {"relatedLocations", "codeFlows", "fixes"}


def test_relative_and_absolute_paths_have_bases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b%:ü.conf").write_text(HELO)
    (run,) = sarif("a b%:ü.conf")["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "a%20b%25%3A%C3%BC.conf", "uriBaseId": "SRCROOT"}
    (run,) = sarif(str(tmp_path / "a b%:ü.conf"))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uriBaseId"] == "ROOT"
    assert not place["uri"].startswith("/")
    assert run["originalUriBaseIds"]["ROOT"]["uri"] == "file:///"


def test_the_way_of_a_macro_is_a_code_flow(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text(HELO)
    (run,) = sarif(str(path), "--select", "EXP101")["runs"]
    (result,) = run["results"]
    (flow,) = result["codeFlows"]
    steps = flow["threadFlows"][0]["locations"]
    lines = [
        step["location"]["physicalLocation"]["region"]["startLine"] for step in steps
    ]
    assert lines == [1, 6]


def test_columns_count_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("smtp_banner = grüße $nonesuch\n", "utf-8")
    (run,) = sarif(str(path))["runs"]
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert region["startColumn"] in {21, 22}
    assert region["endColumn"] == 30
