"""Numbers, shares and tables as a log report shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.report.bars import bar
from eximkit.source import display, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from eximkit.report.logs_view import View

INDENT = "  "
PAGE = 80
"""Columns that a report takes at most."""
_BAR, _LEAST_BAR = 20, 5
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def number(count: float) -> str:
    """With commas; a decimal only where it says something."""
    return f"{count:,.1f}" if 0 < count < 100 and count % 1 else f"{count:,.0f}"


def percent(share: float | None) -> str:
    """In hundredths, a dash where there is no share; 0 and 100 only if exactly so."""
    if share is None:
        return "-"
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", " %")
    return f"{min(max(share * 100, 0.1), 99.9):.1f} %"


def size(count: int) -> str:
    """Octets in decimal units, with three digits that count."""
    value = float(count)
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 99.95 or unit == "B" else (
        f"{value:.1f} {unit}"
    )  # fmt: skip


def table(
    rows: Iterable[Sequence[str]], heads: Sequence[str] = (), align: str = ""
) -> Iterator[str]:
    """Lines of columns, indented. align: `<` or `>` for each column (`<`: the last)."""
    from tabulate import tabulate

    each = [list(row) for row in rows]
    if not each:
        return
    if heads:
        # As headers they would make columns wider than their words.
        each.insert(0, list(heads))
    sides = ["left" if side == "<" else "right" for side in align]
    text = tabulate(
        each, tablefmt="plain", colalign=sides, disable_numparse=True,
        preserve_whitespace=True,
    )  # fmt: skip
    for line in text.split("\n"):
        yield f"{INDENT}{line}".rstrip()


def with_bars(
    rows: Sequence[Sequence[str]],
    shares: Sequence[float | None],
    align: str,
    view: View,
) -> Iterator[str]:
    """As `table`, each row with a bar of its share where there is room for bars."""
    columns = list(zip(*rows, strict=True))
    taken = sum(len(INDENT) + max(map(len, column)) for column in (*columns, [""]))
    width = min(_BAR, PAGE - taken)
    if width < _LEAST_BAR:
        yield from table(rows, align=align)
        return
    drawn = [bar(share, width, unicode=view.unicode) for share in shares]
    yield from table(
        [(*row, end) for row, end in zip(rows, drawn, strict=True)], align=f"{align}<"
    )


def shown(text: str, width: int, view: View) -> str:
    """Text of a log made safe for a terminal, cut in its middle to a width."""
    safe = display(octets(text))
    if len(safe) <= width:
        return safe
    dots = "…" if view.unicode else "..."
    left = (width - len(dots)) // 2
    return safe[:left] + dots + safe[len(safe) - (width - len(dots) - left) :]
