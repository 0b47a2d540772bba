"""How long linting takes: `python tests/bench/lint.py`. Measures; asserts nothing.

A configuration of 3,000 lines with 1,000 expansions is linted as a user would, again in
a warm process, and loaded by the real Exim for comparison. Each figure is the median of
several runs; the targets are those of the README.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sample import configuration
from tabulate import tabulate

CHECKOUT = Path(__file__).resolve().parents[2]
EXIMKIT = [sys.executable, "-m", "eximkit"]
WARM = """
import statistics, sys, time
import eximkit
path, times = sys.argv[1], []
for _ in range(9):
    start = time.perf_counter()
    eximkit.lint(eximkit.load_config(path))
    times.append(time.perf_counter() - start)
print(times[0], statistics.median(times[1:]))
"""


def run(command: list[str], times: int = 9) -> tuple[float, float]:
    """Median seconds of a command from start to exit, and its peak memory in MB."""
    seconds, peak = [], 0
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    for _ in range(times):
        start = time.perf_counter()
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment,
        )  # fmt: skip
        _, status, usage = os.wait4(child.pid, 0)
        seconds.append(time.perf_counter() - start)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in {0, 1}:
            sys.exit(f"{' '.join(command)}: exit {child.returncode}")
        peak = max(peak, usage.ru_maxrss)
    return statistics.median(seconds), peak / 1024


def warm(path: str) -> tuple[float, float]:
    """Seconds of the first and of a later lint within one process, reading included."""
    done = subprocess.run(
        [sys.executable, "-c", WARM, path], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    first, later = map(float, done.stdout.split())
    return first, later


def main() -> None:
    text = configuration()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "large.conf"))
        Path(path).write_text(text)
        bare, bare_peak = run([sys.executable, "-c", "pass"], 21)
        shown, _ = run([*EXIMKIT, "--help"], 21)
        whole, peak = run([*EXIMKIT, "lint", "--format", "concise", path])
        first, later = warm(path)
        exim = shutil.which("exim4", path=f"{os.environ['PATH']}:/usr/sbin")
        loaded, loaded_peak = run([exim, "-C", path, "-bV"]) if exim else (0.0, 0.0)

    def ms(seconds: float) -> str:
        return f"{seconds * 1000:.0f} ms"

    rows = [
        ["lint, whole process", ms(whole), "600 ms", f"{whole / bare:.1f}"],
        ["lint, peak memory", f"{peak:.0f} MB", "80 MB", f"{peak / bare_peak:.1f}"],
        ["lint, first in a process", ms(first), "", f"{first / bare:.1f}"],
        ["lint, again in that process", ms(later), "100 ms", f"{later / bare:.1f}"],
        ["--help", ms(shown), ms(6 * bare), f"{shown / bare:.1f}"],
        ["python -c pass", ms(bare), "", "1.0"],
    ]
    if exim:
        rows.append(["exim4 -bV on the same file", ms(loaded), "",
                     f"{loaded / bare:.1f}"])  # fmt: skip
        rows.append(["its peak memory", f"{loaded_peak:.0f} MB", "",
                     f"{loaded_peak / bare_peak:.1f}"])  # fmt: skip
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {len(text)} octets"
    )
    print(tabulate(rows, ["measured", "median", "target", "x bare python"]))


if __name__ == "__main__":
    main()
