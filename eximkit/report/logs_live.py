"""Logs as they grow: a line for each interval, and a page that is drawn anew."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eximkit.report.logs_figures import INDENT, number, percent, shown, size, table
from eximkit.report.logs_json import document
from eximkit.report.logs_table import forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from eximkit.logs.result import LogReport
    from eximkit.report.logs_view import View

SCHEMA = "eximkit.logs-live/1"
MINUTE = 60.0
_MOST_SAMPLES = 600

_ROWS = (
    ("received", "arrivals"),
    ("  over SMTP", "arrivals_smtp"),
    ("  volume", "octets"),
    ("deliveries", "deliveries"),
    ("  to hosts", "deliveries_remote"),
    ("deferrals", "deferrals"),
    ("failures", "failures"),
    ("completed", "completed"),
    ("rejections", "rejects"),
    ("lines of log", "lines"),
)
"""What the page shows, and the names of `counts`."""

_SHARES = (
    ("received, of what was offered", "early_in", "offered_in"),
    ("delivered, of new connections", "early_out", "fresh_out"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """How far the reading has come.

    clock: seconds since 1970. unread: octets. rotations, gaps: so far. started: when
    counting began. notes: what happened, the latest last.
    """

    clock: float
    unread: int = 0
    rotations: int = 0
    gaps: int = 0
    started: float = 0
    notes: Sequence[str] = ()


@dataclass(slots=True)
class History:
    """Counts of the last minute, so that differences can be shown."""

    samples: deque[tuple[float, dict[str, int]]] = field(
        default_factory=lambda: deque(maxlen=_MOST_SAMPLES)
    )

    def add(self, now: float, found: dict[str, int]) -> None:
        """Keep the counts of a moment, in seconds of any clock that goes on."""
        self.samples.append((now, found))
        while len(self.samples) > 2 and self.samples[1][0] <= now - MINUTE:
            self.samples.popleft()

    def since(self, before: int) -> tuple[float, dict[str, int]]:
        """Seconds and differences from a sample to the last one."""
        then, old = self.samples[max(-len(self.samples), before)]
        now, new = self.samples[-1]
        return now - then, {name: count - old[name] for name, count in new.items()}


def counts(result: LogReport) -> dict[str, int]:
    """What the lines and the page tell of."""
    found = result.messages
    usage = result.pipelining.total.usage
    return {
        "lines": result.lines,
        "arrivals": found.arrivals,
        "arrivals_smtp": found.arrivals_smtp,
        "octets": found.octets,
        "deliveries": found.deliveries,
        "deliveries_remote": found.deliveries_remote,
        "deferrals": found.deferrals,
        "failures": found.failures,
        "completed": found.completed,
        "rejects": found.rejects + sum(found.sync_errors.values()),
        "early_in": usage.inbound.early,
        "offered_in": usage.inbound.offered,
        "early_out": usage.outbound.early,
        "fresh_out": usage.outbound.fresh,
    }


def line(history: History, moment: Moment) -> str:
    """What happened since the last line, for a log of its own or `grep`."""
    _, new = history.since(-2)
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment.clock))
    received = _early(new["early_in"], new["offered_in"], "offered it")
    delivered = _early(new["early_out"], new["fresh_out"], "connections")
    behind = f", {size(moment.unread)} unread" if moment.unread else ""
    return (
        f"{clock} {new['lines']} lines, received {new['arrivals']}{received}, "
        f"deliveries {new['deliveries']}{delivered}, deferrals {new['deferrals']}, "
        f"failures {new['failures']}, rejections {new['rejects']}{behind}\n"
    )


def _early(early: int, possible: int, what: str) -> str:
    return f" (early {early} of {possible} {what})" if possible else ""


def json_line(
    result: LogReport, before: Mapping[str, Any] | None, seconds: float, moment: Moment
) -> tuple[str, dict[str, Any]]:
    """The counts so far and those since the last line, as one line of JSON.

    before: the data of the last line, which is given back beside the line.
    """
    whole = document(result)
    log = {
        name: whole["log"][name]
        for name in ("bytes", "lines", "garbage_lines", "unparsed_lines", "paths")
    }
    data = {
        "log": log,
        "messages": whole["messages"],
        "pipelining": {way: whole["pipelining"][way] for way in ("in", "out")},
        "hosts_seen": whole["hosts_seen"],
    }
    clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment.clock))
    written = {
        "schema": SCHEMA,
        "time": clock,
        "seconds": round(seconds, 3),
        **data,
        "selector": whole["pipelining"]["selector"],
        "rates": whole["pipelining"]["rates"],
        "since_last": _difference(data, before or {}),
        "unread_bytes": moment.unread,
        "rotations": moment.rotations,
        "gaps": moment.gaps,
        "notes": list(moment.notes),
    }
    return json.dumps(written) + "\n", data


def _difference(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in new.items():
        if isinstance(value, dict):
            found[name] = _difference(value, old.get(name, {}))
        elif isinstance(value, int):
            found[name] = value - old.get(name, 0)
    return found


def page(
    result: LogReport, history: History, moment: Moment, view: View, height: int
) -> list[str]:
    """Lines that fill a terminal of so many lines, or less."""
    width = view.style.width
    foot = [f"= {shown(note, width - 2, view)}" for note in moment.notes[-2:]]
    foot.append("Ctrl-C ends this")
    room = max(0, height - len(foot))
    lines = [*_head(result, moment, view), "", *_counts(history)]
    lines += ["", *_shares(history, result)]
    lines += _hosts(result, view, room - len(lines))
    lines = lines[:room]
    lines += [""] * (room - len(lines))
    return [each[:width] for each in [*lines, *foot][:height]]


def _head(result: LogReport, moment: Moment, view: View) -> Iterator[str]:
    width = view.style.width
    clock = time.strftime("%H:%M:%S", time.localtime(moment.clock))
    name = ", ".join(result.sources)
    yield f"{shown(name, width - len(clock) - 2, view):{width - len(clock)}}{clock}"
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(moment.started))
    facts = [f"counted since {since}", size(result.octets)]
    if moment.rotations:
        facts.append(f"rotated {number(moment.rotations)} x")
    if moment.gaps:
        facts.append(f"{number(moment.gaps)} gaps")
    if moment.unread:
        facts.append(f"{size(moment.unread)} to be read")
    yield INDENT + ", ".join(facts)


def _counts(history: History) -> Iterator[str]:
    seconds, new = history.since(-2)
    minute, last = history.since(-len(history.samples))
    total = history.samples[-1][1]
    rows = [
        (
            label,
            _amount(name, new[name] / seconds if seconds else 0),
            _amount(name, last[name] / minute * MINUTE if minute else 0),
            _amount(name, total[name]),
        )
        for label, name in _ROWS
    ]
    yield from table(rows, ("", "a second", "a minute", "in all"), "<>>>")


def _amount(name: str, count: float) -> str:
    return size(round(count)) if name == "octets" else number(count)


def _shares(history: History, result: LogReport) -> Iterator[str]:
    minute, last = history.since(-len(history.samples))
    total = history.samples[-1][1]
    if not any(total[of] for _, _, of in _SHARES):
        yield f"Early pipelining: the log selector is {result.pipelining.selector}"
        return
    rows = [
        (
            label,
            percent(last[early] / last[of] if minute and last[of] else None),
            percent(total[early] / total[of] if total[of] else None),
            f"{number(total[early])} of {number(total[of])}",
        )
        for label, early, of in _SHARES
    ]
    yield from table(rows, ("Early pipelining", "last minute", "in all", ""), "<>>>")


def _hosts(result: LogReport, view: View, room: int) -> Iterator[str]:
    each = [
        (shown(row.address, 39, view), number(row.total), forms(row))
        for row in result.hosts["in"].top[: max(0, room - 2)]
    ]
    if each:
        yield ""
        yield "Hosts that sent most"
        yield from table(each, align="<><")
