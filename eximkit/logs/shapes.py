"""The shapes of line that the fast path knows, and the tokens that it makes of them.

Each shape is strict: what it takes, the complete grammar understands alike. Tokens are
described in `tokens.py`. Groups are numbered alike in all shapes, and hold the blank or
bracket before them, so that next to nothing has to be put between them:

    1 hour               5 `:port`              9 ` L`
    2 `<>`, or flag      6 `*`                 10 thousands of octets (S=), and
    3 ` R= T=`           7 Ci=                 11 what is left of them
    4 `[address`         8 ` P= L X=`, ` X=`

Where details are asked for, too, those are

    1 hour              8 ` R= T=`             15 ` P= L X=`, ` X=`
    2 rest of the time  9 transport            16 protocol
    3 message id       10 host's names, U=     17 ` L`
    4 flag             11 `[address`           18 thousands of octets (S=), and
    5 address, text    12 `:port`              19 what is left of them
    6 `<>`             13 `*`                  20 RT=, or DT=
    7 `<original>`     14 Ci=                  21 RT= at another place
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from typing import NamedTuple

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


_MINUTES = rb":\d\d:\d\d"
_STAMP = (
    rb"(" + DATE + rb"%s"
    rb"(?:" + MILLISECONDS + rb")?+(?: " + ZONE + rb")?+(?: " + PROCESS + rb")?+ "
)
_PREFIX = rb"(?>" + SYSLOG_TIME + rb"|" + ISO_TIME + rb")" + SYSLOG_SOURCE
_UNSTAMPED = SYSLOG_SOURCE + rb"(?!" + DATE + rb" )(?:" + PROCESS + rb" )?+"
PREFIXES = {
    Stamped.FILE: _STAMP,
    Stamped.SYSLOG: _PREFIX + _STAMP,
    Stamped.SYSLOG_ONLY: rb"(" + MONTH + rb" [ \d]\d%s" + _UNSTAMPED,
    Stamped.ISO_SYSLOG_ONLY: (
        rb"(" + DATE + rb"%s(?:\.\d{1,9})?+(?:Z|[+-]\d\d:\d\d)" + _UNSTAMPED
    ),
}
"""How a line begins; what is missing is the hour, in the group or behind it."""


def _within_line(fragment: str, kept: str = "(?!)") -> bytes:
    """A fragment of the complete grammar that captures nothing and ends with its line.

    (There it is matched against the text of one line, which has no NUL octets.)
    kept: the names of groups that capture all the same.
    """
    named = re.sub(rf"\(\?P<(?:{kept})>", "(", fragment)
    unnamed = re.sub(r"\(\?P<\w+>", "(?:", named)
    inside = unnamed.replace("[^", r"[^\n\0").replace(r"\\.", r"\\[^\n\0]")
    return inside.replace(r"\Z", r"(?=\n)").encode()


_ADDRESS = _within_line(ADDRESS)
_BRACKETED = rb"<(?>" + _ADDRESS + rb")?+>"
_QUOTED = rb'"(?>[^"\\\n\0]++|\\[^\n\0])*+"'
_WORD = rb"[^\s\":=\0]++"
_TIME = _within_line(TIME)
_PORT = rb":" + _within_line(PORT)
_BEHIND_SIZE = _within_line(BEHIND_SIZE)
_BEHIND_SIZE_KEPT = _within_line(BEHIND_SIZE, "receive_time(?:_2)?")
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


class _Captures(NamedTuple):
    """Which groups of a shape keep what they matched: those of tokens, or all."""

    details: bool = False

    @staticmethod
    def token(fragment: bytes = b"") -> bytes:
        """A group of the tokens; without a fragment it keeps their numbers alike."""
        return b"(" + fragment + b")"

    def detail(self, fragment: bytes = b"") -> bytes:
        """A group of the details; the same."""
        return b"(" + fragment + b")" if self.details else fragment

    def unset(self, tokens: int, details: int) -> bytes:
        """Groups that a shape does not have; what cannot match leaves them unset."""
        number = tokens + details * self.details
        return b"(?:(?!)" + b"()" * number + b")?+" if number else b""


def _arrival(session: bytes, rest: bytes, keep: _Captures) -> bytes:
    """From the flag to the end of the line: what is trusted ends with S=."""
    sender = keep.detail(rb"(?>(<>)|" + _ADDRESS + rb")")
    return (
        rb"[<(]= " + keep.detail() + sender + keep.detail() + keep.token()
        + keep.detail() + rb"(?> R=[^\s\"\0]++)?+(?> DS)?+"
        + session + rest + rb" S=(\d{0,15}?)(\d{1,3})(?=[ \n])"
        + (_BEHIND_SIZE_KEPT if keep.details else _BEHIND_SIZE) + rb"(?=\n)"
    )  # fmt: skip


def _delivery(where: bytes, keep: _Captures) -> bytes:
    """From the flag to the end of the line, of which nothing is left open."""
    detail = keep.detail
    address = (
        rb"(?>[|/](?>[^<>\"\n\0 ]++| (?![A-Z]++=|[<(]))*+(?= <)|" + _ADDRESS + rb")"
    )
    return (
        rb"([-=>])> " + detail(address) + detail() + rb"(?> " + detail(_BRACKETED)
        + rb")?+" + _FROM + rb"(?> P=" + _BRACKETED + rb")?+( R=" + _WORD + rb" T="
        + detail(_WORD) + rb")(?> S=\d{1,18}+)?+" + where + rb"(?> C=" + _QUOTED
        + rb")?+(?> QT=" + _TIME + rb")?+(?> DT=" + detail(_TIME) + rb")?+(?=\n)"
    )  # fmt: skip


_PROTOCOL = rb"[^\s\"\0]++"


def _of_message(keep: _Captures) -> dict[bytes, bytes]:
    """What may follow a message id. The name of a shape begins its token."""
    detail = keep.detail
    return {
        b"A": _arrival(
            rb" H=" + detail(_CLIENT_NAMES) + rb"(\[" + IP + rb")\](" + _PORT
            + rb")?+()" + _INTERFACE + _FAST_OPEN + _IDENT + rb"(?> Ci=(\d++))?+",
            rb"( P=" + detail(_PROTOCOL) + rb"(?>( L[.*]?+-?+)(?= ))?+(?> X="
            + _TLS_VERSION + rb")?+)?+(?>" + _CIPHER + rb")?+" + _PEER
            + rb"(?> SNI=[^\s\"\0]++)?+" + _AUTH + rb"(?> PRDR)?+(?> K)?+" + _AUTH,
            keep,
        ),
        b"M": _arrival(
            rb"(?> U=" + detail(_WORD) + rb")?+" + keep.unset(4, 0),
            rb"( P=" + detail(_PROTOCOL) + rb")?+()",
            keep,
        ),
        b"R": _delivery(
            rb" H=" + detail(_HOST_NAME) + rb"(?> DS)?+ (\[" + IP + rb")\](" + _PORT
            + rb")?+(\*)?+" + keep.unset(1, 0) + _INTERFACE + _FAST_OPEN + _TLS
            + detail() + _AUTH + rb"(?>( L\*?+)(?=[ \n]))?+(?> PRDR)?+(?> K)?+"
            + keep.unset(0, 2),
            keep,
        ),
        b"D": _delivery(keep.unset(0, 10), keep),
        b"completed": rb"Completed(?> QT=" + _TIME + rb")?+(?=\n)",
        b"frozen": rb"Frozen(?=[ \n])" + _TAIL,
        b"deferral": (
            rb"== " + _ADDRESS + rb"(?> " + _BRACKETED + rb")?+ R=" + _WORD + rb" T="
            + _WORD + rb"(?> H=" + _SERVER + rb")?+ defer \((?>-\d{1,18}+|0)\)"
            + rb"(?>: " + _TAIL + rb")?+(?=\n)"
        ),
        b"failure": rb"\*\* " + detail() + detail(
            _ADDRESS + rb"(?> " + _BRACKETED + rb")?+" + _FROM
            + rb"(?> P=" + _BRACKETED + rb")?+ R=" + _WORD + rb"(?> T=" + _WORD
            + rb"(?> H=" + _SERVER + rb"\*?+" + _TLS_UNSEEN + rb")?+)?+ ?+: " + _TAIL
        ),
    }  # fmt: skip


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
_BEFORE_REJECTED = _INTERFACE + _TLS_UNSEEN + _FROM + rb"(?> A=[^\s\"\0]++)?+ "
_REJECTED = rb"(?:temporarily )?+rejected "
_HELO_REJECTED = rb"rejected [A-Z]++ from H=" + _CLIENT + rb": "


def _rejection(keep: _Captures) -> bytes:
    """A rejection. Details: the client's address, and the text from there on."""
    if not keep.details:
        return (
            rb"(?>H=" + _CLIENT + _BEFORE_REJECTED + _REJECTED + rb"|" + _HELO_REJECTED
            + rb")" + _TAIL
        )  # fmt: skip
    return (
        rb"()()(?|H=" + _CLIENT_NAMES + rb"(\[" + IP + rb")\](?>" + _PORT + rb")?+"
        + _BEFORE_REJECTED + rb"()(" + _REJECTED + _TAIL + rb")|()()("
        + _HELO_REJECTED + _TAIL + rb"))"
    )  # fmt: skip


def _free(keep: _Captures) -> dict[bytes, bytes]:
    """What may stand where no message is spoken of."""

    def text(shape: bytes) -> bytes:
        return 4 * keep.detail() + keep.detail(shape)

    return {
        b"reject": _rejection(keep),
        b"sync_greeting": text(
            _SYNC % rb"input sent without waiting for greeting"
        ),
        b"sync_not_advertised": text(
            _SYNC % rb"next input sent too soon: pipelining was not advertised"
        ),
        b"sync_advertised": text(
            _SYNC % rb"next input sent too soon: pipelining was advertised"
        ),
        b"other": rb"(?>" + rb"|".join(_UNCOUNTED) + rb")" + _TAIL,
    }  # fmt: skip


@cache
def pattern(stamped: Stamped, *, hours: bool, details: bool = False) -> bytes:
    """The expression that takes one line, its LF included, at each match.

    hours: times are told apart by the hour, not by the day alone. details: the groups
    are those of `DETAILS`, too.
    """
    keep = _Captures(details)
    hour = rb"[ T][ \d]\d" if stamped is Stamped.SYSLOG_ONLY else rb"[ T]\d\d"
    if hours:
        time = hour + rb")" + keep.detail(_MINUTES)
    else:
        time = rb")" + keep.detail(hour + _MINUTES)
    message, free = (
        rb"|".join(shape + rb"(*:" + name + rb")" for name, shape in shapes.items())
        for shapes in (_of_message(keep), _free(keep))
    )
    other = rb"()" + keep.detail() + keep.detail() + rb"([^\n]*+)(*:?)"
    return (
        rb"(?|" + PREFIXES[stamped] % time + rb"(?|" + keep.detail(MESSAGE_ID)
        + rb" (?|" + message + rb")|" + free + rb")\n|" + other + rb"\n)"
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

_DETAILS = b"\0$*MARK\0$1$2\0$3\0$4\0$18$19\0$5\n$7\n$9\n$10\n$11\0$16\0$20\0$21\0"
DETAILS = 10
"""What tells a line from others: columns with a NUL octet before each. They are sort,
time, message id, flag, size, what `far_ends.py` calls a raw key, protocol, RT= or DT=,
RT= at another place, and the tokens. Lines of known shapes hold no such octet."""
UNKNOWN_DETAILS = b"\0?\0\0\0%b" + 6 * b"\0"
"""The same of a line of no known shape, as its flag."""

_WITH_DETAILS = {
    b"1": b"1", b"3": b"8", b"4": b"11", b"5": b"12", b"6": b"13", b"7": b"14",
    b"8": b"15", b"9": b"17", b"10": b"18", b"11": b"19",
}  # fmt: skip
_GROUP = re.compile(rb"(?<=\$)\d++|(?<=\$\{)\d++(?=:)")


def with_details(template: bytes) -> bytes:
    """A template of tokens for the expression that has details, which come first."""
    both = template.replace(b"$2", b"$FLAG$NULL")
    numbered = _GROUP.sub(lambda found: _WITH_DETAILS[found[0]], both)
    return _DETAILS + numbered.replace(b"$FLAG$NULL", b"$4$6")
