"""The file of `--state`: where reading stands, and what was counted up to there.

Both stand in one file, which is replaced at once, so that they cannot disagree,
whenever the process ends and however. Two lines of JSON: what the file is, with a
digest of the second line; and the state.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from eximkit.errors import InputError
from eximkit.files import write_atomically
from eximkit.logs.follow import FollowState, checked
from eximkit.logs.saved import as_data, from_data, summary_from_data
from eximkit.logs.sources import reason_of

SCHEMA = "eximkit.logs-state/1"
LIMIT = 1 << 29
"""Octets; the largest state there can be is a tenth of it."""
_HEADER_LIMIT = 1 << 12
_PACE = 10
"""Writing takes at most one part in so many of the time, unless it must be now."""


class StateFile:
    """A state file, which no other process uses meanwhile."""

    def __init__(self, path: str) -> None:
        """Raises InputError where another process has it, or it cannot be written."""
        self.path = path
        self._next = 0.0
        try:
            if os.path.lexists(path) and not stat.S_ISREG(Path(path).stat().st_mode):
                raise InputError(f"{path}: not a regular file")
            self._lock = os.open(
                f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except (OSError, ValueError) as error:
            raise InputError(f"{path}.lock: {reason_of(error)}") from error
        try:
            self._acquire()
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The lock's file stays: whoever waits for it would lock one that is gone.
        os.close(self._lock)

    def load(self) -> FollowState | None:
        """The state, None where there is none yet. Raises InputError."""
        try:
            with Path(self.path).open("rb") as stream:
                data = stream.read(LIMIT + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{self.path}: {reason_of(error)}") from error
        try:
            return _state(data)
        except InputError as error:
            raise InputError(
                f"{self.path}: {error}\nNothing was counted. With another --state, or "
                "this file moved away, counting begins anew"
            ) from None

    def store(self, state: FollowState) -> None:
        """Replace the file. Raises InputError; it is as it was then."""
        begin = time.monotonic()
        write_atomically(self.path, _octets(state))
        end = time.monotonic()
        self._next = end + _PACE * (end - begin)

    @property
    def due(self) -> bool:
        """Whether writing once more would not take too much of the time."""
        return time.monotonic() >= self._next

    def _acquire(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            number = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            who = f"process {number}" if number.isdigit() else "another process"
            raise InputError(f"{self.path}: {who} is using it") from None
        except OSError as error:
            raise InputError(f"{self.path}.lock: {reason_of(error)}") from error
        with suppress(OSError):
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)


def _octets(state: FollowState) -> list[bytes]:
    body = json.dumps(as_data(state), separators=(",", ":")).encode() + b"\n"
    header = {"schema": SCHEMA, "digest": _digest(body)}
    return [json.dumps(header).encode() + b"\n", body]


def _state(data: bytes) -> FollowState:
    if len(data) > LIMIT:
        raise InputError(f"larger than {LIMIT} octets")
    end = data.find(b"\n", 0, _HEADER_LIMIT) + 1
    header = _json(data[:end]) if end else None
    if not isinstance(header, dict) or not isinstance(header.get("schema"), str):
        raise InputError("not a state that `eximkit logs --state` wrote")
    if header["schema"] != SCHEMA:
        raise InputError(f"has the schema {header['schema']!r}; this reads {SCHEMA!r}")
    body = data[end:]
    if header.get("digest") != _digest(body):
        raise InputError("was damaged or changed since eximkit wrote it")
    content = _json(body)
    state = checked(from_data(FollowState, content))
    state.summary = summary_from_data(content.get("summary", {}))
    return state


def _json(data: bytes) -> Any:  # noqa: ANN401
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise InputError("not JSON as `eximkit logs --state` writes it") from None


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()
