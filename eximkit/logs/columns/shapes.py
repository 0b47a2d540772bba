"""The shapes of line that become columns in bulk.

Each shape is the complete grammar's own pattern for plain lines of its sort, the one
that it tries first: what matches here, `line.py` understands alike. All other lines are
left to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from eximkit.logs import arrivals, deliveries
from eximkit.logs.fields import TIME
from eximkit.logs.free_forms import FORMS, OBJECTS
from eximkit.logs.free_lines import FIRST_WORDS, SAID, plain_pattern
from eximkit.logs.record import Kind

_OTHERS = r"\n\0\r\x1f"
_GROUP = re.compile(r"\(\?P<(\w+)>")
_PLACE = re.compile(r"_\d$")
_ANY = re.compile(r"(?<![\\\[])\.(?=[*+])")


class Shape(NamedTuple):
    """One shape of line.

    kinds: by the flag, "" where there is one kind alone. pattern: for the rest of a
    line behind the head. fields: what its groups hold, in their order, names as in
    `LogRecord`; of groups with one name the last that is set counts. remote: a host
    with an address makes it `remote`.
    """

    mark: bytes
    kinds: dict[str, Kind]
    pattern: bytes
    fields: tuple[str, ...]
    remote: bool


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Shapes of lines that are taken together.

    begins: what is behind the message id in all such lines, BEGIN octets each; none for
    the lines that are of no other group, or are not seen to be of one.
    """

    begins: tuple[bytes, ...]
    shapes: tuple[Shape, ...]

    @property
    def marked(self) -> bool:
        """Whether the mark of a line's shape is needed to tell it."""
        return len(self.shapes) > 1


BEGIN = 4
"""So many octets behind a message id, the blank among them, tell flags apart."""


def _shape(
    mark: bytes, kinds: Kind | dict[str, Kind], pattern: str, *, remote: bool = False
) -> Shape:
    """A shape, by a pattern for the text of one line, its groups named."""
    kinds = kinds if isinstance(kinds, dict) else {"": kinds}
    names = tuple(_PLACE.sub("", name) for name in _GROUP.findall(pattern))
    octets = _within_line(_GROUP.sub("(", pattern))
    return Shape(mark, kinds, octets, names, remote)


def _within_line(pattern: str) -> bytes:
    """A pattern for a text as one for a line among others, without odd characters."""
    inside = pattern.replace("[^", f"[^{_OTHERS}").replace(r"\\.", rf"\\[^{_OTHERS}]")
    inside = _ANY.sub(lambda _: f"[^{_OTHERS}]", inside)
    return inside.replace(r"\Z", r"(?=\n)").encode()


def _flagged(flags: dict[str, Kind], pattern: str) -> str:
    words = "|".join(re.escape(flag) for flag in flags)
    return f"(?P<flag>{words}) {pattern}"


_ARRIVALS = {"<=": Kind.ARRIVAL, "(=": Kind.FAKE_REJECT}
_DELIVERIES = {"=>": Kind.DELIVERY, "->": Kind.FURTHER, ">>": Kind.CUTTHROUGH}
_NUMBER = r"(?P<error_number>-?\d{1,9})\)(?P<after>.*+)"
_FAILED = "(?P<text>.*+)"
# Empty ones, which are not absent, are left to the complete grammar.
_ARRIVAL = arrivals.PLAIN.replace(
    'T="(?P<subject_raw>', 'T="(?!")(?P<subject_raw>'
).replace("from <(?P<received_sender>", "from <(?!>)(?P<received_sender>")


def _deferral() -> str:
    """What follows the number differs by whether it is one of the system, above 0."""
    unnamed, named = (deliveries.after_number(named=named) for named in (False, True))
    own = r"(?P<error_number>-\d{1,9}|0++(?=\)))\)" + unnamed
    of_system = r"(?P<error_number>\d{1,9})\)" + named
    second = _GROUP.sub(r"(?P<\1_2>", of_system)
    plain = deliveries.plain_pattern(Kind.DEFERRAL)
    return "== " + plain.replace(_NUMBER, f"(?:{own}|{second})")


def _failure() -> str:
    pattern = deliveries.plain_pattern(Kind.FAILURE)
    time = rf"(?P<text>.*?)(?: DT=(?P<delivery_time>{TIME}))?(?=\Z)"
    return r"\*\* " + pattern.replace(_FAILED, time)


def _free(kind: Kind, begins: str, *, only: str = "") -> str:
    """A line without a flag that begins so: the pattern of the kind with `only` in it.

    Where a HELO may end in two places, the complete grammar decides where it does.
    """
    (pattern,) = (f.pattern for f in FORMS if f.kind is kind and only in f.pattern)
    return rf"(?={begins})(?!(?:.*?\) \[){{2}}){plain_pattern(pattern)}"


def _said(verbs: str, objects: tuple[str, ...]) -> str:
    """The server's words about a client, and what they are about."""
    said = rf"(?=H=)(?!(?:.*?\) \[){{2}})(?>{SAID}(?P<flag>{verbs}) )"
    return plain_pattern(said) + f"(?:{'|'.join(objects)})"


@cache
def shapes() -> tuple[dict[bytes, Shape], dict[bytes, Shape]]:
    """Those behind a message id, and those without one, by their marks."""
    rejected = _shape(
        b"J",
        {"rejected": Kind.REJECTION, "temporarily rejected": Kind.TEMPORARY_REJECTION},
        _said("rejected|temporarily rejected", OBJECTS[Kind.REJECTION][:-1]),
    )
    other_words = "|".join(sorted(filter(None, map(re.escape, FIRST_WORDS))))
    delivered = _flagged(_DELIVERIES, deliveries.plain_pattern(Kind.DELIVERY))
    of_message = (
        _shape(b"A", _ARRIVALS, _flagged(_ARRIVALS, _ARRIVAL)),
        _shape(b"D", _DELIVERIES, delivered, remote=True),
        _shape(b"C", Kind.COMPLETED, _free(Kind.COMPLETED, "Completed")),
        _shape(b"P", Kind.DEFERRAL, _deferral(), remote=True),
        _shape(b"F", Kind.FAILURE, _failure(), remote=True),
        rejected,
        _shape(b"K", Kind.DKIM, _free(Kind.DKIM, "DKIM: ")),
        _shape(b"Z", Kind.FROZEN, _free(Kind.FROZEN, "Frozen", only="Frozen")),
    )  # fmt: skip
    without = (
        rejected,
        _shape(b"V", {"sender verify fail for": Kind.VERIFY_FAILED},
               _said("sender verify fail for", OBJECTS[Kind.VERIFY_FAILED][:1])),
        _shape(b"B", Kind.REJECTION,
               _free(Kind.REJECTION, "rejected [A-Z]++ from ", only="[A-Z]++) from")),
        _shape(b"N", Kind.CONNECTION, _free(Kind.CONNECTION, "SMTP connection")),
        _shape(b"O", Kind.CONNECTION_CLOSED,
               _free(Kind.CONNECTION_CLOSED, "SMTP connection.*? closed")),
        _shape(b"L", Kind.LOST_CONNECTION,
               _free(Kind.LOST_CONNECTION, "SMTP connection.*? lost",
                     only="<text>lost")),
        _shape(b"U", Kind.LOST_CONNECTION,
               _free(Kind.LOST_CONNECTION, "unexpected ", only="unexpected")),
        _shape(b"M", Kind.NO_MAIL, _free(Kind.NO_MAIL, "no MAIL ")),
        _shape(b"H", Kind.NO_HOST_NAME,
               _free(Kind.NO_HOST_NAME, "no host name ", only="host name found")),
        _shape(b"T", Kind.TLS_ERROR,
               _free(Kind.TLS_ERROR, "TLS error on ", only="TLS error on")),
        _shape(b"W", Kind.AUTH_FAILED,
               _free(Kind.AUTH_FAILED,
                     f"(?!(?:{other_words}) )[^ ]++ authenticator failed ")),
        _shape(b"S", Kind.QUEUE_RUN, _free(Kind.QUEUE_RUN, "Start ")),
        _shape(b"E", Kind.QUEUE_RUN_END, _free(Kind.QUEUE_RUN_END, "End ")),
        _shape(b"G", Kind.ARGUMENTS,
               _free(Kind.ARGUMENTS, r"cwd=[^ ]++ \d++ args:")),
    )  # fmt: skip
    return {s.mark: s for s in of_message}, {s.mark: s for s in without}


@cache
def groups() -> tuple[Group, ...]:
    """Those by what is behind the message id, and last the one of all shapes."""
    of_message, without = shapes()
    return (
        Group((b" <= ", b" (= "), (of_message[b"A"],)),
        Group((b" => ", b" -> ", b" >> "), (of_message[b"D"],)),
        Group((b" Com",), (of_message[b"C"],)),
        Group((b" == ",), (of_message[b"P"],)),
        Group((b" ** ",), (of_message[b"F"],)),
        Group((), tuple({**of_message, **without}.values())),
    )
