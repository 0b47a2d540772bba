"""Whether killed clients lose mail: `python tests/bench/kill9.py [DELIVERIES]`.

Four processes at a time send messages by `eximkit interop send`, all with one cache, to
`interop serve --spool`. About half of them get a SIGKILL at a random moment, from
before their first line to after their last; their messages are then sent again, as a
queue would. In the end each message has to be in the maildir, and more than once only
if a client that had it was killed (RFC 5321 6.1: it may have sent the end of data), or
said itself that it was in doubt. And the cache has to open. Prints figures, as JSON
with --json. Exit code 1 where something is lost, doubled or of no use.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from eximkit.cli import interop_send_run, main  # noqa: E402
from eximkit.interop.cache import EhloCache  # noqa: E402
from eximkit.report import send_json  # noqa: E402

# Loaded once; what is forked needs not load them again.
LOADED = (interop_send_run, send_json)
AT_ONCE = 4
NAMES = 25
"""Greetings, by which records are kept apart: so that some are being written."""
ENDING = b"X-Number: "


@dataclass
class Figures:
    """What came of it. explained: further copies that a kill may have made."""

    deliveries: int = 0
    runs: int = 0
    killed: int = 0
    early: int = 0
    cached: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    in_doubt: int = 0
    lost: int = 0
    explained: int = 0
    doubled: int = 0
    strays: int = 0
    """Files of messages that were begun and that nobody ended."""
    records: int = 0
    fault: str = ""
    seconds: float = 0

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.strays or self.fault)


@dataclass
class Run:
    """A client. killed_at: when it is to be killed, None for never."""

    number: int
    process: int
    output: Path
    began: float
    kill_at: float | None


class Sending:
    """All the runs, some at a time."""

    def __init__(self, folder: Path, port: int, chance: random.Random) -> None:
        self.figures = Figures()
        self.doubtful: Counter[int] = Counter()
        self._folder = folder
        self._port = port
        self._chance = chance
        self._took = deque([0.1], maxlen=50)

    def all(self, deliveries: int) -> None:
        waiting = deque(range(deliveries))
        running: list[Run] = []
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.append(self._start(waiting.popleft()))
            now = time.monotonic()
            for run in tuple(running):
                if run.kill_at is not None and now >= run.kill_at:
                    # Not reaped yet, so that the number is nobody else's.
                    os.kill(run.process, signal.SIGKILL)
                    run.kill_at = None
                process, status = os.waitpid(run.process, os.WNOHANG)
                if process and not self._ended(run, status):
                    waiting.append(run.number)
                if process:
                    running.remove(run)
            time.sleep(0.0005)
        self.figures.deliveries = deliveries

    def _start(self, number: int) -> Run:
        self.figures.runs += 1
        output = self._folder / f"run-{self.figures.runs}"
        message = self._folder / f"message-{number}"
        message.write_bytes(ENDING + b"%d\r\n\r\nx\r\n" % number)
        command = [
            "interop", "send", "--to", f"127.0.0.1:{self._port}", "--message",
            str(message), "--rcpt", "ann@example.org", "--format", "json",
            "--cache", str(self._folder / "cache"), "--mainlog",
            str(self._folder / "mainlog"), "--bdat" if number % 2 else "--early=auto",
            "--helo", f"c{self._chance.randrange(NAMES)}.example",
        ]  # fmt: skip
        if self._chance.random() < 0.1:
            command += ["--expire", "1"]
        doomed = self._chance.random() < 0.5
        span = 1.2 * statistics.median(self._took)
        moment = self._chance.uniform(0, span)
        began = time.monotonic()
        process = os.fork()
        if process == 0:
            _be_the_client(command, output)
        return Run(number, process, output, began, began + moment if doomed else None)

    def _ended(self, run: Run, status: int) -> bool:
        """Count it; whether its message needs nothing more."""
        figures, code = self.figures, os.waitstatus_to_exitcode(status)
        text = run.output.read_text("utf-8")
        run.output.unlink()
        if code == -signal.SIGKILL:
            figures.killed += 1
            self.doubtful[run.number] += 1
            return False
        self._took.append(time.monotonic() - run.began)
        told: dict[str, Any] = json.loads(text)
        figures.early += told["early"]
        figures.cached[told["cache"]] += 1
        if told["recipients"][0]["in_doubt"]:
            figures.in_doubt += 1
            self.doubtful[run.number] += 1
        figures.unfinished += code != 0
        return code == 0


def _be_the_client(command: list[str], output: Path) -> None:
    """The child's part. Does not return."""
    code: object = 70
    try:
        target = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(target, 1)
        os.close(target)
        sys.argv = ["eximkit", *command]
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 70)


def counted(figures: Figures, spool: Path, doubtful: Counter[int]) -> None:
    """What is in the maildir, beside what should be."""
    found: Counter[int] = Counter()
    for path in (spool / "new").iterdir():
        _, _, rest = path.read_bytes().partition(ENDING)
        found[int(rest.split(b"\n", 1)[0])] += 1
    for number in range(figures.deliveries):
        more = found[number] - 1
        figures.lost += more < 0
        figures.explained += max(0, min(more, doubtful[number]))
        figures.doubled += max(0, more - doubtful[number])
    figures.strays = len(list((spool / "tmp").iterdir()))


def kill(deliveries: int, chance: random.Random) -> Figures:
    """Do it all in a folder of its own, which is gone then."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="eximkit-") as made:
        folder = Path(made)
        spool = folder / "spool"
        with subprocess.Popen(
            [sys.executable, "-m", "eximkit", "interop", "serve", "--no-starttls",
             "--spool", spool, "--format", "json"],
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        ) as server:  # fmt: skip
            assert server.stdout is not None
            try:
                port = json.loads(server.stdout.readline())["port"]
                sending = Sending(folder, port, chance)
                sending.all(deliveries)
            finally:
                server.terminate()
                server.communicate(timeout=60)
        figures = sending.figures
        counted(figures, spool, sending.doubtful)
        cache = EhloCache(folder / "cache")
        figures.records = len(cache.list())
        figures.fault = cache.fault
        cache.close()
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("deliveries", type=int, nargs="?", default=1000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, help="of the moments")
    options = parser.parse_args()
    figures = kill(options.deliveries, random.Random(options.seed))
    fields = asdict(figures)
    if options.json:
        print(json.dumps(fields))
    else:
        for name, value in fields.items():
            shown = dict(value) if isinstance(value, Counter) else value
            print(f"{name:12} {shown}")
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(run())
