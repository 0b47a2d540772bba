"""The root command: help, exit codes, errors, the end of a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import eximkit
from eximkit import cli
from eximkit.errors import InputError, MissingExtraError, SettingsError

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "eximkit"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setitem(cli.COMMANDS, "fail", (__name__, "fail", "Fail."))
    return monkeypatch


RAISED: list[BaseException] = []


@click.command()
def fail() -> None:
    raise RAISED[-1]


def test_version() -> None:
    run = CliRunner().invoke(cli.main, ["--version"])
    assert (run.exit_code, run.stdout) == (
        0,
        f"eximkit, version {eximkit.__version__}\n",
    )


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_the_commands(option: str) -> None:
    run = CliRunner().invoke(cli.main, [option])
    assert run.exit_code == 0
    for name in cli.COMMANDS:
        assert name in run.stdout


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_each_command_loads(name: str) -> None:
    run = CliRunner().invoke(cli.main, [name, "--help"])
    assert run.exit_code == 0
    assert "Usage: eximkit " in run.stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("s"), 2),
        (InputError("i"), 3),
        (MissingExtraError("m"), 4),
        (click.UsageError("u"), 2),
        (KeyboardInterrupt(), 130),
        (RuntimeError("r"), 70),
    ],
)
@pytest.mark.usefixtures("failing")
def test_errors_are_exit_codes(error: BaseException, code: int) -> None:
    RAISED.append(error)
    run = CliRunner().invoke(cli.main, ["fail"])
    assert run.exit_code == code
    assert "Traceback" not in run.output


@pytest.mark.usefixtures("failing")
def test_an_internal_error_says_what_to_do() -> None:
    RAISED.append(ZeroDivisionError("by nothing"))
    run = CliRunner().invoke(cli.main, ["fail"])
    assert "ZeroDivisionError: by nothing (test_main.py, line " in run.stderr
    assert "report" in run.stderr


def test_an_unknown_command_is_wrong_usage() -> None:
    run = CliRunner().invoke(cli.main, ["lin"])
    assert run.exit_code == 2
    assert "lint" in run.stderr


def test_no_command_shows_help() -> None:
    run = CliRunner().invoke(cli.main, [])
    assert run.exit_code == 2
    assert "Usage" in run.output


def test_a_closed_pipe_is_no_error() -> None:
    process = subprocess.Popen(
        [*COMMAND, "explain", "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141
    process.stderr.close()


def test_an_interrupt_ends_quietly() -> None:
    with subprocess.Popen(
        [*COMMAND, "lint", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:  # fmt: skip
        # Nothing comes from standard input, so that it waits once it has started.
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("eximkit li", "lint"),
        ("eximkit explain EXS21", "EXS210"),
        ("eximkit lint --select EXH301,EXH", "EXH301,EXH302"),
        ("eximkit lint --exim-version 4.9", "4.96"),
        ("eximkit lint --format sa", "sarif"),
    ],
)
def test_completion(words: str, expected: str) -> None:
    run = subprocess.run(
        COMMAND, capture_output=True, text=True, check=False,
        env=ENVIRONMENT
        | {
            "_EXIMKIT_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        },
    )  # fmt: skip
    assert expected in [line.split(",", 1)[-1] for line in run.stdout.splitlines()]
