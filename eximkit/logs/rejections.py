"""What was rejected, and why: the reason without what tells one client from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs.far_ends import LOCAL, LONGEST
from eximkit.logs.free_lines import rejected_object
from eximkit.logs.line import parse_line
from eximkit.logs.possessive import compiled
from eximkit.logs.record import Kind

if TYPE_CHECKING:
    from eximkit.logs.record import LogRecord

_SYNC = "synchronization error"
_WORDS = {
    Kind.REJECTION: "",
    Kind.TEMPORARY_REJECTION: "",
    Kind.SYNC_GREETING: f"{_SYNC}: input sent without waiting for greeting",
    Kind.SYNC_NOT_ADVERTISED: f"{_SYNC}: pipelining was not advertised",
    Kind.SYNC_ADVERTISED: f"{_SYNC}: pipelining was advertised",
    Kind.DROPPED_CONNECTION: "connection dropped",
    Kind.REFUSED_CONNECTION: "connection refused",
}
"""Of the kinds of lines that count as rejections, what the reason begins with."""
_INVALID = "syntactically invalid argument(s)"
_STAMP = b"2000-01-01 00:00:00 "
_TEMPORARILY, _REJECTED = b"temporarily ", b"rejected "
_ADDRESS = compiled(rb"<[^<>\s]*+>|[^\s<>\"'(),;:=@]++@[^\s<>\"'(),;:=]++")


class Rejection(NamedTuple):
    """temporary: the client may try again. host: `[ip]`, or `local`."""

    temporary: bool
    reason: bytes
    host: bytes


def rejection(record: LogRecord) -> Rejection | None:
    """What a line says of a rejection, None if it is about something else."""
    begin = _WORDS.get(record.kind)
    if begin is None:
        return None
    if begin.startswith(_SYNC):
        text = begin
    else:
        text = _reason(begin or record.command, record.text)
    return _rejection(
        record.kind is Kind.TEMPORARY_REJECTION,
        text.encode("utf-8", "surrogateescape"),
        record.ip.encode(),
    )


def rejection_of(address: bytes, text: bytes) -> Rejection:
    """The same of details: `[ip` of the client, and what was said about it.

    Without an address the text is all that stands behind the time.
    """
    if not address:
        found = rejection(parse_line(_STAMP + text))
        return found or Rejection(False, b"", LOCAL)
    rest = text.removeprefix(_TEMPORARILY)
    command, why = rejected_object(
        rest.removeprefix(_REJECTED).decode("utf-8", "surrogateescape")
    )
    reason = _reason(command, why).encode("utf-8", "surrogateescape")
    return _rejection(rest != text, reason, address[1:])


def _reason(command: str, text: str) -> str:
    if text.startswith(_INVALID):
        text = _INVALID
    return ": ".join(part for part in (command, text) if part)


def _rejection(temporary: bool, reason: bytes, ip: bytes) -> Rejection:
    reason = _ADDRESS.sub(b"<address>", reason[:LONGEST])
    if ip:
        reason = reason.replace(ip, b"<ip>")
    return Rejection(temporary, reason, b"[%b]" % ip if ip else LOCAL)
