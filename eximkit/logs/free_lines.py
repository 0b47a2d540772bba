"""Lines without an event flag: what a client did, what an ACL decided, what a daemon does.

Exim specification, chapters "Log files" and "Access control lists". What a line is about
is told by its own first words, and by those behind the host. Anything may follow.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from eximkit.logs.fields import (
    ADDRESS,
    INTERFACE,
    TIME,
    attributes,
    authentication,
    field,
    text,
)
from eximkit.logs.hosts import client, patient_client, server
from eximkit.logs.matching import Patient, plain
from eximkit.logs.record import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.logs.fields import Fields
    from eximkit.logs.matching import Groups

_PATH = rb"<(?:" + ADDRESS + rb")?+>"
_TEXT = rb"(?P<text>.*+)"
_DURATION = field(b"duration", b"D", TIME)


def _from(host: Callable[[bytes], bytes]) -> bytes:
    """A client with or without H=, or the user of a local one."""
    return (
        rb"(?:" + host(rb"(?:H=)?+") + INTERFACE + field(b"ident", b"U")
        + rb"|(?:U=)?+(?P<ident_2>[^ :(]++))"
    )  # fmt: skip


def _said(host: Callable[[bytes], bytes]) -> bytes:
    """What stands before the words of the server about a client, up to the blank."""
    return (
        rb"(?:(?P<dnssec>DS) )?+(?:F=(?P<sender>[^ <]++) )?+"
        + rb"(?:(?:" + host(rb"H=") + INTERFACE + field(b"ident", b"U")
        + rb"|U=(?P<ident_2>[^ ]++)) )?"
        + rb"(?:P=(?P<protocol>[^ ]++) )?+"
        + rb"(?:X=(?P<tls>[^ ]++) )?+(?:CV=(?P<verified>[^ ]++) )?+"
        + rb'(?:DN="(?P<dn>[^"]*+)" )?+(?:SNI=(?P<sni>[^ ]++) )?+'
        + rb"(?:F=(?P<sender_2>" + _PATH + rb") )?+"
        + rb"(?:A=(?P<authenticated>[^ ]++) )?+(?:(?P<spf>SPF(?:=[^ ]++)?+) )?+"
    )  # fmt: skip


class _Form(NamedTuple):
    """A sort of line: what it begins with, and how it goes on, in place of `%b` a host."""

    kind: Kind
    first_word: bytes
    pattern: bytes


_SYNC = rb"SMTP protocol synchronization error \(%s\): rejected (?:\"(?P<command>.*?)\"|connection from)(?: %%b(?: next)?+ input=\"(?P<text>.*+)|(?P<text_2>.*+))"
_FORMS = (
    _Form(Kind.SYNC_GREETING, b"SMTP", _SYNC % rb"input sent without waiting for greeting"),
    _Form(Kind.SYNC_NOT_ADVERTISED, b"SMTP",
          _SYNC % rb"next input sent too soon: pipelining was not advertised"),
    _Form(Kind.SYNC_ADVERTISED, b"SMTP",
          _SYNC % rb"next input sent too soon: pipelining was advertised"),
    _Form(Kind.SYNTAX_ERROR, b"SMTP",
          rb'SMTP (?:syntax|protocol) error in "(?P<command>.*?)" %b ' + _TEXT),
    _Form(Kind.CONNECTION, b"SMTP",
          rb"SMTP connection(?: Ci=(?P<connection_id>[^ ]++))?+ from %b"
          rb"(?: Ci=(?P<connection_id_2>[^ ]++))?+"
          rb"(?: \(TCP/IP connection count = (?P<number>\d++)\))?+"),
    _Form(Kind.CONNECTION_CLOSED, b"SMTP",
          rb"SMTP connection(?: Ci=(?P<connection_id>[^ ]++))?+ from %b"
          rb"(?: Ci=(?P<connection_id_2>[^ ]++))?+" + _DURATION
          + rb" (?P<text>closed .*?)(?: D=(?P<duration_2>" + TIME + rb"))?"),
    _Form(Kind.LOST_CONNECTION, b"SMTP",
          rb"SMTP connection(?: Ci=(?P<connection_id>[^ ]++))?+ from %b"
          rb"(?: Ci=(?P<connection_id_2>[^ ]++))?+" + _DURATION
          + rb" (?P<text>lost.*?)(?: D=(?P<duration_2>" + TIME + rb"))?"),
    _Form(Kind.LOST_CONNECTION, b"SMTP",
          rb"SMTP (?P<text>(?:command|data) timeout(?: \(message abandoned\))?) on (?:TLS )?+connection"
          rb" from %b(?: F=(?P<sender>" + _PATH + rb"))?+" + _DURATION + rb".*+"),
    _Form(Kind.LOST_CONNECTION, b"SMTP",
          rb"SMTP (?P<text>connection lost after final dot) %b.*+"),
    _Form(Kind.LOST_CONNECTION, b"unexpected",
          rb"(?P<text>unexpected disconnection while reading SMTP command) from %b"
          + _DURATION + rb".*+"),
    _Form(Kind.LOST_CONNECTION, b"Error", rb"(?P<text>Error or EOF on input) from %b.*+"),
    _Form(Kind.DROPPED_CONNECTION, b"SMTP", rb"SMTP call from %b dropped: " + _TEXT),
    _Form(Kind.REFUSED_CONNECTION, b"refused", rb"refused connection from %b" + _TEXT),
    _Form(Kind.REFUSED_CONNECTION, b"temporarily",
          rb"temporarily refused connection from %b" + _TEXT),
    _Form(Kind.REFUSED_CONNECTION, b"Connection",
          rb"Connection from %b refused: " + _TEXT),
    _Form(Kind.NO_MAIL, b"no",
          rb"no MAIL in (?:(?P<tfo>TFO\*?+) )?+SMTP connection from %b" + _DURATION
          + field(b"authenticated", b"A") + field(b"tls", b"X") + field(b"verified", b"CV")
          + rb'(?: DN="(?P<dn>[^"]*+)")?+' + field(b"sni", b"SNI")
          + field(b"commands", b"C") + rb".*+"),
    _Form(Kind.NO_HOST_NAME, b"no", rb"no host name found for IP address (?P<ip>[^ ]++).*+"),
    _Form(Kind.NO_HOST_NAME, b"no",
          rb"no IP address found for host (?P<text>[^ ]++)(?: \(during SMTP connection from"
          rb" %b\))?.*+"),
    _Form(Kind.NO_DELIVERY, b"no", rb"no immediate delivery: " + _TEXT),
    _Form(Kind.TLS_ERROR, b"TLS",
          rb"TLS error on connection (?:from|to) %b (?P<text>\(.*+)"),
    _Form(Kind.TLS_ERROR, b"TLS", rb"TLS session: " + _TEXT),
    _Form(Kind.TLS_ERROR, b"DANE", rb"DANE attempt failed; TLS connection to %b: " + _TEXT),
    _Form(Kind.TLS_ERROR, b"DANE", rb"DANE error: " + _TEXT),
    _Form(Kind.AUTH_FAILED, b"",
          rb"(?P<authenticator>[^ ]++) authenticator failed for %b: "
          rb"(?P<text>.*?)(?: \(set_id=(?P<authenticated_id>.*+)(?<=\)))?"),
    _Form(Kind.REJECTION, b"rejected", rb"rejected (?P<command>[A-Z]++) from %b: " + _TEXT),
    _Form(Kind.REJECTION, b"rejected",
          rb"rejected from (?P<sender>" + _PATH + rb") %b: " + _TEXT),
    _Form(Kind.WARNING, b"Warning:", rb"Warning: " + _TEXT),
    _Form(Kind.DAEMON_START, b"",
          rb"[^ ]++ (?P<version>[^ ]++) daemon started: pid=(?P<text>.*+)"),
    _Form(Kind.QUEUE_RUN, b"Start",
          rb"Start (?:'(?P<queue>[^']*+)' |ODMR )?+queue run: " + _TEXT),
    _Form(Kind.QUEUE_RUN_END, b"End",
          rb"End (?:'(?P<queue>[^']*+)' |ODMR )?+queue run: " + _TEXT),
    _Form(Kind.ARGUMENTS, b"",
          rb"cwd=(?P<text>.*?) (?P<number>\d++) args:.*+"),
    _Form(Kind.RE_EXEC, b"SIGHUP", rb"SIGHUP received: re-exec daemon.*+"),
    _Form(Kind.RE_EXEC, b"pid", rb"pid \d++: SIGHUP received: re-exec daemon.*+"),
    _Form(Kind.COMPLETED, b"Completed", rb"Completed" + field(b"queue_time", b"QT", TIME)),
    _Form(Kind.FROZEN, b"Frozen", rb"(?P<text>Frozen(?: .*+)?+)"),
    _Form(Kind.FROZEN, b"frozen", rb"(?P<text>frozen by .*+)"),
    _Form(Kind.STILL_FROZEN, b"Message", rb"Message is frozen"),
    _Form(Kind.UNFROZEN, b"Unfrozen", rb"(?P<text>Unfrozen by .*+)"),
    _Form(Kind.UNFROZEN, b"unfrozen", rb"(?P<text>unfrozen by .*+)"),
    _Form(Kind.REMOVED, b"removed", rb"(?P<text>removed by .*+)"),
    _Form(Kind.REMOVED, b"cancelled", rb"(?P<text>cancelled by .*+)"),
    _Form(Kind.NO_DELIVERY, b"Spool", rb"(?P<text>Spool file .*is locked.*+)"),
    _Form(Kind.DKIM, b"DKIM:", rb"DKIM: (?P<text>d=.*+)"),
    _Form(Kind.SPAM_SCAN, b"SA:", rb"SA: " + _TEXT),
)  # fmt: skip
OF_MESSAGES = frozenset({
    Kind.COMPLETED, Kind.FROZEN, Kind.STILL_FROZEN, Kind.UNFROZEN, Kind.REMOVED,
    Kind.DKIM, Kind.SPAM_SCAN,
})  # fmt: skip
"""Sorts of free text that only a line with a message id can be."""


class _Matcher:
    """A pattern with a host in it, in its plain and its patient form."""

    def __init__(self, pattern: bytes, host: Callable[..., bytes] = _from) -> None:
        self._plain = plain(pattern.replace(b"%b", host(client)))
        self._patient = (
            Patient(pattern.replace(b"%b", host(patient_client)))
            if b"%b" in pattern
            else None
        )

    def fullmatch(self, octets: bytes) -> Groups | None:
        found = self._plain.fullmatch(octets)
        if found is not None:
            return found.groupdict()
        # A HELO with blanks is in parentheses, and so is what may be taken for its end.
        if self._patient is None or b") [" not in octets:
            return None
        return self._patient.fullmatch(octets)


@cache
def _forms(first_word: bytes) -> tuple[tuple[Kind, _Matcher], ...]:
    return tuple(
        (form.kind, _Matcher(form.pattern))
        for form in _FORMS
        if form.first_word == first_word
    )


_FIRST_WORDS = frozenset(form.first_word for form in _FORMS)
_VERBS = (
    rb"(?P<verb>temporarily rejected|rejected|sender verify (?:fail|defer) for|Warning:"
    rb"|incomplete transaction|discarded by|RCPT(?= <)) (?P<rest>.*+)"
)
_SAID = {
    b"temporarily rejected": Kind.TEMPORARY_REJECTION,
    b"rejected": Kind.REJECTION,
    b"sender verify fail for": Kind.VERIFY_FAILED,
    b"sender verify defer for": Kind.VERIFY_FAILED,
    b"Warning:": Kind.WARNING,
    b"incomplete transaction": Kind.INCOMPLETE,
    b"discarded by": Kind.DISCARDED,
    b"RCPT": Kind.DISCARDED,
}
_COLON_TEXT = rb"(?:: ?+(?P<text>.*+))?+"
_BRACKETED = rb"<(?P<address>(?:" + ADDRESS + rb")?+)>"
_REST: dict[Kind, tuple[bytes, ...]] = {
    Kind.REJECTION: (
        rb"(?P<command>EHLO or HELO|[A-Z]++)(?: (?:" + _BRACKETED
        + rb"|(?P<address_2>[^ :<]++)))?+" + _COLON_TEXT,
        rb"(?P<command>[^:<]++)(?:" + _BRACKETED + rb")?+" + _COLON_TEXT,
        _TEXT,
    ),
    Kind.VERIFY_FAILED: (
        rb"(?P<sender_3><(?:" + ADDRESS + rb")?+>)" + _COLON_TEXT, _TEXT,
    ),
    Kind.WARNING: (_TEXT,),
    Kind.INCOMPLETE: (
        rb"\((?P<text>[^()]*+)\)(?: from (?P<sender_3>" + _PATH + rb"))?+.*+", _TEXT,
    ),
    Kind.DISCARDED: (
        rb"(?:" + _BRACKETED + rb": discarded by )?+(?P<command>[^ :]++) ACL" + _COLON_TEXT,
        _TEXT,
    ),
}  # fmt: skip
_REST[Kind.TEMPORARY_REJECTION] = _REST[Kind.REJECTION]


@cache
def _said_matcher() -> _Matcher:
    return _Matcher(rb"%b" + _VERBS, _said)


@cache
def _rest(kind: Kind) -> tuple[re.Pattern[bytes], ...]:
    return tuple(plain(pattern) for pattern in _REST[kind])


@cache
def _host_error() -> re.Pattern[bytes]:
    return plain(server(rb"H=") + INTERFACE + rb":? " + _TEXT)


def parse_free_line(octets: bytes, *, of_message: bool) -> tuple[Kind, Fields]:
    """The sort of a line and its fields.

    of_message: it has a message id. Text of no known sort is a NOTE then, and UNPARSED
    otherwise.
    """
    first = octets.partition(b" ")[0]
    words = (first, b"") if first in _FIRST_WORDS else (b"",)
    for word in words:
        for kind, matcher in _forms(word):
            if of_message or kind not in OF_MESSAGES:
                groups = matcher.fullmatch(octets)
                if groups is not None:
                    return kind, _finished(groups)
    if octets.startswith((b"H=", b"U=", b"F=", b"DS ", b"rejected", b"temporarily")):
        groups = _said_matcher().fullmatch(octets)
        if groups is not None:
            return _decided(groups)
    if of_message:
        return _note(octets)
    return Kind.UNPARSED, {"text": text(octets)}


def _decided(groups: Groups) -> tuple[Kind, Fields]:
    """What an ACL or the server decided, and on what."""
    kind = _SAID[groups.pop("verb") or b""]
    rest = groups.pop("rest") or b""
    for pattern in _rest(kind):
        found = pattern.fullmatch(rest)
        if found is not None:
            groups |= found.groupdict()
            break
    fields = _finished(groups)
    if fields.get("command") == "MAIL" and "sender" not in fields:
        fields["sender"] = fields.pop("address", None)
    return kind, fields


def _note(octets: bytes) -> tuple[Kind, Fields]:
    found = _host_error().fullmatch(octets) if octets.startswith(b"H=") else None
    if found is not None and found["ip"] is not None:
        return Kind.HOST_ERROR, attributes(found.groupdict())
    if octets.endswith(b": error ignored"):
        return Kind.ERROR_IGNORED, {"address": text(octets[: -len(b": error ignored")])}
    return Kind.NOTE, {"text": text(octets)}


def _finished(groups: Groups) -> Fields:
    authenticated = groups.pop("authenticated", None)
    commands = groups.pop("commands", None)
    fields = attributes(groups)
    if authenticated is not None:
        fields.update(authentication(authenticated))
    if commands is not None:
        fields["commands"] = tuple(text(commands).split(","))
    return fields
