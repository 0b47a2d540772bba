"""The commands of `eximkit interop` in processes of their own, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXIMKIT = [sys.executable, "-m", "eximkit", "interop"]


@contextmanager
def served(*arguments: str | Path) -> Iterator[dict[str, Any]]:
    """A server: what its first line says and, once it has ended, `errors`."""
    with subprocess.Popen(
        [*EXIMKIT, "serve", "--format", "json", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            told = json.loads(line)
            yield told
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=60)
    told["errors"] = errors
    assert process.returncode == 0
    assert "Traceback" not in errors
