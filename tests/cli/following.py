"""Processes of `eximkit logs` that go on until they are ended, for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

from tests.logs.generator import Log, Options
from tests.logs.scenes import busy

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "eximkit", "logs"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C.UTF-8"}
PATIENCE = 60.0
"""Seconds for what a quiet machine does at once."""


def text(days: int = 2, **options: Any) -> list[bytes]:
    """The lines of a log."""
    log = Log(Options(**options), datetime(2026, 3, 1, 8))  # noqa: DTZ001
    busy(log, days, 14)
    return log.text.splitlines(keepends=True)


class Running:
    """A process; what it writes comes line by line. Killed where the block ends."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
        )  # fmt: skip
        self._lines: dict[str, Queue[str | None]] = {}
        self._threads = []
        for name in ("stdout", "stderr"):
            queue = self._lines[name] = Queue()
            stream = getattr(self.process, name)
            thread = threading.Thread(target=self._read, args=(stream, queue))
            thread.start()
            self._threads.append(thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)

    def line(self, name: str = "stdout") -> str:
        """The next line, "" where there will be none."""
        try:
            return self._lines[name].get(timeout=PATIENCE) or ""
        except Empty:
            raise AssertionError("no line came") from None

    def rest(self, name: str = "stdout") -> list[str]:
        """The lines that were not read, of a process that has ended."""
        return list(iter(lambda: self._lines[name].get(timeout=PATIENCE), None))

    def stop(self) -> None:
        """Hold it where it is; what it was to do is not done when this returns."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def go_on(self) -> None:
        """After `stop`."""
        self.process.send_signal(signal.SIGCONT)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code, after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code

    @staticmethod
    def _read(stream: Any, queue: Queue[str | None]) -> None:
        for line in stream:
            queue.put(line.decode())
        queue.put(None)
