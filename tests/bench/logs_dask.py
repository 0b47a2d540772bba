"""Dask beside the process pool: `python tests/bench/logs_dask.py [MEGABYTES]`.

Asserts nothing. Eight files are counted by two processes and by two local workers of
Dask in turn, start and end included, and the ratio of the medians is printed. Target:
at most 1.7.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from logs import CHECKOUT, GENERATOR, LOGS, Measured

TURNS = 3
FILES = 8


def main() -> None:
    """Measure, and print the ratio."""
    if not GENERATOR.is_file():
        sys.exit(f"no generator of logs at {GENERATOR}: set EXIMKIT_CORPUS")
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C"}
        subprocess.run(
            [sys.executable, GENERATOR, "-o", f"{folder}/mainlog", "--mb",
             str(megabytes), "--split", str(FILES), "--truth", f"{folder}/truth"],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        logs = [str(path) for path in sorted(Path(folder).glob("mainlog*"))]
        both = [*LOGS, "--format", "json", "--jobs", "2", *logs]
        rows = [
            Measured("two processes", both, one_core=False),
            Measured(
                "two workers of Dask", [*both, "--engine", "dask"], one_core=False
            ),
        ]
        for _ in range(TURNS):
            for row in rows:
                row.run(environment)
        for row in rows:
            print(f"{row.name}: {row.median:.2f} s")
        print(f"Dask takes {rows[1].median / rows[0].median:.2f} times as long "
              f"({len(logs)} files, {megabytes} MB)")  # fmt: skip


if __name__ == "__main__":
    main()
