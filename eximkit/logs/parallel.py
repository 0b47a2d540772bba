"""Logs counted, by several processes where that is worth it.

The processes are new ones of the same Python, started without a fork of this one: it
may have threads, and what it holds is not copied. They begin in a fraction of the time
that the least that is worth dividing takes. They are no part of the terminal's
foreground, so that an interrupt reaches this process alone, which ends them; when it is
killed itself, they notice and end.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from eximkit.errors import EximkitError, SettingsError
from eximkit.logs import channel
from eximkit.logs.counting import Outcome, count
from eximkit.logs.ranges import RANGE, parts
from eximkit.logs.scan import TRAFFIC
from eximkit.logs.window import ANY_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eximkit.logs.ranges import Part
    from eximkit.logs.sources import Source
    from eximkit.logs.window import Window

WORTH_IT = 1 << 25
"""Fewer octets are counted here before other processes would have begun to."""
RATIO = 8
"""About how many octets of text one octet of a compressed log holds."""

_LEAST_RANGE = 1 << 22
_MAIN = (
    "import sys; sys.path[:] = {path!r}\n"
    "from eximkit.logs.worker import main; main({handle})"
)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def summarise(
    sources: Sequence[Source],
    *,
    jobs: int | None = None,
    wanted: frozenset[str] = frozenset(),
    window: Window = ANY_TIME,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Outcome:
    """What the logs say together.

    jobs: how many processes may count at once; by default one for each processor.
    wanted: as for `scan`. window: the time looked at. progress: is told, now and then,
    how many octets of the files have been read, and of how many; pipes count for
    nothing. Raises EximkitError where a process ends before it should.
    """
    jobs = jobs or processors()
    text = sum(s.size * (RATIO if s.codec else 1) for s in sources)
    told = _Progress(progress, sum(source.size for source in sources))
    alone = jobs == 1 or text < WORTH_IT or not sys.executable
    # The end of a part costs time where much is followed from line to line.
    most = RANGE * 4 if TRAFFIC in wanted else RANGE
    size = text + 1 if alone else min(most, max(_LEAST_RANGE, text // (4 * jobs)))
    tasks = list(parts(sources, size))
    by_number = {source.number: source for source in sources}
    outcome = Outcome()
    shared: list[Part] = []
    for part in tasks:
        source = by_number[part.source]
        if alone or len(tasks) == 1 or source.head is not None:
            count(outcome, source, part, wanted, window, told.add)
        else:
            shared.append(part)
    if shared:
        # What takes longest is begun first: nobody then waits for it in the end.
        shared.sort(key=lambda p: not by_number[p.source].codec)
        with _Workers(min(jobs, len(shared)), (wanted, window), by_number) as workers:
            outcome.update(workers.count(shared, told.add))
    order = {source.path: source.number for source in sources}
    # Every part of a file meets with the same.
    problems = dict.fromkeys(outcome.problems)
    outcome.problems[:] = sorted(problems, key=lambda p: order.get(p.path, -1))
    return outcome


class _Progress:
    def __init__(self, tell: Callable[[int, int], None], total: int) -> None:
        self._tell = tell
        self._done = 0
        self._total = total

    def add(self, octets: int) -> None:
        self._done += octets
        self._tell(min(self._done, self._total), self._total)


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    link: socket.socket
    at_work_on: str = ""


class _Workers:
    """Processes that count parts of logs; when the block ends, all of them have."""

    def __init__(
        self, number: int, terms: tuple[object, ...], sources: dict[int, Source]
    ) -> None:
        self._sources = sources
        self._workers: list[_Worker] = []
        try:
            for _ in range(number):
                self._workers.append(_started())
                channel.send(self._workers[-1].link, terms)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def count(self, tasks: Sequence[Part], progress: Callable[[int], None]) -> Outcome:
        """What these parts say together."""
        total = Outcome()
        waiting = list(reversed(tasks))
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.link, selectors.EVENT_READ, worker)
                self._next(worker, waiting)
            while selector.get_map():
                for key, _ in selector.select():
                    worker = key.data
                    message = self._message(worker)
                    if isinstance(message, int):
                        progress(message)
                    elif isinstance(message, Outcome):
                        total.update(message)
                        selector.unregister(worker.link)
                    elif message is None:
                        self._next(worker, waiting)
                    elif isinstance(message, SettingsError):
                        raise message
                    else:
                        raise RuntimeError(f"in a worker process: {message}")
        return total

    def _next(self, worker: _Worker, waiting: list[Part]) -> None:
        """Give a worker something to do, or ask for what it has found."""
        with suppress(BrokenPipeError, ConnectionResetError):
            if not waiting:
                channel.send(worker.link, None)
                return
            part = waiting.pop()
            source = self._sources[part.source]
            worker.at_work_on = source.path
            channel.send(
                worker.link, (replace(source, handle=None), part), source.handle
            )

    def _message(self, worker: _Worker) -> object:
        try:
            return channel.receive(worker.link)
        except (EOFError, OSError):
            code = worker.process.wait()
            how = f"exit code {code}"
            if code < 0:
                with suppress(ValueError):
                    how = signal.Signals(-code).name
            raise EximkitError(
                f"a process that counted {worker.at_work_on or 'logs'} ended too "
                f"early ({how}); fewer --jobs need less memory"
            ) from None

    def _end(self) -> None:
        for worker in self._workers:
            worker.link.close()
            if worker.process.poll() is None:
                worker.process.kill()
        for worker in self._workers:
            worker.process.wait()


def _started() -> _Worker:
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            main = _MAIN.format(path=sys.path, handle=theirs.fileno())
            # What `site` would find is in the path already.
            process = subprocess.Popen(  # noqa: S603 - this very Python
                [sys.executable, "-S", "-c", main],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
    except BaseException:
        ours.close()
        raise
    return _Worker(process, ours)
