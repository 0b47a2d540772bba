"""Lines of known shapes read into columns of what their fields hold, as it is written.

They are rewritten in bulk (`rewriting.py`) and read as delimited text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow import csv

from eximkit.logs.columns import rewriting
from eximkit.logs.columns.schema import FLAG, LIST, RECORD, SECONDS, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.logs.columns.rewriting import Head, Layout
    from eximkit.logs.columns.shapes import Group, Shape
    from eximkit.logs.columns.sorting import Sorted

Columns = dict[str, pa.Array]

NUMBERS = {c.name for c in RECORD if c.type not in {TEXT, LIST, FLAG, SECONDS}}
"""The columns of whole numbers."""
FEW = 128
"""Where no more than one of so many lines has a field without a cell, these lines are
left to the complete grammar; where more have, all are read once more, and from then on
there are cells for their fields."""

_SEPARATED = csv.ParseOptions(
    delimiter=rewriting.SEPARATOR.decode(), quote_char=False, double_quote=False
)
_REST = "rest"


class Cells(NamedTuple):
    """The cells of lines of one shape, by field, the stamp and those not all empty.

    numbers: of the lines; null for one that is left to the complete grammar. met: the
    fields that there are, by number. without_cell: how many lines have a field that has
    no cell.
    """

    shape: Shape
    numbers: pa.Array
    columns: Columns
    met: Layout
    without_cell: int


class CellReader:
    """Reads lines of known shapes. It remembers which fields it has met: lines of one
    log have much in common.
    """

    def __init__(self) -> None:
        self._layouts: dict[tuple[Head, Group], Layout] = {}

    def read(
        self, lines: Sorted, head: Head, *, quoted: bool, readable: bool
    ) -> list[Cells]:
        """The cells of lines of one group; lines of no shape have none.

        quoted: as for `rewriting.expression`. readable: all of the text is UTF-8;
        otherwise text comes as octets.
        """
        text = pa.string() if readable else pa.binary()

        def read(layout: Layout) -> list[Cells]:
            expression = rewriting.expression(head, lines.group, layout, quoted=quoted)
            rows = expression.rows(lines.text)
            parts = [] if rows is None else _by_shape(lines, rows)
            return [_cells(*part, head, layout, text) for part in parts]

        key = head, lines.group
        layout = self._layouts.get(key, rewriting.smallest(head))
        found = read(layout)
        if sum(part.without_cell for part in found) * FEW > len(lines.numbers):
            found = read(rewriting.whole(*key))
            self._layouts[key] = layout.union(*(part.met for part in found))
        return found


def _by_shape(lines: Sorted, rows: bytes) -> Iterator[tuple[Shape, pa.Array, bytes]]:
    """The rows of each shape, and the numbers of their lines."""
    if not lines.group.marked:
        (shape,) = lines.group.shapes
        yield shape, lines.numbers, rows
        return
    several = rows.split(b"\n")
    several.pop()
    places: list[list[int]] = [[] for _ in range(128)]
    for place, row in enumerate(several):
        places[row[0]].append(place)
    for shape in lines.group.shapes:
        if found := places[shape.mark[0]]:
            # The mark and a separator are left out.
            some = b"\n".join([several[place][2:] for place in found])
            yield shape, lines.numbers.take(pa.array(found)), some


def _cells(
    shape: Shape, numbers: pa.Array, rows: bytes, head: Head, layout: Layout,
    text: pa.DataType,
) -> Cells:  # fmt: skip
    """The cells of rows of one shape. text: the type of columns of text."""
    fields = dict(enumerate((*head.fields, *shape.fields)))
    table = _table(rows, sorted(layout), fields, text)
    columns: Columns = {}
    met = set()
    for place, field in fields.items():
        if place in layout:
            column = table[str(place)].combine_chunks()
            if field == "stamp" or column.null_count < len(column):
                met.add(place)
                # Of several that are set the last counts.
                before = [columns[field]] if field in columns else []
                columns[field] = pc.coalesce(column, *before) if before else column
    rest = table[_REST].combine_chunks()
    without_cell = len(rest) - rest.null_count
    if columns["stamp"].null_count or without_cell:
        known = pc.and_(columns["stamp"].is_valid(), rest.is_null())
        numbers = pc.if_else(known, numbers, None)
    return Cells(shape, numbers, columns, frozenset(met), without_cell)


def _table(
    rows: bytes, layout: list[int], fields: dict[int, str], text: pa.DataType
) -> pa.Table:
    """The cells of rows, by their numbers, and the last one; none without a field."""
    return csv.read_csv(
        pa.BufferReader(rows),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=1 << 30,
            column_names=[*map(str, layout), _REST],
        ),
        parse_options=_SEPARATED,
        convert_options=csv.ConvertOptions(
            check_utf8=False, null_values=[""], strings_can_be_null=True,
            include_columns=[*(str(n) for n in layout if n in fields), _REST],
            column_types={
                _REST: text,
                **{
                    str(n): pa.int64() if name in NUMBERS else text
                    for n, name in fields.items()
                },
            },
        ),
    )  # fmt: skip
