"""Log text to columns, one row for each line.

Usual lines are rewritten in bulk (`shapes.py`) and read as delimited text; all others
go through the complete grammar. Both give the same columns, and rows keep the order of
the lines.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from eximkit.logs import fields
from eximkit.logs.columns import shapes
from eximkit.logs.columns.cells import NUMBERS, by_mark, is_utf8, read_cells
from eximkit.logs.columns.schema import (
    FLAG,
    PIPELINING,
    RECORD,
    TEXT,
    Column,
    arrow_type,
)
from eximkit.logs.columns.values import (
    array,
    mapped,
    repeated,
    texts,
    times,
    utc,
)
from eximkit.logs.line import parse_line
from eximkit.logs.pipelining import INBOUND, OUTBOUND, Form
from eximkit.logs.possessive import compiled
from eximkit.logs.record import ARRIVALS, DELIVERIES, Direction, Kind, LogRecord
from eximkit.logs.syntax import ISO_TIME, SYSLOG_TIME
from eximkit.logs.values import tls_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eximkit.logs.columns.shapes import Layout, Shape

Columns = dict[str, pa.Array]

_TYPES = {column.name: arrow_type(column.type) for column in RECORD}
_FLAGS = {c.name for c in RECORD if c.type == FLAG}
_DEFAULTS = LogRecord._field_defaults
_THROUGH_SYSLOG = compiled(rb"(?:" + SYSLOG_TIME + rb"|" + ISO_TIME + rb") ")
_STAMP, _DIRECTION, _MEANING = "stamp", "direction", "pipelining"
_OF_FORM = ("pipelining_offered", "pipelining_used", "early_offered", "early_used")
_OWN = (
    Column(_STAMP, TEXT, "", ""), Column(_DIRECTION, TEXT, "", ""), *RECORD,
    *(column for column in PIPELINING if column.name in _OF_FORM),
)  # fmt: skip
"""What lines are turned into first."""


class _Rows(NamedTuple):
    """Some of the lines: their numbers, and their columns; those left out are empty."""

    numbers: Sequence[int]
    columns: Columns


class Reader:
    """Turns log text into columns. It remembers which fields it has met: lines of one
    log have much in common.
    """

    def __init__(self) -> None:
        self._layout: Layout = tuple(() for _ in shapes.whole_layout())

    def entries(self, text: bytes, year: int | None = None) -> pa.Table:
        """A row for each of some whole lines, the last of which may lack its LF.

        The columns are those of `schema.EVENTS` but for `log`, `line` and `session`.
        year: of lines that carry none.
        """
        if not text.endswith(b"\n"):
            text += b"\n"
        whole = shapes.whole_layout()
        parts = _parts(text, year, self._layout, set())
        if parts is None:
            met: set[tuple[int, int]] = set()
            parts = _parts(text, year, whole, met)
            self._layout = tuple(
                tuple(p for p in places if p in self._layout[n] or (n, p) in met)
                for n, places in enumerate(whole)
            )
        return _table(parts or [])


def overlong() -> pa.Table:
    """The row of a line that is too long to be looked at."""
    return Reader().entries(b"\n")


def _table(parts: list[_Rows]) -> pa.Table:
    number = sum(len(part.numbers) for part in parts)
    order = _order(parts, number)
    found = {column.name: _whole(parts, order, column, number) for column in _OWN}
    found[_STAMP] = times(found[_STAMP])
    found["utc"] = utc(found[_STAMP], found["zone"])
    found |= _tls(found["tls"])
    return pa.table(found)


def _parts(
    text: bytes, year: int | None, layout: Layout, met: set[tuple[int, int]]
) -> list[_Rows] | None:
    """The lines of each shape; None where fields were met that have no cells.

    met: takes in the fields that were met, by class and place.
    """
    expression = shapes.expression(
        syslog=_THROUGH_SYSLOG.match(text) is not None,
        quoted=shapes.QUOTED_ORIGINAL in text,
        layout=layout,
    )
    rewritten = by_mark(text, expression)
    unknown, _ = rewritten.pop(shapes.UNKNOWN[0], ([], []))
    readable = text.isascii() or is_utf8(text)
    known = {**shapes.shapes()[0], **shapes.shapes()[1]}
    parts = []
    for mark, (numbers, lines) in rewritten.items():
        shape = known[bytes((mark,))]
        cells = shapes.cells(shape, layout)
        found = read_cells(lines, (*expression.head, *cells), readable=readable)
        if found is None:
            return None
        kind = shapes.class_of(shape)
        met |= {(kind, place) for place, name in enumerate(cells) if name in found}
        parts.append(_Rows(numbers, _usual(found, shape, len(lines))))
    if unknown:
        # Behind the mark there may be separators that are the line's own.
        lines = text.split(b"\n")
        records = [parse_line(lines[number], year) for number in unknown]
        parts.append(_Rows(unknown, _unusual(records)))
    return parts


def _usual(cells: Columns, shape: Shape, number: int) -> Columns:
    """The columns of lines of one shape."""
    found: Columns = {}
    for name, column in cells.items():
        _convert(found, name, column)
    _conclude(found, shape, number)
    return found


def _convert(found: Columns, name: str, column: pa.Array) -> None:
    """Put the text of a field into the columns that it is about."""
    if name in NUMBERS:
        found[name] = column.cast(_TYPES[name])
    elif name in _FLAGS:
        found[name] = pc.is_valid(column)
    elif name == "subject_raw":
        found["subject"] = mapped(column, _unescaped, pa.string())
    elif name == "authenticated":
        names = ("authenticator", "authenticated_id", "auth_sender")
        for place, part in enumerate(names):
            found[part] = mapped(
                column,
                partial(_authentication, place),
                pa.string(),
            )
    else:
        ((_, convert),) = fields.targets((name,))
        if convert is None:
            found[name] = texts(column)
        else:
            found[name] = mapped(
                column, lambda v: _known(name, convert(v)), _TYPES[name]
            )


def _conclude(found: Columns, shape: Shape, number: int) -> None:
    """Add what the fields of a shape say together."""
    flags = found.pop("flag", None)
    if flags is None:
        found["kind"] = repeated(shape.kinds[""].value, number, pa.string())
    else:
        found["kind"] = mapped(flags, lambda f: shape.kinds[f].value, pa.string())
    hosts = found.get("ip")
    if hosts is not None:
        there = pc.is_valid(hosts)
        if shape.remote:
            found["remote"] = there
        way = _way(shape.kinds.values())
        if way is not None:
            found[_DIRECTION] = pc.if_else(
                there, way.value, pa.scalar(None, pa.string())
            )
    if "form" in found:
        forms = _forms(next(iter(shape.kinds.values())))
        coded = found["form"].dictionary_encode()
        meanings = [forms[form] for form in coded.dictionary.to_pylist()]
        for name, values in _meanings(meanings).items():
            found[name] = pa.array(values, pa.bool_()).take(coded.indices)


def _unusual(records: list[LogRecord]) -> Columns:
    """The columns of lines that the complete grammar has read."""
    attributes = dict(zip(LogRecord._fields, zip(*records, strict=True), strict=True))
    attributes["subject"] = tuple(r.subject for r in records)
    found = {
        name: array([_known(name, value) for value in attributes[name]], kind)
        for name, kind in _TYPES.items()
        if any(value != _DEFAULTS.get(name) for value in attributes[name])
    }
    found[_STAMP] = array([_stamp(record) for record in records], pa.string())
    ways = [None if r.direction is None else r.direction.value for r in records]
    found[_DIRECTION] = array(ways, pa.string())
    meanings = [_forms(r.kind).get(r.form) for r in records]
    for name, values in _meanings(meanings).items():
        found[name] = pa.array(values, pa.bool_())
    lost = [r.kind is Kind.GARBAGE for r in records]
    if any(lost):
        raw = [r.raw.decode("utf-8", "surrogateescape") or None for r in records]
        text = array(raw, pa.string())
        others = found.get("text", repeated(None, len(records), pa.string()))
        found["text"] = pc.if_else(pa.array(lost), text, others)
    return found


def _known(name: str, value: Any) -> Any:  # noqa: ANN401 - of any column
    """None for what a record says in other ways is not there."""
    if value in ("", ()) and _DEFAULTS.get(name) is not None:
        return None
    return value


def _stamp(record: LogRecord) -> str | None:
    if record.milliseconds is None:
        return record.stamp or None
    return f"{record.stamp}.{record.milliseconds:03}"


def _way(kinds: Any) -> Direction | None:  # noqa: ANN401 - a view of a dictionary
    if ARRIVALS.issuperset(kinds):
        return Direction.IN
    return Direction.OUT if DELIVERIES.issuperset(kinds) else None


def _forms(kind: Kind) -> Mapping[str, Form]:
    if kind in ARRIVALS:
        return INBOUND
    return OUTBOUND if kind in DELIVERIES else {}


def _meanings(forms: Sequence[Form | None]) -> dict[str, list[bool | None]]:
    """What L fields say in parts, for `_OF_FORM`."""
    parts = [
        (None,) * 4
        if form is None
        else (form.offered, form.used, form.early_offered, form.early_used)
        for form in forms
    ]
    columns = zip(*parts, strict=True)
    return {name: list(column) for name, column in zip(_OF_FORM, columns, strict=True)}


def _tls(tls: pa.Array) -> Columns:
    """What X= says in parts."""
    number = len(tls)
    if tls.null_count == number:
        return {
            "tls_version": tls, "tls_cipher": tls,
            "tls_resumed": repeated(False, number, pa.bool_()),
        }  # fmt: skip
    coded = tls.dictionary_encode()
    values = coded.dictionary.to_pylist()

    def column(of: list[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(of, kind).take(coded.indices)

    ciphers = [v.partition(":")[2].removesuffix("*") or None for v in values]
    resumed = column([v.endswith("*") for v in values], pa.bool_())
    return {
        "tls_version": column([tls_version(v) for v in values], pa.string()),
        "tls_cipher": column(ciphers, pa.string()),
        "tls_resumed": pc.fill_null(resumed, fill_value=False),
    }


def _order(parts: list[_Rows], number: int) -> pa.Array:
    """Which row of the parts, one behind the other, each line is."""
    order = [0] * number
    for row, line in enumerate(chain.from_iterable(part.numbers for part in parts)):
        order[line] = row
    return pa.array(order, pa.int32())


def _whole(
    parts: list[_Rows], order: pa.Array, column: Column, number: int
) -> pa.Array:
    """A column of all lines, in their order."""
    kind = arrow_type(column.type)
    empty = False if column.type == FLAG and column.name not in _OF_FORM else None
    if not any(column.name in part.columns for part in parts):
        return repeated(empty, number, kind)
    pieces = [
        part.columns[column.name]
        if column.name in part.columns
        else repeated(empty, len(part.numbers), kind)
        for part in parts
    ]
    return pa.concat_arrays(pieces).take(order)


def _authentication(place: int, value: str) -> str | None:
    return fields.authentication(value)[place] or None


def _unescaped(subject: str) -> str:
    from eximkit.logs.values import unescaped

    return unescaped(subject)
