"""Runs a command that must not run for ever, nor write for ever."""

# Paths go to the system as octets, which pathlib does not take.
# ruff: noqa: PTH109, PTH118

from __future__ import annotations

import errno
import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from eximkit.expansion.world import Finished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK = 1 << 16
_PATIENCE = 1.0
"""Seconds that a command which has closed its output has to end."""


def run_bounded(
    arguments: Sequence[bytes],
    environment: Mapping[bytes, bytes],
    seconds: float,
    octets: int,
) -> Finished:
    """Run a command without a shell, and without searching for it.

    It reads nothing; what it writes, errors too, is the output. It has a process group
    of its own, all of which is killed when the command has ended or at a bound. Raises
    OSError: where it cannot be started, ETIMEDOUT after `seconds`, EFBIG after `octets`
    of output.
    """
    # An absolute path, for the library searches PATH for any other.
    program = os.path.join(os.getcwdb(), arguments[0])
    try:
        child = subprocess.Popen(  # noqa: S603 - the user allowed commands
            arguments,
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    except ValueError as error:  # A NUL in an argument.
        raise OSError(errno.EINVAL, str(error)) from error
    try:
        deadline = time.monotonic() + seconds
        output = _collect(child, deadline, octets)
        left = max(deadline - time.monotonic(), _PATIENCE)
        try:
            status = child.wait(left)
        except subprocess.TimeoutExpired as error:
            raise _late() from error
    finally:
        _end(child)
    return Finished(status, output)


def _collect(child: subprocess.Popen[bytes], deadline: float, octets: int) -> str:
    """What the command writes until it closes its output."""
    stream = child.stdout
    assert stream is not None  # noqa: S101 - it is a pipe
    found: list[bytes] = []
    length = 0
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise _late()
            data = os.read(stream.fileno(), _CHUNK)
            if not data:
                return b"".join(found).decode("latin-1")
            length += len(data)
            if length > octets:
                raise OSError(errno.EFBIG, f"more than {octets} octets of output")
            found.append(data)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave no process of the group behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _late() -> OSError:
    return OSError(errno.ETIMEDOUT, "it takes too long")
