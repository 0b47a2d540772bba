"""The schema `eximkit.interop/1`, as one JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eximkit.interop.result import summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.interop.result import ScenarioResult, Trips
    from eximkit.interop.sketch import Drawing

SCHEMA = "eximkit.interop/1"


def report(results: Sequence[ScenarioResult]) -> Iterator[str]:
    """All results."""
    yield json.dumps(document(results), indent=2, ensure_ascii=False) + "\n"


def document(results: Sequence[ScenarioResult]) -> dict[str, Any]:
    """All results as plain data."""
    return {
        "schema": SCHEMA,
        "results": [_row(result) for result in results],
        "summary": summary(results),
    }


def _row(result: ScenarioResult) -> dict[str, Any]:
    pair = result.pairing
    trips = [*map(_trips, result.trips), None, None]
    return {
        "scenario": result.scenario,
        "client": pair.client,
        "server": pair.server,
        "link": pair.link,
        "rtt_ms": round(pair.rtt * 1000, 3),
        "tfo": result.fast_open,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "round_trips": trips[0],
        "round_trips_otherwise": trips[1],
        "accepted": None if result.accepted is None else _trips(result.accepted),
        "log": {"server": result.server_forms, "client": result.client_forms},
        "attempts": result.attempts,
        "seconds": round(result.seconds, 3),
        "notes": result.notes,
        "diagrams": [_drawing(drawing) for drawing in result.drawings],
    }


def _trips(trips: Trips) -> dict[str, Any]:
    return {
        "pipelining": round(trips.pipelining, 2),
        "early": round(trips.early, 2),
        "saved": round(trips.saved, 2),
        "counted": trips.counted,
        "expected": {"pipelining": trips.expected[0], "early": trips.expected[1]},
    }


def _drawing(drawing: Drawing) -> dict[str, Any]:
    return {
        "title": drawing.title,
        "rows": [
            {
                "dir": ">" if row.up else "<",
                "leaves_ms": round(row.leaves * 1000, 1),
                "arrives_ms": round(row.arrives * 1000, 1),
                "text": row.text,
            }
            for row in drawing.rows
        ],
    }
