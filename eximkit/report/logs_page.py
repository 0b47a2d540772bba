"""What a page on logs is made of, before it is HTML: sections, figures, tables.

Texts of logs and of users are plain `str` here, whatever is in them; how they are made
harmless is the template's business, in one place for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.report.logs_figures import number, percent, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eximkit.logs.grouping import Tally
    from eximkit.logs.usage import Share
    from eximkit.report.charts import Chart
    from eximkit.report.logs_periods import Timeline

MOST_ROWS = 100
"""Rows of a table at most, so that a page does not grow with its log."""
_LONGEST = 240
"""Characters of a text of the log that are shown."""
_OPEN_ROWS = 12
"""A table of more rows than these is folded up at first, beside a chart."""


@dataclass(frozen=True, slots=True)
class Cell:
    """text: as shown. value: the number exactly, where the text is not; "" for others.

    kind: `number`, `text` (of our own) or `log` (of the log, of anybody's making).
    bar: the share of a bar beside the text. colour: of the bar.
    """

    text: str
    value: str = ""
    kind: str = "number"
    bar: float | None = None
    colour: str = "early"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first of each says what the row is of.

    heads: of the columns. spans: heads of neighbours together, with how many these are,
    if there are such. total: a last row. more: how many rows are not shown.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    spans: tuple[tuple[str, int], ...] = ()
    total: tuple[Cell, ...] = ()
    more: int = 0

    def number(self, column: int) -> bool:
        """Whether a column holds numbers."""
        return bool(self.rows) and self.rows[0][column].kind == "number"


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, if there is one, and the same numbers as a table.

    name: its id. says: what it shows, in a sentence.
    """

    name: str
    title: str
    says: str
    tables: tuple[Table, ...]
    chart: Chart | None = None

    def opens(self, number: int) -> bool:
        """Whether a table is seen at once: short, or in place of a chart."""
        alone = self.chart is None and number == 0
        return alone or len(self.tables[number].rows) <= _OPEN_ROWS


@dataclass(frozen=True, slots=True)
class Section:
    """name: its id. lead: sentences before the figures."""

    name: str
    title: str
    lead: tuple[str, ...]
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that matters, with what it is and what is behind it."""

    name: str
    value: str
    detail: str
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """headline: the sentences to read if nothing else is read. warning: see to it."""

    title: str
    subject: str
    headline: tuple[str, ...]
    warning: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    sources: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    version: str


def label(text: str) -> Cell:
    """What a row is of, in our own words."""
    return Cell(text, kind="text")


def of_log(text: str) -> Cell:
    """Text of the log, cut in its middle where it is long."""
    return Cell(cut(text), kind="log")


def cut(text: str) -> str:
    """Text that is not longer than there is room for."""
    if len(text) <= _LONGEST:
        return text
    half = (_LONGEST - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def count(value: float, of: float | None = None, colour: str = "early") -> Cell:
    """A number of lines or trips. of: what a bar of full length stands for."""
    text = number(value)
    exact = str(round(value, 1)) if value % 1 else f"{value:.0f}"
    return Cell(
        text,
        "" if exact == text.replace(",", "") else exact,
        bar=value / of if of else None,
        colour=colour,
    )


def volume(octets: int, of: int | None = None, colour: str = "early") -> Cell:
    """Octets. of: what a bar of full length stands for."""
    return Cell(
        size(octets), str(octets), bar=octets / of if of else None, colour=colour
    )


def share(part: Share, colour: str = "") -> Cell:
    """A share, with a bar of a colour."""
    value = part.value
    if value is None:
        return Cell("-")
    return Cell(
        percent(value), f"{value:.6f}", bar=value if colour else None, colour=colour
    )


def bounded(
    rows: Iterable[tuple[Cell, ...]], most: int = MOST_ROWS
) -> tuple[tuple[tuple[Cell, ...], ...], int]:
    """The first rows, and how many are left."""
    each = tuple(rows)
    return each[:most], max(len(each) - most, 0)


def over_time(
    caption: str,
    times: Timeline,
    heads: Sequence[str],
    cells: Callable[[Tally], tuple[Cell, ...]],
    total: Tally,
    spans: Sequence[tuple[str, int]] = (),
) -> Table:
    """A row for each period, and one for all. cells: what a row shows of its tally."""
    rows = [(label(each.label), *cells(each.tally)) for each in times.stretches]
    if times.undated is not None:
        rows.append((label("no date"), *cells(times.undated)))
    return Table(
        f"{caption} by {times.unit}",
        (times.unit, *heads),
        tuple(rows),
        tuple(spans),
        (label("all"), *cells(total)),
    )


def words(parts: Sequence[str]) -> str:
    """Parts of a sentence: `a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
