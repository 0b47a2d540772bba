"""The tables of `--by`: a line for each group, with the shares that matter there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs.grouping import DIMENSIONS, Tally
from eximkit.report.bars import bar, profile
from eximkit.report.logs_figures import INDENT, number, percent, shown, size, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from eximkit.logs.usage import Share
    from eximkit.report.logs_view import View

_WIDTH = 76
"""For the columns: the page without its indent, and a little air."""
_BAR = 10

_TITLES = {
    "day": "By day", "hour": "By hour", "host": "By host",
    "transport": "Deliveries by transport", "router": "Deliveries by router",
    "proto": "Received by protocol", "tls": "Over SMTP by TLS",
}  # fmt: skip


class _Column(NamedTuple):
    """A column, of one direction.

    weight: the lightest go first where there is no room. share: what a bar may show.
    """

    head: str
    direction: str
    weight: int
    cell: Callable[[Tally], str]
    share: Callable[[Tally], Share] | None = None


def _in(tally: Tally) -> Share:
    return tally.usage.inbound.shares()["early"]


def _out(tally: Tally) -> Share:
    return tally.usage.outbound.shares()["early"]


def _share(get: Callable[[Tally], Share]) -> Callable[[Tally], str]:
    return lambda tally: percent(get(tally).value)


_COLUMNS = (
    _Column("received", "in", 9, lambda t: number(t.arrivals)),
    _Column("size", "in", 3, lambda t: size(t.octets)),
    _Column(
        "used", "in", 4, _share(lambda t: t.usage.inbound.shares()["used"])
    ),
    _Column("early", "in", 8, _share(_in), _in),
    _Column("delivered", "out", 9, lambda t: number(t.deliveries)),
    _Column(
        "used", "out", 4, _share(lambda t: t.usage.outbound.shares()["used"])
    ),
    _Column("early", "out", 8, _share(_out), _out),
)  # fmt: skip
_ONLY = {"transport": "out", "router": "out", "proto": "in"}
"""What has one direction by its nature."""


def title(name: str) -> str:
    """The heading of the groups of a dimension."""
    return f"{_TITLES[name]} (used: PIPELINING, early: early pipelining)"


def lines(name: str, groups: Mapping[str, Tally], view: View) -> Iterator[str]:
    """A line for each group; the busiest ones where they have no order of their own."""
    ordered = list(groups.items())
    dimension = DIMENSIONS.get(name)
    kept = ordered
    if dimension is None or not dimension.chronological:
        kept = ordered[: view.top]
    rows = [(shown(key, 39, view), tally) for key, tally in kept]
    if not rows:
        return
    ways = (_ONLY[name],) if name in _ONLY else view.directions
    columns = [column for column in _COLUMNS if column.direction in ways]
    cells = _fitting(columns, rows)
    bars = [column for column in columns if column.share] if len(ways) == 1 else []
    body = [
        [
            key,
            *(cell[number_] for cell in cells.values()),
            *(bar(c.share(tally).value, _BAR, unicode=view.unicode)
              for c in bars if c.share),
        ]
        for number_, (key, tally) in enumerate(rows)
    ]  # fmt: skip
    heads = [name, *(column.head for column in cells), *("" for _ in bars)]
    yield from table(body, heads, "<" + ">" * len(cells) + "<" * len(bars))
    if len(kept) < len(ordered):
        yield f"  and {number(len(ordered) - len(kept))} more: --top shows them"


def hours_of_day(hours: Mapping[str, Tally], view: View) -> Iterator[str]:
    """How much of the mail came and went in each hour of the day."""
    names = [f"{hour:02}" for hour in range(24)]
    each = [hours.get(name, Tally()) for name in names]
    for word, counts in (
        ("received", [tally.arrivals for tally in each]),
        ("delivered", [tally.deliveries for tally in each]),
    ):
        if any(counts):
            doubled = [count for count in counts for _ in range(2)]
            drawn = profile(doubled, unicode=view.unicode)
            yield f"{INDENT}{word:<10} {drawn}".rstrip()
    scale = "".join(f"{name:<12}" for name in names[::6])
    yield f"{INDENT}{'':<10} {scale}".rstrip()


def _fitting(
    columns: list[_Column], rows: list[tuple[str, Tally]]
) -> dict[_Column, list[str]]:
    """The columns that there is room for, with their cells."""
    cells = {column: [column.cell(t) for _key, t in rows] for column in columns}
    widths = {
        column: 2 + max(len(column.head), *map(len, texts))
        for column, texts in cells.items()
    }
    room = _WIDTH - max(len(key) for key, _tally in rows)
    while sum(widths[column] for column in cells) > room and len(cells) > 1:
        del cells[min(cells, key=lambda column: column.weight)]
    return cells
