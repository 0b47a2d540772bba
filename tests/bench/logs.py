"""How fast logs are read: `python tests/bench/logs.py [MEGABYTES]...`. Asserts nothing.

eximkit, eximstats (in its fastest mode, and with its full report), exigrep, grep and
cat read the same log in turn, each several times, and the ratios of the medians are
printed: machines differ, and one machine differs from hour to hour. eximstats knows
the message ids that Exim had before 4.97 alone, so these are what the log has. It comes
from the generator beside the corpus (EXIMKIT_CORPUS); its truth is compared with what
eximkit counted.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tabulate import tabulate

CHECKOUT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("EXIMKIT_CORPUS") or CHECKOUT.parent / "shared/corpus")
GENERATOR = CORPUS.parent / "tools" / "gen_mainlog.py"
LOGS = [sys.executable, "-m", "eximkit", "logs"]
FASTEST = ["-h0", "-q0", "-t0", "-tnl", "-nr", "-nt0", "-ne"]
FULL_PEER, FULL = "eximstats, full report", "eximkit logs --full, 1 core"
WORD = "queued as id=1x7775"
TURNS = {100: 5, 1000: 3}


@dataclass(slots=True)
class Measured:
    """A command, and what it took: seconds, those of processors, octets of memory."""

    name: str
    command: list[str]
    one_core: bool = True
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    memory: int = 0

    def run(self, environment: dict[str, str]) -> None:
        core = ["taskset", "-c", "0"] if self.one_core else []
        start = time.perf_counter()
        child = subprocess.Popen(
            [*core, *self.command], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        # Into a pipe, for grep and cat do not read all of what goes to /dev/null.
        assert child.stdout is not None
        while os.read(child.stdout.fileno(), 1 << 20):
            pass
        _, status, usage = os.wait4(child.pid, 0)
        self.seconds.append(time.perf_counter() - start)
        self.busy.append(usage.ru_utime + usage.ru_stime)
        child.stdout.close()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in {0, 1}:
            sys.exit(f"{' '.join(self.command)}: exit {child.returncode}")
        self.memory = max(self.memory, usage.ru_maxrss * 1024)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def commands(log: str) -> list[Measured]:
    """What is measured on a log."""
    places = f"{os.environ['PATH']}:/usr/sbin"
    eximstats, exigrep = (
        shutil.which(n, path=places) for n in ("eximstats", "exigrep")
    )
    rows = []
    if eximstats:
        rows += [
            Measured("eximstats, fastest", [eximstats, *FASTEST, log]),
            Measured(FULL_PEER, [eximstats, log]),
        ]
    rows += [
        Measured("eximkit logs, 1 core", [*LOGS, "--jobs", "1", log]),
        Measured("eximkit logs, 2 cores", [*LOGS, "--jobs", "2", log], one_core=False),
        Measured("eximkit logs --by hour", [*LOGS, "--jobs", "1", "--by", "hour", log]),
        Measured("eximkit logs --by host", [*LOGS, "--jobs", "1", "--by", "host", log]),
        Measured(FULL, [*LOGS, "--jobs", "1", "--full", log]),
        Measured(
            "eximkit logs --full, 2 cores",
            [*LOGS, "--jobs", "2", "--full", log],
            one_core=False,
        ),
        Measured(
            "eximkit logs --format html",
            [*LOGS, "--jobs", "1", "--format", "html", log],
        ),
        Measured("grep -E ' L[.*]?-? '", ["grep", "-cE", " L[.*]?-? ", log]),
        Measured("cat", ["cat", log]),
        Measured("eximkit logs grep", [*LOGS, "grep", WORD, log]),
    ]
    if exigrep:
        rows.append(Measured("exigrep", [exigrep, WORD, log]))
    return rows


def generated(folder: str, megabytes: int) -> str:
    path = str(Path(folder, f"mainlog-{megabytes}"))
    subprocess.run(
        [
            sys.executable, GENERATOR, "-o", path, "--mb", str(megabytes), "--ids",
            "old",
        ],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return path


def differences(path: str, environment: dict[str, str]) -> int:
    """How many numbers of the report are not the truth."""
    sys.path.insert(0, str(CHECKOUT))
    from tests.logs.truth import expected, found

    run = subprocess.run(
        [*LOGS, "--format", "json", path],
        capture_output=True, check=True, env=environment,
    )  # fmt: skip
    reported = found(json.loads(run.stdout))
    truth = expected(json.loads(Path(path + ".truth.json").read_text()))
    return sum(reported[name] != part for name, part in truth.items())


def measure(path: str, megabytes: int, environment: dict[str, str]) -> None:
    rows = commands(path)
    for _ in range(TURNS.get(megabytes, 3)):
        # In turn, so that all meet the same weather.
        for row in rows:
            row.run(environment)
    by_name = {row.name: row for row in rows}
    octets = Path(path).stat().st_size
    stats = by_name.get("eximstats, fastest")
    table = [
        (
            row.name,
            f"{row.median:.2f} s",
            f"{octets / row.median / 1e6:,.0f} MB/s",
            f"{stats.median / row.median:.1f}" if stats else "",
            f"{statistics.median(row.busy):.2f} s",
            f"{row.memory / 1e6:.0f} MB",
        )
        for row in rows
    ]
    print(f"\n{octets / 1e6:,.0f} MB; numbers that differ from the truth: "
          f"{differences(path, environment)}")  # fmt: skip
    heads = ["", "median", "speed", "x eximstats", "processor time", "largest process"]
    print(tabulate(table, heads))
    if stats:
        ratio = by_name[FULL_PEER].median / by_name[FULL].median
        print(
            f"the full report is {ratio:.1f} times as fast as eximstats' (target 1.5)"
        )
    if "exigrep" in by_name:
        ratio = by_name["exigrep"].median / by_name["eximkit logs grep"].median
        print(f"logs grep is {ratio:.1f} times as fast as exigrep")


def start_up(environment: dict[str, str]) -> None:
    """The time of a run on next to nothing."""
    sample = str(CHECKOUT / "samples" / "logs" / "mainlog")
    rows = [
        Measured("python -c pass", [sys.executable, "-c", "pass"]),
        Measured("eximkit logs --help", [*LOGS, "--help"]),
        Measured("eximkit logs, a sample", [*LOGS, sample]),
    ]
    for _ in range(11):
        for row in rows:
            row.run(environment)
    print("\nStart-up (target: a sample in 150 ms)")
    print(tabulate([(row.name, f"{row.median * 1000:.0f} ms") for row in rows]))


def main() -> None:
    if not GENERATOR.is_file():
        sys.exit(f"no generator of logs at {GENERATOR}: set EXIMKIT_CORPUS")
    sizes = [int(word) for word in sys.argv[1:]] or [100, 1000]
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory() as folder:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment = {
            **kept, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C",
            "PYTHONPYCACHEPREFIX": f"{folder}/cache",
        }  # fmt: skip
        for megabytes in sizes:
            path = generated(folder, megabytes)
            measure(path, megabytes, environment)
            Path(path).unlink()
        start_up(environment)


if __name__ == "__main__":
    main()
