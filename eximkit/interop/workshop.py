"""The private folder of a run and the processes in it; nothing of either stays behind.

Whatever a run starts is noted in its folder. It ends what it has started, however it
ends itself; where it could not (it was killed), the next run does that for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from eximkit.errors import InteropError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

PREFIX = "eximkit-interop-"
_PRIORITY = -10
_GRACE = 5.0
"""Seconds between asking a process to end and ending it."""
_OWNER, _PROCESSES = "owner", "processes"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
# Words by which a process would find the user's own files, or speak another language.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "TZ", "SYSTEMROOT")


class Workshop:
    """A folder for one run, and the processes that work in it.

    It lies in memory where that can be: what a server writes to a disk before its 250
    costs more than a round trip.
    """

    def __init__(self) -> None:
        self.folder = Path()
        self._running: set[asyncio.subprocess.Process] = set()
        self._rooms = 0

    def __enter__(self) -> Self:
        for place in _places():
            _sweep(place)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_places()[0]))
        # Exim gives up root, and must still reach what is its own in here.
        self.folder.chmod(0o711)
        (self.folder / _OWNER).write_text(json.dumps(_identity(os.getpid())))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running:
            _signal(process.pid, signal.SIGKILL)
        _end_recorded(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def room(self, name: str) -> Path:
        """A new folder inside, for a part of the work."""
        self._rooms += 1
        place = self.folder / f"{self._rooms:03}-{name}"
        place.mkdir(mode=0o711)
        return place

    async def start(
        self,
        command: Sequence[str],
        *,
        answers: bool = False,
        takes: bool = False,
        errors: Path | None = None,
    ) -> asyncio.subprocess.Process:
        """A process in a session of its own, so that Ctrl-C reaches us and not it.

        answers, takes: its standard output is read, its standard input written.
        errors: the file for its standard error. Raises InteropError.
        """
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        environment = {k: v for k in _ENVIRONMENT if (v := os.environ.get(k))}
        with (errors or Path(os.devnull)).open("ab") as stream:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=pipe if takes else nothing,
                    stdout=pipe if answers else nothing,
                    stderr=stream, start_new_session=True, limit=1 << 24,
                    env=environment | {"LC_ALL": "C", "PYTHONUTF8": "1"},
                    cwd=self.folder,
                )  # fmt: skip
            except OSError as error:
                raise InteropError(f"{command[0]}: {error.strerror}") from error
        self._running.add(process)
        # Whoever is timed is not to wait for others. Only root may hurry.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _PRIORITY)
        with (self.folder / _PROCESSES).open("a") as file:
            file.write(json.dumps(_identity(process.pid)) + "\n")
        return process

    async def run(
        self,
        command: Sequence[str],
        *,
        given: bytes = b"",
        seconds: float,
        errors: Path | None = None,
    ) -> tuple[int, bytes]:
        """Run a command to its end: its exit code and what it printed.

        Raises InteropError where it takes longer than so many seconds.
        """
        process = await self.start(command, answers=True, takes=True, errors=errors)
        try:
            async with asyncio.timeout(seconds):
                printed, _ = await process.communicate(given)
        except TimeoutError:
            name = Path(command[0]).name
            raise InteropError(f"{name} takes more than {seconds:.0f} s") from None
        finally:
            await self.stop(process)
        return process.returncode or 0, printed

    async def stop(self, process: asyncio.subprocess.Process) -> None:
        """End a process and all that it started."""
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)
        _signal(process.pid, signal.SIGKILL)
        await process.wait()
        self._running.discard(process)

    async def stop_all(self) -> None:
        """End every process that still runs."""
        await asyncio.gather(*(self.stop(process) for process in [*self._running]))


def _places() -> list[Path]:
    usual = Path(tempfile.gettempdir())
    fits = _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK | os.X_OK)
    return [_IN_MEMORY, usual] if fits else [usual]


def _identity(pid: int) -> list[int]:
    """A process as no later one can be: its number and when it began."""
    return [pid, _began(pid)]


def _began(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 where it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _sweep(place: Path) -> None:
    """End and remove what runs that were killed have left."""
    for folder in place.glob(f"{PREFIX}*"):
        # Others may have such folders; only ours are read, and only plain ones.
        with suppress(OSError, ValueError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            pid, began = json.loads((folder / _OWNER).read_text())
            if _began(int(pid)) != int(began):
                _end_recorded(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _end_recorded(folder: Path) -> None:
    """End the groups of the processes that a run has noted, if they are still those."""
    with suppress(OSError, ValueError):
        for line in (folder / _PROCESSES).read_text().splitlines():
            pid, began = json.loads(line)
            if began and _began(int(pid)) == int(began):
                _signal(int(pid), signal.SIGKILL)
