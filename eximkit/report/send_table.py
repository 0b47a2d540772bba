"""What was said and what became of messages, for people. Not an interface."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eximkit.report.logs_figures import INDENT, table
from eximkit.source import display, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from eximkit.interop.courier import Attempt, Delivered
    from eximkit.interop.transcript import Event
    from eximkit.report.style import Style

MOST_LINES = 200
"""Lines of one flight that are shown."""
_KINDS = {"delivered": "added", "deferred": "warning", "rejected": "error"}


def report(
    deliveries: Sequence[Delivered], events: Iterable[Event], style: Style
) -> Iterator[str]:
    """What was said on the last connections, and what came of it.

    events: of the last delivery.
    """
    last = deliveries[-1]
    if len(deliveries) > 1:
        yield from _all(deliveries, style)
    for line in dialogue(events, style):
        yield line + "\n"
    yield "\n"
    for line in table(facts(last), align="<<"):
        yield line + "\n"
    yield "\n"
    yield from _recipients(last, style)


def dialogue(events: Iterable[Event], style: Style) -> Iterator[str]:
    """What was said, a line for each, in the order in which it left or came."""
    for event in events:
        if event.layer == "tcp" and event.what in _TCP:
            yield style.paint("dim", f"  {_TCP[event.what]} {shown(event.text)}")
        elif event.layer == "tls" and event.what == "established":
            yield style.paint("dim", f"  TLS {shown(event.text)}")
        elif event.layer == "smtp" and event.what == "content":
            yield f"{event.dir} ({event.octets:,} octets of content)"
        elif event.layer == "smtp":
            lines = event.text.replace("\r\n", "\n").rstrip("\n").split("\n")
            for line in lines[:MOST_LINES]:
                for part in _wrapped(shown(line), style.width - 2):
                    yield f"{event.dir} {part}"
            if len(lines) > MOST_LINES:
                yield f"{event.dir} (and {len(lines) - MOST_LINES:,} lines more)"


_TCP = {
    "connect": "connecting to",
    "connected": "connected from",
    "failed": "no connection:",
    "reset": "connection broken:",
}


def facts(delivered: Delivered) -> Iterator[tuple[str, str]]:
    """How it was sent, and why so."""
    last = delivered.last
    early = "yes" if last.early else "no"
    yield "Early", f"{early}: {_why(delivered)}"
    yield "Cache", delivered.cached.value
    if last.hello:
        yield "Greeting", shown(last.hello)
    if last.tls is not None:
        resumed = ", resumed" if last.tls.resumed else ""
        yield "TLS", f"{last.tls.version}, {last.tls.cipher}{resumed}"
    if last.mechanism:
        yield "AUTH", last.mechanism
    if last.syn_data:
        yield "Fast Open", "the SYN carried data"
    if delivered.round_trips is not None:
        yield "Round trips", f"{delivered.round_trips} before the first content left"


def _why(delivered: Delivered) -> str:
    first = delivered.attempts[0]
    if delivered.redialled:
        return f"early input went wrong ({shown(first.redial)}), so without it"
    if delivered.reason.name == "EARLY" and not first.early:
        return "the server had to be waited for"
    return delivered.reason.value


def _all(deliveries: Sequence[Delivered], style: Style) -> Iterator[str]:
    rows = [
        (
            str(number), each.fate.value, "early" if each.last.early else "",
            "redialled" if each.redialled else "", each.cached.value,
            "" if each.round_trips is None else str(each.round_trips), _tls(each.last),
        )
        for number, each in enumerate(deliveries, 1)
    ]  # fmt: skip
    yield style.paint("bold", "Deliveries") + "\n"
    heads = ("", "outcome", "", "", "cache", "round trips", "TLS")
    for line in table(rows, heads, "><<<<><"):
        yield line + "\n"
    yield "\n"
    yield style.paint("bold", "The last of them") + "\n"


def _tls(attempt: Attempt) -> str:
    if attempt.tls is None:
        return ""
    return f"{attempt.tls.version}{', resumed' * attempt.tls.resumed}"


def _recipients(delivered: Delivered, style: Style) -> Iterator[str]:
    several = len(delivered.outcomes) > 1
    for number, outcomes in enumerate(delivered.outcomes, 1):
        for outcome in outcomes:
            fate = outcome.fate.value
            name = shown(outcome.recipient)
            which = f"message {number}: " if several else ""
            yield f"{which}{name}: {style.paint(_KINDS[fate], fate)}\n"
            doubt = " (it may have been delivered)" if outcome.in_doubt else ""
            for part in _wrapped(shown(outcome.reason) + doubt, style.width - 2):
                yield f"{INDENT}{part}\n"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def shown(text: str) -> str:
    """Text of a peer, made safe for a terminal."""
    return display(octets(text))
