"""How fast logs become Parquet: `python tests/bench/logs_columns.py [MEGABYTES]`.

Asserts nothing. The export and the report of one log take turns on one core, whole
processes, and the medians are printed beside each other, with the largest process. On a
machine that others use, too, the time of the processor tells more than that of a clock.
Target: an export of 30 MB of log a second.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from logs import CHECKOUT, GENERATOR, LOGS, Measured, generated
from tabulate import tabulate

TURNS = 3


def main() -> None:
    """Measure, and print a table."""
    if not GENERATOR.is_file():
        sys.exit(f"no generator of logs at {GENERATOR}: set EXIMKIT_CORPUS")
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C"}
        log = generated(folder, megabytes)
        export = [*LOGS, "--format", "parquet", "--output", f"{folder}/tables", log]
        rows = [
            Measured("eximkit logs --format parquet", export),
            Measured("eximkit logs", [*LOGS, "--jobs", "1", log]),
        ]
        for _ in range(TURNS):
            for row in rows:
                row.run(environment)
        octets = Path(log).stat().st_size
        table = [
            (row.name, f"{row.median:.2f} s", f"{octets / row.median / 1e6:,.0f} MB/s",
             f"{octets / statistics.median(row.busy) / 1e6:,.0f} MB/s",
             f"{row.memory / 1e6:.0f} MB")
            for row in rows
        ]  # fmt: skip
        written = sum(
            path.stat().st_size for path in Path(folder, "tables").rglob("*.parquet")
        )
        print(f"{octets / 1e6:,.0f} MB of log, {written / 1e6:,.0f} MB of Parquet")
        headers = ["", "median", "speed", "of processor time", "largest process"]
        print(tabulate(table, headers))


if __name__ == "__main__":
    main()
