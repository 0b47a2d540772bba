"""Queries of SQLite databases, which are left as they are."""

from __future__ import annotations

import errno
import math
import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUERY_LIMIT = 1 << 16
_STATEMENTS_LIMIT = 1000
_OPERATIONS = 1000
"""The engine's operations between two looks at the clock."""

Row = tuple[str | None, ...]


def query_sqlite(
    path: bytes, query: str, seconds: float, octets: int
) -> tuple[list[str], list[Row]]:
    """The columns and the rows of a query; of several statements the rows of all.

    query: octets, and so is all text that comes back; numbers are written as the engine
    itself writes them. Raises OSError: what the engine says, ETIMEDOUT after `seconds`,
    EFBIG where the rows have more than `octets` or the query is too long, ENOTSUP where
    several statements have rows of several columns each.
    """
    if len(query) > _QUERY_LIMIT or query.count(";") > _STATEMENTS_LIMIT:
        raise OSError(errno.EFBIG, "the query is too long")
    try:
        statements = list(_statements(query.encode("latin-1").decode()))
    except UnicodeDecodeError as error:
        raise OSError(errno.EILSEQ, "the query is not UTF-8") from error
    deadline = time.monotonic() + seconds
    try:
        with closing(_opened(path, seconds, octets)) as database:
            database.set_progress_handler(
                lambda: time.monotonic() > deadline, _OPERATIONS
            )
            columns: list[str] = []
            rows: list[Row] = []
            left = octets
            for statement in statements:
                cursor = database.execute(statement)
                if cursor.description is not None:
                    names = [_octets(column[0]) for column in cursor.description]
                    more = list(_rows(cursor, left))
                    left -= sum(len(value or "") + 1 for row in more for value in row)
                    several = len(names) > 1 or len(columns) > 1
                    if rows and more and several and names != columns:
                        raise OSError(errno.ENOTSUP, "rows of several kinds")
                    columns = names if more or not rows else columns
                    rows += more
            return columns, rows
    except sqlite3.Error as error:
        if time.monotonic() > deadline:
            raise OSError(errno.ETIMEDOUT, "it takes too long") from error
        raise OSError(errno.EIO, str(error)) from error


def _opened(path: bytes, seconds: float, octets: int) -> sqlite3.Connection:
    place = f"file:{quote(path)}?mode=ro"
    database = sqlite3.connect(place, uri=True, timeout=min(seconds, 5.0))
    database.text_factory = bytes
    # Whatever the query says, no other file is opened or made.
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, octets)
    return database


def _statements(query: str) -> Iterator[str]:
    """The statements of a query, as the engine would part them."""
    start = at = 0
    while (at := query.find(";", at) + 1) > 0:
        if sqlite3.complete_statement(query[start:at]):
            yield query[start:at]
            start = at
    if query[start:].strip():
        yield query[start:]


def _rows(cursor: sqlite3.Cursor, octets: int) -> Iterator[Row]:
    left = octets
    for row in cursor:
        found = tuple(None if value is None else _text(value) for value in row)
        left -= sum(len(value or "") for value in found) + len(found)
        if left < 0:
            raise OSError(errno.EFBIG, f"the rows have more than {octets} octets")
        yield found


def _text(value: float | bytes) -> str:
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode("latin-1")
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    mantissa, letter, exponent = f"{value:.15g}".partition("e")
    point = "" if "." in mantissa or not mantissa[-1].isdigit() else ".0"
    return mantissa + point + letter + exponent


def _octets(name: str | bytes) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else os.fsencode(
        name
    ).decode("latin-1")  # fmt: skip
