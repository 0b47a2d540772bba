"""Logs written as tables of columns, in a folder of Parquet files."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from eximkit.errors import MissingExtraError
from eximkit.logs.columns.folder import replaced, write_manifest
from eximkit.logs.columns.schema import EVENTS, arrow_schema
from eximkit.logs.reader import chunks
from eximkit.logs.record import Kind
from eximkit.logs.window import ANY_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa  # type: ignore[import-untyped]

    from eximkit.logs.columns.files import Days
    from eximkit.logs.columns.sessions import Sessions
    from eximkit.logs.sources import ReadProblem, Source
    from eximkit.logs.window import Window

BLOCK = 1 << 22
"""About how much text is turned into columns at a time, in octets."""


@dataclass(slots=True)
class Exported:
    """What was written: rows of both tables, octets of text, and what was not read."""

    events: int = 0
    sessions: int = 0
    octets: int = 0
    problems: list[ReadProblem] = field(default_factory=list)


def demand_arrow() -> None:
    """Raises MissingExtraError where the packages for columns are not there."""
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        raise MissingExtraError(
            "columns are written with the `arrow` extra: pip install 'eximkit[arrow]'"
        ) from None


def export(
    sources: Sequence[Source],
    path: str,
    *,
    window: Window = ANY_TIME,
    version: str = "",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Exported:
    """Write a folder of tables at `path`: all of it appears at once.

    window: the time to be written. version: of this program, for the manifest.
    progress: is told how many octets have been read, and of how many. Raises InputError
    where the folder is not ours or cannot be written, MissingExtraError.
    """
    demand_arrow()
    with replaced(path) as folder:
        done = _Export(folder, window)
        try:
            done.read(sources, progress)
            done.close()
        except BaseException:
            done.abandon()
            raise
        write_manifest(folder, _manifest(done.result, sources, version))
    return done.result


class _Export:
    """The tables in the making."""

    def __init__(self, folder: Path, window: Window) -> None:
        from eximkit.logs.columns.entries import Reader
        from eximkit.logs.columns.files import Days, sessions_file
        from eximkit.logs.columns.sessions import Sessions

        self.result = Exported()
        self._window = window
        self._reader = Reader()
        self._days: Days = Days(folder / "events")
        self._sessions_file = sessions_file(folder / "sessions")
        self._sessions: Sessions = Sessions(self._sessions_file.write)

    def read(
        self, sources: Sequence[Source], progress: Callable[[int, int], None]
    ) -> None:
        total = sum(source.size for source in sources)
        done = 0

        def tell(octets: int) -> None:
            nonlocal done
            done += octets
            progress(min(done, total), total)

        for source in sources:
            for table in self._tables(source, tell):
                self._add(source.path, table)

    def close(self) -> None:
        self._days.close()
        self._sessions.flush()
        self._sessions_file.close()
        self.result.events = self._days.total
        self.result.sessions = self._sessions.total

    def abandon(self) -> None:
        self._days.abandon()
        self._sessions_file.abandon()

    def _tables(
        self, source: Source, tell: Callable[[int], None]
    ) -> Iterator[pa.Table]:
        """The entries of a log."""
        from eximkit.logs.columns.entries import overlong

        line = 1
        problems = self.result.problems
        for chunk in chunks(source, problems, progress=tell, size=BLOCK):
            self.result.octets += len(chunk.data) + chunk.overlong
            if chunk.overlong:
                yield overlong(line)
                line += 1
                continue
            done = 0
            for start, end in self._window.runs(chunk.data, chunk.year):
                line += chunk.data.count(b"\n", done, start)
                text = chunk.data[start:end]
                for table in self._reader.entries(text, chunk.year, first=line):
                    yield table
                    line += table.num_rows
                done = end
            line += chunk.data.count(b"\n", done)

    def _add(self, path: str, table: pa.Table) -> None:
        import pyarrow as pa

        from eximkit.logs.columns.values import array

        (log,) = array([path], pa.string())
        columns: dict[str, Any] = {
            **dict(zip(table.column_names, table.columns, strict=True)),
            "log": pa.repeat(log, table.num_rows),
            "session": self._sessions.number(table),
        }
        self._days.add(
            pa.table([columns[c.name] for c in EVENTS], schema=arrow_schema(EVENTS))
        )


def _manifest(
    result: Exported, sources: Sequence[Source], version: str
) -> dict[str, Any]:
    return {
        "eximkit": version,
        "events": result.events,
        "sessions": result.sessions,
        "bytes": result.octets,
        "logs": [source.path for source in sources],
        "problems": [f"{p.path}: {p.reason}" for p in result.problems],
        "kinds": sorted(kind.value for kind in Kind),
    }
