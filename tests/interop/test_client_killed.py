"""Clients that are killed at random moments, on a small scale.

`tests/bench/kill9.py` is the same at its full size, and says what is counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_no_message_is_lost_and_the_cache_opens(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, checkout / "tests/bench/kill9.py", "--json", "100"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["deliveries"], told["lost"], told["doubled"]) == (100, 0, 0)
    assert (told["strays"], told["fault"]) == (0, "")
    # It was tried what was to be tried.
    assert told["killed"] > 10
    assert told["early"] > 10
    assert told["runs"] == 100 + told["killed"] + told["unfinished"]
    assert told["records"] > 0
