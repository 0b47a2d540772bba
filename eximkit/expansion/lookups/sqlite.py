"""SQLite databases (Exim specification, section 9.27)."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from eximkit.expansion.lookups.table import cannot_use
from eximkit.expansion.world import FileFailed, NotAllowed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context

_TO_QUOTE = re.compile(r'"|.*[ \t\r\n]', re.DOTALL)
_BOUNDS = frozenset({errno.EFBIG, errno.EILSEQ, errno.ENOTSUP, errno.ETIMEDOUT})
_UNREAD = frozenset({errno.EISDIR, errno.EINVAL, errno.EACCES, errno.ENOTDIR})


def sqlite(context: Context, query: str, kind: Kind) -> str | None:
    """The rows of a query, a line for each; what the engine refuses finds nothing.

    The database is named by `file=` after the type, or before the query, or by
    `sqlite_dbfile`. Raises ExpansionFailed (file), NotAllowed.
    """
    path, statement = _database(context, query, kind)
    if not path.startswith("/"):
        raise cannot_use('absolute file name expected for "sqlite" lookup')
    try:
        columns, rows = context.world.sqlite(path, statement)
    except FileFailed as failed:
        if failed.number == errno.ENOENT:
            # Exim makes an empty database of it.
            raise NotAllowed(f"the database {path}, which is not there") from failed
        if failed.number in _BOUNDS:
            raise NotAllowed(f"the answer of {path}: {failed.reason}") from failed
        if failed.number in _UNREAD:
            raise cannot_use("unable to open database file") from failed
        return None
    if not rows:
        return None
    return "\n".join(_row(columns, row) for row in rows)


def _database(context: Context, query: str, kind: Kind) -> tuple[str, str]:
    for option in kind.options:
        if option.startswith("file="):
            return option.removeprefix("file="), query
    if query.startswith("/"):
        found = re.match(f"[^{BLANK}]*", query)
        path = found[0] if found else query
        return path, query[len(path) :].lstrip(BLANK)
    return context.options.get("sqlite_dbfile", ""), query


def _row(columns: Sequence[str], row: Sequence[str | None]) -> str:
    """One column is its value; several are `name=value`, a blank after each."""
    values = ["<NULL>" if value is None else value for value in row]
    if len(values) == 1:
        return values[0]
    return "".join(
        f"{name}={quoted(value)} " for name, value in zip(columns, values, strict=True)
    )


def quoted(value: str) -> str:
    """A value as `extract` reads it again: in quotes where it must be."""
    if value and not _TO_QUOTE.match(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
