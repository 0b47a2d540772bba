"""A server that is no longer what the client remembers, played by a script."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from eximkit.errors import InputError
from eximkit.interop.link import LinkKind, open_link
from eximkit.interop.peer import Contact, contacts_of
from eximkit.interop.result import ScenarioResult, Verdict
from eximkit.interop.scenario import setup_of
from eximkit.interop.script import Script, ScriptedServer, script_of
from eximkit.interop.sketch import draw
from eximkit.smtp.early import Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.interop.bench import Bench
    from eximkit.interop.peer import ClientPeer, Setup
    from eximkit.interop.result import Pairing
    from eximkit.interop.scenario import Scenario
    from eximkit.interop.script import Visit


async def run_change(
    scenario: Scenario, pairing: Pairing, bench: Bench
) -> ScenarioResult:
    """Try what a client does. Raises InputError, InteropError."""
    table = scenario.seen_by(pairing.client, pairing.server)
    setup = setup_of(table)
    result = ScenarioResult(scenario.name, pairing)
    faults: list[str] = []
    async with (
        ScriptedServer(setup.tls is Tls.ON_CONNECT) as server,
        open_link(LinkKind(pairing.link), 0.0, bench.room("link")) as link,
    ):
        client = bench.client(pairing.client, setup, link.client)
        host, port = await link.reach(server.port)
        first = {
            "server": table.get("first", {}),
            "fate": "delivered",
            "connections": 1,
        }
        contacts = [first, *table["contacts"]]
        for number, told in enumerate(contacts):
            said = {**told, **told.get(pairing.client, {})}
            server.say(*_scripts(said.get("server", {}), setup, scenario.name))
            await asyncio.sleep(said.get("wait", 0.0))
            seen = len(contacts_of(client.log()))
            begun = len(link.conversations())
            await client.contact(host, port, early=True, count=1)
            await server.idle()
            contact = _contact(client, seen)
            faults += _judge(said, contact, server.visits, client, number)
            if number == 0 and faults:
                break
            result.client_forms.append(contact.form)
            result.notes.append(_told(number, contact, server.visits))
            result.drawings += [
                draw(f"contact {number + 1}", talk, 0.0)
                for talk in link.conversations()[begun:]
            ]
    if faults:
        result.outcome, result.reason = Verdict.FAILED, "; ".join(faults)
    return result


def _scripts(told: object, setup: Setup, name: str) -> list[Script]:
    """What a server says, for one connection or for several."""
    tables = told if isinstance(told, list) else [told]
    scripts = []
    for table in tables:
        if not isinstance(table, dict):
            raise InputError(f"{name}: server is no table")
        usual: dict[str, Any] = {}
        if setup.tls is Tls.STARTTLS:
            usual["offers"] = ["PIPELINING", "PIPECONNECT", "STARTTLS"]
        scripts.append(script_of({**usual, **table}, name))
    return scripts


def _contact(client: ClientPeer, seen: int) -> Contact:
    """What the client's log says of the last message, and what it tells itself."""
    lines = contacts_of(client.log())[seen:]
    notes = client.notes()
    facts = notes[-1] if notes else {}
    if not lines:
        return Contact("", facts=facts)
    last = lines[-1]
    return Contact(last.fate, last.why, last.form, last.record, facts)


def _told(number: int, contact: Contact, visits: list[Visit]) -> str:
    """One line on a contact, for whoever wants to compare clients."""
    many = "1 connection" if len(visits) == 1 else f"{len(visits)} connections"
    why = f" ({contact.why})" if contact.why else ""
    form = contact.form or "no L"
    return f"contact {number + 1}: {contact.fate or 'nothing'}{why}, {form}, {many}"


_Check = tuple[str, "Callable[[Contact, list[Visit]], object]"]
_CHECKS: tuple[_Check, ...] = (
    ("fate", lambda contact, _: contact.fate),
    ("form", lambda contact, _: contact.form),
    ("connections", lambda _, visits: len(visits)),
    ("accepted", lambda _, visits: sum(visit.accepted for visit in visits)),
    ("early", lambda _, visits: bool(visits) and visits[0].early),
    ("before", lambda _, visits: " ".join(visits[0].before) if visits else ""),
    ("said", lambda _, visits: " ".join(visits[-1].said) if visits else ""),
)


def _judge(
    told: Mapping[str, Any],
    contact: Contact,
    visits: list[Visit],
    client: ClientPeer,
    number: int,
) -> list[str]:
    """What is not as it should be; each of `told` is a value, or a list of them."""
    faults = []
    # Whatever happens, a message is never taken twice; once is what delivered means.
    told = {"accepted": int(told.get("fate") == "delivered"), **told}
    for name, found in _CHECKS:
        if name in told:
            faults += _differs(name, told[name], found(contact, visits))
    why = told.get("why", "")
    if why not in contact.why:
        faults.append(f"{why!r} is not in {contact.why!r}")
    if client.name == "eximkit":
        for name in ("cache", "redialled"):
            if name in told:
                faults += _differs(name, told[name], contact.facts.get(name))
    spilt = {v for visit in visits for v in visit.clear} & {*told.get("never", ())}
    if spilt:
        faults.append(f"{', '.join(sorted(spilt))} was said in clear")
    return [f"contact {number + 1}: {fault}" for fault in faults]


def _differs(name: str, wanted: object, found: object) -> list[str]:
    allowed = wanted if isinstance(wanted, list) else [wanted]
    if found in allowed:
        return []
    return [f"{name} is {found!r}, not {' or '.join(map(repr, allowed))}"]
