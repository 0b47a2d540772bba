"""How much of what could be pipelined was: counts, and the shares they make.

A share is of what was possible, never of all lines. Arrivals greeted with HELO cannot
pipeline, further messages on an open connection cannot be early, and where the log does
not record pipelining nothing at all can be said. Exim specification, chapter "Log
files", the field L.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.logs.pipelining import INBOUND, OUTBOUND
from eximkit.logs.stretches import Selector
from eximkit.logs.tokens import extended

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.logs.stretches import Evidence
    from eximkit.logs.summary import Arrival, Delivery

NONE = "none"
"""What a line without an L field is counted under."""
IN_FORMS = tuple(INBOUND)
OUT_FORMS = tuple(OUTBOUND)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many. value: the quotient, None where there were none."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None


@dataclass(slots=True)
class Inbound:
    """Messages received over SMTP.

    asked: after EHLO, while pipelining was logged. granted: those of them that were
    offered PIPELINING. marked: all that were. used: those that used it. offered: those
    that were offered early pipelining. early: those that used it.
    """

    asked: int = 0
    granted: int = 0
    marked: int = 0
    used: int = 0
    offered: int = 0
    early: int = 0

    def add(self, form: str, count: int, *, asked: bool) -> None:
        """Count messages of one form; of no form only where they are `asked`."""
        if asked:
            self.asked += count
            self.granted += count if form else 0
        if form:
            meaning = INBOUND[form]
            self.marked += count
            self.used += count * meaning.used
            self.offered += count * bool(meaning.early_offered)
            self.early += count * meaning.early_used

    def shares(self) -> dict[str, Share]:
        """By name: what was offered and used, of what could have been."""
        return {
            "offered": Share(self.granted, self.asked),
            "used": Share(self.used, self.marked),
            "early_offered": Share(self.offered, self.marked),
            "early": Share(self.early, self.offered),
        }


@dataclass(slots=True)
class Outbound:
    """Transactions with remote hosts: `->` is part of the one before.

    asked: while pipelining was logged. marked: those of them in which PIPELINING was
    used. fresh: those with PIPELINING that a connection began with. early: those of
    them that were early. continued: on a connection that was open already.
    """

    asked: int = 0
    marked: int = 0
    fresh: int = 0
    early: int = 0
    continued: int = 0

    def add(self, form: str, count: int, *, asked: bool, continued: bool) -> None:
        """Count transactions of one form."""
        if asked:
            self.asked += count
            self.marked += count if form else 0
        if continued:
            self.continued += count
        elif form:
            self.fresh += count
            self.early += count * OUTBOUND[form].early_used

    def shares(self) -> dict[str, Share]:
        """By name: what was used, of what could have been."""
        return {
            "used": Share(self.marked, self.asked),
            "early": Share(self.early, self.fresh),
        }


@dataclass(slots=True)
class Usage:
    """Both directions."""

    inbound: Inbound = field(default_factory=Inbound)
    outbound: Outbound = field(default_factory=Outbound)


class Recorded:
    """The hours, or days, in which the log records pipelining."""

    def __init__(self, stretches: Iterable[Evidence]) -> None:
        each = [piece for piece in stretches if piece.first]
        self._on = _merged(p for p in each if p.selector is Selector.ON)
        self._off = _merged(p for p in each if p.selector is Selector.OFF)

    def __contains__(self, hour: str) -> bool:
        """Not an hour in which the selector was changed, or differs between logs."""
        if len(hour) == len("YYYY-MM"):
            # What `ageing` makes of days: judged by the first of them.
            hour += "-01"
        return _within(hour, self._on) and not _within(hour, self._off)


def asked(arrival: Arrival, recorded: Recorded) -> bool:
    """Whether a client could have been offered PIPELINING, and we would know."""
    if not arrival.over_smtp or arrival.hour not in recorded:
        return False
    return bool(arrival.form) or extended(arrival.protocol)


def is_transaction(delivery: Delivery) -> bool:
    """Whether a delivery is the first of its transaction with a remote host."""
    return delivery.remote and delivery.flag != "->"


_Spans = list[tuple[str, str]]


def _merged(pieces: Iterable[Evidence]) -> _Spans:
    spans: _Spans = []
    for first, last in sorted((piece.first, piece.last) for piece in pieces):
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return spans


def _within(hour: str, spans: _Spans) -> bool:
    at = bisect_right(spans, (hour, "~")) - 1
    return at >= 0 and hour <= spans[at][1]
