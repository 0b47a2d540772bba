"""How many round trips early pipelining saves, by what the log tells of a connection.

The rows are measurements with Exim 4.96 over a link of 100 ms, from the first SYN until
the first octet of the message leaves the client; each agrees with the number of round
trips that the protocols ask for. A message sent with BDAT saves as many as one sent
with DATA, and so does one with TCP fast open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Link:
    """A kind of connection, and the round trips until the message leaves.

    tls: the version, "" in clear. start: how TLS begins. saved: between PIPELINING and
    early pipelining, by the stopwatch. dialogue: the same counted in the SMTP dialogue
    alone, each trip one way being a half, as published for Exim; None where nothing is.
    """

    tls: str
    start: str
    content: str
    plain: int
    pipelined: int
    early: int
    dialogue: float | None = None

    @property
    def saved(self) -> int:
        return self.pipelined - self.early


STARTTLS, ON_CONNECT = "STARTTLS", "on connect"

LINKS = (
    Link("", "", "DATA", 6, 4, 2, 1.5),
    Link("", "", "BDAT", 5, 3, 1, 1.5),
    Link("TLS1.2", STARTTLS, "DATA", 10, 8, 5, 2.5),
    Link("TLS1.3", STARTTLS, "DATA", 9, 7, 4, 2.5),
    Link("TLS1.3", STARTTLS, "BDAT", 8, 6, 3, 2.5),
    Link("TLS1.2", ON_CONNECT, "DATA", 7, 5, 4),
    Link("TLS1.3", ON_CONNECT, "DATA", 7, 5, 3),
)
"""A login (AUTH PLAIN) costs a round trip more in each column and saves none."""

GREETING = 1
"""What a client saves that talks early and then waits for each reply (`L*-`): the
greeting. The rest of its commands take as many round trips as without PIPELINING."""


@dataclass(frozen=True, slots=True)
class Trips:
    """Round trips of the connections with one kind of TLS.

    connections: early ones. saved: by them, where TLS began with STARTTLS, as it does
    on port 25. at_least: where it began with the connection, which most logs do not
    tell apart. dialogue: `saved` as it is published. possible: what could be saved
    besides, if all others were early too, whether or not their peers allow it.
    """

    tls: str
    connections: float
    saved: float
    at_least: float
    dialogue: float
    possible: float


class Scale(NamedTuple):
    """Connections for each message that has an L field: of early ones, of others."""

    early: float = 1.0
    late: float = 1.0


def trips(tls: str, *, early: float, greeted: float, late: float) -> Trips:
    """The trips of some connections.

    tls: `TLS1.3` and the like, "" in clear. early: connections with both kinds of
    pipelining. greeted: those that talked early and did not pipeline. late: those that
    pipelined and were not early.
    """
    links = [link for link in LINKS if link.tls == _known(tls)]
    usual = links[0]
    least = min(link.saved for link in links)
    short = greeted * GREETING
    return Trips(
        tls,
        early + greeted,
        early * usual.saved + short,
        early * least + short,
        early * (usual.dialogue or 0) + short / 2,
        late * usual.saved,
    )


def total(rows: Iterable[Trips]) -> Trips:
    """The sum of rows, whatever their TLS."""
    each = list(rows)
    return Trips(
        "",
        sum(row.connections for row in each),
        sum(row.saved for row in each),
        sum(row.at_least for row in each),
        sum(row.dialogue for row in each),
        sum(row.possible for row in each),
    )


def by_tls(
    forms: Mapping[str, Mapping[str, int]], scale: Scale | None = None
) -> tuple[Trips, ...]:
    """The trips for each TLS version, from the counts of L forms in each.

    `L`, `L.` and `L*` pipelined; the `-` of the others says that they did not.
    """
    scale = scale or Scale()
    return tuple(
        trips(
            tls,
            early=counts.get("L*", 0) * scale.early,
            greeted=counts.get("L*-", 0) * scale.early,
            late=(counts.get("L", 0) + counts.get("L.", 0)) * scale.late,
        )
        for tls, counts in sorted(forms.items())
    )


def _known(tls: str) -> str:
    """The row to go by: versions before 1.2 shake hands as it does."""
    return tls if tls in {"", "TLS1.3"} else "TLS1.2"
