"""Tables written to Parquet files, as they come and with bounded memory."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow import parquet

from eximkit.logs.columns.schema import EVENTS, SESSIONS, arrow_schema

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1 << 16
"""So many rows are one row group, and as many wait in memory at most, of all days."""
OPEN = 16
"""So many files are open at once."""
NO_DAY = "__HIVE_DEFAULT_PARTITION__"
"""What Hive calls the partition of a null, for entries without a time."""

# Nearly all of their values differ: a dictionary is a detour.
_ALL_DIFFERENT = {"message_id", "header_id", "subject", "confirmation", "line", "stamp"}
# What readers may skip row groups by.
_SORTED = {"line", "stamp", "utc", "session"}


class Parquet:
    """A file that is being written."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = [name for name in schema.names if name not in _ALL_DIFFERENT]
        self._writer = parquet.ParquetWriter(
            path, schema, compression="zstd", use_dictionary=plain,
            write_statistics=[name for name in schema.names if name in _SORTED],
        )  # fmt: skip

    def write(self, table: pa.Table) -> None:
        """Add rows, as one row group."""
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        """Close it, whatever has happened to it."""
        with suppress(OSError, pa.ArrowException):
            self._writer.close()


class Days:
    """The `events` table: a folder for each day, in which there are files of its own.

    Rows of one day keep their order. A day that comes back after many others goes on in
    another file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[pa.Table]] = {}
        self._rows: dict[str, int] = {}
        self._open: dict[str, Parquet] = {}
        self._parts: dict[str, int] = {}
        self.total = 0

    def add(self, events: pa.Table) -> None:
        """Take in rows of any days; those of one are best together."""
        self.total += events.num_rows
        for day, rows in _by_day(events):
            self._waiting.setdefault(day, []).append(rows)
            self._rows[day] = self._rows.get(day, 0) + rows.num_rows
        while sum(self._rows.values()) >= ROWS:
            self._write(max(self._rows, key=self._rows.__getitem__))

    def close(self) -> None:
        """Write all that waits."""
        for day in list(self._rows):
            self._write(day)
        if not self._parts:
            self._file(NO_DAY).write(arrow_schema(EVENTS).empty_table())
        for file in self._open.values():
            file.close()
        self._open.clear()

    def abandon(self) -> None:
        """Close all files; their folder is going to be removed."""
        for file in self._open.values():
            file.abandon()

    def _write(self, day: str) -> None:
        del self._rows[day]
        self._file(day).write(pa.concat_tables(self._waiting.pop(day)))

    def _file(self, day: str) -> Parquet:
        file = self._open.pop(day, None)
        if file is None:
            if len(self._open) >= OPEN:
                oldest = next(iter(self._open))
                self._open.pop(oldest).close()
            part = self._parts[day] = self._parts.get(day, -1) + 1
            path = self._folder / f"day={day}" / f"part-{part:05}.parquet"
            file = Parquet(path, arrow_schema(EVENTS))
        # The one used last is the last to be closed.
        self._open[day] = file
        return file


def _by_day(events: pa.Table) -> list[tuple[str, pa.Table]]:
    """The rows of each day, which are together."""
    runs = pc.run_end_encode(events["stamp"].cast(pa.date32()).combine_chunks())
    parts = []
    start = 0
    for day, end in zip(
        runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True
    ):
        rows = events[start:end]
        if 4 * rows.num_rows < events.num_rows:
            # A slice would keep all rows in memory for as long as these wait.
            rows = events.take(pa.array(range(start, end), pa.int64()))
        parts.append((_name(day), rows))
        start = end
    return parts


def _name(day: object) -> str:
    return NO_DAY if day is None else str(day)


def sessions_file(folder: Path) -> Parquet:
    """The file of the `sessions` table."""
    return Parquet(folder / "part-00000.parquet", arrow_schema(SESSIONS))
