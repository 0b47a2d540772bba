"""A client that keeps to nothing, played by a script, and what a server answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from eximkit.interop.hostile_client import HostileClient, octets_of
from eximkit.interop.link import End
from eximkit.interop.peer import arrivals_of
from eximkit.interop.result import ScenarioResult, Verdict
from eximkit.interop.scenario import setup_of
from eximkit.interop.sketch import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.interop.bench import Bench
    from eximkit.interop.conversation import Conversation
    from eximkit.interop.peer import ServerPeer
    from eximkit.interop.result import Pairing
    from eximkit.interop.scenario import Scenario

WAYS = ("early", "waiting")
"""Before the banner, or when it has been read."""
_AFTER = ["< 220", "> EHLO after.example", "< 250", "> QUIT", "< 221"]


async def run_hostile(
    scenario: Scenario, pairing: Pairing, bench: Bench
) -> ScenarioResult:
    """Try what a server does. Raises InteropError."""
    table = scenario.seen_by(pairing.client, pairing.server)
    table |= table.get(pairing.server, {})
    result = ScenarioResult(scenario.name, pairing)
    server = bench.server(pairing.server, setup_of(table), End())
    await server.start()
    try:
        faults = []
        for way in table.get("ways", WAYS):
            told = {**table, **table.get(way, {})}
            found, talk = await _way(told, way, server)
            faults += [f"{way}: {fault}" for fault in found]
            result.drawings.append(draw(way, talk, 0.0))
        faults += await _still_there(server)
    finally:
        await server.stop()
    faults += _log_faults(table, server)
    if faults:
        result.outcome, result.reason = Verdict.FAILED, "; ".join(faults)
    return result


async def _way(
    table: dict[str, Any], way: str, server: ServerPeer
) -> tuple[list[str], Conversation]:
    """One way of beginning; where input is cut, once for each place."""
    cut = table.get("each", "")
    begin = ["< 220"] if way == "waiting" else []
    port = server.tls_port if table.get("port") == "tls" else server.port
    wanted, closes = table.get("replies", ""), bool(table.get("closes"))
    if not cut:
        talk = await _talk([*begin, *table["say"]], port, wanted, closes)
        return talk.faults(wanted, closes), talk.seen
    whole = b"".join(octets_of(step) for step in table["say"])
    limit = asyncio.Semaphore(8)

    async def at(place: int) -> HostileClient:
        async with limit:
            talk = HostileClient(port)
            await talk.run([*begin, whole[:place], cut if cut != "split" else b""])
            if cut != "split":
                await talk.end()
                return talk
            await asyncio.sleep(0.002)
            await talk.run([whole[place:]])
            await talk.until(wanted, closes)
            return talk

    every = await asyncio.gather(*(at(n) for n in range(1, len(whole))))
    judged = [talk.faults(wanted, closes) if cut == "split" else [] for talk in every]
    bad = [(n, faults) for n, faults in enumerate(judged, 1) if faults]
    told = [f"cut at octet {bad[0][0]}: {bad[0][1][0]}"] if bad else []
    return told, every[-1].seen


async def _talk(
    steps: Sequence[str], port: int, wanted: str, closes: bool
) -> HostileClient:
    talk = HostileClient(port)
    try:
        await talk.run(steps)
        await talk.until(wanted, closes)
    finally:
        await talk.end()
    return talk


async def _still_there(server: ServerPeer) -> list[str]:
    """Whether others are served behind it as before."""
    talk = await _talk(_AFTER, server.port, "", False)
    return [f"others are not served any more: {talk.wrong}"] if talk.wrong else []


def _log_faults(table: dict[str, Any], server: ServerPeer) -> list[str]:
    log = server.log()
    faults = []
    taken = len(arrivals_of(log))
    if bool(taken) is not bool(table.get("message", 0)):
        faults.append(f"{taken} messages were taken")
    if (wanted := table.get("log", "")) not in log:
        faults.append(f"the log does not tell of {wanted!r}")
    return faults
