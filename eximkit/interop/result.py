"""What a scenario has come to between a client and a server."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.interop.sketch import Drawing


class Verdict(Enum):
    """The outcome of a scenario."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Trips:
    """Round trips: medians without early mode and with it.

    counted: `stopwatch`, since the SYN on a packet link, or `dialogue`, one-way trips
    of SMTP alone, halved. expected: what theory has.
    """

    pipelining: float
    early: float
    counted: str
    expected: tuple[float, float]

    @property
    def saved(self) -> float:
        return self.pipelining - self.early


@dataclass(frozen=True, slots=True)
class Pairing:
    """Who is tried with whom, over what. rtt: seconds, 0 where nothing is delayed."""

    client: str
    server: str
    link: str
    rtt: float = 0.0


@dataclass(slots=True)
class ScenarioResult:
    """One scenario with one pairing.

    reason: why it failed or was skipped, None where it passed. trips: before the first
    octet of content, by stopwatch, where there is one, and by the dialogue. accepted:
    until the reply that accepts the message, by stopwatch, None without one. forms: L
    fields of the early messages in the logs of server and client. attempts: how many
    measurements it took; one that was disturbed is made again. notes: what else there
    is to say.
    """

    scenario: str
    pairing: Pairing
    fast_open: bool = False
    outcome: Verdict = Verdict.PASSED
    reason: str | None = None
    trips: list[Trips] = field(default_factory=list)
    accepted: Trips | None = None
    server_forms: list[str] = field(default_factory=list)
    client_forms: list[str] = field(default_factory=list)
    attempts: int = 1
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)

    @property
    def ran(self) -> bool:
        return self.outcome is not Verdict.SKIPPED


def skipped(scenario: str, pairing: Pairing, reason: str) -> ScenarioResult:
    """A scenario that could not be tried. reason: why."""
    return ScenarioResult(scenario, pairing, outcome=Verdict.SKIPPED, reason=reason)


def summary(results: Iterable[ScenarioResult]) -> dict[str, int]:
    """How many of each outcome."""
    counts = Counter(result.outcome.value for result in results)
    return {verdict.value: counts[verdict.value] for verdict in Verdict}
