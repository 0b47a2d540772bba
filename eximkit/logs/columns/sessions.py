"""The `sessions` table: what many events have in common, stored once.

A session here is a way in which messages went from or to a host: its address and
names, protocol, L field, TLS and so on, all as logged. It is no single connection: the
log does not tell these apart, except by `port` and `connection_id`, which events keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from eximkit.logs.columns.schema import FLAG, SESSIONS, arrow_schema
from eximkit.logs.columns.values import repeated

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 100_000
"""So many sessions are remembered. Where there are more, they are begun anew, and the
same session may get another number later."""

_BEHIND = ("session", "events")
_NAMES = [column.name for column in SESSIONS if column.name not in _BEHIND]
# What follows from the L field and X= tells no sessions apart.
_DERIVED = (
    "pipelining_offered", "pipelining_used", "early_offered", "early_used",
    "tls_version", "tls_cipher", "tls_resumed",
)  # fmt: skip
_KEYS = [c for c in SESSIONS if c.name not in (*_BEHIND, *_DERIVED)]
_BETWEEN = "\n"
"""Between the parts of a key: in no line is there a line end."""


class Sessions:
    """Numbers sessions as they come; `write` takes in rows that are complete."""

    def __init__(self, write: Callable[[pa.Table], None]) -> None:
        self._write = write
        self._numbers: dict[str, int] = {}
        self._first = 0
        self._events: list[int] = []
        self._rows: list[pa.Table] = []

    @property
    def total(self) -> int:
        """How many rows there are so far."""
        return self._first + len(self._events)

    def number(self, events: pa.Table) -> pa.Array:
        """The session of each event, null for those that have none."""
        there = pc.is_valid(events["direction"])
        places = pc.indices_nonzero(there)
        if not len(places):
            return repeated(None, events.num_rows, pa.int64())
        coded = _keys(events, places).dictionary_encode()
        keys = coded.dictionary.to_pylist()
        new = [code for code, key in enumerate(keys) if key not in self._numbers]
        self._numbers.update((keys[code], self.total + n) for n, code in enumerate(new))
        self._events += [0] * len(new)
        numbers = [self._numbers[key] for key in keys]
        # Values are counted in the order in which they come first: that of the codes.
        often = coded.indices.value_counts().field("counts").to_pylist()
        for number, count in zip(numbers, often, strict=True):
            self._events[number - self._first] += count
        if new:
            rows = pc.index_in(pa.array(new, pa.int32()), coded.indices)
            self._rows.append(events.select(_NAMES).take(places.take(rows)))
        found = pa.array(numbers, pa.int64()).take(coded.indices)
        numbered = pc.replace_with_mask(
            repeated(None, events.num_rows, pa.int64()), there.combine_chunks(), found
        )
        if len(self._events) > LIMIT:
            self.flush()
        return numbered

    def flush(self) -> None:
        """Write what is remembered, and forget it."""
        schema = arrow_schema(SESSIONS)
        if not self._rows:
            self._write(schema.empty_table())
            return
        rows = pa.concat_tables(self._rows)
        columns = {name: rows[name] for name in _NAMES}
        columns["session"] = pa.array(range(self._first, self.total), pa.int64())
        columns["events"] = pa.array(self._events, pa.int64())
        self._write(pa.table([columns[c.name] for c in SESSIONS], schema=schema))
        self._first = self.total
        self._numbers, self._events, self._rows = {}, [], []


def _keys(events: pa.Table, places: pa.Array) -> pa.Array:
    """One text for each of some rows, the same for those of one session."""
    parts = []
    for column in _KEYS:
        flag = column.type == FLAG
        values = events[column.name].combine_chunks()
        if values.null_count == len(values) or (flag and not pc.any(values).as_py()):
            parts.append("")
            continue
        values = values.take(places)
        parts.append(pc.if_else(values, "1", "") if flag else values)
    return pc.binary_join_element_wise(
        *parts, _BETWEEN, null_handling="replace", null_replacement=""
    )
