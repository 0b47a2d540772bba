"""Who said what, and at which half round trip: a scenario as text in 80 columns.

Times are round trips of the link since the SYN, each flight with when it leaves one
side and when it arrives at the other; on a link without a delay there are none.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eximkit.report.logs_figures import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.interop.result import ScenarioResult
    from eximkit.interop.sketch import Drawing, Row
    from eximkit.report.style import Style


def diagram(result: ScenarioResult, style: Style) -> Iterator[str]:
    """The drawings of a result, one below the other."""
    pair = result.pairing
    for drawing in result.drawings:
        title = f"{result.scenario}, {pair.client} to {pair.server}: {drawing.title}"
        yield style.paint("bold", title) + "\n"
        yield from (line + "\n" for line in _lines(drawing))
        yield "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    yield "  leaves   arrives" if drawing.rtt else "  who"
    for row in drawing.rows:
        when = _when(row, drawing.rtt)
        yield from textwrap.wrap(
            row.text, PAGE,
            initial_indent=when, subsequent_indent=" " * len(when),
            break_on_hyphens=False,
        )  # fmt: skip


def _when(row: Row, rtt: float) -> str:
    if not rtt:
        return "  client > " if row.up else "  server < "
    arrow = ">" if row.up else "<"
    return f"  {row.leaves / rtt:6.2f} {arrow} {row.arrives / rtt:6.2f}  "
