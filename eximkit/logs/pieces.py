r"""Long entries that syslog took in pieces, joined.

Exim cuts an entry for syslog at 870 octets and at each line end within it, and marks
the pieces `[3/7]`, or `[3\7]` where a line ended. Exim specification, chapter "Log
files", section "Logging to syslog".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs import syntax
from eximkit.logs.possessive import compiled

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

PENDING_LIMIT = 1000
"""How many entries may be incomplete at a time; the oldest is then let go as it is."""
ENTRY_LIMIT = 1 << 16
"""Of how many octets a joined entry may be; Exim's own are of 8 KiB at most."""
LINE_END = rb"\n"
"""What stands for a line end within an entry, as elsewhere in Exim's logs."""

_Key = tuple[bytes, bytes, int]


@cache
def _mark() -> re.Pattern[bytes]:
    return compiled(
        rb"(?:" + syntax.SYSLOG_TIME + rb"|" + syntax.ISO_TIME + rb")"
        rb" (?P<host>[^ \n]++) (?P<program>[^ \n\[\]:]++(?:\[\d++\])?+): "
        rb"(?P<mark>\[(?P<number>\d{1,6})(?P<kind>[/\\])(?P<total>\d{1,6})\] )"
    )  # fmt: skip


@dataclass(slots=True)
class _Entry:
    """The pieces so far. text: of the joined line. lines: as they came."""

    text: bytearray
    lines: list[bytes]
    kind: bytes


def join_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, with the pieces of each entry as one line, in the place of the last.

    lines: without their LF. Pieces belong together by host, program with its process,
    and total. Those of which others never come are given out as they came.
    """
    pending: dict[_Key, _Entry] = {}
    for line in lines:
        found = _mark().match(line) if b"] " in line[:200] else None
        if found is None:
            yield line
            continue
        number, total = int(found["number"]), int(found["total"])
        key = found["host"], found["program"], total
        entry = pending.pop(key, None)
        if entry is not None and (
            number != len(entry.lines) + 1 or len(entry.text) > ENTRY_LIMIT
        ):
            yield from entry.lines
            entry = None
        if entry is None:
            if number != 1 or total < 2:
                yield line
                continue
            entry = _Entry(bytearray(line[: found.start("mark")]), [], b"/")
        if entry.kind == b"\\":
            entry.text += LINE_END
        entry.text += line[found.end() :]
        entry.lines.append(line)
        entry.kind = found["kind"]
        if number == total:
            yield bytes(entry.text)
            continue
        if len(pending) >= PENDING_LIMIT:
            yield from pending.pop(next(iter(pending))).lines
        pending[key] = entry
    for entry in pending.values():
        yield from entry.lines
