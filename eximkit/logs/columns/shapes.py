"""The shapes of line that become columns in bulk, and how they are written for that.

Each shape is the complete grammar's own pattern for plain lines of its sort, the one
that it tries first: what matches here, `line.py` understands alike. All other lines are
left to it. One that matches is rewritten as its fields with separators between them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from eximkit.logs import arrivals, deliveries, syntax
from eximkit.logs.fields import TIME
from eximkit.logs.free_forms import FORMS, OBJECTS
from eximkit.logs.free_lines import FIRST_WORDS, SAID, plain_pattern
from eximkit.logs.record import Kind

SEPARATOR = b"\x1f"
"""Between fields; lines that have it in them are left to the complete grammar."""
UNKNOWN = b"?"
"""The mark of a line of no known shape; the line itself follows."""
QUOTED_ORIGINAL = b' <"'
"""Text with this in it needs an expression that looks for it in each delivery."""

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


class Expression(NamedTuple):
    """Takes each line at one match. head: the fields before those of the shapes."""

    pattern: bytes
    template: bytes
    head: tuple[str, ...]


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
_NUMBER = r"(?P<error_number>-?\d{1,9})\)"
_AFTER = "(?P<after>.*+)"
_FAILED = "(?P<text>.*+)"
# Empty ones, which are not absent, are left to the complete grammar.
_ARRIVAL = arrivals.PLAIN.replace(
    'T="(?P<subject_raw>', 'T="(?!")(?P<subject_raw>'
).replace("from <(?P<received_sender>", "from <(?!>)(?P<received_sender>")


def _deferral(number: str, *, named: bool) -> str:
    before, _, after = deliveries.plain_pattern(Kind.DEFERRAL).partition(_NUMBER)
    rest = after.replace(_AFTER, deliveries.after_number(named=named))
    return f"== {before}(?P<error_number>{number})\\){rest}"


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
        _shape(b"P", Kind.DEFERRAL, _deferral(r"-\d{1,9}|0++(?=\))", named=False),
               remote=True),
        _shape(b"Q", Kind.DEFERRAL, _deferral(r"(?!0++\))\d{1,9}", named=True),
               remote=True),
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


_OWN = (
    rb"(" + syntax.DATE + rb" " + syntax.CLOCK
    + rb"(?:" + syntax.MILLISECONDS + rb")?+)(?: (" + syntax.ZONE + rb"))?+"
    rb"(?: \[(\d{1,7})\])?+ "
)  # fmt: skip
_SYSLOG = (
    rb"(?>" + syntax.SYSLOG_TIME + rb"|" + syntax.ISO_TIME + rb") "
    rb"([^ \n\r\0\x1f]++) [^ \n\r\0\x1f\[\]:]++(?:\[(\d{1,10})\])?+: "
)
_HEADS = {
    False: (_OWN, ("stamp", "zone", "process")),
    True: (_SYSLOG + _OWN, ("syslog_host", "process", "stamp", "zone", "process")),
}
"""By whether lines went through syslog, which left Exim's own stamp in them."""

_SHORT = 2
"""Shapes with no more fields than this are always written with so many."""
_SET, _UNSET = b"()", b"(?:(?!)())?+"
_CLASSES = 1

Layout = tuple[tuple[int, ...], ...]
"""For each class of shapes the places of the fields that have cells of their own; all
others go into one last cell together, where there usually is nothing. A cell costs time
whether there is something in it or not."""


def class_of(shape: Shape) -> int:
    """The class that a shape is written with; _CLASSES for the short ones."""
    if len(shape.fields) <= _SHORT:
        return _CLASSES
    return 0


@cache
def whole_layout() -> Layout:
    """The one in which each field has a cell."""
    most = [0] * _CLASSES
    for table in shapes():
        for shape in table.values():
            if class_of(shape) < _CLASSES:
                number = class_of(shape)
                most[number] = max(most[number], len(shape.fields))
    return tuple(tuple(range(number)) for number in most)


def cells(shape: Shape, layout: Layout) -> tuple[str | None, ...]:
    """The fields of a shape in the order of their cells; None for no field of it, ""
    for the last cell, which holds what has no cell of its own.
    """
    number = class_of(shape)
    places = layout[number] if number < _CLASSES else range(_SHORT)
    fields = shape.fields
    names = tuple(fields[p] if p < len(fields) else None for p in places)
    return names if number == _CLASSES else (*names, "")


@cache
def expression(*, syslog: bool, quoted: bool, layout: Layout) -> Expression:
    """What rewrites all lines of a text, each with its LF.

    quoted: QUOTED_ORIGINAL is somewhere in it.
    """
    head, fields = _HEADS[syslog]
    number = len(fields) + 1
    classes = range(number + 1, number + 1 + _CLASSES)
    first = classes.stop
    template = b"".join(b"\x1f$%d" % (first + place) for place in range(_SHORT))
    for group, places, whole in zip(
        reversed(classes), reversed(layout), reversed(whole_layout()), strict=True
    ):
        own = b"".join(b"\x1f$%d" % (first + place) for place in places)
        rest = b"".join(b"$%d" % (first + p) for p in whole if p not in places)
        template = b"${%d:+%b\x1f%b:%b}" % (group, own, rest, template)
    before = b"".join(b"\x1f$%d" % group for group in range(1, number + 1))
    return Expression(
        _pattern(head, number, quoted=quoted),
        b"$*MARK" + before + template + b"\n",
        (*fields, "message_id"),
    )


def _pattern(head: bytes, number: int, *, quoted: bool) -> bytes:
    """number: of the group that holds the message id."""
    guard = b'(?![^\\n]*? <")' if quoted else b""

    def alternatives(table: dict[bytes, Shape]) -> bytes:
        return b"|".join(
            (guard if shape.remote else b"")
            + b"".join(
                _SET if number == class_of(shape) else _UNSET
                for number in range(_CLASSES)
            )
            + shape.pattern + b"(*:" + mark + b")"
            for mark, shape in table.items()
        )  # fmt: skip

    of_message, without = shapes()
    return (
        rb"(?|" + head + rb"(?:(" + syntax.MESSAGE_ID + rb") )?+"
        rb"(?|(?(%d)|(?!))(?|" % number + alternatives(of_message)
        + rb")|(?(%d)(?!))(?|" % number + alternatives(without)
        + rb"))\n|([^\n]*+)(*:?)\n)"
    )  # fmt: skip
