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
from eximkit.logs.columns.values import array, is_utf8, repeated, times, utc
from eximkit.logs.line import parse_line
from eximkit.logs.possessive import compiled
from eximkit.logs.record import Kind, LogRecord
from eximkit.logs.syntax import ISO_TIME, SYSLOG_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.logs.columns.conversion import Columns

_TYPES = {column.name: arrow_type(column.type) for column in RECORD}
_DEFAULTS = LogRecord._field_defaults
_THROUGH_SYSLOG = compiled(rb"(?:" + SYSLOG_TIME + rb"|" + ISO_TIME + rb") ")
_OWN = (
    Column("direction", TEXT, "", ""), *RECORD,
    *(column for column in PIPELINING if column.name in conversion.OF_FORM),
)  # fmt: skip
"""What each line says by itself, besides its time."""
_NUMBERS = pa.uint64()


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
    ) -> pa.Table:
        """A row for each of some whole lines, the last of which may lack its LF.

        The columns are those of `schema.EVENTS` but for `log` and `session`. year: of
        lines that carry none. first: the number of the first line.
        """
        lines = split(text)
        usual = self._usual(text, lines)
        unknown = _missing(usual.numbers, len(lines))
        if not len(unknown):
            return _table([usual], first)
        octets = lines.take(unknown).to_pylist()
        records = [parse_line(line, year) for line in octets]
        return _table([usual, _Rows(unknown, _unusual(records))], first)

    def _usual(self, text: bytes, lines: pa.Array) -> _Rows:
        """The lines of known shapes."""
        head = SYSLOG if _THROUGH_SYSLOG.match(text) else PLAIN
        quoted = QUOTED_ORIGINAL in text
        readable = text.isascii() or is_utf8(text)
        parts = [
            _Rows(cells.numbers, conversion.concluded(cells.columns, cells.shape))
            for some in by_group(lines, head)
            for cells in self._cells.read(some, head, quoted=quoted, readable=readable)
        ]
        numbers = pa.chunked_array([part.numbers for part in parts], _NUMBERS)
        names = dict.fromkeys(name for part in parts for name in part.columns)
        written = {name: _joined(parts, name) for name in names}
        return _Rows(numbers.combine_chunks(), conversion.converted(written))


def overlong(line: int) -> pa.Table:
    """The row of a line that is too long to be looked at; line: its number."""
    return Reader().entries(b"\n", first=line)


def _missing(numbers: pa.Array, total: int) -> pa.Array:
    """The numbers below the total that are none of these."""
    if len(numbers) - numbers.null_count == total:
        return pa.nulls(0, _NUMBERS)
    every = pa.array(range(total), _NUMBERS)
    return every.filter(pc.invert(pc.is_in(every, numbers)))


def _joined(
    parts: Sequence[_Rows], name: str, kind: pa.DataType | None = None
) -> pa.Array:
    """A column of all parts, one behind the other."""
    kind = kind or next(p.columns[name].type for p in parts if name in p.columns)
    return pa.concat_arrays(
        part.columns.get(name, pa.nulls(len(part.numbers), kind)) for part in parts
    )


def _table(parts: list[_Rows], first: int) -> pa.Table:
    """The rows of all lines; first: the number of the first one."""
    numbers = pa.concat_arrays([part.numbers for part in parts])
    stamps = times(_joined(parts, "stamp", pa.string()))
    order = _by_day(numbers, stamps)
    found = {column.name: _whole(parts, order, column) for column in _OWN}
    found["line"] = pc.add(numbers.take(order).cast(pa.int64()), first)
    found["stamp"] = stamps.take(order)
    found["utc"] = utc(found["stamp"], found["zone"])
    found |= conversion.tls_parts(found["tls"])
    return pa.table(found)


def _by_day(numbers: pa.Array, stamps: pa.Array) -> pa.Array:
    """Which row each one is to be: by day, and by number within it."""
    order = pc.array_sort_indices(numbers)[: len(numbers) - numbers.null_count]
    days = stamps.cast(pa.date32()).take(order)
    if len(days.unique()) > 1:
        # It is a stable sort.
        order = order.take(pc.array_sort_indices(days))
    return order


def _whole(parts: list[_Rows], order: pa.Array, column: Column) -> pa.Array:
    """A column of all lines in an order."""
    kind = arrow_type(column.type)
    flag = column.type == FLAG and column.name not in conversion.OF_FORM
    if not any(column.name in part.columns for part in parts):
        return repeated(False if flag else None, len(order), kind)
    whole = _joined(parts, column.name, kind).take(order)
    return pc.fill_null(whole, fill_value=False) if flag else whole


def _unusual(records: Sequence[LogRecord]) -> Columns:
    """The columns of lines that the complete grammar has read."""
    attributes = dict(zip(LogRecord._fields, zip(*records, strict=True), strict=True))
    attributes["subject"] = tuple(r.subject for r in records)
    found = {
        name: array([conversion.known(name, value) for value in attributes[name]], kind)
        for name, kind in _TYPES.items()
        if any(value != _DEFAULTS.get(name) for value in attributes[name])
    }
    found["stamp"] = array([_stamp(record) for record in records], pa.string())
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
