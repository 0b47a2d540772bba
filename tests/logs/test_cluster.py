"""Logs counted on Dask: the same numbers, whatever happens to workers."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.errors import InputError
from eximkit.logs.cluster import places, tasks
from eximkit.logs.cluster.tasks import Survey, Versions, counted, survey
from eximkit.logs.counting import Outcome
from eximkit.logs.parallel import summarise
from eximkit.logs.sources import gather
from eximkit.logs.window import ANY_TIME
from tests.logs.scenes import samples
from tests.logs.test_parallel import comparable, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "eximkit", "logs"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C.UTF-8"}
VERSION = __import__("eximkit").__version__
HERE = Versions.here(VERSION)
WAIT = 90.0


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=WAIT,
        check=False, env=ENVIRONMENT, **options,
    )  # fmt: skip


def report(*arguments: str) -> Any:
    done = run("--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def ended(processes: Sequence[subprocess.Popen[Any]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


@contextmanager
def cluster(folder: Path, workers: int, **environment: str) -> Iterator[Any]:
    """A scheduler and workers, as an administrator starts them; their address."""
    told = folder / "scheduler.json"
    nobody: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host",
             "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", told],
            env={**ENVIRONMENT, **environment}, cwd=folder, **nobody,
        )
    ]  # fmt: skip
    try:
        address = ""
        deadline = time.monotonic() + WAIT
        while not address and time.monotonic() < deadline:
            try:
                address = json.loads(told.read_text())["address"]
            except (OSError, ValueError):
                time.sleep(0.1)
        started += [
            subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_worker", address,
                 "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny",
                 "--no-dashboard", "--local-directory", folder],
                env={**ENVIRONMENT, **environment}, cwd=folder, **nobody,
            )
            for _ in range(workers)
        ]  # fmt: skip
        yield address, started[0], started[1:]
    finally:
        ended(started)


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    paths = []
    for name, log in samples().items():
        path = tmp_path / name
        path.write_bytes(log.text)
        paths.append(path)
    packed = tmp_path / "mainlog.9.gz"
    packed.write_bytes(gzip.compress(text(3000)))
    return [*paths, packed]


def here(paths: Sequence[Path]) -> Outcome:
    with gather(paths, 2026) as found:
        outcome = summarise(found.sources, jobs=1)
        outcome.problems[:0] = found.problems
        return outcome


def in_tasks(names: Sequence[str], size: int) -> tuple[Survey, Outcome]:
    """What tasks say, each run for itself and twice over."""
    found = survey(names, 2026, size, HERE)
    outcome = Outcome(problems=list(found.problems))
    for task in found.tasks:
        counted(task, frozenset(), ANY_TIME, HERE)
        outcome.update(counted(task, frozenset(), ANY_TIME, HERE))
    return found, outcome


def by_path(logs: Sequence[Path]) -> list[str]:
    return [str(path) for path in logs]


def by_url(logs: Sequence[Path]) -> list[str]:
    return [path.as_uri() for path in logs]


def in_memory(logs: Sequence[Path]) -> list[str]:
    import fsspec  # type: ignore[import-untyped]

    system = fsspec.filesystem("memory")
    for path in logs:
        system.pipe_file(f"/logs/{path.name}", path.read_bytes())
    return [f"memory://logs/{path.name}" for path in logs]


@pytest.mark.parametrize("named", [by_path, by_url, in_memory])
@pytest.mark.parametrize("size", [700, 1 << 25])
def test_tasks_count_what_one_process_does(
    logs: list[Path], named: Any, size: int
) -> None:
    found, outcome = in_tasks(named(logs), size)
    assert comparable(outcome.summary) == comparable(here(logs).summary)
    assert outcome.problems == []
    keys = [task.key for task in found.tasks]
    assert len(set(keys)) == len(keys)
    assert found.octets == sum(path.stat().st_size for path in logs)
    if size == 700:
        assert len(keys) > 10 * len(logs)


def test_patterns_in_urls_are_for_the_files_there(logs: list[Path]) -> None:
    in_memory(logs)
    found, _ = in_tasks(["memory://logs/mainlog*"], 1 << 20)
    assert sorted(path.rpartition("/")[2] for path in found.paths) == [
        "mainlog", "mainlog.1", "mainlog.9.gz",
    ]  # fmt: skip
    names = ["memory://logs/mainlog", "memory://logs/no*", "memory://logs/nothing"]
    found = survey([*names, names[0], "no-such://x"], None, 1 << 20, HERE)
    assert [(p.path, p.lost) for p in found.problems] == [
        (names[1], True), (names[2], True), (names[0], False), ("no-such://x", True),
    ]  # fmt: skip


@pytest.mark.parametrize("named", [by_path, in_memory])
def test_a_file_that_is_not_the_one_surveyed_is_not_counted(
    logs: list[Path], named: Any
) -> None:
    found = survey(named(logs[:1]), None, 700, HERE)
    logs[0].write_bytes(logs[1].read_bytes())
    in_memory(logs[:1])
    outcome = counted(found.tasks[-1], frozenset(), ANY_TIME, HERE)
    assert outcome.summary.lines == 0
    assert "was replaced" in outcome.problems[0].reason
    logs[0].unlink()
    places._found("memory://")[0].rm("/logs", recursive=True)
    outcome = counted(found.tasks[-1], frozenset(), ANY_TIME, HERE)
    assert [problem.lost for problem in outcome.problems] == [True]


def test_other_versions_are_told_apart() -> None:
    same = Versions("1.0", "3.11.7")
    assert not same.differ(Versions("1.0", "3.11.2"))
    assert same.differ(Versions("1.1", "3.11.7"))
    assert same.differ(Versions("1.0", "3.12.7"))
    assert re.fullmatch(r"eximkit 1\.0 on Python 3\.11\.7", str(same))
    assert tasks.Versions.here(VERSION) == HERE


def test_a_cluster_is_started_and_ended(logs: list[Path], tmp_path: Path) -> None:
    paths = by_path(logs)
    found = report(*paths, "--year", "2026", "--engine", "dask", "--jobs", "2")
    assert found == report(*paths, "--year", "2026", "--jobs", "1")
    assert not list(tmp_path.glob("*dask*"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Logs that keep workers busy for a while."""
    folder = tmp_path_factory.mktemp("large")
    for number in range(4):
        (folder / f"mainlog.{number}").write_bytes(text(300_000))
    return [str(path) for path in sorted(folder.iterdir())]


@contextmanager
def counting(address: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "--engine", "dask", "--scheduler", address, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    try:
        yield process
    finally:
        ended([process])


def test_a_worker_that_dies_half_way_changes_nothing(
    large: list[str], tmp_path: Path
) -> None:
    with (
        cluster(tmp_path, 2) as (address, _, workers),
        counting(address, "--format", "json", "--by", "day", *large) as process,
    ):
        _until_at_work(workers[0], large)
        workers[0].send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out) == report(*large, "--by", "day")


def _until_at_work(worker: subprocess.Popen[Any], logs: Sequence[str]) -> None:
    """Wait until a worker has one of the logs open."""
    deadline = time.monotonic() + WAIT
    folder = Path(f"/proc/{worker.pid}/fd")
    while time.monotonic() < deadline:
        for link in folder.iterdir():
            try:
                if str(link.readlink()) in logs:
                    return
            except OSError:
                continue
        time.sleep(0.01)
    pytest.fail("the worker was given nothing to do")


def test_a_scheduler_that_is_not_there(logs: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    done = run(
        str(logs[0]), "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9",
        "--format", "json", "--output", str(output),
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.startswith("eximkit: no Dask scheduler answers at tcp://127")
    assert done.stderr.count("\n") == 1
    assert not output.exists()


def test_a_scheduler_that_goes_away(large: list[str], tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    with (
        cluster(tmp_path, 1) as (address, scheduler, workers),
        counting(
            address, "--format", "json", "--output", str(output), *large
        ) as process,
    ):
        _until_at_work(workers[0], large)
        scheduler.kill()
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out) == (3, "")
    assert err == f"eximkit: the Dask scheduler at {address} went away\n"
    assert not output.exists()


def test_a_scheduler_without_workers(logs: list[Path], tmp_path: Path) -> None:
    with cluster(tmp_path, 0) as (address, _, _):
        done = run(str(logs[0]), "--engine", "dask", "--scheduler", address)
    assert done.returncode == 3
    assert done.stderr == f"eximkit: the Dask scheduler at {address} has no workers\n"


def test_pipes_and_folders_are_not_for_workers(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(InputError) as told:
        survey([str(fifo), str(tmp_path), tmp_path.as_uri()], None, 1 << 20, HERE)
    assert str(told.value).count("\n") == 2
    assert "no regular file" in str(told.value)


def test_a_worker_of_another_version(logs: list[Path], tmp_path: Path) -> None:
    # The same sources under another number.
    other = tmp_path / "other"
    (other / "eximkit").mkdir(parents=True)
    for entry in (CHECKOUT / "eximkit").iterdir():
        if entry.name != "__init__.py":
            (other / "eximkit" / entry.name).symlink_to(entry)
    init = (CHECKOUT / "eximkit" / "__init__.py").read_text()
    changed = init.replace(f'"{VERSION}"', '"9.9"')
    assert changed != init
    (other / "eximkit" / "__init__.py").write_text(changed)
    with cluster(tmp_path, 1, PYTHONPATH=str(other)) as (address, _, _):
        done = run(str(logs[0]), "--engine", "dask", "--scheduler", address)
    assert done.returncode == 2
    assert "runs eximkit 9.9 on Python" in done.stderr
    assert "install the same on both" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_does_not_go_together(logs: list[Path]) -> None:
    log = str(logs[0])
    for arguments in (
        ("--scheduler", "tcp://127.0.0.1:1"),
        ("--engine", "dask", "--scheduler", "nonsense"),
        ("--engine", "dask", "--unparsed"),
        ("--engine", "dask", "--format", "parquet", "--output", "x"),
        ("--engine", "dask", "-"),
    ):
        done = run(log, *arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("eximkit: ")
        assert done.stderr.count("\n") == 1
