"""Whether a follower loses a line: `python tests/bench/follow.py [LINES_PER_SECOND]`.

A writer rotates its log ten times by renaming, running deliveries writing to the old
file for a while, and ten times by copying and cutting it short; rotated files are
compressed. Meanwhile `eximkit logs --follow --state` is killed twenty times (SIGKILL)
and started again. In the end what it counted is compared with one pass over all files.
Prints what differs, and what the follower took. Exit code 1 where something differs.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.logs.rotating import RotatedLog  # noqa: E402
from tests.logs.scenes import endless  # noqa: E402

LOGS = [sys.executable, "-m", "eximkit", "logs"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
ROTATIONS, KILLS = 10, 20
SECONDS = 100
BATCHES = 50
"""A second: so often lines are written."""
KEYS = (
    "messages", "pipelining", "hosts_seen", "top_hosts", "per_day", "early_hosts",
    "connections", "round_trips",
)  # fmt: skip
OF_LOG = ("bytes", "lines", "garbage_lines", "unparsed_lines")


class Follower:
    """The process that is killed again and again."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.kills = 0
        self.busy = 0.0
        self.memory = 0
        self._process = self._started()

    def kill(self) -> None:
        """End it without a warning, and start another one."""
        self._end(signal.SIGKILL)
        self.kills += 1
        self._process = self._started()

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *LOGS, "--follow", "--state", f"{self._log}.state", "--interval", "0.5",
                str(self._log),
            ],
            env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def _end(self, number: int) -> int:
        self._process.send_signal(number)
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.busy += usage.ru_utime + usage.ru_stime
        self.memory = max(self.memory, usage.ru_maxrss * 1024)
        return self._process.returncode


def events(choose: random.Random) -> list[tuple[float, str]]:
    """What happens, and after how many seconds."""
    names = ["rename"] * ROTATIONS + ["copy"] * ROTATIONS + ["kill"] * KILLS
    choose.shuffle(names)
    times = sorted(choose.uniform(1, SECONDS - 1) for _ in names)
    return list(zip(times, names, strict=True))


def written(
    log: RotatedLog, follower: Follower, rate: int, choose: random.Random
) -> None:
    """All that happens to the log."""
    waiting = events(choose)
    begin = time.monotonic()
    for turn in range(SECONDS * BATCHES):
        log.write(rate // BATCHES)
        if choose.random() < 0.02:
            log.write_half()
        while waiting and waiting[0][0] <= turn / BATCHES:
            _, name = waiting.pop(0)
            if name == "kill":
                follower.kill()
            elif name == "rename":
                log.rename(late=choose.randrange(1, 500))
                log.compress(choose.randrange(2, 4))
            else:
                log.copy_and_truncate()
                log.compress(choose.randrange(2, 4))
        time.sleep(max(0.0, begin + (turn + 1) / BATCHES - time.monotonic()))
    log.close()
    print(f"{log.written:,} lines in {time.monotonic() - begin:.0f} s")


def document(*arguments: str) -> dict[str, Any]:
    run = subprocess.run(
        [*LOGS, "--format", "json", *arguments],
        env=ENVIRONMENT, capture_output=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def compared(log: RotatedLog) -> int:
    """How many parts of the report differ."""
    followed = document("--state", f"{log.path}.state")
    whole = document("--jobs", "1", *map(str, log.files()))
    print(f"files: {len(log.files())}, lines in one pass: {whole['log']['lines']:,}, "
          f"lines followed: {followed['log']['lines']:,}")  # fmt: skip
    parts = [(f"log.{k}", followed["log"][k], whole["log"][k]) for k in OF_LOG]
    parts += [(key, followed[key], whole[key]) for key in KEYS]
    differing = [name for name, one, other in parts if one != other]
    print(f"of {len(parts)} parts of the report differ: {differing or 'none'}")
    print(f"problems told: {followed['problems'] or 'none'}")
    return len(differing) + int(whole["log"]["lines"] != log.written)


def main() -> None:
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        log = RotatedLog(Path(folder, "mainlog"), endless(seed))
        follower = Follower(log.path)
        written(log, follower, rate, random.Random(seed))
        time.sleep(3)
        code = follower.stop()
        print(f"{ROTATIONS} renamed, {ROTATIONS} copied and cut short, "
              f"{follower.kills} kills; exit code of the last {code}")  # fmt: skip
        print(f"follower: {follower.busy / SECONDS:.0%} of a processor, "
              f"{follower.memory / 1e6:.0f} MB at most")  # fmt: skip
        sys.exit(1 if compared(log) else 0)


if __name__ == "__main__":
    main()
