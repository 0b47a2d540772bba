"""Charts of a log report, drawn with matplotlib (the extra `report`).

Each is drawn twice, once as wide as a page and once for a phone, where its letters
would otherwise be too small to read. Lengths are CSS pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from eximkit.report import svg
from eximkit.report.svg import ink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes

_DPI = 72
"""Of matplotlib's SVG: its points are the page's pixels."""
_LETTERS = 12
_LINE = 18
_BAR = 0.8
"""Of the room for a bar, what it takes; its neighbours are told apart by the rest."""


class _Size(NamedTuple):
    """ticks: so many labels fit below. name: of the CSS class."""

    name: str
    width: int
    height: int
    left: int
    right: int
    ticks: int


_WIDE = _Size("wide", 800, 250, 48, 116, 9)
_NARROW = _Size("narrow", 310, 210, 40, 8, 4)


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one kind, None where there is none.

    colour: one of `svg.INKS`. end: the name at the end of a line, in a word or two.
    """

    name: str
    colour: str
    values: tuple[float | None, ...]
    end: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A bar that lies. parts: colours and lengths; end: what is written behind it."""

    label: str
    parts: tuple[tuple[str, float], ...]
    end: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing for pages and for phones, and the colours and words of its key."""

    wide: Markup
    narrow: Markup
    key: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Caption:
    """name: what the ids begin with. title, description: for who cannot see it."""

    name: str
    title: str
    description: str


def lines(caption: Caption, ticks: Sequence[str], series: Sequence[Series]) -> Chart:
    """Shares (0 to 1) over time, each line with its last value at its end."""

    def draw(size: _Size) -> Figure:
        figure, axes = _frame(size, ticks)
        found = [v for each in series for v in each.values if v is not None]
        steps = _scale(max(found, default=0) * 100, whole=False)
        _rise(axes, [step / 100 for step in steps], [f"{step:g} %" for step in steps])
        ends = []
        for each in series:
            values = [math.nan if v is None else v for v in each.values]
            axes.plot(
                range(len(values)), values, color=ink(each.colour), linewidth=2.5,
                clip_on=False, solid_capstyle="round",
            )  # fmt: skip
            _dots(axes, values, each.colour)
            last = next((v for v in reversed(values) if not math.isnan(v)), None)
            if last is not None:
                ends.append((last / (steps[-1] / 100), each))
        if size is _WIDE:
            _line_ends(axes, size, ends)
        return figure

    return _both(caption, draw, [(each.colour, each.name) for each in series])


def stacked(caption: Caption, ticks: Sequence[str], series: Sequence[Series]) -> Chart:
    """Counts as bars, one kind on top of the other; the first is lowest."""

    def draw(size: _Size) -> Figure:
        figure, axes = _frame(size._replace(right=_NARROW.right), ticks)
        base = [0.0] * len(ticks)
        for each in series:
            heights = [value or 0 for value in each.values]
            _bars(axes, base, heights, each.colour)
            base = [low + high for low, high in zip(base, heights, strict=True)]
        steps = _scale(max(base, default=0))
        _rise(axes, steps, [short(step) for step in steps])
        return figure

    return _both(caption, draw, [(each.colour, each.name) for each in series])


def panels(caption: Caption, ticks: Sequence[str], series: Sequence[Series]) -> Chart:
    """Counts as bars, a row of them for each kind, each with a scale of its own."""

    def draw(size: _Size) -> Figure:
        each_height = 92
        size = size._replace(
            right=_NARROW.right, height=each_height * len(series) + _LINE + 2
        )
        figure = _figure(size)
        for number, each in enumerate(series):
            top = number * each_height + _LINE
            last = number == len(series) - 1
            axes = _axes(figure, size, top, each_height - _LINE - 8)
            _ground(axes, size, ticks if last else [""] * len(ticks))
            values = [value or 0 for value in each.values]
            _bars(axes, [0.0] * len(values), values, each.colour)
            steps = _scale(max(values, default=0), most=2)
            _rise(axes, steps, [short(step) for step in steps])
            _write(axes, 0, 1, each.name, colour=each.colour, rise=7, weight="bold")
        return figure

    return _both(caption, draw)


def lying(
    caption: Caption, rows: Sequence[Row], key: Sequence[tuple[str, str]] = ()
) -> Chart:
    """Bars that lie, each with its label and with words at its end."""
    longest = max((sum(part for _, part in row.parts) for row in rows), default=0)
    ends = max((len(row.end) for row in rows), default=0) * _LETTERS * 0.6 + 8
    labels = max((len(row.label) for row in rows), default=0) * _LETTERS * 0.62 + 10

    def draw(size: _Size) -> Figure:
        beside = size is _WIDE
        each = 30 if beside else 42
        size = size._replace(
            height=each * len(rows) + 8, left=int(labels) if beside else 1,
            right=int(min(ends, size.width / 2)),
        )  # fmt: skip
        figure = _figure(size)
        axes = _axes(figure, size, 4, each * len(rows))
        axes.set_xlim(0, longest or 1)
        axes.set_ylim(len(rows), 0)
        axes.set_axis_off()
        for number, row in enumerate(rows):
            middle = number + (0.5 if beside else 0.72)
            half = 9 / each
            start = 0.0
            for colour, length in row.parts:
                if length:
                    box = _box(start, middle - half, start + length, middle + half)
                    _fill(axes, [box], colour)
                start += length
            axes.annotate(
                row.end, (start, middle), (6, 0), textcoords="offset points",
                va="center", color=ink("ink"), fontsize=_LETTERS, annotation_clip=False,
            )  # fmt: skip
            axes.annotate(
                _plain(row.label), (0, middle if beside else number + 0.28),
                (-8 if beside else 0, 0), textcoords="offset points",
                ha="right" if beside else "left", va="center", color=ink("ink"),
                fontsize=_LETTERS, annotation_clip=False,
            )  # fmt: skip
        return figure

    return _both(caption, draw, key)


def short(value: float) -> str:
    """A round number in few characters: 1,500, 20k, 1.5M."""
    for letter, unit in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= unit * (10 if letter == "k" else 1):
            return f"{value / unit:g}{letter}"
    return f"{value:,g}"


def _both(
    caption: Caption,
    draw: Callable[[_Size], Figure],
    key: Sequence[tuple[str, str]] = (),
) -> Chart:
    with svg.settings():
        wide, narrow = (
            svg.inline(
                draw(size), f"{caption.name}-{size.name[0]}", caption.title,
                caption.description, size.name,
            )
            for size in (_WIDE, _NARROW)
        )  # fmt: skip
    return Chart(wide, narrow, tuple(key))


def _figure(size: _Size) -> Figure:
    return Figure(figsize=(size.width / _DPI, size.height / _DPI), dpi=_DPI)


def _axes(figure: Figure, size: _Size, top: float, height: float) -> Axes:
    axes = figure.add_axes(
        (
            size.left / size.width,
            1 - (top + height) / size.height,
            (size.width - size.left - size.right) / size.width,
            height / size.height,
        )
    )
    axes.patch.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, labelcolor=ink("muted"), labelsize=_LETTERS - 1, pad=6)
    axes.set_axisbelow(True)
    return axes


def _frame(size: _Size, ticks: Sequence[str]) -> tuple[Figure, Axes]:
    figure = _figure(size)
    axes = _axes(figure, size, 12, size.height - 12 - 26)
    _ground(axes, size, ticks)
    return figure, axes


def _ground(axes: Axes, size: _Size, ticks: Sequence[str]) -> None:
    """The time axis: as many of the labels as there is room for, evenly."""
    axes.set_xlim(-0.5, max(len(ticks), 1) - 0.5)
    step = max(1, math.ceil(len(ticks) / size.ticks))
    at = [n for n in range(0, len(ticks), step) if ticks[n]]
    axes.set_xticks(at, [_plain(ticks[n]) for n in at])
    # A label at an edge stays within the drawing.
    for label, place in zip(axes.get_xticklabels(), at, strict=True):
        if len(ticks) > 2 * size.ticks and place > len(ticks) - step / 2:
            label.set_horizontalalignment("right")


def _rise(axes: Axes, steps: Sequence[float], labels: Sequence[str]) -> None:
    axes.set_ylim(0, steps[-1])
    axes.set_yticks(list(steps), list(labels))
    for step in steps:
        axes.axhline(
            step, color=ink("grid"), linewidth=1.5 if step == 0 else 1, zorder=0.5,
            clip_on=False,
        )  # fmt: skip


def _bars(
    axes: Axes, bases: Sequence[float], heights: Sequence[float], colour: str
) -> None:
    """Bars of one colour, as one path: a page with many of them stays small."""
    half = _BAR / 2 if len(bases) > 1 else 0.1
    boxes = [
        _box(n - half, base, n + half, base + height)
        for n, (base, height) in enumerate(zip(bases, heights, strict=True))
        if height
    ]
    _fill(axes, boxes, colour)


def _box(left: float, low: float, right: float, high: float) -> Path:
    corners = [(left, low), (left, high), (right, high), (right, low), (left, low)]
    return Path(corners, [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY])


def _fill(axes: Axes, boxes: Sequence[Path], colour: str) -> None:
    if boxes:
        path = Path.make_compound_path(*boxes)
        axes.add_patch(
            PathPatch(path, facecolor=ink(colour), edgecolor="none", clip_on=False)
        )


def _dots(axes: Axes, values: Sequence[float], colour: str) -> None:
    """Points where there are few, or where no line leads."""
    few = len(values) <= 31
    alone = [
        few
        or not any(
            0 <= n < len(values) and not math.isnan(values[n])
            for n in (number - 1, number + 1)
        )
        for number in range(len(values))
    ]
    at = [(n, v) for n, v in enumerate(values) if alone[n] and not math.isnan(v)]
    if at:
        axes.plot(
            [n for n, _ in at], [v for _, v in at], "o", color=ink(colour),
            markersize=6, markeredgewidth=0, clip_on=False,
        )  # fmt: skip


def _line_ends(axes: Axes, size: _Size, ends: Sequence[tuple[float, Series]]) -> None:
    """Names behind the ends of lines, moved apart where they would overlap."""
    room = _LINE / (size.height - 38)
    ranked = sorted(ends, key=lambda end: end[0])
    places: list[float] = []
    for height, _ in ranked:
        places.append(max(height, places[-1] + room) if places else height)
    limit = 1.0
    for number in reversed(range(len(places))):
        places[number] = min(places[number], limit)
        limit = places[number] - room
    for place, (_, each) in zip(places, ranked, strict=True):
        axes.annotate(
            each.end or each.name, (1, place), (10, 0), xycoords="axes fraction",
            textcoords="offset points", va="center", color=ink(each.colour),
            fontsize=_LETTERS, fontweight="bold", annotation_clip=False,
        )  # fmt: skip


def _write(
    axes: Axes, x: float, y: float, text: str, *, colour: str, rise: float, weight: str
) -> None:
    axes.annotate(
        _plain(text), (x, y), (0, rise), xycoords="axes fraction",
        textcoords="offset points", va="center", color=ink(colour),
        fontsize=_LETTERS, fontweight=weight, annotation_clip=False,
    )  # fmt: skip


def _scale(top: float, *, most: int = 4, whole: bool = True) -> list[float]:
    """Round numbers from 0 to `top` or just above it, at most `most` steps."""
    if top <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(top / most))
    step = next(n * power for n in (1, 2, 5, 10) if n * power * most >= top * 0.999999)
    if whole:
        step = max(step, 1.0)
    count = math.ceil(top / step - 1e-6)
    return [step * number for number in range(count + 1)]


def _plain(text: str) -> str:
    """Text that every font can draw: what is not ASCII is escaped."""
    return text.encode("ascii", "backslashreplace").decode()
