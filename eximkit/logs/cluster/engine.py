"""Logs counted by the workers of a Dask cluster, or of one started here.

Each part of a log is a task with a key of its own. A task whose worker dies is run
again by another; what it found is taken once.
"""

from __future__ import annotations

import logging
import queue
import re
import time
import warnings
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from eximkit.errors import EximkitError, InputError, MissingExtraError, SettingsError
from eximkit.logs.cluster.local import local_cluster
from eximkit.logs.counting import Outcome
from eximkit.logs.parallel import processors
from eximkit.logs.window import ANY_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eximkit.logs.cluster.tasks import Survey, Task, Versions
    from eximkit.logs.window import Window

TASK = 1 << 25
"""About how many octets of a log one task has."""
PATIENCE = 10.0
"""Seconds to wait for a scheduler that does not answer, and for workers."""

_TURN = 0.5
_ADDRESS = re.compile(
    r"(?:tcp|tls|ws|wss)://(?:\[[0-9A-Fa-f:.%]+\]|[^\s/:\[\]]+):\d{1,5}/?$"
)
_AT_ONCE = 4
"""So many tasks for each worker are handed out before the first is done."""
_SETTINGS = {
    "distributed.comm.timeouts.connect": f"{PATIENCE / 2:g}s",
    "distributed.admin.tick.limit": "1h",
    "distributed.worker.daemon": True,
    "distributed.scheduler.worker-ttl": "120s",
}


def summarise_on_cluster(
    paths: Sequence[str],
    *,
    scheduler: str | None = None,
    jobs: int | None = None,
    year: int | None = None,
    wanted: frozenset[str] = frozenset(),
    window: Window = ANY_TIME,
    version: str = "",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Outcome, Survey]:
    """What the logs say together, and which they are.

    paths: files, patterns for files, URLs, as workers find them. scheduler: its
    address; None: a cluster of `jobs` processes is started here, and ended. The rest as
    for `parallel.summarise`. version: of this program, which workers must run. Raises
    InputError where no log can be read, SettingsError for an address that is none and
    for workers of another version, MissingExtraError, EximkitError where the cluster is
    not there or goes away.
    """
    demand_dask()
    if "-" in paths:
        raise SettingsError(
            "workers cannot read standard input: name files or URLs with --engine dask"
        )
    from eximkit.logs.cluster.tasks import Versions

    with _quiet(), ExitStack() as stack:
        target: Any = scheduler
        if scheduler is None:
            target = stack.enter_context(local_cluster(jobs or processors()))
        elif not _ADDRESS.match(scheduler):
            raise SettingsError(
                f"--scheduler {scheduler}: not an address such as tcp://10.0.0.5:8786"
            )
        client = stack.enter_context(_client(target, scheduler or "here"))
        run = _Run(client, scheduler or "here", Versions.here(version))
        run.demand_workers()
        found = run.survey(paths, year)
        outcome = run.count(found, wanted, window, progress)
    order = {path: number for number, path in enumerate(found.paths)}
    problems = dict.fromkeys(outcome.problems)
    outcome.problems[:] = sorted(problems, key=lambda p: order.get(p.path, -1))
    return outcome, found


def demand_dask() -> None:
    """Raises MissingExtraError where the packages of the cluster are not there."""
    if not all(map(_there, ("dask", "distributed", "fsspec"))):
        raise MissingExtraError(
            "--engine dask needs the `cluster` extra: pip install 'eximkit[cluster]'"
        )


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:
        return False


@contextmanager
def _quiet() -> Iterator[None]:
    """What Dask would write to standard error goes nowhere; nor does anybody's log."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _client(target: Any, address: str) -> Iterator[Any]:  # noqa: ANN401
    """A client of a cluster, or of a scheduler's address, as long as the block."""
    dask: Any = import_module("dask")
    distributed: Any = import_module("distributed")
    dask.config.set(_SETTINGS)
    try:
        client = distributed.Client(target, timeout=PATIENCE, set_as_default=False)
    except OSError as error:
        raise InputError(
            f"no Dask scheduler answers at {address} ({_said(error)})"
        ) from None
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=2)


class _Run:
    """One run on a cluster."""

    def __init__(self, client: Any, address: str, versions: Versions) -> None:  # noqa: ANN401
        self._client = client
        self._address = address
        self._versions = versions
        self._name = f"eximkit-{uuid4().hex[:12]}"
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._limit = _AT_ONCE
        self._answered = time.monotonic()
        self._had_workers = self._answered

    def demand_workers(self) -> None:
        """Raises EximkitError where there are none, SettingsError for wrong ones."""
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
            found = self._client.get_versions(packages=["eximkit"])["workers"]
        except (TimeoutError, OSError):
            raise self._gone("has no workers") from None
        for worker, about in found.items():
            packages = about["packages"]
            theirs = self._versions._replace(
                eximkit=packages.get("eximkit") or self._versions.eximkit,
                python=_python(packages["python"]) or self._versions.python,
            )
            if self._versions.differ(theirs):
                raise SettingsError(
                    f"the worker {worker} runs {theirs}, and this is {self._versions}: "
                    "install the same on both"
                )
        self._demand_life()

    def survey(self, paths: Sequence[str], year: int | None) -> Survey:
        """Which logs there are, and how they are divided."""
        from eximkit.logs.cluster.tasks import survey

        future = self._client.submit(
            survey, list(paths), year, TASK, self._versions,
            key=f"{self._name}-survey", pure=False,
        )  # fmt: skip
        future.add_done_callback(self._done.put)
        found: Survey = self._result(self._next(), "looked at the logs")
        return found

    def count(
        self,
        found: Survey,
        wanted: frozenset[str],
        window: Window,
        progress: Callable[[int, int], None],
    ) -> Outcome:
        """What all tasks say together."""
        total = Outcome(problems=list(found.problems))
        waiting = list(reversed(found.tasks))
        running: dict[str, Task] = {}
        done = 0
        while waiting or running:
            while waiting and len(running) < self._limit:
                task = waiting.pop()
                running[self._submit(task, wanted, window)] = task
            future = self._next()
            task = running.pop(future.key)
            total.update(self._result(future, f"counted {task.source.path}"))
            del self._futures[future.key]
            done += task.part.end - task.part.begin
            progress(min(done, found.octets), found.octets)
        return total

    def _submit(self, task: Task, wanted: frozenset[str], window: Window) -> str:
        from eximkit.logs.cluster.tasks import counted

        key = f"{self._name}-{task.key}"
        future = self._client.submit(
            counted, task, wanted, window, self._versions, key=key, pure=False
        )
        self._futures[key] = future
        future.add_done_callback(self._done.put)
        return key

    def _next(self) -> Any:  # noqa: ANN401 - a future of Dask's
        """The next future that is done. Raises EximkitError where none will be."""
        while True:
            try:
                return self._done.get(timeout=_TURN)
            except queue.Empty:
                self._demand_life()

    def _result(self, future: Any, what: str) -> Any:  # noqa: ANN401
        """What a task has found. It is run again where that was lost with a worker."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        while True:
            try:
                return future.result(timeout=_TURN)
            except TimeoutError:
                self._demand_life()
            except EximkitError:
                raise
            except KilledWorker as error:
                raise EximkitError(
                    f"several workers in turn ended while they {what} (the last one: "
                    f"{error.last_worker.address}); they may have too little memory"
                ) from None
            except (FutureCancelledError, OSError):
                raise self._gone("went away") from None
            except Exception as error:  # noqa: BLE001 - told to those who can report it
                raise self._failed(error, what) from None

    def _demand_life(self) -> None:
        """Raises EximkitError where scheduler or workers have been gone for long."""
        now = time.monotonic()
        try:
            cores = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=PATIENCE / 4
            )
        except (TimeoutError, OSError, RuntimeError):
            if now - self._answered > PATIENCE or self._client.status == "closed":
                raise self._gone("went away") from None
            return
        self._answered = time.monotonic()
        if cores:
            self._had_workers = self._answered
            self._limit = max(self._limit, _AT_ONCE * sum(cores.values()))
        elif self._answered - self._had_workers > PATIENCE:
            raise self._gone("has no workers any more")

    def _gone(self, what: str) -> EximkitError:
        return InputError(f"the Dask scheduler at {self._address} {what}")

    def _failed(self, error: Exception, what: str) -> Exception:
        """The error for one that a worker did not expect."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ImportError | AttributeError) and "eximkit" in str(
                cause
            ):
                return SettingsError(
                    f"the cluster cannot run this program ({_said(cause)}): install "
                    f"{self._versions} on its scheduler and all its workers"
                )
            cause = cause.__cause__ or cause.__context__
        return RuntimeError(f"on a worker that {what}: {_said(error)}")


def _python(version: str) -> str:
    """`3.11.7` of `3.11.7.final.0`."""
    return ".".join(version.split(".")[:3])


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
