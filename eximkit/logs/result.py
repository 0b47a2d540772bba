"""What the counts of a log mean: the report that all outputs are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs import roundtrips
from eximkit.logs.stretches import Selector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.logs.grouping import Tally
    from eximkit.logs.merging import Mergeable
    from eximkit.logs.roundtrips import Trips
    from eximkit.logs.stretches import Evidence
    from eximkit.logs.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Messages:
    """What became of messages. octets: of those received (S=)."""

    arrivals: int
    arrivals_smtp: int
    arrivals_null_sender: int
    octets: int
    deliveries: int
    deliveries_remote: int
    deferrals: int
    failures: int
    completed: int
    frozen: int
    rejects: int
    sync_errors: Mapping[str, int]

    @property
    def arrivals_local(self) -> int:
        return self.arrivals - self.arrivals_smtp

    @property
    def deliveries_local(self) -> int:
        return self.deliveries - self.deliveries_remote


@dataclass(frozen=True, slots=True)
class Period:
    """From the first to the last day with something in it, "" for never."""

    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Pipelining:
    """How PIPELINING and early pipelining were used.

    inbound, outbound: lines by L form, `none` included. selector: whether the log
    records it. stretches: between starts of the daemon, neighbours that agree joined.
    total: the counts that shares are made of. early_in, early_out: when early
    pipelining was seen.
    """

    inbound: Mapping[str, int]
    outbound: Mapping[str, int]
    selector: Selector
    stretches: tuple[Evidence, ...]
    total: Tally
    early_in: Period
    early_out: Period

    @property
    def mixed(self) -> bool:
        """Whether the log records it for a part of the time only."""
        found = {stretch.selector for stretch in self.stretches}
        return {Selector.ON, Selector.OFF} <= found


class HostRow(NamedTuple):
    """A host: its address, its lines, and these by L form."""

    address: str
    total: int
    forms: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts of one direction.

    seen: how many there were; at least so many where `left_out` lines are of others.
    top: the busiest ones. offered: those that could have been early, as far as the log
    tells. early: those of them that were. refusing: the busiest of those that never
    were. refused: the lines of all these together.
    """

    seen: int
    left_out: int
    top: tuple[HostRow, ...]
    offered: int
    early: int
    refusing: tuple[HostRow, ...]
    refused: int


@dataclass(frozen=True, slots=True)
class Connections:
    """Inbound connections that brought messages; `exact` unless there were too many."""

    total: int
    early: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """Round trips saved. counted: what one of them stands for."""

    rows: tuple[Trips, ...]
    counted: str

    @property
    def total(self) -> Trips:
        return roundtrips.total(self.rows)


@dataclass(frozen=True, slots=True)
class LogReport:
    """A log, understood.

    sources: the files. octets, lines, garbage, unparsed: as in `Summary`. days, months,
    hours_of_day: by their names; the last where hours were asked for. groups: what was
    asked for, by dimension and key.
    hours: by the hour, where few were counted.
    volume: hosts by the octets they sent, and traffic: what eximstats tells, where
    these were asked for. problems: what could not be read, or only in part. notes: what
    else to say about the reading.
    """

    sources: tuple[str, ...]
    octets: int
    lines: int
    garbage: int
    unparsed: int
    messages: Messages
    pipelining: Pipelining
    hosts: Mapping[str, Hosts]
    connections: Connections | None
    round_trips: Mapping[str, Saved]
    days: Mapping[str, Tally]
    months: Mapping[str, Tally]
    hours_of_day: Mapping[str, Tally]
    groups: Mapping[str, Mapping[str, Tally]]
    hours: Mapping[str, Tally] = field(default_factory=dict)
    volume: tuple[tuple[str, int], ...] = ()
    traffic: Traffic | None = None
    mergeable: Mergeable | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def span(self) -> Period:
        days = [day for day in self.days if day]
        return Period(days[0], days[-1]) if days else Period()
