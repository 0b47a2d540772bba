"""A server in one process or in several, its signals, and what it leaves: nothing.

SIGTERM and the first SIGINT let clients finish; a second SIGINT does not wait. With
several processes a parent holds the listening sockets and serves nobody: a worker that
dies is replaced, workers whose parent dies stop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.interop.house import Door, House

_REPLACED_AFTER = 1.0
"""Seconds before a worker that died is replaced: it may die of what it finds."""
_WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a server has done. cut_short: it did not wait for clients to finish."""

    connections: int = 0
    messages: int = 0
    octets: int = 0
    early: int = 0
    turned_away: int = 0
    cut_short: bool = False

    def plus(self, other: Sum) -> Sum:
        return Sum(
            self.connections + other.connections,
            self.messages + other.messages,
            self.octets + other.octets,
            self.early + other.early,
            self.turned_away + other.turned_away,
            self.cut_short or other.cut_short,
        )


def allow_files(wanted: int) -> None:
    """Let this process have so many files open, if the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def alone(house: House, doors: list[Door], ready: Callable[[], object]) -> Sum:
    """Serve in this process until a signal comes. ready: called when doors are open."""
    return asyncio.run(_served(house, doors, ready, None))


async def _served(
    house: House,
    doors: list[Door],
    ready: Callable[[], object],
    parent: int | None,
) -> Sum:
    loop = asyncio.get_running_loop()
    cut_short = stopping = False

    def stop() -> None:
        nonlocal stopping
        stopping = True
        house.stop()

    def interrupted() -> None:
        nonlocal cut_short
        if stopping:
            cut_short = True
            house.abort()
        else:
            stop()

    loop.set_exception_handler(lambda _, what: house.defect(what))
    house.open(doors)
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, interrupted)
    if parent is not None:

        def orphaned() -> None:
            loop.remove_reader(parent)
            stop()

        loop.add_reader(parent, orphaned)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
    # What there is now stays: nobody has to look through it for garbage again.
    gc.freeze()
    try:
        ready()
        await house.run()
    finally:
        house.abort()
        gc.unfreeze()
    counts = house.counts
    return Sum(
        counts.connections, counts.messages, counts.octets, counts.early,
        counts.turned_away, cut_short,
    )  # fmt: skip


class Workers:
    """So many processes that serve, each with a house of its own.

    made: makes a worker's house, in the worker. forget: told which workers died, to
    drop what they left.
    """

    def __init__(
        self,
        number: int,
        made: Callable[[], House],
        doors: list[Door],
        patience: float,
        forget: Callable[[list[int]], object],
        complain: Callable[[str], object],
    ) -> None:
        self._number = number
        self._made = made
        self._doors = doors
        self._patience = patience
        self._forget = forget
        self._complain = complain
        self._results: dict[int, int] = {}
        self._sum = Sum()
        self._leash = (-1, -1)
        self._stopping: float | None = None

    def run(self, ready: Callable[[], object]) -> Sum:
        """Serve until a signal comes. ready: called when the workers are there."""
        old = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        self._leash = os.pipe()
        try:
            for _ in range(self._number):
                self._fork()
            ready()
            self._watch()
        finally:
            self._close_doors()
            for pid in list(self._results):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self._reap(pid, 0)
            for number in self._leash:
                os.close(number)
            signal.pthread_sigmask(signal.SIG_SETMASK, old)
        return self._sum

    def _watch(self) -> None:
        lost = 0
        while self._results:
            got = signal.sigtimedwait(_WATCHED, 0.2)
            number = got.si_signo if got is not None else 0
            if number in (signal.SIGTERM, signal.SIGINT):
                again = self._stopping is not None
                self._stop()
                # Twice is meant: not to wait.
                if again and number == signal.SIGINT:
                    self._tell(signal.SIGINT)
            for pid in list(self._results):
                lost += self._reap(pid, os.WNOHANG)
            if self._stopping is not None:
                if time.monotonic() > self._stopping:
                    return
            elif lost:
                time.sleep(_REPLACED_AFTER)
                while lost and len(self._results) < self._number:
                    self._fork()
                    lost -= 1

    def _stop(self) -> None:
        if self._stopping is None:
            self._stopping = time.monotonic() + self._patience
            self._close_doors()
            self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for pid in self._results:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _fork(self) -> None:
        result, written = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.close(result)
                os.close(self._leash[1])
                for other in self._results.values():
                    os.close(other)
                code = self._work(written)
            finally:
                os._exit(code)
        os.close(written)
        self._results[pid] = result

    def _work(self, written: int) -> int:
        try:
            done = asyncio.run(
                _served(self._made(), self._doors, lambda: None, self._leash[0])
            )
        except Exception as error:  # noqa: BLE001 - there is nobody above to report it
            self._complain(f"a worker failed: {type(error).__name__}: {error}")
            return 70
        fields = (
            done.connections, done.messages, done.octets, done.early,
            done.turned_away, done.cut_short,
        )  # fmt: skip
        os.write(written, json.dumps(fields).encode())
        return 0

    def _reap(self, pid: int, flags: int) -> int:
        """Whether a worker has died that should not have."""
        ended, status = os.waitpid(pid, flags)
        if not ended:
            return 0
        with open(self._results.pop(pid), "rb") as stream:  # noqa: PTH123
            told = stream.read()
        if told:
            self._sum = self._sum.plus(Sum(*json.loads(told)))
        if status == 0:
            return int(self._stopping is None)
        self._forget([pid])
        if self._stopping is None:
            code = os.waitstatus_to_exitcode(status)
            how = f"by signal {-code}" if code < 0 else f"with {code}"
            self._complain(f"worker {pid} ended {how}; another takes its place")
        return 1

    def _close_doors(self) -> None:
        for door in self._doors:
            door.listener.close()
