"""The shapes of line that the fast path knows, and the tokens that it makes of them.

Each shape is strict: what it takes, the complete grammar understands alike. Tokens are
described in `tokens.py`. Groups are numbered alike in all shapes, and hold the blank or
bracket before them, so that next to nothing has to be put between them:

    1 hour               5 `:port`              9 ` L`
    2 `<>`, or flag      6 `*`                 10 thousands of octets (S=), and
    3 ` R= T=`           7 Ci=                 11 what is left of them
    4 `[address`         8 ` P= L X=`, ` X=`
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache

from eximkit.logs.arrivals import BEHIND_SIZE
from eximkit.logs.fields import ADDRESS, PORT, TIME
from eximkit.logs.syntax import (
    DATE,
    IP,
    ISO_TIME,
    MESSAGE_ID,
    MILLISECONDS,
    MONTH,
    PROCESS,
    SYSLOG_SOURCE,
    SYSLOG_TIME,
    ZONE,
)


class Stamped(Enum):
    """What stands before the first word of an entry."""

    FILE = "Exim's stamp"
    SYSLOG = "syslog's and Exim's"
    SYSLOG_ONLY = "syslog's, without a year"
    ISO_SYSLOG_ONLY = "syslog's, with a year"


_STAMP = (
    rb"(" + DATE + rb"%s:\d\d:\d\d"
    rb"(?:" + MILLISECONDS + rb")?+(?: " + ZONE + rb")?+(?: " + PROCESS + rb")?+ "
)
_PREFIX = rb"(?>" + SYSLOG_TIME + rb"|" + ISO_TIME + rb")" + SYSLOG_SOURCE
_UNSTAMPED = SYSLOG_SOURCE + rb"(?!" + DATE + rb" )(?:" + PROCESS + rb" )?+"
PREFIXES = {
    Stamped.FILE: _STAMP,
    Stamped.SYSLOG: _PREFIX + _STAMP,
    Stamped.SYSLOG_ONLY: rb"(" + MONTH + rb" [ \d]\d%s:\d\d:\d\d" + _UNSTAMPED,
    Stamped.ISO_SYSLOG_ONLY: (
        rb"(" + DATE + rb"%s:\d\d:\d\d(?:\.\d{1,9})?+(?:Z|[+-]\d\d:\d\d)" + _UNSTAMPED
    ),
}
"""How a line begins; what is missing is the hour, in the group or behind it."""


def _within_line(fragment: str) -> bytes:
    """A fragment of the complete grammar that captures nothing and ends with its line.

    (There it is matched against the text of one line, which has no NUL octets.)
    """
    unnamed = re.sub(r"\(\?P<\w+>", "(?:", fragment)
    inside = unnamed.replace("[^", r"[^\n\0").replace(r"\\.", r"\\[^\n\0]")
    return inside.replace(r"\Z", r"(?=\n)").encode()


_ADDRESS = _within_line(ADDRESS)
_BRACKETED = rb"<(?>" + _ADDRESS + rb")?+>"
_QUOTED = rb'"(?>[^"\\\n\0]++|\\[^\n\0])*+"'
_WORD = rb"[^\s\":=\0]++"
_TIME = _within_line(TIME)
_PORT = rb":" + _within_line(PORT)
_TAIL = rb"(?>[^\n\0:]++|:(?!\d\d:\d\d[ .]))*+"
"""The rest of a line, whatever it says. A clock time may be part of another entry's
stamp, which ran into this one: the complete grammar finds that out."""

_HOST_NAME = rb"[^\s\[\]()\"=<>:\0]++"
_CLIENT_NAMES = (
    rb"(?>" + _HOST_NAME + rb" (?=[(\[]))?+(?>\([^()\n\0\"=]++\) )?+"
)  # fmt: skip
_CLIENT = _CLIENT_NAMES + rb"\[" + IP + rb"\](?>" + _PORT + rb")?+"
_SERVER = _HOST_NAME + rb" \[" + IP + rb"\](?>" + _PORT + rb")?+"
_INTERFACE = rb"(?> I=\[" + IP + rb"\](?>" + _PORT + rb")?+)?+"
_FAST_OPEN = rb"(?> TFO\*?+)?+"
_IDENT = rb"(?> U=" + _WORD + rb")?+"
_TLS_VERSION = rb"(?>TLS|SSL)v?+\d(?>\.\d)?+"
_PEER = rb'(?> CV=[a-z]++)?+(?> DN="[^"\n\0]*+"(?=[ :]))?+'
_CIPHER = rb":[^\s\"\0]++(?<!:)"
_TLS = rb"(?>( X=" + _TLS_VERSION + rb")" + _CIPHER + rb")?+" + _PEER
_TLS_UNSEEN = rb"(?> X=" + _TLS_VERSION + _CIPHER + rb")?+" + _PEER
_AUTH = rb"(?> A=[^\s\"\0]++)?+"
_FROM = rb"(?> F=" + _BRACKETED + rb")?+"


def _arrival(session: bytes, rest: bytes) -> bytes:
    """From the flag to the end of the line: what is trusted ends with S=."""
    return (
        rb"[<(]= (?>(<>)|" + _ADDRESS + rb")()(?> R=[^\s\"\0]++)?+(?> DS)?+"
        + session + rest + rb" S=(\d{0,15}?)(\d{1,3})(?=[ \n])"
        + _within_line(BEHIND_SIZE) + rb"(?=\n)"
    )  # fmt: skip


def _delivery(where: bytes) -> bytes:
    """From the flag to the end of the line, of which nothing is left open."""
    return (
        rb"([-=>])> (?>[|/](?>[^<>\"\n\0 ]++| (?![A-Z]++=|<))*+(?= <)|" + _ADDRESS
        + rb")(?> " + _BRACKETED + rb")?+" + _FROM + rb"(?> P=" + _BRACKETED + rb")?+"
        + rb"( R=" + _WORD + rb" T=" + _WORD + rb")(?> S=\d{1,18}+)?+" + where
        + rb"(?> C=" + _QUOTED + rb")?+(?> QT=" + _TIME + rb")?+(?> DT=" + _TIME
        + rb")?+(?=\n)"
    )  # fmt: skip


_PROTOCOL = rb"[^\s\"\0]++"
_OF_MESSAGE = {
    b"A": _arrival(
        rb" H=" + _CLIENT_NAMES + rb"(\[" + IP + rb")\](" + _PORT + rb")?+()"
        + _INTERFACE + _FAST_OPEN + _IDENT + rb"(?> Ci=(\d++))?+",
        rb"( P=" + _PROTOCOL + rb"(?>( L[.*]?+-?+)(?= ))?+(?> X=" + _TLS_VERSION
        + rb")?+)?+(?>" + _CIPHER + rb")?+" + _PEER + rb"(?> SNI=[^\s\"\0]++)?+" + _AUTH
        + rb"(?> PRDR)?+(?> K)?+" + _AUTH,
    ),
    # (What cannot match leaves its groups unset: no host, no port.)
    b"M": _arrival(
        rb"(?:(?!)()()()())?+" + _IDENT, rb"( P=" + _PROTOCOL + rb")?+()"
    ),
    b"R": _delivery(
        rb" H=" + _HOST_NAME + rb"(?> DS)?+ (\[" + IP + rb")\](" + _PORT + rb")?+(\*)?+"
        + rb"(?:(?!)())?+" + _INTERFACE + _FAST_OPEN + _TLS + _AUTH
        + rb"(?>( L\*?+)(?=[ \n]))?+(?> PRDR)?+(?> K)?+"
    ),
    b"D": _delivery(b""),
    b"completed": rb"Completed(?> QT=" + _TIME + rb")?+(?=\n)",
    b"frozen": rb"Frozen(?=[ \n])" + _TAIL,
    b"deferral": (
        rb"== " + _ADDRESS + rb"(?> " + _BRACKETED + rb")?+ R=" + _WORD + rb" T="
        + _WORD + rb"(?> H=" + _SERVER + rb")?+ defer \((?>-\d{1,18}+|0)\)"
        + rb"(?>: " + _TAIL + rb")?+(?=\n)"
    ),
    b"failure": (
        rb"\*\* " + _ADDRESS + rb"(?> " + _BRACKETED + rb")?+" + _FROM
        + rb"(?> P=" + _BRACKETED + rb")?+ R=" + _WORD + rb"(?> T=" + _WORD
        + rb"(?> H=" + _SERVER + rb"\*?+" + _TLS_UNSEEN + rb")?+)?+ ?+: " + _TAIL
    ),
}  # fmt: skip
"""What may follow a message id. The name of a shape is the first word of its token."""

_SYNC = (
    rb"SMTP protocol synchronization error \(%s\): rejected "
    rb'(?>connection from |"[^"\n\0]*+" )' + _TAIL
)
_UNCOUNTED = (
    rb"cwd=[^ \n\0]++ \d++ args:",
    rb"(?:Start|End) queue run: ",
    rb"no host name found for IP address [^ \n\0]++",
    rb"SMTP connection from " + _CLIENT + _INTERFACE
    + rb"(?> closed by QUIT| lost(?= D=|\n)| \(TCP/IP connection count = \d++\)(?=\n))",
    rb"unexpected disconnection while reading SMTP command from " + _CLIENT,
    rb"no MAIL in (?>TFO\*?+ )?+SMTP connection from " + _CLIENT,
    rb"TLS error on connection from " + _CLIENT + _INTERFACE + rb" \(",
    rb"[^\s\0]++ authenticator failed for (?>H=)?+" + _CLIENT + _INTERFACE + _IDENT
    + rb": ",
    rb"H=" + _CLIENT + _INTERFACE + _TLS_UNSEEN + rb" sender verify fail for ",
)  # fmt: skip
_FREE = {
    b"reject": (
        rb"(?>H=" + _CLIENT + _INTERFACE + _TLS_UNSEEN + _FROM
        + rb"(?> A=[^\s\"\0]++)?+ (?:temporarily )?+rejected "
        rb"|rejected [A-Z]++ from H=" + _CLIENT + rb": )" + _TAIL
    ),
    b"sync_greeting": _SYNC % rb"input sent without waiting for greeting",
    b"sync_not_advertised": (
        _SYNC % rb"next input sent too soon: pipelining was not advertised"
    ),
    b"sync_advertised": (
        _SYNC % rb"next input sent too soon: pipelining was advertised"
    ),
    b"other": rb"(?>" + rb"|".join(_UNCOUNTED) + rb")" + _TAIL,
}  # fmt: skip
"""What may stand where no message is spoken of."""


@cache
def pattern(stamped: Stamped, *, hours: bool) -> bytes:
    """The expression that takes one line, its LF included, at each match.

    hours: times are told apart by the hour, not by the day alone.
    """
    hour = rb"[ T][ \d]\d" if stamped is Stamped.SYSLOG_ONLY else rb"[ T]\d\d"
    prefix = PREFIXES[stamped] % (hour + rb")" if hours else rb")" + hour)
    message, free = (
        rb"|".join(shape + rb"(*:" + name + rb")" for name, shape in shapes.items())
        for shapes in (_OF_MESSAGE, _FREE)
    )
    return (
        rb"(?|" + prefix + rb"(?|" + MESSAGE_ID + rb" (?|" + message
        + rb")|" + free + rb")\n|()([^\n]*+)(*:?)\n)"
    )  # fmt: skip


TOKENS = b"$*MARK$1$2$6$3$8$9\n${4:+$*MARK$4$9\n:}"
"""What is written in the place of each line. Each octet of a template costs time; there
can be no escapes inside `${…}`."""
OCTETS = b"${11:+T$1$10\nU$1$11\n:}"
"""Further tokens: the octets of what was received. Sizes are nearly all different, but
their two halves are not: those are counted in bulk like the rest."""
OCTETS_BY_SESSION = b"${11:+T$1$*MARK$8\t$10\nU$1$*MARK$8\t$11\n:}"
"""The same, told apart by protocol and TLS version, too."""
OCTETS_BY_HOST = b"${11:+B$*MARK$4\t$10$11\n:}"
"""One more token: the octets that a host has sent."""
_CONNECTION = b"C$*MARK$1$4$5$9\t$7\n"
CONNECTIONS = b"${5:+" + _CONNECTION + b":${7:+" + _CONNECTION + b":}}"
"""One more token, for lines that tell one connection from another."""
CONNECTION_SIGN = rb"\]:\d| Ci=\d"
"""Found in all text that has such lines."""

UNKNOWN = b"?%b\n"
"""What becomes of a line of no known shape."""
