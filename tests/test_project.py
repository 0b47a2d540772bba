"""What the files around the package promise one another."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import eximkit

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]


def readme_commands() -> list[str]:
    """The two commands that a newcomer copies."""
    text = (CHECKOUT / "README.md").read_text()
    return re.findall(r"^ {4}(python3 -m venv .*)$", text, re.MULTILINE)


def test_ci_runs_the_readme_command() -> None:
    lint, test = readme_commands()
    script = [
        line.strip() for line in (CHECKOUT / ".ci" / "run").read_text().split("\n")
    ]
    assert test in script
    assert test.endswith(".venv/bin/pytest")
    (sample,) = re.findall(r"eximkit lint (\S+)$", lint)
    assert (CHECKOUT / sample).is_file()


def test_what_the_readme_shows_is_what_comes() -> None:
    lint, _ = readme_commands()
    program, *arguments = lint.rpartition(" && ")[2].split()
    assert program == ".venv/bin/eximkit"
    run = subprocess.run(
        [sys.executable, "-m", "eximkit", *arguments],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    shown = textwrap.indent(run.stdout, "    ").rstrip()
    assert run.returncode == 1
    assert shown in (CHECKOUT / "README.md").read_text()


def test_contributing_has_the_readme_command() -> None:
    assert readme_commands()[1] in (CHECKOUT / "CONTRIBUTING.md").read_text()


def test_what_is_required_is_constrained() -> None:
    text = (CHECKOUT / "constraints.txt").read_text()
    fixed = set(re.findall(r"^([\w-]+)==", text, re.MULTILINE))
    extras = PROJECT["optional-dependencies"]
    wanted = {
        re.split(r"[<>=\[;]", requirement)[0]
        for requirement in (*PROJECT["dependencies"], *extras["dev"])
    }
    assert wanted - fixed == set()


def test_the_version_has_one_source() -> None:
    assert "version" in PROJECT["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", eximkit.__version__)
