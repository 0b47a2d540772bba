"""A folder that appears at once, whole or not at all.

It is made beside its place under another name and renamed when it is complete. One that
is there already is replaced in one step where the file system can exchange two names
(Linux's renameat2), and only if it was made by this program.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from eximkit.errors import InputError
from eximkit.logs.columns.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "_eximkit.json"
"""What is in a folder, and the sign that it is ours. Engines that read Parquet pass
over names with a line at the start."""

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_CANNOT_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}


@contextmanager
def replaced(path: str) -> Iterator[Path]:
    """A new folder to be filled, which is at `path` when the block has ended well.

    `path` may be free, an empty folder, or one that this program has made before.
    Raises InputError, before the block where it can be told then; nothing is left of
    what was not completed.
    """
    place = Path(os.path.realpath(path))
    try:
        _demand_ours(place, path)
        new = place.with_name(f".{place.name}.eximkit-{token_hex(6)}")
        new.mkdir()
    except OSError as error:
        raise InputError(f"{path}: {_reason(error)}") from error
    try:
        yield new
        # Somebody may have put something there meanwhile.
        _demand_ours(place, path)
        _move(new, place)
    except OSError as error:
        raise InputError(f"{path}: {_reason(error)}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Put the last file into a folder, and all of them onto the disk."""
    text = json.dumps({"schema": SCHEMA, **content}, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, "utf-8", "surrogateescape")
    for place, _, names in os.walk(folder):
        for name in (*names, "."):
            handle = os.open(Path(place, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _reason(error: OSError) -> str:
    # What Arrow says in place of the system's words is longer.
    return os.strerror(error.errno) if error.errno else str(error)


def _demand_ours(place: Path, path: str) -> None:
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise InputError(f"{path}: is there already, and no folder")
    if not any(place.iterdir()):
        return
    with suppress(OSError, ValueError, AttributeError):
        manifest = json.loads((place / MANIFEST).read_text("utf-8"))
        if str(manifest.get("schema")).startswith("eximkit.columns/"):
            return
    raise InputError(
        f"{path}: holds files that `eximkit logs --format parquet` did not write; name "
        "a folder that is new, empty or an earlier export"
    )


def _move(new: Path, place: Path) -> None:
    """Give the new folder its name; what had it before is in the new one's place."""
    if not place.exists() or not any(place.iterdir()):
        new.rename(place)
    elif not _exchanged(new, place):
        old = new.with_name(new.name + ".old")
        place.rename(old)
        try:
            new.rename(place)
        except BaseException:
            old.rename(place)
            raise
        shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):
        handle = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number))
