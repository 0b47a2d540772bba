"""Lines of known shapes read into columns of what their fields hold, as it is written.

They are rewritten in bulk (`rewriting.py`) and read as delimited text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow import csv

from eximkit.logs.columns import rewriting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.logs.columns.rewriting import Head, Layout
    from eximkit.logs.columns.shapes import Group, Shape
    from eximkit.logs.columns.sorting import Sorted

FEW = 128
"""Where no more than one of so many lines has a field without a cell, these lines are
left to the complete grammar; where more have, all are read once more, and from then on
there are cells for their fields."""

_SEPARATED = csv.ParseOptions(
    delimiter=rewriting.SEPARATOR.decode(), quote_char=False, double_quote=False
)
_MARK, _REST = "mark", "rest"


class Cells(NamedTuple):
    """The cells of lines of one shape, by field, the stamp and those not all empty.

    numbers: of the lines; null for one that is left to the complete grammar. met: the
    fields that there are, by number. without_cell: how many lines have a field that has
    no cell.
    """

    shape: Shape
    numbers: pa.Array
    columns: dict[str, pa.Array]
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
            if rows is None:
                return []
            table = _table(rows, layout, text, marked=lines.group.marked)
            return [_cells(*part, head) for part in _by_shape(lines, table)]

        key = head, lines.group
        layout = self._layouts.get(key, rewriting.smallest(head))
        found = read(layout)
        if sum(part.without_cell for part in found) * FEW > len(lines.numbers):
            found = read(rewriting.whole(*key))
            self._layouts[key] = layout.union(*(part.met for part in found))
        return found


def _table(
    rows: bytes, layout: Layout, text: pa.DataType, *, marked: bool
) -> pa.RecordBatch:
    """The cells of rows, by the numbers of their fields, the mark and the last cell."""
    names = [*([_MARK] if marked else []), *map(str, sorted(layout)), _REST]
    table = csv.read_csv(
        pa.BufferReader(rows),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=1 << 30, column_names=names
        ),
        parse_options=_SEPARATED,
        convert_options=csv.ConvertOptions(
            check_utf8=False, null_values=[""], strings_can_be_null=True,
            column_types=dict.fromkeys(names, text),
        ),
    )  # fmt: skip
    (batch,) = table.combine_chunks().to_batches()
    return batch


def _by_shape(
    lines: Sorted, table: pa.RecordBatch
) -> Iterator[tuple[Shape, pa.Array, pa.RecordBatch]]:
    """The rows of each shape, and the numbers of their lines."""
    if not lines.group.marked:
        (shape,) = lines.group.shapes
        yield shape, lines.numbers, table
        return
    marks = table[_MARK].dictionary_encode()
    order = pc.array_sort_indices(marks.indices)
    numbers, table = lines.numbers.take(order), table.take(order)
    shapes = {shape.mark.decode(): shape for shape in lines.group.shapes}
    # Values are counted in the order in which they come first: that of the codes.
    counts = marks.indices.value_counts().field("counts").to_pylist()
    names = marks.dictionary.cast(pa.string()).to_pylist()
    start = 0
    for mark, count in zip(names, counts, strict=True):
        end = start + count
        if mark in shapes:
            yield shapes[mark], numbers[start:end], table[start:end]
        start = end


def _cells(shape: Shape, numbers: pa.Array, table: pa.RecordBatch, head: Head) -> Cells:
    """The cells of rows of one shape."""
    columns: dict[str, pa.Array] = {}
    met = set()
    for number, field in enumerate((*head.fields, *shape.fields)):
        if (place := table.schema.get_field_index(str(number))) >= 0:
            column = table[place]
            if field == "stamp" or column.null_count < len(column):
                met.add(number)
                # Of several that are set the last counts.
                before = [columns[field]] if field in columns else []
                columns[field] = pc.coalesce(column, *before) if before else column
    rest = table[_REST]
    without_cell = len(rest) - rest.null_count
    if columns["stamp"].null_count or without_cell:
        known = pc.and_(columns["stamp"].is_valid(), rest.is_null())
        numbers = pc.if_else(known, numbers, None)
    return Cells(shape, numbers, columns, frozenset(met), without_cell)
