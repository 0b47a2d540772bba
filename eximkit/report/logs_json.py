"""The schema `eximkit.logs/1`, as one JSON document.

Every number of the log is a count of lines as `interfaces` of this schema has them;
shares are objects of `count`, `of` and `share`, null where there is nothing to share.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eximkit.logs.grouping import EVENT_COUNTS
from eximkit.logs.merging import mergeable_data
from eximkit.report import logs_traffic_json
from eximkit.report.logs_notes import notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eximkit.logs.grouping import Tally
    from eximkit.logs.result import Hosts, LogReport, Period, Pipelining, Saved
    from eximkit.logs.roundtrips import Trips
    from eximkit.logs.stretches import Evidence
    from eximkit.logs.usage import Share
    from eximkit.report.logs_view import View

SCHEMA = "eximkit.logs/1"
_END = "\n}"


def report(result: LogReport, _view: View) -> Iterator[str]:
    """The whole report; `--direction` does not concern it."""
    text = json.dumps(document(result), indent=2)
    if result.mergeable is not None:
        # Many numbers, and for programs alone.
        counts = json.dumps(mergeable_data(result.mergeable), separators=(",", ":"))
        text = f'{text.removesuffix(_END)},\n  "mergeable": {counts}{_END}'
    yield text + "\n"


def document(result: LogReport) -> dict[str, Any]:
    """The report as plain data."""
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "log": {
            "files": len(result.sources),
            "bytes": result.octets,
            "lines": result.lines,
            "garbage_lines": result.garbage,
            "unparsed_lines": result.unparsed,
            "paths": list(result.sources),
            **_period(result.span),
        },
        "messages": _messages(result),
        "pipelining": _pipelining(result.pipelining),
        "hosts_seen": {way: hosts.seen for way, hosts in result.hosts.items()},
        "top_hosts": {way: _top(hosts) for way, hosts in result.hosts.items()},
        "per_day": {day: _day(tally) for day, tally in result.days.items()},
        "per_hour_of_day": {
            hour: _day(tally) for hour, tally in result.hours_of_day.items()
        },
        "early_hosts": {way: _refusing(hosts) for way, hosts in result.hosts.items()},
        "connections": _connections(result),
        "round_trips": {way: _saved(s) for way, s in result.round_trips.items()},
        "notes": list(notes(result)),
        "problems": list(result.problems),
    }
    if result.volume:
        data["top_hosts_by_bytes"] = [
            {"ip": address, "bytes_received": octets}
            for address, octets in result.volume
        ]
    if result.traffic is not None:
        data |= logs_traffic_json.parts(result.traffic)
    if result.groups:
        data["groups"] = {
            name: [_group(key, tally) for key, tally in table.items()]
            for name, table in result.groups.items()
        }
    return data


def _messages(result: LogReport) -> dict[str, Any]:
    counts = result.messages
    return {
        "arrivals": counts.arrivals,
        "arrivals_smtp": counts.arrivals_smtp,
        "arrivals_local": counts.arrivals_local,
        "arrivals_null_sender": counts.arrivals_null_sender,
        "bytes_received": counts.octets,
        "deliveries": counts.deliveries,
        "deliveries_local": counts.deliveries_local,
        "deliveries_remote": counts.deliveries_remote,
        "deferrals": counts.deferrals,
        "failures": counts.failures,
        "completed": counts.completed,
        "frozen": counts.frozen,
        "rejects": counts.rejects,
        "sync_errors": dict(counts.sync_errors),
    }


def _pipelining(counts: Pipelining) -> dict[str, Any]:
    return {
        "in": dict(counts.inbound),
        "out": dict(counts.outbound),
        "selector": counts.selector.value,
        "stretches": [_stretch(stretch) for stretch in counts.stretches],
        "rates": _rates(counts.total),
        "early_seen": {
            "in": _period(counts.early_in),
            "out": _period(counts.early_out),
        },
    }


def _stretch(stretch: Evidence) -> dict[str, Any]:
    return {
        "first": stretch.first,
        "last": stretch.last,
        "selector": stretch.selector.value,
        "exim_version": stretch.version or None,
        "offers_early": bool(stretch.offered),
        "marked": stretch.marked,
        "unmarked": stretch.unmarked,
    }


def _rates(tally: Tally) -> dict[str, Any]:
    usage = tally.usage
    return {
        "in": {name: _share(s) for name, s in usage.inbound.shares().items()},
        "out": {name: _share(s) for name, s in usage.outbound.shares().items()},
    }


def _share(share: Share) -> dict[str, Any]:
    value = share.value
    return {
        "count": share.count,
        "of": share.of,
        "share": None if value is None else round(value, 6),
    }


def _period(period: Period) -> dict[str, str | None]:
    return {"first": period.first or None, "last": period.last or None}


def _top(hosts: Hosts) -> list[dict[str, Any]]:
    return [{"ip": row.address, "total": row.total, **row.forms} for row in hosts.top]


def _refusing(hosts: Hosts) -> dict[str, Any]:
    return {
        "possible": hosts.offered,
        "early": hosts.early,
        "never": hosts.offered - hosts.early,
        "lines_of_never": hosts.refused,
        "top_never": [
            {"ip": row.address, "total": row.total, **row.forms}
            for row in hosts.refusing
        ],
        "lines_of_hosts_not_told_apart": hosts.left_out,
    }


def _connections(result: LogReport) -> dict[str, Any] | None:
    found = result.connections
    if found is None:
        return None
    return {"in": found.total, "in_early": found.early, "exact": found.exact}


def _saved(saved: Saved) -> dict[str, Any]:
    return {
        "counted": saved.counted,
        **_trips(saved.total),
        "by_tls": [{"tls": row.tls or "clear", **_trips(row)} for row in saved.rows],
    }


def _trips(row: Trips) -> dict[str, float]:
    return {
        "early": round(row.connections, 1),
        "saved": round(row.saved, 1),
        "saved_at_least": round(row.at_least, 1),
        "saved_in_dialogue": round(row.dialogue, 1),
        "possible": round(row.possible, 1),
    }


def _day(tally: Tally) -> dict[str, Any]:
    return {
        "arrivals": tally.arrivals,
        "bytes_received": tally.octets,
        "deliveries": tally.deliveries,
        **{name: tally.events.get(name, 0) for name in EVENT_COUNTS.values()},
        "in": _forms(tally.inbound),
        "out": _forms(tally.outbound),
    }


def _group(key: str, tally: Tally) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": key,
        "arrivals": tally.arrivals,
        "deliveries": tally.deliveries,
        "bytes_received": tally.octets,
        "in": _forms(tally.inbound),
        "out": _forms(tally.outbound),
    }
    return row | tally.events


def _forms(counts: Mapping[str, int]) -> dict[str, int]:
    return {form: counts[form] for form in sorted(counts) if counts[form]}
