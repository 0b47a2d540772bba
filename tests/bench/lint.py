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


def surroundings(cache: str) -> dict[str, str]:
    """An environment in which modules are compiled once, as in an installation."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(CHECKOUT), "PYTHONPYCACHEPREFIX": cache}


def run(
    command: list[str], environment: dict[str, str], times: int = 9
) -> tuple[float, float]:
    """Median seconds of a command from start to exit, and its peak memory in MB."""
    seconds: list[float] = []
    peak = 0
    for turn in range(times + 1):
        start = time.perf_counter()
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment,
        )  # fmt: skip
        _, status, usage = os.wait4(child.pid, 0)
        if turn:  # the first one compiles
            seconds.append(time.perf_counter() - start)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in {0, 1}:
            sys.exit(f"{' '.join(command)}: exit {child.returncode}")
        peak = max(peak, usage.ru_maxrss)
    return statistics.median(seconds), peak / 1024


def warm(path: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the first and of a later lint within one process, reading included."""
    done = subprocess.run(
        [sys.executable, "-c", WARM, path],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    first, later = map(float, done.stdout.split())
    return first, later


def main() -> None:
    text = configuration()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "large.conf"))
        Path(path).write_text(text)
        env = surroundings(folder)
        bare, _ = run([sys.executable, "-c", "pass"], env, 21)
        shown, _ = run([*EXIMKIT, "--help"], env, 21)
        whole, peak = run([*EXIMKIT, "lint", "--format", "concise", path], env)
        first, later = warm(path, env)
        exim = shutil.which("exim4", path=f"{os.environ['PATH']}:/usr/sbin")
        loaded = run([exim, "-C", path, "-bV"], env)[0] if exim else None

    rows = [
        ("lint, whole process", whole, 0.6),
        ("lint, first in a process", first, None),
        ("lint, again in that process", later, 0.1),
        ("--help", shown, 6 * bare),
        ("python -c pass", bare, None),
        ("exim4 -bV on the same file", loaded, None),
    ]
    table = [
        (name, ms(seconds), ms(target) if target else "", f"{seconds / bare:.1f}")
        for name, seconds, target in rows
        if seconds is not None
    ]
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs")
    print(tabulate(table, ["measured", "median", "target", "x bare python"]))
    print(f"peak memory of lint: {peak:.0f} MB (target 80 MB)")


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    main()
