"""The responses to EHLO that are remembered from one run to the next: an SQLite file.

Many processes may use one file at once, and each may be killed at any moment. What is
in the file is never trusted: whatever is wrong with it costs a normal connection. A
file that eximkit did not make is left as it is; one that it made and that is damaged is
made anew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
import time
from contextlib import closing, contextmanager, nullcontext, suppress
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from eximkit.smtp.early import MOST_TEXT, Key, Record, Tls, as_text, from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eximkit.smtp.early import Memory

MOST = 10_000
"""Records that are kept; those written longest ago make room."""
MOST_KEY = 1024
"""Characters of a key. What is longer is not remembered."""
WAIT = 2.0
"""Seconds that another process may keep the file to itself."""

T = TypeVar("T")

_DAMAGED = "a damaged cache, which is made anew"
_MAGIC = b"SQLite format 3\0"
_APPLICATION = 0x45584548
_VERSION = 1
_HEADER = 100
_SIDE_FILES = ("-wal", "-shm", "-journal")
_KEY = ("address", "port", "helo", "interface", "tls", "sni")
_TABLE = (
    "CREATE TABLE IF NOT EXISTS ehlo (address TEXT NOT NULL, port INTEGER NOT NULL,"
    " helo TEXT NOT NULL, interface TEXT NOT NULL, tls TEXT NOT NULL,"
    " sni TEXT NOT NULL, stamp INTEGER NOT NULL, record TEXT NOT NULL,"
    " UNIQUE (address, port, helo, interface, tls, sni))"
)
_THIS = " AND ".join(f"{column} = ?" for column in _KEY)
_SELECT = f"SELECT record FROM ehlo WHERE {_THIS}"  # noqa: S608 - constants
_DELETE = f"DELETE FROM ehlo WHERE {_THIS}"  # noqa: S608
_INSERT = "INSERT OR REPLACE INTO ehlo VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
# By the order of writing, not by stamps: those may be of a clock that was wrong.
_TRIM = (
    "DELETE FROM ehlo WHERE rowid IN (SELECT rowid FROM ehlo ORDER BY rowid"
    " LIMIT max(0, (SELECT count(*) FROM ehlo) - ?))"
)


class EhloCache:
    """Records of servers in a file, which is made when it is first needed.

    most: records that are kept. fault: why the last call found or kept nothing, "" if
    nothing went wrong. No method raises for what is wrong with the file.
    """

    def __init__(self, path: Path, most: int = MOST) -> None:
        self.path = path
        self.most = most
        self.fault = ""
        self._database: sqlite3.Connection | None = None
        self._opened = (0, 0, 0)

    def get(self, key: Key) -> Record | None:
        """The record of a server, None where there is none that can be used."""
        row = self._try(lambda base: base.execute(_SELECT, _columns(key)).fetchone())
        return from_text(row[0]) if row and isinstance(row[0], str) else None

    def put(self, key: Key, record: Record) -> None:
        """Keep a record, in place of the one that was there."""
        text, columns = as_text(record), _columns(key)
        if len(text) > MOST_TEXT or sum(len(str(c)) for c in columns) > MOST_KEY:
            self.forget(key)
            return

        def write(base: sqlite3.Connection) -> None:
            base.execute(_INSERT, (*columns, record.stamp, text))
            base.execute(_TRIM, (self.most,))

        self._try(write, writes=True)

    def forget(self, key: Key) -> None:
        """Keep no record of a server."""
        self._try(lambda base: base.execute(_DELETE, _columns(key)), writes=True)

    def store(self, key: Key, memory: Memory) -> None:
        """Keep what a connection has shown to be true."""
        if not memory.dirty:
            return
        if memory.record is None:
            self.forget(key)
        else:
            self.put(key, memory.record)

    def list(self) -> list[tuple[Key, Record]]:
        """All records that can be used, by address and port."""
        columns = ", ".join((*_KEY, "record"))
        order = f"SELECT {columns} FROM ehlo ORDER BY {columns}"  # noqa: S608
        rows = self._try(lambda base: base.execute(order).fetchall()) or []
        return [entry for row in rows if (entry := _entry(row)) is not None]

    def clear(self, address: str = "") -> int:
        """Forget all, or one address; how many records that were."""
        where, values = (" WHERE address = ?", (address,)) if address else ("", ())
        query = f"DELETE FROM ehlo{where}"  # noqa: S608 - constants

        def delete(base: sqlite3.Connection) -> int:
            return base.execute(query, values).rowcount

        return self._try(delete, writes=True) or 0

    def close(self) -> None:
        """Let go of the file. A later call opens it again."""
        if self._database is not None and self._opened[0] == os.getpid():
            with suppress(sqlite3.Error):
                self._database.close()
        # A connection that came through fork() is not ours to close.
        self._database = None

    def _try(
        self, work: Callable[[sqlite3.Connection], T], writes: bool = False
    ) -> T | None:
        """What `work` gives, None if the file does not let it."""
        self.fault = ""
        try:
            base = self._connection(writes)
            if base is None:
                return None
            with _transaction(base) if writes else nullcontext():
                return work(base)
        except sqlite3.Error as error:
            self.fault = f"{self.path}: {error}"
            self.close()
            if _is_damage(error):
                self._renew()
        except (OSError, ValueError, OverflowError) as error:
            self.fault = f"{self.path}: {getattr(error, 'strerror', None) or error}"
            self.close()
        return None

    def _connection(self, writes: bool) -> sqlite3.Connection | None:
        """The database, opened where it is not; None if there is none to be read."""
        here = _identity(self.path)
        if self._database is not None:
            if here is not None and self._opened == (os.getpid(), *here):
                return self._database
            # Made anew by another process, or this process is a child.
            self.close()
        if here is None and not writes:
            return None
        if here is None or _judged(self.path) is _Judgement.EMPTY:
            with _alone(self.path):
                if here is None:
                    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                    os.close(os.open(self.path, flags, 0o600))
                self._open(make=True)
        elif _judged(self.path) is _Judgement.DAMAGED:
            raise sqlite3.DatabaseError(_DAMAGED)
        else:
            self._open(make=False)
        return self._database

    def _open(self, make: bool) -> None:
        here = _identity(self.path)
        if here is None:
            raise FileNotFoundError(errno.ENOENT, "gone while it was opened")
        base = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True, timeout=WAIT, isolation_level=None,
        )  # fmt: skip
        base.text_factory = lambda octets: octets.decode("utf-8", "replace")
        self._database, self._opened = base, (os.getpid(), *here)
        if make:
            # One transaction: a kill leaves an empty file or a complete one.
            with _transaction(base):
                base.execute(f"PRAGMA application_id = {_APPLICATION}")
                base.execute(f"PRAGMA user_version = {_VERSION}")
                base.execute(_TABLE)
        # Readers do not wait for writers, and no record is worth an fsync of its own.
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")

    def _renew(self) -> None:
        """Remove a file that is ours and damaged; the next to write makes it anew."""
        with suppress(OSError, sqlite3.Error), _alone(self.path):
            if _judged(self.path) is _Judgement.OURS and _sound(self.path):
                return  # another process was faster
            self.path.unlink(missing_ok=True)
            for ending in _SIDE_FILES:
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


class _Judgement(Enum):
    EMPTY = "nothing in it yet"
    OURS = "of this release"
    DAMAGED = "of eximkit, and of no use"


def _judged(path: Path) -> _Judgement:
    """What a file is by its first octets. Raises OSError for one of somebody else's."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if not head:
        return _Judgement.EMPTY
    if not head.startswith(_MAGIC[: len(head)]):
        raise OSError(errno.EINVAL, "not a cache of eximkit; it is left as it is")
    if len(head) < _HEADER:
        return _Judgement.DAMAGED
    if int.from_bytes(head[68:72], "big") != _APPLICATION:
        raise OSError(errno.EINVAL, "another program's database; it is left as it is")
    ours = int.from_bytes(head[60:64], "big") == _VERSION
    return _Judgement.OURS if ours else _Judgement.DAMAGED


def _sound(path: Path) -> bool:
    """Whether a database that seems to be ours can be used."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=WAIT)) as base:
        try:
            base.execute(_SELECT, [""] * len(_KEY)).fetchone()
            return bool(base.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.Error as error:
            return not _is_damage(error)


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether an error is one that only a new file mends.

    All statements are constants: one that cannot be prepared has met another table.
    """
    if str(error) == _DAMAGED:
        return True
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in {
        sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_NOTADB,
    } or code == sqlite3.SQLITE_IOERR_SHORT_READ  # fmt: skip


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file this is, None for none. Raises OSError for what is no plain file."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a plain file; it is left as it is")
    return found.st_dev, found.st_ino


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process makes or removes the file meanwhile. Ends with the process."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + WAIT
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        yield
    finally:
        os.close(folder)


@contextmanager
def _transaction(base: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing. Waits for another writer at its beginning."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
        base.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            base.execute("ROLLBACK")
        raise


def _columns(key: Key) -> tuple[str, int, str, str, str, str]:
    return key.address, key.port, key.helo, key.interface, key.tls.value, key.sni


def _entry(row: tuple[object, ...]) -> tuple[Key, Record] | None:
    """A row as it should be; None for one that is not."""
    match row:
        case (
            str(address), int(port), str(helo), str(interface), str(tls), str(sni),
            str(text),
        ) if (record := from_text(text)) is not None:  # fmt: skip
            with suppress(ValueError):
                return Key(address, port, helo, interface, Tls(tls), sni), record
    return None
