"""A row for each group and direction, as comma-separated values (RFC 4180).

Groups are days, or what `--by` asks for; where it asks for several, a last column says
which of them a row is of. What a direction does not have is 0 in its rows.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from eximkit.logs.usage import IN_FORMS, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.logs.grouping import Tally
    from eximkit.logs.result import LogReport
    from eximkit.report.logs_view import View

_FORMS = (NONE, *IN_FORMS)
COLUMNS = ("key", "direction", "arrivals", "deliveries", "bytes_received", *_FORMS)


def report(result: LogReport, view: View) -> Iterator[str]:
    """The header, and the rows."""
    tables = result.groups or {"day": result.days}
    several = len(tables) > 1
    yield _line((*COLUMNS, "by") if several else COLUMNS)
    for name, table in tables.items():
        for key, tally in table.items():
            for way in view.directions:
                row = _row(key, way, tally)
                yield _line((*row, name) if several else row)


def _row(key: str, way: str, tally: Tally) -> tuple[object, ...]:
    if way == "in":
        facts = (tally.arrivals, 0, tally.octets)
        forms = tally.inbound
    else:
        facts = (0, tally.deliveries, 0)
        forms = tally.outbound
    return (key, way, *facts, *(forms.get(form, 0) for form in _FORMS))


def _line(row: tuple[object, ...]) -> str:
    # RFC 4180 asks for CRLF; every tool takes LF, and most files of a server have it.
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    return out.getvalue()
