"""Whether the `pipelining` log selector was on, judged stretch by stretch.

The log does not say. Between two starts of the daemon the selector does not change, so
the lines of that time are looked at together. Exim specification, chapter "Log files",
section "Reducing or increasing what is logged".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ENOUGH_ARRIVALS = 20
"""So many ESMTP arrivals without any L say that the selector is off: PIPELINING is
offered to everybody unless somebody says otherwise ..."""
ENOUGH_HOSTS = 3
"""... where they come from so many hosts."""


class Selector(StrEnum):
    """Whether L fields are logged."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the lines of a piece of log say of the selector.

    first, last: days or hours. marked: lines with an L field; offered: those of them
    with `.` or `*`. unmarked: ESMTP arrivals from hosts without one. hosts: some of the
    hosts of unmarked arrivals, the first ENOUGH_HOSTS in the order of their octets.
    version: of the daemon that began the piece, "" where no start was seen.
    """

    first: str = ""
    last: str = ""
    marked: int = 0
    offered: int = 0
    unmarked: int = 0
    hosts: tuple[bytes, ...] = ()
    version: str = ""

    def __add__(self, other: Evidence) -> Evidence:
        """The evidence of two pieces; the earlier one is to the left."""
        hours = sorted(h for h in (self.first, self.last, other.first, other.last) if h)
        return Evidence(
            hours[0] if hours else "",
            hours[-1] if hours else "",
            self.marked + other.marked,
            self.offered + other.offered,
            self.unmarked + other.unmarked,
            tuple(sorted({*self.hosts, *other.hosts})[:ENOUGH_HOSTS]),
            self.version or other.version,
        )

    @property
    def selector(self) -> Selector:
        if self.marked:
            return Selector.ON
        if self.unmarked >= ENOUGH_ARRIVALS and len(self.hosts) >= ENOUGH_HOSTS:
            return Selector.OFF
        return Selector.UNKNOWN


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of one log, [start, end) in octets of its text.

    started: the daemon's start is its first line. group: the same for logs that go on
    where others end, as those of a rotation set do.
    """

    source: int
    start: int
    end: int
    started: bool
    evidence: Evidence
    group: int = 0


@dataclass(slots=True)
class Stretches:
    """The pieces of all logs. Neighbours are joined; a start of the daemon parts."""

    pieces: dict[tuple[int, int], Piece] = field(default_factory=dict)
    """By source and start."""

    def add(self, piece: Piece) -> None:
        """Take in a piece that overlaps none of those that are there."""
        self.pieces[piece.source, piece.start] = piece

    def update(self, other: Stretches) -> None:
        """Take in all pieces of another part of the log."""
        self.pieces.update(other.pieces)
        joined: dict[tuple[int, int], Piece] = {}
        before: Piece | None = None
        for key in sorted(self.pieces):
            piece = self.pieces[key]
            if before is not None and follows(before, piece):
                evidence = before.evidence + piece.evidence
                piece = replace(before, end=piece.end, evidence=evidence)
            joined[piece.source, piece.start] = before = piece
        self.pieces = joined

    def by_day(self) -> Stretches:
        """The same without hours."""
        return Stretches(
            {
                key: replace(
                    piece,
                    evidence=replace(
                        piece.evidence,
                        first=piece.evidence.first[:10],
                        last=piece.evidence.last[:10],
                    ),
                )
                for key, piece in self.pieces.items()
            }
        )

    def __iter__(self) -> Iterator[Piece]:
        """The stretches, in the order of the log: no gap within one parts it."""
        whole: Piece | None = None
        for key in sorted(self.pieces):
            piece = self.pieces[key]
            if whole is None or piece.started or piece.group != whole.group:
                if whole is not None:
                    yield whole
                whole = piece
            else:
                evidence = whole.evidence + piece.evidence
                whole = replace(whole, end=piece.end, evidence=evidence)
        if whole is not None:
            yield whole


def follows(before: Piece, piece: Piece) -> bool:
    """Whether a piece goes on where one ends, without a start of the daemon."""
    return (
        not piece.started
        and before.source == piece.source
        and before.end == piece.start
    )
