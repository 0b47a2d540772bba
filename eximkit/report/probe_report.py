"""What a probe has found out, for people and as JSON: schema eximkit.probe/1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eximkit.report.logs_figures import table as columns
from eximkit.report.send_table import dialogue, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.interop.probing import Contact, Probed
    from eximkit.interop.transcript import Event
    from eximkit.report.style import Style
    from eximkit.smtp.early import Tls
    from eximkit.smtp.ehlo import Offer

SCHEMA = "eximkit.probe/1"
_HONOURED = {"HONOURED": True, "BROKEN": False}


def as_json(found: Probed, tls: Tls) -> Iterator[str]:
    """One document. honoured: null where early input was not tried."""
    attempt = found.first.attempt
    early = found.early
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "address": found.target.address,
        "port": found.target.port,
        "verdict": found.verdict.value,
        "honoured": _HONOURED.get(found.verdict.name),
        "keyword": found.keyword or None,
        "why": found.why or None,
        "banner": attempt.banner or None,
        "greeting": attempt.hello or None,
        "offered": {
            "clear": _keywords(attempt.clear),
            "crypted": _keywords(attempt.crypted),
        },
        "tls_mode": tls.value,
        "tls": None
        if attempt.tls is None
        else {"version": attempt.tls.version, "cipher": attempt.tls.cipher},
        "round_trips": {
            "pipelining": attempt.waits if found.first.greeted else None,
            "early": None if early is None else early.attempt.waits,
            "saved": found.saved,
        },
        "seconds": {
            "pipelining": round(found.first.seconds, 6),
            "early": None if early is None else round(early.seconds, 6),
        },
        "tfo": early is not None and early.attempt.syn_data,
    }
    yield json.dumps(document, indent=2) + "\n"


def _keywords(offer: Offer | None) -> dict[str, list[str]] | None:
    if offer is None:
        return None
    return {name: list(words) for name, words in offer.keywords.items()}


def table(
    found: Probed, tls: Tls, events: Iterable[Event], style: Style
) -> Iterator[str]:
    """What was said on both connections, and what it means."""
    for line in dialogue(events, style):
        yield line + "\n"
    yield "\n"
    for line in columns(_facts(found, tls), align="<<"):
        yield line + "\n"


def _facts(found: Probed, tls: Tls) -> Iterator[tuple[str, str]]:
    yield "Host", f"{found.target} {shown(found.target.name)}".rstrip()
    why = f" ({shown(found.why)})" if found.why else ""
    yield "Verdict", found.verdict.value + why
    if found.keyword:
        yield "Keyword", found.keyword
    used = found.first.attempt.tls
    if used is not None:
        yield "TLS", f"{used.version}, {used.cipher}"
    elif tls.value != "none" and found.first.greeted:
        yield "TLS", "none: it is not offered"
    if found.first.greeted:
        yield "As usual", _cost(found.first)
    if found.early is not None:
        yield "Early", _cost(found.early)
    if found.saved is not None:
        yield "Saved", f"{found.saved} round trips for each connection"


def _cost(contact: Contact) -> str:
    return f"{contact.attempt.waits} round trips, {contact.seconds * 1000:,.1f} ms"
