"""What eximstats tells, as parts of the schema `eximkit.logs/1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.logs.traffic import (
        Distribution,
        League,
        LeagueRow,
        Reasons,
        Rejections,
        Relayed,
        Times,
        Totals,
        Traffic,
    )


def parts(traffic: Traffic) -> dict[str, Any]:
    """The keys of the document that are there with `--full`."""
    received, delivered = _totals(traffic.received), _totals(traffic.delivered)
    del received["addresses"]
    received |= {
        "delayed": traffic.received.delayed,
        "failed": traffic.received.failed,
    }
    return {
        "totals": {"received": received, "delivered": delivered},
        "histogram": {
            "minutes": traffic.histogram.interval,
            "received": list(traffic.histogram.received),
            "delivered": list(traffic.histogram.delivered),
        },
        "leagues": {
            "sources": _leagues(traffic.sources, _source),
            "destinations": _leagues(traffic.destinations, _destination),
        },
        "transports": [_destination(row) for row in traffic.transports],
        "relayed": _relayed(traffic.relayed),
        "errors": _reasons(traffic.errors, "reason"),
        "rejections": _rejections(traffic.rejections),
        "temporary_rejections": _rejections(traffic.temporary_rejections),
        "times": _times(traffic.times),
        "patterns": [
            {
                "name": pattern.name,
                "count": pattern.total,
                "histogram": list(pattern.histogram),
            }
            for pattern in traffic.patterns
        ],
        "messages_not_followed": traffic.not_followed,
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "bytes": totals.octets,
        "messages": totals.messages,
        "addresses": totals.addresses,
        "hosts": totals.hosts,
        "domains": totals.domains,
        "emails": totals.emails,
        "edomains": totals.edomains,
    }


def _source(row: LeagueRow) -> dict[str, Any]:
    return {"key": row.key, "messages": row.messages, "bytes": row.octets}


def _destination(row: LeagueRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "messages": row.messages,
        "addresses": row.addresses,
        "bytes": row.octets,
    }


def _leagues(
    leagues: Mapping[str, League], row: Callable[[LeagueRow], dict[str, Any]]
) -> dict[str, Any]:
    return {
        name: {
            "seen": league.seen,
            "messages_left_out": league.left_out,
            "by_messages": [row(each) for each in league.by_messages],
            "by_bytes": [row(each) for each in league.by_octets],
        }
        for name, league in leagues.items()
    }


def _reasons(reasons: Reasons, key: str) -> dict[str, Any]:
    return {
        "total": reasons.total,
        "seen": reasons.seen,
        "left_out": reasons.left_out,
        "rows": [{key: row.text, "count": row.total} for row in reasons.rows],
    }


def _rejections(rejections: Rejections) -> dict[str, Any]:
    return {
        **_reasons(rejections.reasons, "reason"),
        "hosts": _reasons(rejections.hosts, "ip"),
    }


def _relayed(relayed: Relayed) -> dict[str, Any]:
    return {
        "total": relayed.total,
        "seen": relayed.seen,
        "left_out": relayed.left_out,
        "rows": [
            {
                "from_host": row.from_host,
                "sender": row.sender,
                "to_host": row.to_host,
                "recipient": row.recipient,
                "count": row.total,
            }
            for row in relayed.rows
        ],
    }


def _times(times: Times) -> dict[str, Any]:
    return {
        "queue": _distribution(times.queue),
        "queue_remote": _distribution(times.queue_remote),
        "receive": _distribution(times.receive),
        "receive_by_protocol": {
            name: _distribution(found)
            for name, found in times.receive_by_protocol.items()
        },
        "delivery": _distribution(times.delivery),
        "delivery_remote": _distribution(times.delivery_remote),
    }


def _distribution(found: Distribution) -> dict[str, Any]:
    return {
        "boundaries": list(found.boundaries),
        "counts": list(found.counts),
        "seconds": found.seconds,
    }
