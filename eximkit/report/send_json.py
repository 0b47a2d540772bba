"""What became of messages, as one JSON document: schema eximkit.send/1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.interop.courier import Attempt, Delivered

SCHEMA = "eximkit.send/1"


def report(deliveries: Sequence[Delivered]) -> Iterator[str]:
    """The document: the last delivery's fields, and all of them where there are more.

    Octets of a reply that are not UTF-8 are written as surrogate escapes.
    """
    document = {"schema": SCHEMA, **fields(deliveries[-1])}
    if len(deliveries) > 1:
        document["deliveries"] = [fields(delivered) for delivered in deliveries]
    yield json.dumps(document, indent=2) + "\n"


def fields(delivered: Delivered) -> dict[str, Any]:
    """One delivery."""
    last = delivered.last
    return {
        "outcome": delivered.fate.value,
        "early": last.early,
        "reason": delivered.reason.value,
        "redialled": delivered.redialled,
        "recipients": list(_recipients(delivered)),
        "greeting": last.hello,
        "cache": delivered.cached.value,
        "cache_fault": delivered.fault or None,
        "round_trips": delivered.round_trips,
        "tls": _tls(last),
        "auth": last.mechanism or None,
        "tfo": last.syn_data,
        "address": delivered.target.address,
        "port": delivered.target.port,
        "seconds": round(delivered.seconds, 6),
        "connections": [
            {
                "early": attempt.early,
                "pipelining": attempt.used_pipelining,
                "greeting": attempt.hello,
                "round_trips": attempt.round_trips,
                "redial": attempt.redial or None,
            }
            for attempt in delivered.attempts
        ],
    }


def _recipients(delivered: Delivered) -> Iterator[dict[str, Any]]:
    for number, outcomes in enumerate(delivered.outcomes, 1):
        for outcome in outcomes:
            answer = outcome.reply
            yield {
                "address": outcome.recipient,
                "code": None if answer is None else answer.code,
                "text": outcome.reason if answer is None else answer.text,
                "outcome": outcome.fate.value,
                "in_doubt": outcome.in_doubt,
                "message": number,
            }


def _tls(attempt: Attempt) -> dict[str, Any] | None:
    tls = attempt.tls
    if tls is None:
        return None
    return {"version": tls.version, "cipher": tls.cipher, "resumed": tls.resumed}
