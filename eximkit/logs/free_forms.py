"""The sorts of line without an event flag, as patterns.

Exim specification, chapter "Log files", and the chapters on what each is about.
"""

from __future__ import annotations

from typing import NamedTuple

from eximkit.logs.fields import ADDRESS, IP, PATH, PLAIN_DN, PORT, TIME, field
from eximkit.logs.record import Kind

PEER = "<PEER>"
"""In a pattern: a client with or without H=, or a local user with or without U=."""
CLIENT = "<CLIENT>"
"""In a pattern: a client with H=, or a local user with U=."""


class Form(NamedTuple):
    """A sort of line: its first word, "" for any, and the pattern of the whole."""

    kind: Kind
    first_word: str
    pattern: str


_TEXT = "(?P<text>.*+)"
_DURATION = field("duration", "D", TIME)
_NUMBER = r"(?P<number>\d{1,9})"
_CONNECTION = (
    rf"SMTP connection(?: Ci=(?P<connection_id>[^ ]++))?+ from {PEER}"
    rf"(?: Ci=(?P<connection_id_2>[^ ]++))?+"
)


def _ended(how: str) -> str:
    return (
        rf"{_CONNECTION}{_DURATION} (?P<text>{how}.*?)"
        rf"(?: D=(?P<duration_2>{TIME}))?"
    )


_TOO_SOON = "next input sent too soon: pipelining was"


def _out_of_sync(reason: str) -> str:
    return (
        rf"SMTP protocol synchronization error \({reason}\): rejected "
        rf'(?:"(?P<command>.*?)"|connection from) (?:{CLIENT} (?:next )?+input="'
        rf'(?P<text>.*?)"?(?:\.\.\.)?(?: \(\d++ bytes\))?|(?P<text_2>.*+))'
    )


FORMS = (
    # What clients do.
    Form(Kind.SYNC_GREETING, "SMTP",
         _out_of_sync("input sent without waiting for greeting")),
    Form(Kind.SYNC_NOT_ADVERTISED, "SMTP", _out_of_sync(f"{_TOO_SOON} not advertised")),
    Form(Kind.SYNC_ADVERTISED, "SMTP", _out_of_sync(f"{_TOO_SOON} advertised")),
    Form(Kind.SYNTAX_ERROR, "SMTP",
         rf'SMTP (?:syntax|protocol) error in "(?P<command>.*)" {CLIENT} {_TEXT}'),
    Form(Kind.CONNECTION, "SMTP",
         rf"{_CONNECTION}(?: \(TCP/IP connection count = {_NUMBER}\))?+"),
    Form(Kind.CONNECTION_CLOSED, "SMTP", _ended("closed")),
    Form(Kind.LOST_CONNECTION, "SMTP", _ended("lost")),
    Form(Kind.LOST_CONNECTION, "SMTP",
         r"SMTP (?P<text>(?:command|data) timeout(?: \(message abandoned\))?+) on "
         rf"(?:TLS )?+connection from {PEER}(?: F=(?P<sender>{PATH}))?+{_DURATION}.*+"),
    Form(Kind.LOST_CONNECTION, "SMTP",
         rf"SMTP (?P<text>connection lost after final dot) {PEER}.*+"),
    Form(Kind.LOST_CONNECTION, "unexpected",
         r"(?P<text>unexpected disconnection while reading SMTP command) from "
         rf"{PEER}{_DURATION}.*+"),
    Form(Kind.LOST_CONNECTION, "Error",
         rf"(?P<text>Error or EOF on input) from {PEER}.*+"),
    Form(Kind.DROPPED_CONNECTION, "SMTP", rf"SMTP call from {PEER} dropped: {_TEXT}"),
    Form(Kind.REFUSED_CONNECTION, "refused",
         rf"refused connection from {PEER}(?: {_TEXT})?+"),
    Form(Kind.REFUSED_CONNECTION, "temporarily",
         rf"temporarily refused connection from {PEER}(?: {_TEXT})?+"),
    Form(Kind.REFUSED_CONNECTION, "Connection",
         rf"Connection from {PEER} refused: {_TEXT}"),
    Form(Kind.NO_MAIL, "no",
         rf"no MAIL in (?:(?P<tfo>TFO\*?+) )?+SMTP connection from {PEER}{_DURATION}"
         + field("authenticated", "A") + field("tls", "X") + field("verified", "CV")
         + PLAIN_DN + field("sni", "SNI") + field("commands", "C") + ".*+"),
    Form(Kind.NO_HOST_NAME, "no",
         "no host name found for IP address (?P<ip>[^ ]++).*+"),
    Form(Kind.NO_HOST_NAME, "no",
         r"no IP address found for host (?P<text>[^ ]++)"
         rf"(?: \(during SMTP connection from {PEER}\))?.*+"),
    Form(Kind.AUTH_FAILED, "",
         rf"(?P<authenticator>[^ ]++) authenticator failed for {PEER}: "
         r"(?P<text>.*?)(?: \(set_id=(?P<authenticated_id>.*)\))?"),
    Form(Kind.REJECTION, "rejected",
         rf"rejected (?P<command>[A-Z]++) from {PEER}: {_TEXT}"),
    Form(Kind.REJECTION, "rejected",
         rf"rejected from (?P<sender>{PATH}) {PEER}: {_TEXT}"),
    Form(Kind.TEMPORARY_REJECTION, "too",
         f"too many recipients: excess (?P<command>temporarily rejected): "
         f"sender=(?P<sender>{PATH}) {PEER}.*+"),
    Form(Kind.TEMPORARY_REJECTION, "local_scan()",
         r"(?P<text>local_scan\(\) function .*message temporarily rejected.*+)"),
    Form(Kind.ETRN, "ETRN", f"ETRN (?P<text>[^ ]++) received from {PEER}"),
    Form(Kind.ETRN, "ATRN", f"ATRN (?P<text>'[^']*+') received from {PEER}"),
    # TLS, either way.
    Form(Kind.TLS_ERROR, "TLS",
         rf"TLS error on connection (?:from|to) {PEER} (?P<text>\(.*+)"),
    Form(Kind.TLS_ERROR, "TLS", f"TLS session: {_TEXT}"),
    Form(Kind.TLS_ERROR, "DANE",
         f"DANE attempt failed; TLS connection to {PEER}: {_TEXT}"),
    Form(Kind.TLS_ERROR, "DANE", f"DANE error: {_TEXT}"),
    Form(Kind.TLS_ERROR, "",
         rf"\[(?P<ip>{IP})\](?::{PORT})?+ SSL verify error: {_TEXT}"),
    # What the daemon and others do.
    Form(Kind.DAEMON_START, "exim",
         "exim (?P<version>[^ ]++) daemon started: (?P<text>pid=.*+)"),
    Form(Kind.QUEUE_RUN, "Start",
         f"Start (?:'(?P<queue>[^']*+)' |ODMR )?+queue run: {_TEXT}"),
    Form(Kind.QUEUE_RUN_END, "End",
         f"End (?:'(?P<queue>[^']*+)' |ODMR )?+queue run: {_TEXT}"),
    Form(Kind.ARGUMENTS, "", rf"cwd=.*? {_NUMBER} args: ?{_TEXT}"),
    Form(Kind.RE_EXEC, "SIGHUP", "SIGHUP received: re-exec daemon.*+"),
    Form(Kind.RE_EXEC, "pid", r"pid \d++: SIGHUP received: re-exec daemon.*+"),
    Form(Kind.WARNING, "Warning:", f"Warning: {_TEXT}"),
    Form(Kind.WARNING, "WARNING:", f"WARNING: {_TEXT}"),
    # What becomes of a message.
    Form(Kind.COMPLETED, "Completed", "Completed" + field("queue_time", "QT", TIME)),
    Form(Kind.FROZEN, "Frozen", "(?P<text>Frozen(?: .*+)?+)"),
    Form(Kind.FROZEN, "frozen", "(?P<text>frozen by .*+)"),
    Form(Kind.STILL_FROZEN, "Message", "Message is frozen"),
    Form(Kind.UNFROZEN, "Unfrozen", "(?P<text>Unfrozen by .*+)"),
    Form(Kind.UNFROZEN, "unfrozen", "(?P<text>unfrozen by .*+)"),
    Form(Kind.REMOVED, "removed", "(?P<text>removed by .*+)"),
    Form(Kind.REMOVED, "cancelled", "(?P<text>cancelled by .*+)"),
    Form(Kind.NO_DELIVERY, "no", f"no immediate delivery: {_TEXT}"),
    Form(Kind.NO_DELIVERY, "Spool",
         "(?P<text>Spool file (?:for [^ ]++ )?+is locked.*+)"),
    Form(Kind.DKIM, "DKIM:", f"DKIM: {_TEXT}"),
    Form(Kind.SPAM_SCAN, "SA:", f"SA: {_TEXT}"),
)  # fmt: skip

OF_MESSAGES = frozenset({
    Kind.COMPLETED, Kind.FROZEN, Kind.STILL_FROZEN, Kind.UNFROZEN, Kind.REMOVED,
    Kind.SPAM_SCAN,
})  # fmt: skip
"""Sorts that only a line with a message id can be."""

VERBS = {
    "temporarily rejected": Kind.TEMPORARY_REJECTION,
    "rejected": Kind.REJECTION,
    "sender verify fail for": Kind.VERIFY_FAILED,
    "sender verify defer for": Kind.VERIFY_FAILED,
    "Warning:": Kind.WARNING,
    "incomplete transaction": Kind.INCOMPLETE,
    "dropped by": Kind.REJECTION,
    "discarded by": Kind.DISCARDED,
    "RCPT": Kind.DISCARDED,
}
"""The server's words about a client, behind the host."""
_COLON_TEXT = r"(?:: ?+(?P<text>.*+))?+"
_BRACKETED = rf"<(?P<address>(?:{ADDRESS})?+)>"
_REJECTED = (
    rf"(?P<command>RCPT|VRFY|EXPN) (?:{_BRACKETED}|(?P<address_2>[^ :<]++))"
    + _COLON_TEXT,
    rf"(?P<command>MAIL) (?P<sender>{PATH}){_COLON_TEXT}",
    rf"(?P<command>EHLO or HELO) (?P<helo>.*?){_COLON_TEXT}",
    rf"(?P<command>[^:<]*[^:< ])(?: {_BRACKETED})?+{_COLON_TEXT}",
    _TEXT,
)
OBJECTS = {
    Kind.TEMPORARY_REJECTION: _REJECTED,
    Kind.REJECTION: _REJECTED,
    Kind.VERIFY_FAILED: (rf"(?P<sender>{PATH}){_COLON_TEXT}", _TEXT),
    Kind.WARNING: (_TEXT,),
    Kind.INCOMPLETE: (
        rf"\((?P<text>[^()]*+)\)(?: from (?P<sender>{PATH}))?+.*+", _TEXT,
    ),
    Kind.DISCARDED: (
        rf"(?:{_BRACKETED}: discarded by )?+(?P<command>[^ :]++) ACL{_COLON_TEXT}",
        _TEXT,
    ),
}  # fmt: skip
"""What may follow those words; the first pattern that fits is taken."""
