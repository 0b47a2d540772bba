"""Log text to columns, one row for each line.

Lines of known shapes are read in bulk (`cells.py`); all others go through the complete
grammar. Both give the same columns, and rows keep the order of the lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from eximkit.logs.columns import conversion
from eximkit.logs.columns.cells import CellReader
from eximkit.logs.columns.rewriting import PLAIN, QUOTED_ORIGINAL, SYSLOG
from eximkit.logs.columns.schema import (
    FLAG,
    PIPELINING,
    RECORD,
    TEXT,
    Column,
    arrow_type,
)
from eximkit.logs.columns.sorting import by_group, split
from eximkit.logs.columns.values import array, counted, is_utf8, repeated, times, utc
from eximkit.logs.line import parse_line
from eximkit.logs.possessive import compiled
from eximkit.logs.record import Kind, LogRecord
from eximkit.logs.syntax import ISO_TIME, SYSLOG_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from eximkit.logs.columns.conversion import Columns

LINES = 1 << 16
"""So many lines are in one table at most: there are columns of each, however short it
is."""

_TYPES = {column.name: arrow_type(column.type) for column in RECORD}
_DEFAULTS = LogRecord._field_defaults
_THROUGH_SYSLOG = compiled(rb"(?:" + SYSLOG_TIME + rb"|" + ISO_TIME + rb") ")
_OWN = (
    Column("direction", TEXT, "", ""), *RECORD,
    *(column for column in PIPELINING if column.name in conversion.OF_FORM),
)  # fmt: skip
"""What each line says by itself, besides its time."""


class _Rows(NamedTuple):
    """Some of the lines: their numbers, and their columns; those left out are empty.

    A row whose number is null is of no line.
    """

    numbers: pa.Array
    columns: Columns


class Reader:
    """Turns log text into rows. Those of one day are together, and keep their order."""

    def __init__(self) -> None:
        self._cells = CellReader()

    def entries(
        self, text: bytes, year: int | None = None, *, first: int = 1
    ) -> Iterator[pa.Table]:
        """A row for each of some whole lines, the last of which may lack its LF.

        The columns are those of `schema.EVENTS` but for `log` and `session`. year: of
        lines that carry none. first: the number of the first line.
        """
        lines = split(text)
        for start in range(0, len(lines), LINES):
            some = lines[start : start + LINES]
            usual = self._usual(text, some)
            unknown = _missing([part.numbers for part in usual], len(some))
            unusual = _unusual(some.take(unknown), year)
            yield _table(usual, _Rows(unknown, unusual), first + start)

    def _usual(self, text: bytes, lines: pa.Array) -> list[_Rows]:
        """The lines of known shapes, with fields as they are written.

        text: the lines, and maybe more of the same log.
        """
        head = SYSLOG if _THROUGH_SYSLOG.match(text) else PLAIN
        quoted = QUOTED_ORIGINAL in text
        readable = text.isascii() or is_utf8(text)
        parts = []
        for some in by_group(lines, head):
            found = [
                _Rows(cells.numbers, conversion.concluded(cells.columns, cells.shape))
                for cells in self._cells.read(
                    some, head, quoted=quoted, readable=readable
                )
            ]
            parts += _together(found) if some.group.marked else found
        return parts


def overlong(line: int) -> pa.Table:
    """The row of a line that is too long to be looked at; line: its number."""
    (table,) = Reader().entries(b"\n", first=line)
    return table


def _together(parts: list[_Rows]) -> list[_Rows]:
    """Many small parts as one."""
    if len(parts) < 2:
        return parts
    kinds = {name: c.type for part in parts for name, c in part.columns.items()}
    columns = {
        name: pa.concat_arrays(
            part.columns.get(name, repeated(None, len(part.numbers), kind))
            for part in parts
        )
        for name, kind in kinds.items()
    }
    return [_Rows(pa.concat_arrays([part.numbers for part in parts]), columns)]


def _missing(known: Iterable[pa.Array], total: int) -> pa.Array:
    """The numbers below the total that are none of these."""
    numbers = pa.chunked_array(known, pa.uint64())
    if len(numbers) - numbers.null_count == total:
        return pa.nulls(0, pa.uint64())
    every = counted(total).cast(pa.uint64())
    return every.filter(pc.invert(pc.is_in(every, numbers)))


def _table(usual: list[_Rows], unusual: _Rows, first: int) -> pa.Table:
    """The rows of all lines; first: the number of the first one."""
    parts = [*usual, unusual]
    numbers = pa.concat_arrays([part.numbers for part in parts])
    stamps = _joined("stamp", usual, unusual)
    order = _by_day(numbers, stamps)
    places = _Places([len(part.numbers) for part in parts], order)

    def whole(column: Column) -> pa.Array:
        """A column of all rows. Before they are put into their places its values are
        those of the lines that may have one.
        """
        name = column.name
        flag = column.type == FLAG and name not in conversion.OF_FORM
        holders = [n for n, part in enumerate(parts) if name in part.columns]
        if not holders:
            empty = False if flag else None
            return repeated(empty, len(order), arrow_type(column.type))
        found = _joined(name, usual, unusual).take(places.of(*holders))
        return pc.is_valid(found) if flag else found

    found = {column.name: whole(column) for column in _OWN}
    found["line"] = pc.add(numbers.take(order).cast(pa.int64()), first)
    found["stamp"] = stamps.take(order)
    found["utc"] = utc(found["stamp"], found["zone"])
    found |= conversion.tls_parts(found["tls"])
    return pa.table(found)


def _joined(name: str, usual: list[_Rows], unusual: _Rows) -> pa.Array:
    """The values of those parts that have a column, one behind the other."""
    written = [part.columns[name] for part in usual if name in part.columns]
    values = [unusual.columns[name]] if name in unusual.columns else []
    if written:
        values.insert(0, conversion.values(name, pa.concat_arrays(written)))
    return pa.concat_arrays(values)


class _Places:
    """Where the rows of some parts, one behind the other, go: an index for each row of
    a table, null for rows of other parts.
    """

    def __init__(self, lengths: list[int], order: pa.Array) -> None:
        self._lengths = lengths
        self._order = order
        self._counted = counted(sum(lengths))
        self._found: dict[tuple[int, ...], pa.Array] = {
            tuple(range(len(lengths))): order
        }

    def of(self, *parts: int) -> pa.Array:
        """parts: their numbers, rising."""
        if parts not in self._found:
            pieces = []
            start = 0
            for part, length in enumerate(self._lengths):
                if part in parts:
                    pieces.append(self._counted[start : start + length])
                    start += length
                else:
                    pieces.append(repeated(None, length, self._counted.type))
            self._found[parts] = pa.concat_arrays(pieces).take(self._order)
        return self._found[parts]


def _by_day(numbers: pa.Array, stamps: pa.Array) -> pa.Array:
    """Which row each one is to be: by day, and by number within it."""
    order = pc.array_sort_indices(numbers)[: len(numbers) - numbers.null_count]
    days = stamps.cast(pa.date32()).take(order)
    if len(days.unique()) > 1:
        # It is a stable sort.
        order = order.take(pc.array_sort_indices(days))
    return order


def _unusual(lines: pa.Array, year: int | None) -> Columns:
    """The columns of lines that the complete grammar reads, each different one once."""
    if not len(lines):
        return {}
    coded = lines.dictionary_encode()
    found = _of_records([parse_line(v, year) for v in coded.dictionary.to_pylist()])
    if len(coded.dictionary) == len(lines):
        return found
    return {name: column.take(coded.indices) for name, column in found.items()}


def _of_records(records: Sequence[LogRecord]) -> Columns:
    attributes = dict(zip(LogRecord._fields, zip(*records, strict=True), strict=True))
    attributes["subject"] = tuple(r.subject for r in records)
    found = {
        name: array([conversion.known(name, value) for value in attributes[name]], kind)
        for name, kind in _TYPES.items()
        if attributes[name].count(_DEFAULTS.get(name)) < len(records)
    }
    found["stamp"] = times(array([_stamp(r) for r in records], pa.string()))
    found |= {
        name: pc.if_else(column, column, None)
        for name, column in found.items()
        if pa.types.is_boolean(column.type)
    }
    ways = [None if r.direction is None else r.direction.value for r in records]
    found["direction"] = array(ways, pa.string())
    found |= conversion.pipelining([(r.kind, r.form) for r in records])
    lost = [r.kind is Kind.GARBAGE for r in records]
    if any(lost):
        raw = [r.raw.decode("utf-8", "surrogateescape") or None for r in records]
        text = array(raw, pa.string())
        others = found.get("text", repeated(None, len(records), pa.string()))
        found["text"] = pc.if_else(pa.array(lost), text, others)
    return found


def _stamp(record: LogRecord) -> str | None:
    if record.milliseconds is None:
        return record.stamp or None
    return f"{record.stamp}.{record.milliseconds:03}"
