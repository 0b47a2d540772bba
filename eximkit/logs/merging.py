"""Saved counts of several reports, added up as if their logs had been read at once.

A report that is to be merged holds its `Summary` whole, not only the lists made of it:
what is merged is exact, whatever `--top` the reports had.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eximkit.errors import InputError
from eximkit.logs.followed import Followed
from eximkit.logs.saved import as_data, summary_from_data
from eximkit.logs.sources import rotation_set
from eximkit.logs.stretches import Stretches
from eximkit.logs.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SUMMARY, WANTED = "summary", "wanted"


@dataclass(frozen=True, slots=True)
class Mergeable:
    """The counts of logs. sources: these by number. wanted: as for `scan`."""

    sources: tuple[str, ...]
    wanted: frozenset[str]
    summary: Summary


def mergeable_data(found: Mergeable) -> dict[str, Any]:
    """What a report holds so that it can be merged, beside its `paths`."""
    return {WANTED: sorted(found.wanted), SUMMARY: as_data(found.summary)}


def mergeable_from(data: object, sources: object) -> Mergeable:
    """The same, of data that anybody may have written. Raises InputError."""
    if not isinstance(data, dict) or not _texts(data.get(WANTED)):
        raise InputError(f"mergeable.{WANTED}: no list of texts")
    if not _texts(sources):
        raise InputError("log.paths: no list of texts")
    try:
        summary = summary_from_data(data.get(SUMMARY))
    except InputError as error:
        raise InputError(f"mergeable.{SUMMARY}.{error}") from None
    found = Mergeable(tuple(sources), frozenset(data[WANTED]), summary)  # type: ignore[arg-type]
    if any(not 0 <= number < len(found.sources) for number in _numbers(summary)):
        raise InputError(f"mergeable.{SUMMARY}: of more logs than log.paths has")
    return found


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def merged(reports: Sequence[tuple[str, Mergeable]]) -> Mergeable:
    """The counts of all reports, each with its name.

    Logs of one rotation set go on where others end, so that a message that was received
    in one and delivered in another is one message. Raises InputError for reports that
    did not count the same, and for the same report twice.
    """
    first_name, first = reports[0]
    for place, (name, report) in enumerate(reports):
        if report.wanted != first.wanted:
            raise InputError(
                f"{name}: was not counted as {first_name} was; only one of them has "
                f"{_listed(report.wanted ^ first.wanted)}"
            )
        for other, before in reports[:place]:
            if (before.sources, before.summary) == (report.sources, report.summary):
                raise InputError(f"{name}: says the same as {other}: is it a copy?")
    order = _in_order([report for _, report in reports])
    numbers = {place: number for number, place in enumerate(order)}
    groups: dict[str, int] = {}
    total = Summary()
    for part, (_, report) in enumerate(reports):
        places = {
            old: (
                numbers[part, old],
                groups.setdefault(rotation_set(path), len(groups)),
            )
            for old, path in enumerate(report.sources)
        }
        total.update(_renumbered(report.summary, places))
    sources = tuple(reports[part][1].sources[old] for part, old in order)
    return Mergeable(sources, first.wanted, total)


def _listed(wanted: Iterable[str]) -> str:
    return ", ".join(repr(each) for each in sorted(wanted))


def _in_order(reports: Sequence[Mergeable]) -> list[tuple[int, int]]:
    """All logs by report and number, those of one rotation set in the order of time."""
    sets: dict[str, int] = {}
    rows = []
    for part, report in enumerate(reports):
        begins: dict[int, str] = {}
        for piece in report.summary.stretches.pieces.values():
            first = piece.evidence.first or "~"
            begins[piece.source] = min(first, begins.get(piece.source, first))
        for old, path in enumerate(report.sources):
            group = sets.setdefault(rotation_set(path), len(sets))
            rows.append((group, begins.get(old, "~"), part, old))
    return [row[2:] for row in sorted(rows)]


def _renumbered(summary: Summary, places: Mapping[int, tuple[int, int]]) -> Summary:
    """The summary with other numbers of logs and of rotation sets."""
    stretches = Stretches()
    for piece in summary.stretches.pieces.values():
        source, group = places[piece.source]
        stretches.add(replace(piece, source=source, group=group))
    traffic = summary.traffic
    if traffic is not None:
        followed = Followed(lost=traffic.followed.lost)
        for span in traffic.followed.spans.values():
            followed.add(span._replace(source=places[span.source][0]))
        traffic = replace(traffic, followed=followed)
    return replace(summary, stretches=stretches, traffic=traffic)


def _numbers(summary: Summary) -> set[int]:
    numbers = {piece.source for piece in summary.stretches.pieces.values()}
    if summary.traffic is not None:
        numbers |= {span.source for span in summary.traffic.followed.spans.values()}
    return numbers
