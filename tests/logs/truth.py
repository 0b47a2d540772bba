"""What a generated log holds, as the schema `eximkit.logs/1` has it.

The generator of the reference writes a truth file beside each log, with days as flat
objects and other words for some counts; this is the one place that knows both.
"""

from __future__ import annotations

from typing import Any

_OF_A_DAY = {
    "deferral": "deferrals", "failure": "failures", "completed": "completed",
    "frozen": "frozen", "reject": "rejects", "delivery": "deliveries",
    "bytes_received": "bytes_received",
}  # fmt: skip
_ARRIVALS = ("arrival", "bounce_arrival")


def expected(truth: dict[str, Any]) -> dict[str, Any]:
    """The part of the document that the truth decides."""
    messages = {k: v for k, v in truth["messages"].items() if k != "noise"}
    names = ("sync_greeting", "sync_not_advertised", "sync_advertised")
    messages["sync_errors"] = {n: messages["sync_errors"].get(n, 0) for n in names}
    return {
        "log": {
            "bytes": truth["log"]["bytes"],
            "lines": truth["log"]["lines"],
            "garbage_lines": truth["log"].get("garbage_lines", 0),
            "unparsed_lines": 0,
        },
        "messages": messages,
        "pipelining": truth["pipelining"],
        "hosts_seen": truth["hosts_seen"],
        "top_hosts": truth["top_hosts"],
        "per_day": {
            day: row
            for day, counts in truth["per_day"].items()
            if (row := _day(counts))
        },
    }


def found(document: dict[str, Any]) -> dict[str, Any]:
    """The same part of a document, counts of 0 within days left out."""
    log, pipelining = document["log"], document["pipelining"]
    return {
        "log": {
            name: log[name]
            for name in ("bytes", "lines", "garbage_lines", "unparsed_lines")
        },
        "messages": document["messages"],
        "pipelining": {"in": pipelining["in"], "out": pipelining["out"]},
        "hosts_seen": document["hosts_seen"],
        "top_hosts": document["top_hosts"],
        "per_day": {
            day: kept
            for day, row in document["per_day"].items()
            if (kept := {name: count for name, count in row.items() if count})
        },
    }


def _day(counts: dict[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    arrivals = sum(counts.get(name, 0) for name in _ARRIVALS)
    if arrivals:
        row["arrivals"] = arrivals
    for word, name in _OF_A_DAY.items():
        if counts.get(word):
            row[name] = counts[word]
    for way in ("in", "out"):
        forms = {
            word.removeprefix(f"{way}:"): count
            for word, count in counts.items()
            if word.startswith(f"{way}:") and count
        }
        if forms:
            row[way] = forms
    return row
