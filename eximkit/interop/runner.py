"""Many scenarios with many pairings: which are tried, in what order, and how often."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eximkit.errors import EximkitError, InteropError, SettingsError
from eximkit.interop.bench import Bench
from eximkit.interop.change import run_change
from eximkit.interop.exim_peer import find_exim, locate
from eximkit.interop.hostile import run_hostile
from eximkit.interop.link import LinkKind, packet_obstacle
from eximkit.interop.result import Pairing, ScenarioResult, Verdict, skipped
from eximkit.interop.scenario import PEERS, Kind, Scenario, scenarios
from eximkit.interop.sequence import run_sequence
from eximkit.interop.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

ATTEMPTS, LEAST = 3, 3
"""Measurements of one scenario before it counts as late; the later ones run alone, with
so many messages of each way at least, for a median that one of them does not spoil."""
LONGEST = 300.0
"""Seconds that one scenario with one pairing may take."""
SCRIPTED = "scripted"
"""The server of a scenario in which it is told what to say."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try. clients, servers: names of PEERS. link: None for what fits.

    with_peer: one of them at least is to be this one, "" for any. repeat: messages of
    each way of sending. jobs: scenarios at a time. exim: a path. needs_exim: it is an
    error, and no reason to leave something out, where no Exim is installed.
    """

    names: tuple[str, ...] = ()
    clients: tuple[str, ...] = PEERS
    servers: tuple[str, ...] = PEERS
    with_peer: str = ""
    link: LinkKind | None = None
    rtt: float = 0.1
    repeat: int = 5
    jobs: int = 6
    exim: str | None = None
    needs_exim: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario with a pairing. obstacle: why it cannot be tried, "" if it can."""

    scenario: Scenario
    pairing: Pairing
    obstacle: str = ""


def chosen(every: Sequence[Scenario], names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names, all for none. Raises SettingsError."""
    known = {scenario.name: scenario for scenario in every}
    for name in names:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise SettingsError(
                f"no scenario {name!r}{hint} (eximkit interop list shows all)"
            )
    return [known[name] for name in dict.fromkeys(names)] if names else list(every)


def cases(plan: Plan, every: Sequence[Scenario], bench: Bench) -> list[Case]:
    """Every scenario with every pairing that is asked for."""
    no_packets = packet_obstacle()
    return [
        case
        for scenario in chosen(every, plan.names)
        for case in _of_scenario(scenario, plan, bench, no_packets)
    ]


def _of_scenario(
    scenario: Scenario, plan: Plan, bench: Bench, no_packets: str
) -> Iterator[Case]:
    link, obstacle = _link(scenario, plan, no_packets)
    rtt = 0.0 if link is LinkKind.LOOPBACK else plan.rtt
    clients = plan.clients if scenario.kind is not Kind.HOSTILE else (SCRIPTED,)
    servers = plan.servers if scenario.kind is not Kind.CHANGE else (SCRIPTED,)
    for client in clients:
        for server in servers:
            if plan.with_peer and plan.with_peer not in (client, server):
                continue
            why = obstacle or next(
                filter(
                    None,
                    (
                        scenario.takes("client", client),
                        scenario.takes("server", server),
                        bench.obstacle(client),
                        bench.obstacle(server),
                    ),
                ),
                "",
            )
            yield Case(scenario, Pairing(client, server, link.value, rtt), why)


def _link(scenario: Scenario, plan: Plan, no_packets: str) -> tuple[LinkKind, str]:
    """The link for a scenario, and why it cannot be had."""
    if scenario.kind is not Kind.SEQUENCE:
        return LinkKind.LOOPBACK, ""
    if scenario.needs_packets:
        if plan.link not in (None, LinkKind.PACKET):
            return plan.link, "Fast Open needs --link packet"
        return LinkKind.PACKET, no_packets
    if plan.link is not None:
        return plan.link, no_packets if plan.link is LinkKind.PACKET else ""
    return (LinkKind.PROXY if no_packets else LinkKind.PACKET), ""


class _Turns:
    """Some at a time, or one alone."""

    def __init__(self, most: int) -> None:
        self._slots = asyncio.Semaphore(most)
        self._most = most
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        async with self._alone:
            await self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._alone:
            for _ in range(self._most):
                await self._slots.acquire()
            try:
                yield
            finally:
                for _ in range(self._most):
                    self._slots.release()


async def run_all(
    plan: Plan,
    every: Sequence[Scenario],
    told: Callable[[ScenarioResult, int, int], None] = lambda *_: None,
) -> list[ScenarioResult]:
    """Try all of a plan; results in the order of the cases.

    told: called with each result as it comes, how many there are, and how many there
    will be. Raises SettingsError for what is not known, MissingProgramError where an
    Exim that was asked for is not there, InteropError where it is of no use. What is
    started ends with it, and with its cancellation.
    """
    if plan.exim is not None or plan.needs_exim:
        locate(plan.exim)
    with Workshop() as workshop:
        bench = Bench(workshop, find_exim(plan.exim))
        if plan.exim is not None and isinstance(bench.exim, str):
            raise InteropError(bench.exim)
        todo = cases(plan, every, bench)
        turns = _Turns(plan.jobs)
        results: dict[int, ScenarioResult] = {}

        async def one(number: int, case: Case) -> None:
            results[number] = _named(await _try(case, plan, bench, turns), bench)
            told(results[number], len(results), len(todo))

        try:
            async with asyncio.TaskGroup() as group:
                for number, case in enumerate(todo):
                    group.create_task(one(number, case))
        finally:
            await workshop.stop_all()
        return [results[number] for number in range(len(todo))]


async def run(
    name: str,
    *,
    client: str = "eximkit",
    server: str = "eximkit",
    link: str | None = None,
    rtt: float = 0.1,
    repeat: int = 5,
    exim: str | None = None,
) -> ScenarioResult:
    """One scenario between one client and one server: `eximkit` or `exim`.

    Where the scenario plays one of the two itself, that one does not count. link:
    `loopback`, `proxy` or `packet`, None for what fits. rtt: seconds of a round trip.
    repeat: messages with and without early mode. exim: a path, None for the one that is
    installed. What cannot run here, for want of root or of Fast Open, is a result that
    says so. Raises SettingsError for what is not known, MissingProgramError where there
    is no Exim and one is needed, InteropError where it is of no use.
    """
    kinds = [kind.value for kind in LinkKind]
    for what, value, known in (
        ("client", client, PEERS),
        ("server", server, PEERS),
        ("link", link or kinds[0], kinds),
    ):
        if value not in known:
            raise SettingsError(f"{what} is {value!r}, not one of {', '.join(known)}")
    if rtt <= 0 or repeat < 1:
        raise SettingsError("rtt and repeat are more than nothing")
    plan = Plan(
        names=(name,),
        clients=(client,),
        servers=(server,),
        link=None if link is None else LinkKind(link),
        rtt=rtt,
        repeat=repeat,
        exim=exim,
        needs_exim="exim" in (client, server),
    )
    (result,) = await run_all(plan, scenarios())
    return result


def _named(result: ScenarioResult, bench: Bench) -> ScenarioResult:
    pair = result.pairing
    result.pairing = replace(
        pair, client=bench.title(pair.client), server=bench.title(pair.server)
    )
    return result


async def _try(case: Case, plan: Plan, bench: Bench, turns: _Turns) -> ScenarioResult:
    """One case, again and alone where only the time was wrong."""
    scenario, pairing = case.scenario, case.pairing
    if case.obstacle:
        return skipped(scenario.name, pairing, case.obstacle)
    for attempt in range(1, ATTEMPTS + 1):
        async with turns.shared() if attempt == 1 else turns.alone():
            began = time.monotonic()
            repeat = plan.repeat if attempt == 1 else max(plan.repeat, LEAST)
            result, late = await _once(scenario, pairing, repeat, bench)
        result.attempts = attempt
        result.seconds = time.monotonic() - began
        if result.outcome is Verdict.PASSED or not late:
            break
    return result


async def _once(
    scenario: Scenario, pairing: Pairing, repeat: int, bench: Bench
) -> tuple[ScenarioResult, bool]:
    try:
        async with asyncio.timeout(LONGEST):
            if scenario.kind is Kind.SEQUENCE:
                return await run_sequence(scenario, pairing, bench, repeat)
            play = run_change if scenario.kind is Kind.CHANGE else run_hostile
            return await play(scenario, pairing, bench), False
    except TimeoutError:
        reason = f"it takes more than {LONGEST:.0f} s"
    except EximkitError as error:
        reason = str(error)
    failed = ScenarioResult(scenario.name, pairing, scenario.needs_packets)
    failed.outcome, failed.reason = Verdict.FAILED, reason
    return failed, False
