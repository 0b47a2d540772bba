"""Text rewritten as cells, and cells read into columns."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv

from eximkit.logs.columns import shapes
from eximkit.logs.columns.schema import FLAG, LIST, RECORD, SECONDS, TEXT
from eximkit.logs.columns.values import first_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.logs.columns.shapes import Expression

NUMBERS = {c.name for c in RECORD if c.type not in {TEXT, LIST, FLAG, SECONDS}}
"""The columns of whole numbers."""

_SEPARATED = csv.ParseOptions(
    delimiter=shapes.SEPARATOR.decode(), quote_char=False, double_quote=False
)


def by_mark(
    text: bytes, expression: Expression
) -> dict[int, tuple[list[int], list[bytes]]]:
    """The lines rewritten, and their numbers, by the mark of their shape."""
    from pcre2 import LibraryError  # type: ignore[import-untyped]

    try:
        rows = _compiled(expression.pattern).sub(expression.template, text).split(b"\n")
        rows.pop()
    except LibraryError:
        # A limit of the matcher. The complete grammar takes all.
        rows = [shapes.UNKNOWN] * text.count(b"\n")
    numbers: list[list[int]] = [[] for _ in range(128)]
    for number, row in enumerate(rows):
        numbers[row[0]].append(number)
    return {
        mark: (found, [rows[number] for number in found])
        for mark, found in enumerate(numbers)
        if found
    }


def read_cells(
    lines: list[bytes], names: Sequence[str | None], *, readable: bool
) -> dict[str, pa.Array] | None:
    """The cells of lines of one shape, by field, those left out that are all empty.

    None where there is something in the last cell, called "". readable: all of it is
    UTF-8; otherwise text comes as octets.
    """
    kind = pa.string() if readable else pa.binary()
    table = csv.read_csv(
        pa.BufferReader(b"\n".join(lines)),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=1 << 30,
            column_names=[str(n) for n in range(len(names) + 1)],
        ),
        parse_options=_SEPARATED,
        convert_options=csv.ConvertOptions(
            check_utf8=False, null_values=[""], strings_can_be_null=True,
            include_columns=[str(n) for n, s in enumerate(names, 1) if s is not None],
            column_types={
                str(n): pa.int64() if name in NUMBERS else kind
                for n, name in enumerate(names, 1)
            },
        ),
    )  # fmt: skip
    places: dict[str, list[pa.Array]] = {}
    here = (name for name in names if name is not None)
    for name, column in zip(here, table.itercolumns(), strict=True):
        # Of several that are set the last counts.
        places.setdefault(name, []).insert(0, column.combine_chunks())
    found: dict[str, pa.Array] = {}
    for name, columns in places.items():
        column = first_set(columns)
        if column is not None:
            found[name] = column
    return None if "" in found else found


def is_utf8(text: bytes) -> bool:
    """Whether text is UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@cache
def _compiled(pattern: bytes) -> Any:  # noqa: ANN401 - ships no types
    import pcre2

    try:
        return pcre2.compile(pattern)
    except pcre2.LibraryError:
        # Not every processor has a just-in-time compiler for it.
        return pcre2.compile(pattern, jit=False)
