"""The cases with a configuration around them, against `exim -be`."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.expansion.around import NAMES, PLACE, PROCESS, around

if TYPE_CHECKING:
    from pathlib import Path

STOPS = "Exim stops"


def asked(exim: Path, config: Path, text: str) -> tuple[str, str]:
    """The value, or the message of a failure; STOPS where Exim itself ends."""
    done = subprocess.run(
        [exim, "-C", config, "-be", text],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **PROCESS, "TZ": "UTC"},
    )
    output = done.stdout.decode("latin-1").removesuffix("\n")
    if done.returncode != 0 and not output:
        return "", STOPS
    if output.startswith("Failed: "):
        return "", output.removeprefix("Failed: ")
    return output, ""


@pytest.mark.parametrize("name", NAMES)
def test_cases_are_what_exim_says(
    exim_as_root: Path, checkout: Path, tmp_path: Path, name: str
) -> None:
    """Root is who calls, in those that look at the sender."""
    given = around(name, checkout)
    config = given.written(tmp_path)
    wrong = []
    for case in given.case:
        theirs = asked(exim_as_root, config, case.text.replace(PLACE, str(tmp_path)))
        fails = STOPS if case.fails.startswith(STOPS) else case.fails
        ours = tuple(
            text.replace(PLACE, str(tmp_path)) for text in (case.value or "", fails)
        )
        if ours != theirs:
            wrong.append((case.text, ours, theirs))
    assert wrong == []
