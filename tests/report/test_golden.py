"""Every format against reviewed output (`tests/golden`).

EXIMKIT_GOLDEN=write writes them anew; `git diff` then shows what changed.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from eximkit.cli import main
from eximkit.report.registry import FORMATS

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
SUFFIXES = {"text": "txt", "concise": "concise.txt", "github": "github.txt"}


@pytest.fixture
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of a golden folder, and the working directory in it."""
    folder: Path = request.param
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return folder


each_case = pytest.mark.parametrize("case", CASES, ids=lambda p: p.name, indirect=True)


def lint(*options: str) -> str:
    run = CliRunner().invoke(
        main, ["lint", "--exim-version", "4.96", *options, "main.conf"]
    )
    assert run.exit_code == 1, run.output
    return run.stdout


def compare(written: str, golden: Path) -> None:
    if os.environ.get("EXIMKIT_GOLDEN") == "write":
        golden.write_text(written, "utf-8")
    assert written == golden.read_text("utf-8")


@pytest.mark.parametrize("form", FORMATS)
@each_case
def test_format(case: Path, form: str) -> None:
    compare(lint("--format", form), case / f"expected.{SUFFIXES.get(form, form)}")


@each_case
def test_diff(case: Path) -> None:
    compare(lint("--diff", "--unsafe-fixes"), case / "expected.diff")


@each_case
def test_text_fits_80_columns(case: Path) -> None:
    text = (case / "expected.txt").read_text("utf-8")
    assert max(map(len, text.splitlines())) <= 80


@each_case
def test_json_and_lines_say_the_same(case: Path) -> None:
    whole = json.loads((case / "expected.json").read_text("utf-8"))
    lines = (case / "expected.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == whole["findings"]
