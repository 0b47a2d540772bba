"""Texts that would like to be more than text, and a report with them everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit.logs.traffic import (
    DESTINATIONS,
    SOURCES,
    Counted,
    Distribution,
    Histogram,
    League,
    LeagueRow,
    PatternCount,
    Reasons,
    Rejections,
    Relay,
    Relayed,
    Times,
    Totals,
    Traffic,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.logs.result import LogReport

HOSTILE = (
    "<script>window.taken = 1</script>",
    '"onload="window.taken = 1" x="',
    "'><img src=x onerror='window.taken = 1'>",
    "]]></style></title></svg><script>window.taken = 1</script>",
    "--><!-- <b>bold</b> &lt;i&gt; &amp; &#60;",
    "{{ 7 * 7 }} {% raw %} {# comment #}",
    "</bdi></td></table></main><h1>Other</h1>",
    "a\0b\x07c\x1b[31md\x7fe\r\nf\tg",
    "\u202egnp.exe \u200f\u2066\ufeff\u2028\u2029",
    "$\\frac{1}{2}$ $x_1$ _under_ `code` 2026-01-02",
    "javascript:window.taken=1 https://other.example/x.png url(//other.example)",
    "\udcff\udc80 no UTF-8",
    "ｆｕｌｌ　ｗｉｄｔｈ 日本語 עברית العربية",
    "long " * 400,
    "w" * 3000,
)


def with_traffic(report: LogReport, texts: Sequence[str]) -> LogReport:
    """The report with these texts wherever a log's own text is shown."""
    rows = tuple(LeagueRow(t, 9, 11, 1234567) for t in texts)
    league = League(rows, rows, len(rows) + 5, 3)
    reasons = Reasons(tuple(Counted(t, 4) for t in texts), 4 * len(texts), 99, 0)
    rejections = Rejections(reasons, reasons)
    times = Distribution((1, 60, 5400, 86400), (3, 0, 2, 1, 1), 99999.5)
    none = Distribution((1, 60), (0, 0, 0), 0.0)
    flow = Histogram(60, tuple(range(24)), tuple(range(24)))
    return replace(
        report,
        traffic=Traffic(
            received=Totals(messages=5),
            delivered=Totals(messages=5),
            histogram=flow,
            sources=dict.fromkeys(SOURCES, league),
            destinations=dict.fromkeys(DESTINATIONS, league),
            transports=rows,
            relayed=Relayed(tuple(Relay(t, t, t, t, 2) for t in texts), 9, 99, 0),
            errors=reasons,
            rejections=rejections,
            temporary_rejections=rejections,
            times=Times(times, times, times, dict.fromkeys(texts, times), times, none),
            patterns=tuple(PatternCount(t, 3, (1, 2)) for t in texts),
        ),
    )
