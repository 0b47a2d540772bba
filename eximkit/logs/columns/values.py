"""Columns of text turned into columns of what the text means.

What is to be done for each value is done once for each different one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STAMP = pa.timestamp("us")


def texts(column: pa.Array) -> pa.Array:
    r"""A column of octets as text; octets that are not UTF-8 become `\xNN`."""
    column = _text_if_utf8(column)
    if pa.types.is_string(column.type):
        return column
    return mapped(column, lambda value: value, pa.string())


def _text_if_utf8(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return column


def mapped(
    column: pa.Array, convert: Callable[[str], Any], kind: pa.DataType
) -> pa.Array:
    """What a function makes of each value; null stays null."""
    coded = _text_if_utf8(column).dictionary_encode()
    values = coded.dictionary.to_pylist()
    if pa.types.is_binary(coded.dictionary.type):
        values = [value.decode("utf-8", "surrogateescape") for value in values]
    return array([convert(value) for value in values], kind).take(coded.indices)


def mapped_in_part(
    column: pa.Array,
    odd: str,
    convert: Callable[[str], Any],
    usual: Callable[[pa.Array], pa.Array],
    kind: pa.DataType,
) -> pa.Array:
    """What `mapped` gives, where most values need no function of Python.

    odd: a regular expression of RE2 that is in all values which do need it. usual:
    makes the same of the others, of a column of text in which those are null.
    """
    some = pc.fill_null(pc.match_substring_regex(column, odd), fill_value=False)
    values = mapped(column.filter(some), convert, kind)
    if not len(values):
        return usual(texts(column))
    others = usual(texts(pc.if_else(some, pa.scalar(None, column.type), column)))
    places = pc.add(pc.cumulative_sum(some.cast(pa.int64())), len(column) - 1)
    order = pc.if_else(some, places, counted(len(column)))
    return pa.concat_arrays([others, values]).take(order)


def array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    r"""Values of Python as a column; surrogate escapes become `\xNN`."""
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([_plain(value) for value in values], kind)


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any column
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode(
            "utf-8", "backslashreplace"
        )
    return value if value is None else [_plain(part) for part in value]


def one_value(text: bytes) -> pa.Array:
    """A column of octets with this one value, which is not copied."""
    ends = pa.array([0, len(text)], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.binary(), 1, [None, ends, pa.py_buffer(text)])


def is_utf8(text: bytes) -> bool:
    """Whether text is UTF-8."""
    return bool(pa.types.is_string(_text_if_utf8(one_value(text)).type))


def times(stamps: pa.Array) -> pa.Array:
    """Stamps as times; null for those that name no time, such as a 30th of February."""
    try:
        return stamps.cast(_STAMP)
    except pa.ArrowInvalid:
        return mapped(stamps, _time, _STAMP)


def _time(stamp: str) -> Any:  # noqa: ANN401 - an Arrow scalar's value
    try:
        return pa.scalar(stamp).cast(_STAMP).as_py()
    except pa.ArrowInvalid:
        return None


def utc(stamps: pa.Array, zones: pa.Array) -> pa.Array:
    """The same times in UTC, where the zone is known."""
    kind = pa.timestamp("us", "UTC")
    if zones.null_count == len(zones):
        return repeated(None, len(zones), kind)
    offsets = mapped(zones, _offset, pa.duration("us"))
    return pc.subtract(stamps, offsets).cast(pa.int64()).cast(kind)


def _offset(zone: str) -> int:
    seconds = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
    return (-seconds if zone[0] == "-" else seconds) * 1_000_000


def counted(number: int) -> pa.Array:
    """The numbers from 0 on, so many of them."""
    return pc.add(pc.cumulative_sum(repeated(1, number, pa.int64())), -1)


def repeated(value: Any, number: int, kind: pa.DataType) -> pa.Array:  # noqa: ANN401
    """A column of one value. Many are asked for: they are parts of one in memory."""
    length = 1 << (number - 1).bit_length() if number else 1
    return _repeated(value, length, kind)[:number]


@lru_cache(maxsize=64)
def _repeated(value: Any, number: int, kind: pa.DataType) -> pa.Array:  # noqa: ANN401
    if value is None:
        return pa.nulls(number, kind)
    return pa.repeat(pa.scalar(value, kind), number)
