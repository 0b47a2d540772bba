"""Round trips of a sequence: measured on its link, and held against theory.

By the stopwatch, from the SYN to the first octet of content and to the reply that
accepts it, within bounds; by the dialogue, to the letter.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from eximkit.interop import flights
from eximkit.interop.link import LinkKind
from eximkit.interop.peer import SUBJECT
from eximkit.interop.result import Trips

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eximkit.interop.conversation import Conversation
    from eximkit.interop.result import ScenarioResult

    Talks = Sequence[Conversation]

BELOW, ABOVE, SAVED = 0.1, 0.4, 0.2
"""Round trips that a measured value may be from theory: below, above, and a saving."""
_CPU = 0.04
"""Seconds that count as nothing: TLS takes 10 ms, at any distance."""


def untimed(plain: Talks, early: Talks) -> str:
    """What keeps conversations from being timed, "" for nothing."""
    seen = (flights.content_at(talk, SUBJECT) for talk in (*plain, *early))
    return "no content was seen on the link" if None in seen else ""


def measure(
    plain: Talks, early: Talks, table: Mapping[str, object], result: ScenarioResult
) -> list[str]:
    """Adds to a result what was measured; what of it is out of bounds.

    plain, early: conversations without early mode and with it, each with content.
    table: the scenario's, which says what to measure: `stopwatch`, `accepted` and
    `dialogue`, with what theory has of each.
    """
    rtt = result.pairing.rtt
    off: list[str] = []
    if result.pairing.link == LinkKind.PACKET.value:
        if "stopwatch" in table:
            trips = _stopwatch(plain, early, rtt, _left, table["stopwatch"])
            result.trips.append(trips)
            off += _off(trips, rtt, "")
        if "accepted" in table:
            trips = _stopwatch(plain, early, rtt, _accepted, table["accepted"])
            result.accepted = trips
            off += _off(trips, rtt, " until it is accepted")
    if rtt and "dialogue" in table:
        trips = _dialogue(plain, early, table["dialogue"])
        result.trips.append(trips)
        if (trips.pipelining, trips.early) != trips.expected:
            told = f"{trips.pipelining:g} and {trips.early:g} round trips"
            theory = "{:g} and {:g}".format(*trips.expected)
            off.append(f"a dialogue of {told} instead of {theory}")
    return off


def _left(talk: Conversation) -> float:
    return flights.content_at(talk, SUBJECT) or talk.began


def _accepted(talk: Conversation) -> float:
    # Without such a reply it would not have been delivered; then it is hidden by TLS.
    return flights.accepted_at(talk) or float("inf")


def _stopwatch(
    plain: Talks,
    early: Talks,
    rtt: float,
    until: Callable[[Conversation], float],
    theory: object,
) -> Trips:
    values = [
        median((until(talk) - talk.began) / rtt for talk in talks)
        for talks in (plain, early)
    ]
    return Trips(values[0], values[1], "stopwatch", pair(theory))


def _dialogue(plain: Talks, early: Talks, theory: object) -> Trips:
    halves = [
        median(flights.trips_before(talk, _left(talk)) / 2 for talk in talks)
        for talks in (plain, early)
    ]
    return Trips(halves[0], halves[1], "dialogue", pair(theory))


def pair(value: object) -> tuple[float, float]:
    """Two numbers of a scenario: without early mode, and with it. Raises TypeError."""
    if isinstance(value, list) and len(value) == 2:
        return float(value[0]), float(value[1])
    raise TypeError(f"two numbers are wanted, not {value!r}")


def _off(trips: Trips, rtt: float, until: str) -> list[str]:
    """What is out of bounds. rtt: seconds. until: of what, in words."""
    above = max(ABOVE, _CPU / rtt)
    faults = []
    for what, value, theory in (
        ("pipelining", trips.pipelining, trips.expected[0]),
        ("early", trips.early, trips.expected[1]),
    ):
        if not theory - BELOW <= value <= theory + above:
            faults.append(
                f"{what}: {value:.2f} round trips{until} instead of {theory:g}"
            )
    theory = trips.expected[0] - trips.expected[1]
    if abs(trips.saved - theory) > max(SAVED, _CPU / 2 / rtt):
        faults.append(
            f"{trips.saved:.2f} round trips saved{until} instead of {theory:g}"
        )
    return faults
