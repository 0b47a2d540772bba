"""Lines sorted by what is behind their message id, before any expression sees them.

An expression for one sort of line has few fields and nothing to try in vain.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from eximkit.logs import syntax
from eximkit.logs.columns.shapes import BEGIN, groups
from eximkit.logs.columns.values import one_value, repeated
from eximkit.logs.possessive import compiled

if TYPE_CHECKING:
    from eximkit.logs.columns.rewriting import Head
    from eximkit.logs.columns.shapes import Group

_SAMPLE = 500
_PLACES = 6
"""So many places of flags are looked at: ids of two lengths, process ids of several."""


class Sorted(NamedTuple):
    """Lines of one group. numbers: which they are of all, rising. text: with LFs."""

    group: Group
    numbers: pa.Array
    text: bytes


def split(text: bytes) -> pa.Array:
    """The lines of a text, without their LFs; the last may lack its own."""
    (lines,) = pc.split_pattern(one_value(text), b"\n")
    last = len(lines) - text.endswith(b"\n")
    return lines.values[:last]


def by_group(lines: pa.Array, head: Head) -> list[Sorted]:
    """Lines by the groups that there are."""
    *flagged, others = groups()
    found = repeated(None, len(lines), pa.int32())
    begins = pa.array([b for g in flagged for b in g.begins], pa.binary())
    for place in _places(lines[:_SAMPLE], head):
        found = pc.coalesce(
            found, pc.index_in(pc.binary_slice(lines, place, place + BEGIN), begins)
        )
    parts = []
    first = 0
    for group in flagged:
        last = first + len(group.begins)
        inside = pc.and_(pc.greater_equal(found, first), pc.less(found, last))
        parts.append((group, inside))
        first = last
    parts.append((others, pc.is_null(found)))
    return [
        Sorted(group, numbers, _text(lines.take(numbers)))
        for group, inside in parts
        if len(numbers := pc.indices_nonzero(inside))
    ]


def _text(lines: pa.Array) -> bytes:
    """Lines, each with its LF."""
    one = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    (text,) = pc.binary_join(one, b"\n")
    return b"".join((text.as_buffer(), b"\n"))


def _places(sample: pa.Array, head: Head) -> list[int]:
    """Where in a line flags stand, as far as some lines show, most often first."""
    pattern = _flagged(head.pattern)
    found = map(pattern.match, sample.to_pylist())
    often = Counter(place.end() for place in found if place is not None)
    return [place for place, _ in often.most_common(_PLACES)]


@cache
def _flagged(head: bytes) -> re.Pattern[bytes]:
    begins = b"|".join(re.escape(b) for group in groups() for b in group.begins)
    return compiled(head + syntax.MESSAGE_ID + b"(?=" + begins + b")")
