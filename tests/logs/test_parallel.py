from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eximkit.errors import EximkitError
from eximkit.logs import parallel, ranges
from eximkit.logs.parallel import processors, summarise
from eximkit.logs.sources import gather
from eximkit.logs.window import Window
from tests.conftest import without

if TYPE_CHECKING:
    from eximkit.logs.counting import Outcome
    from eximkit.logs.summary import Summary


def text(lines: int) -> bytes:
    return b"".join(
        b"2026-01-%02d 03:04:05 10HmaX-%011d-0000 <= a%d@b.example H=x.example "
        b"[192.0.2.%d] P=esmtps L%b S=%d id=%d@b.example\n"
        % (n * 28 // lines + 1, n, n, n % 250, (b"", b".", b"*-")[n % 3], n, n)
        for n in range(lines)
    )


def comparable(summary: Summary) -> object:
    """What two summaries of one log agree in."""
    return (
        summary.lines, summary.octets, summary.garbage, summary.unparsed,
        summary.events, summary.arrivals, summary.deliveries,
        {name: table.counts for name, table in summary.hosts.items()},
        [(p.started, p.evidence) for p in summary.stretches],
    )  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small logs are divided, too."""
    monkeypatch.setattr(parallel, "WORTH_IT", 0)
    monkeypatch.setattr(parallel, "_LEAST_RANGE", 1 << 16)


def counted(paths: list[Path], jobs: int) -> Outcome:
    with gather(paths) as found:
        return summarise(found.sources, jobs=jobs)


def test_processes_count_what_one_does(tmp_path: Path, small: None) -> None:
    log = text(20_000)
    daemon = b"2026-01-%02d 03:04:05 exim 4.96 daemon started: pid=7, no queue runs\n"
    half = len(log) // 2
    first = log[:half] + b"cut\n" + daemon % 14
    second = log[half:] + daemon % 29 + log[:150]
    (tmp_path / "mainlog").write_bytes(first)
    (tmp_path / "mainlog.1").write_bytes(second)
    (tmp_path / "mainlog.2.gz").write_bytes(gzip.compress(text(3000)))
    paths = sorted(tmp_path.iterdir())
    alone = counted(paths, 1)
    lines = first.splitlines() + second.splitlines()
    assert alone.summary.lines == len(lines) + 3000
    for jobs in (2, 3):
        assert comparable(counted(paths, jobs).summary) == comparable(alone.summary)
    with gather(paths) as found:
        assert len(list(ranges.parts(found.sources, 1 << 16))) > 20


def test_a_window_holds_in_every_process(tmp_path: Path, small: None) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(text(5000))
    window = Window("2026-01-03 00:00:00", "2026-01-05 00:00:00")
    with gather([log]) as found:
        one, two = (
            summarise(found.sources, jobs=jobs, window=window).summary
            for jobs in (1, 2)
        )
    assert comparable(one) == comparable(two)
    assert {key.hour[:10] for key in one.arrivals} == {"2026-01-03", "2026-01-04"}


def test_a_rotated_log_is_read_by_every_process(tmp_path: Path, small: None) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(text(5000))
    with gather([log]) as found:
        log.unlink()
        log.write_bytes(b"another\n")
        outcome = summarise(found.sources, jobs=2)
    assert (outcome.summary.lines, outcome.problems) == (5000, [])


def test_years_are_those_of_the_place_in_the_log(tmp_path: Path, small: None) -> None:
    line = "{} {:2} 03:04:05 mx exim[1]: 10HmaX-000000005vi-0000 Completed\n"
    days = [("Nov", 3), ("Dec", 9), ("Jan", 4), ("Feb", 2)]
    log = tmp_path / "mainlog"
    log.write_text("".join(line.format(*day) * 4000 for day in days))
    with gather([log], year=2026) as found:
        one, two = (summarise(found.sources, jobs=jobs).summary for jobs in (1, 2))
    assert comparable(one) == comparable(two)
    assert {hour[:10]: n for (hour, _), n in one.events.items()} == {
        "2025-11-03": 4000, "2025-12-09": 4000, "2026-01-04": 4000, "2026-02-02": 4000,
    }  # fmt: skip


def test_an_overlong_line_is_garbage_and_counted(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    long = b"2026-01-02 03:04:05 10HmaX-000000005vi-0000 Completed" + b"\0" * (17 << 20)
    log.write_bytes(text(10) + long + b"\n" + text(5))
    (summary, problems) = (o := counted([log], 1)).summary, o.problems
    assert problems == []
    assert (summary.lines, summary.garbage) == (16, 1)
    assert summary.octets == log.stat().st_size
    assert summary.events == {}


def test_damage_found_by_a_process_is_told(tmp_path: Path, small: None) -> None:
    (tmp_path / "mainlog.1.gz").write_bytes(gzip.compress(text(3000))[:-9])
    (tmp_path / "mainlog").write_bytes(text(3000))
    paths = sorted(tmp_path.iterdir())
    outcome = counted(paths, 2)
    assert [path for path, _, _ in outcome.problems] == [str(paths[1])]
    assert 3000 < outcome.summary.lines <= 6000


def test_progress_is_told(tmp_path: Path, small: None) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(text(20_000))
    size = log.stat().st_size
    for jobs in (1, 2):
        told: list[tuple[int, int]] = []
        with gather([log]) as found:
            summarise(
                found.sources, jobs=jobs, progress=lambda *n, told=told: told.append(n)
            )
        assert told == sorted(told)
        assert told[-1] == (size, size)


def test_a_worker_that_dies_is_told_of(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(text(5000))
    main = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(parallel, "_MAIN", main)
    with (
        gather([log]) as found,
        pytest.raises(EximkitError, match=r"mainlog ended too early \(SIGKILL\)"),
    ):
        summarise(found.sources, jobs=2)


def test_an_error_in_a_worker_is_one_here(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(text(5000))
    main = (
        "import sys; sys.path[:] = {path!r}\n"
        "from eximkit.logs import worker\n"
        "worker.count = lambda *_: 1 // 0\n"
        "worker.main({handle})"
    )
    monkeypatch.setattr(parallel, "_MAIN", main)
    with (
        gather([log]) as found,
        pytest.raises(RuntimeError, match=r"process: ZeroDivisionError: .*line 3\)$"),
    ):
        summarise(found.sources, jobs=2)


def test_there_is_a_processor() -> None:
    assert processors() >= 1


# --- Processes that end -------------------------------------------------------------

SLOW = """
    import sys, time
    from eximkit.logs import parallel, sources
    parallel.WORTH_IT = 0
    parallel._LEAST_RANGE = 1 << 16
    parallel._MAIN = (
        "import sys, time; sys.path[:] = {path!r}\\n"
        "from eximkit.logs import worker\\n"
        "real = worker.count\\n"
        "def count(*arguments):\\n"
        "    real(*arguments); time.sleep(0.3)\\n"
        "worker.count = count\\n"
        "worker.main({handle})"
    )
    def progress(done, total):
        print(done, flush=True)
    with sources.gather(sys.argv[1:]) as found:
        try:
            parallel.summarise(found.sources, jobs=2, progress=progress)
        except KeyboardInterrupt:
            sys.exit(130)
"""


def children(process: int) -> set[int]:
    done = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, check=False
    )
    return set(map(int, done.stdout.split()))


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_stays_behind(how: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(text(40_000))
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SLOW), log],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        workers = children(process.pid)
        assert len(workers) == 2
        # What a terminal's interrupt key does reaches the workers no more than this.
        groups = {os.getpgid(worker) for worker in workers}
        assert os.getpgid(process.pid) not in groups
        began = time.monotonic()
        process.send_signal(how)
        process.wait(10)
        took = time.monotonic() - began
        errors = process.stderr.read()
    assert took < 1
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    assert errors == b""
    for _ in range(100):
        if not any(map(alive, workers)):
            break
        time.sleep(0.05)
    assert not any(map(alive, workers))


@pytest.mark.parametrize("jobs", [1, 2])
def test_truth_of_the_generator(
    jobs: int, corpus: Path, tmp_path: Path, small: None
) -> None:
    log = tmp_path / "mainlog"
    tool = corpus.parent / "tools" / "gen_mainlog.py"
    if not tool.is_file():
        without(f"no generator at {tool}")
    subprocess.run(
        ["python3", tool, "--mb", "2", "--shapes", "300", "--split", "3", "-o", log],
        check=True, capture_output=True,
    )  # fmt: skip
    truth = json.loads((tmp_path / "mainlog.truth.json").read_bytes())
    outcome = counted([tmp_path / f"mainlog.{n}" for n in (2, 0, 1)], jobs)
    summary = outcome.summary
    assert {
        "bytes": summary.octets,
        "lines": summary.lines,
        "garbage_lines": summary.garbage,
    } == truth["log"]


def test_a_log_that_becomes_shorter_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "RANGE", 1 << 16)
    log = tmp_path / "mainlog"
    log.write_bytes(text(20_000))

    def cut(_done: int, _total: int) -> None:
        os.truncate(log, 1000)

    with gather([log]) as found:
        problems = summarise(found.sources, jobs=1, progress=cut).problems
    assert [path for path, _, _ in problems] == [str(log)]
