"""Where reports go and what they look like there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eximkit.cli import output
from eximkit.report.style import Style

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


@pytest.mark.usefixtures("terminal")
def test_a_terminal_has_colours() -> None:
    assert output.style(None) == Style(100, colour=True)


@pytest.mark.usefixtures("terminal")
def test_a_file_has_none() -> None:
    assert output.style("out.txt") == Style(80, colour=False)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_refused(
    terminal: pytest.MonkeyPatch, name: str, value: str
) -> None:
    terminal.setenv(name, value)
    assert not output.style(None).colour


@pytest.mark.parametrize(("columns", "width"), [("5", 40), ("1000", 120)])
def test_the_width_has_limits(
    terminal: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    terminal.setenv("COLUMNS", columns)
    assert output.style(None).width == width


def test_colours_stand_round_words() -> None:
    assert Style(80, colour=True).paint("error", "bad") == "\x1b[1;31mbad\x1b[0m"
    assert Style(80, colour=True).paint("error", "") == ""
    assert Style(80, colour=False).paint("error", "bad") == "bad"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            [sys.executable, "-m", "eximkit", "explain", "EXS201"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )  # fmt: skip
    assert run.returncode == 3
    assert run.stderr == "eximkit: standard output: No space left on device\n"
