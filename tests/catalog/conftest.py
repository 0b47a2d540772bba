"""The Exim that judges the catalogue: 4.96 as Debian builds it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def judge(exim: Path) -> Path:
    """An Exim 4.96; without one a test is skipped, and fails in CI, which has it."""
    done = subprocess.run([exim, "-bV"], capture_output=True, text=True, check=False)
    if "Exim version 4.96 " not in done.stdout:
        end = pytest.fail if os.environ.get("CI") else pytest.skip
        end("this Exim is not 4.96, whose tables these are")
    return exim


@pytest.fixture(scope="session")
def judge_as_root(judge: Path, exim_as_root: Path) -> Path:
    """The same where it shows what it has read: it does so to its administrators."""
    return judge
