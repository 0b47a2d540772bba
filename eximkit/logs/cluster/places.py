"""Files as a worker reads them: local ones as they are, others fetched in parts.

What is fetched of an object behind a URL goes into a file without a name, at the same
place that it has in the object. So all that reads logs reads these, too; holes in it
take no room.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eximkit.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*::?/?/?.*://|[A-Za-z][A-Za-z0-9+.-]*://")
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY
_BLOCK = 1 << 24
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
"""Under which names file systems tell when an object was written."""


def is_url(path: str) -> bool:
    """Whether a path is one for fsspec: `s3://…`, `file://…`, `zip://…::…`."""
    return _URL.match(path) is not None


class Place:
    """A file, open for reading. handle: its descriptor, or that of what was fetched."""

    def __init__(self, handle: int, system: Any = None, path: str = "") -> None:  # noqa: ANN401
        self.handle = handle
        self.system = system
        self.path = path

    def fetch(self, begin: int, end: int) -> None:
        """See to it that [begin, end) can be read. Raises InputError."""
        if self.system is None:
            return
        for start in range(begin, end, _BLOCK):
            stop = min(start + _BLOCK, end)
            try:
                data = self.system.cat_file(self.path, start=start, end=stop)
            except Exception as error:
                raise InputError(_reason(error)) from error
            if len(data) != stop - start:
                raise InputError(
                    "became shorter while it was read; some of it is not there any more"
                )
            os.pwrite(self.handle, data, start)


@contextmanager
def opened(path: str) -> Iterator[Place]:
    """A file, of which nothing has been fetched. Raises InputError, OSError."""
    if not is_url(path):
        # Looked at first: to open a pipe is to wait for somebody.
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "no regular file"
            raise InputError(f"is {what}: workers read files")
        handle = os.open(path, _READING)
        try:
            yield Place(handle)
        finally:
            os.close(handle)
        return
    system, name = _found(path)
    try:
        about = system.info(name)
    except Exception as error:
        raise InputError(_reason(error)) from error
    if about.get("type") == "directory":
        raise InputError("is a directory; name the logs in it")
    size = about.get("size")
    if size is None:
        raise InputError("does not tell its size: it cannot be read in parts")
    with tempfile.TemporaryFile() as stream:
        os.truncate(stream.fileno(), size)
        written = _written(about)
        os.utime(stream.fileno(), (written, written))
        yield Place(stream.fileno(), system, name)


def matching(pattern: str) -> list[str]:
    """The files that match a URL with a pattern in it, as URLs. Raises InputError."""
    system, name = _found(pattern)
    try:
        found = system.glob(name)
    except Exception as error:
        raise InputError(_reason(error)) from error
    return [system.unstrip_protocol(path) for path in sorted(found)]


def _found(url: str) -> tuple[Any, str]:
    try:
        import fsspec  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError(
            "URLs are read with the `cluster` extra: pip install 'eximkit[cluster]'"
        ) from None
    try:
        return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]
    except Exception as error:
        raise InputError(_reason(error)) from error


def _written(about: dict[str, Any]) -> float:
    """When an object was written, as far as its file system tells; else now."""
    for name in _TIMES:
        value = about.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return time.time()


def _reason(error: Exception) -> str:
    """What the error of some file system says, in one line."""
    if isinstance(error, FileNotFoundError):
        return os.strerror(2)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
