"""What has to be said beside the numbers, so that nobody reads too much into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.logs.stretches import Selector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.logs.result import LogReport

_SET = "log_selector = +pipelining records it."


def notes(result: LogReport, *, savings: bool = True) -> Iterator[str]:
    """Sentences, the weightiest first. savings: those on round trips, too."""
    yield from _selector(result)
    yield from _inbound(result)
    yield from _outbound(result)
    if savings:
        yield from _savings(result)
    yield from _counting(result)
    yield from result.notes


def _selector(result: LogReport) -> Iterator[str]:
    counts = result.pipelining
    unmarked = sum(stretch.unmarked for stretch in counts.stretches)
    if counts.selector is Selector.OFF:
        yield (
            f"No line has an L field, and {unmarked:,} messages came over ESMTP: the "
            "log selector `pipelining` was off, so nothing is known of pipelining. "
            f"{_SET}"
        )
    elif counts.selector is Selector.UNKNOWN:
        if result.messages.arrivals_smtp or result.messages.deliveries_remote:
            yield (
                "No line has an L field, and too few messages came over ESMTP to tell "
                "whether the log selector `pipelining` was on, so nothing is known of "
                f"pipelining. {_SET}"
            )
    elif counts.mixed:
        yield (
            "The log selector `pipelining` was off for a part of the time. `none` "
            "counts messages of that time too; shares leave out the days of such times."
        )


def _inbound(result: LogReport) -> Iterator[str]:
    usage = result.pipelining.total.usage.inbound
    if usage.early:
        yield (
            "Received, L* is a lower bound: Exim logs it only if the first commands "
            "are there at the moment it greets, and without TCP fast open they often "
            "arrive just after. The client's own log is the better witness."
        )
        yield (
            "A client that talks early without ever having seen an offer, as some spam "
            "engines do, is logged L* just like a well-behaved one."
        )
    elif usage.marked and not usage.offered:
        yield (
            "No client was offered early pipelining: "
            "pipelining_connect_advertise_hosts excludes them, or this Exim is built "
            "without it."
        )


def _outbound(result: LogReport) -> Iterator[str]:
    usage = result.pipelining.total.usage.outbound
    if usage.fresh and not usage.early:
        yield (
            "No delivery was early: no transport sets hosts_pipe_connect, no host "
            "offers it, or `eximkit lint` knows why Exim holds it back."
        )
    elif usage.early:
        yield (
            "Delivered, the first connection to a host is never early, for Exim has to "
            "learn that the host allows it; which hosts do is not in the log."
        )


def _savings(result: LogReport) -> Iterator[str]:
    saved = result.round_trips
    if any(row.tls and row.connections for way in saved.values() for row in way.rows):
        yield (
            "The log does not tell STARTTLS from TLS on connect; round trips saved are "
            "those of STARTTLS, and `at least` those of TLS on connect."
        )
    if any(way.total.connections for way in saved.values()):
        yield (
            "Round trips are those of a stopwatch that starts with the connection: 2 "
            "in clear, 3 with STARTTLS. `In dialogue` counts the SMTP dialogue alone, "
            "as the published figures do (1.5 and 2.5). DATA and BDAT save the same."
        )
    if saved["in"].counted == "messages" and saved["in"].total.connections:
        yield (
            "Inbound round trips are counted by messages, an upper bound: log_selector "
            "= +incoming_port or +connection_id would tell connections apart."
        )


def _counting(result: LogReport) -> Iterator[str]:
    for way, word in (("in", "received from"), ("out", "delivered to")):
        left_out = result.hosts[way].left_out
        if left_out:
            yield (
                f"There were too many hosts to tell all apart: {left_out:,} messages "
                f"{word} others are in all counts but those by host."
            )
    if result.connections is not None and not result.connections.exact:
        yield "There were too many connections to count: their number is a guess."
    if result.unparsed:
        yield f"{_lines(result.unparsed)} of no known form; --unparsed lists them."
    if result.garbage:
        yield (
            f"{_lines(result.garbage)} not whole (cut, run together, blank or with "
            "NULs); nothing in them is counted."
        )


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count:,} lines are"
