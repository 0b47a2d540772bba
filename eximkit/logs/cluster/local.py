"""A cluster on this machine: the scheduler in this process, workers in others.

The workers are new processes of the same Python, started without a fork of this one.
They are no part of the terminal's foreground, and end when this process does, however
that happens. All of them listen on the loopback interface alone. Whoever may connect to
a scheduler may run what he likes; on a machine with other users nobody else has the
certificate that this one asks for.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = "127.0.0.1"
_MAIN = (
    "import sys; sys.path[:] = {path!r}\n"
    "from eximkit.logs.cluster.local import main; main()"
)


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """A cluster of so many workers; when the block ends, none of it is left."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        # They take as long to begin as this process does to import what it needs.
        started += [_started() for _ in range(workers)]
        with (
            tempfile.TemporaryDirectory(prefix="eximkit-") as folder,
            _scheduler() as (cluster, security),
        ):
            address = cluster.scheduler_address
            terms = pickle.dumps((address, _parts(security), folder))
            for process in started:
                # One that has ended already is missed later.
                with suppress(BrokenPipeError):
                    process.stdin.write(terms)  # type: ignore[union-attr]
                    process.stdin.flush()  # type: ignore[union-attr]
            yield cluster
            _end(started)
    finally:
        _end(started)


@contextmanager
def _scheduler() -> Iterator[tuple[Any, Any]]:
    distributed: Any = import_module("distributed")
    security = distributed.Security.temporary()
    with distributed.LocalCluster(
        n_workers=0, processes=False, security=security, host=_HOST,
        protocol="tls://", dashboard_address=None,
        silence_logs=logging.CRITICAL + 1,
    ) as cluster:  # fmt: skip
        yield cluster, security


def _started() -> subprocess.Popen[bytes]:
    # What `site` would find is in the path already.
    return subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-S", "-c", _MAIN.format(path=sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        process.kill()
    for process in started:
        process.wait()
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]


def _parts(security: Any) -> dict[str, Any]:  # noqa: ANN401 - ships no types
    """What a worker needs to be let in."""
    return {
        name: getattr(security, name)
        for name in (
            "require_encryption", "tls_ca_file", "tls_worker_cert", "tls_worker_key",
            "tls_client_cert", "tls_client_key",
        )
    }  # fmt: skip


def main() -> None:
    """Work for the scheduler that standard input names, until that is closed."""
    import_module("distributed")  # meanwhile, the address becomes known

    # From the process that started this one, over a pipe that has no name.
    address, parts, folder = pickle.load(sys.stdin.buffer)  # noqa: S301
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_work(address, parts, folder))


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


async def _work(address: str, parts: dict[str, Any], folder: str) -> None:
    dask: Any = import_module("dask")
    distributed: Any = import_module("distributed")
    dask.config.set({"distributed.admin.tick.limit": "1h"})
    worker = distributed.Worker(
        address, nthreads=1, host=_HOST, protocol="tls://", dashboard=False,
        security=distributed.Security(**parts), local_directory=folder,
        silence_logs=logging.CRITICAL + 1,
    )  # fmt: skip
    async with worker:
        await worker.finished()
