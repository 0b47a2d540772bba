"""A sequence: messages without early mode and with it, judged by logs and by the link.

First some messages with PIPELINING alone. Then a first contact, which fills the cache,
and as many messages behind it, which must be early.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.interop import timing
from eximkit.interop.link import LinkKind, open_link
from eximkit.interop.peer import arrivals_of, contacts_of
from eximkit.interop.result import ScenarioResult, Verdict
from eximkit.interop.scenario import setup_of
from eximkit.interop.sketch import Drawing, draw
from eximkit.smtp.early import Tls

if TYPE_CHECKING:
    from eximkit.interop.bench import Bench
    from eximkit.interop.conversation import Conversation
    from eximkit.interop.peer import ClientPeer, Contact, ServerPeer, Setup
    from eximkit.interop.result import Pairing
    from eximkit.interop.scenario import Scenario
    from eximkit.logs.record import LogRecord

_SETTLE = 10.0
"""Seconds for a server to have written its log."""


@dataclass(slots=True)
class _Seen:
    """What was seen of one way of sending: one entry for each message in each list."""

    contacts: list[Contact]
    arrivals: list[LogRecord]
    talks: list[Conversation]

    def part(self, begin: int, end: int | None = None) -> _Seen:
        cut = slice(begin, end)
        return _Seen(self.contacts[cut], self.arrivals[cut], self.talks[cut])


@dataclass(slots=True)
class _Judged:
    """Faults of behaviour, and of time, which may be due to a busy machine."""

    faults: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)


async def run_sequence(
    scenario: Scenario, pairing: Pairing, bench: Bench, repeat: int
) -> tuple[ScenarioResult, bool]:
    """Try a sequence. repeat: messages of each way.

    Also tells whether nothing is wrong but the time it took. Raises InteropError.
    """
    table = scenario.seen_by(pairing.client, pairing.server)
    setup = setup_of(table)
    result = ScenarioResult(scenario.name, pairing, setup.fast_open)
    # The first of all fetches the cookie for Fast Open, or the TLS session.
    warm = int(setup.fast_open or setup.resume)
    kind = LinkKind(pairing.link)
    async with open_link(kind, pairing.rtt, bench.room("link")) as link:
        server = bench.server(pairing.server, setup, link.server)
        client = bench.client(pairing.client, setup, link.client, server)
        await server.start()
        try:
            on_connect = setup.tls is Tls.ON_CONNECT
            port = server.tls_port if on_connect else server.port
            host, port = await link.reach(port)
            await client.contact(host, port, early=False, count=warm + repeat)
            await client.contact(host, port, early=True, count=1 + repeat)
            wanted = warm + 1 + 2 * repeat
            seen = await _seen(client, server, link.conversations, wanted)
        finally:
            await server.stop()
        judged = _Judged()
        if not _complete(seen, wanted, judged):
            return _finished(result, judged)
        plain, first = seen.part(warm, warm + repeat), warm + repeat
        early = seen.part(first + 1)
        _judge_forms(plain, seen.part(first, first + 1), early, setup, judged)
        _judge_fields(early, setup, judged)
        _judge_wire(early, setup, judged)
        result.client_forms = sorted({c.form for c in early.contacts})
        result.server_forms = sorted({a.form for a in early.arrivals})
        if fault := timing.untimed(plain.talks, early.talks):
            judged.faults.append(fault)
        else:
            judged.late += timing.measure(plain.talks, early.talks, table, result)
        result.drawings = _drawings(bench, client, server, seen, first, pairing.rtt)
    return _finished(result, judged)


def _finished(result: ScenarioResult, judged: _Judged) -> tuple[ScenarioResult, bool]:
    faults = [*judged.faults, *judged.late]
    if faults:
        result.outcome, result.reason = Verdict.FAILED, "; ".join(faults)
    return result, not judged.faults and bool(judged.late)


async def _seen(
    client: ClientPeer, server: ServerPeer, talks: object, wanted: int
) -> _Seen:
    """Logs and link, once the server has written about the last message."""
    conversations = talks if callable(talks) else list
    deadline = asyncio.get_running_loop().time() + _SETTLE
    while len(arrivals := arrivals_of(server.log())) < wanted:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.02)
    return _Seen(contacts_of(client.log()), arrivals, conversations())


def _complete(seen: _Seen, wanted: int, judged: _Judged) -> bool:
    """Whether each message was delivered once, over a connection of its own."""
    lost = [c for c in seen.contacts if c.fate != "delivered"]
    if lost:
        judged.faults.append(f"{lost[0].fate}: {lost[0].why or 'no reason given'}")
    counts = {
        "deliveries in the client's log": len(seen.contacts),
        "messages in the server's log": len(seen.arrivals),
        "connections on the link": len(seen.talks),
    }
    judged.faults += [
        f"{count} {what} instead of {wanted}"
        for what, count in counts.items()
        if count != wanted
    ]
    return not judged.faults


def _judge_forms(
    plain: _Seen, first: _Seen, early: _Seen, setup: Setup, judged: _Judged
) -> None:
    """The L fields. A server may miss early input if it did not come in the SYN."""
    server_early = ("L*",) if setup.fast_open else ("L*", "L.")
    expected = (
        ("without early mode", plain, ("L",), ("L.",)),
        ("of the first contact", first, ("L",), ("L.",)),
        ("early", early, ("L*",), server_early),
    )
    for what, seen, of_client, of_server in expected:
        for side, forms, allowed in (
            ("client", [c.form for c in seen.contacts], of_client),
            ("server", [a.form for a in seen.arrivals], of_server),
        ):
            wrong = sorted({form or "none" for form in forms} - set(allowed))
            if wrong:
                told = f"{' or '.join(allowed)}, not {', '.join(wrong)}"
                judged.faults.append(f"{side}'s log of messages {what}: {told}")


def _judge_fields(early: _Seen, setup: Setup, judged: _Judged) -> None:
    """What else both logs must tell of the early messages."""
    records = {
        "client": [c.record for c in early.contacts if c.record is not None],
        "server": early.arrivals,
    }
    for side, entries in records.items():
        for entry in entries:
            wrong = [
                fault
                for is_so, fault in (
                    (bool(entry.tls) is (setup.tls is not Tls.NONE), "X="),
                    (setup.tls_version in entry.tls_version, "the TLS version"),
                    (
                        not setup.tls_version or entry.tls_resumed is setup.resume,
                        "the resumption of TLS",
                    ),
                    (entry.chunking is setup.bdat, "K"),
                    (bool(entry.authenticator) is setup.account, "A="),
                    # Exim's client says nothing of data that it sent in a SYN.
                    (
                        side == "client" or (entry.tfo == "TFO*") is setup.fast_open,
                        "TFO*",
                    ),
                )
                if not is_so
            ]
            if wrong:
                judged.faults.append(f"{side}'s log: {', '.join(wrong)} is wrong")
                break


def _judge_wire(early: _Seen, setup: Setup, judged: _Judged) -> None:
    """That the client did talk first."""
    for talk in early.talks:
        said = [piece for piece in talk.pieces if piece.octets]
        if not said or not said[0].up:
            # A machine that is busy enough can bring that about.
            judged.late.append("an early client spoke when the banner was there")
            return
    if setup.in_syn:
        whole = [talk.pieces[0].octets.endswith(b"\r\n") for talk in early.talks]
        if not all(whole):
            judged.faults.append("the SYN did not hold all of the message")


def _drawings(
    bench: Bench,
    client: ClientPeer,
    server: ServerPeer,
    seen: _Seen,
    first: int,
    rtt: float,
) -> list[Drawing]:
    """The first contact and the next, with what a transcript says of what TLS hides.

    first: its place among all that was seen.
    """
    drawings = []
    for title, place in (("first contact", first), ("early", first + 1)):
        # Connections of a transcript are counted from one.
        inside, side = bench.inside(client, server, place + 1)
        drawings.append(draw(title, seen.talks[place], rtt, inside, side))
    return drawings
