"""Lines written anew as their fields with separators between them, in bulk.

An expression takes each line of a text at one match, whatever the line is: one of a
shape becomes the row of its cells, any other one a row without a stamp.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eximkit.logs import syntax
from eximkit.logs.columns import shapes

if TYPE_CHECKING:
    from collections.abc import Collection

    from eximkit.logs.columns.shapes import Group, Shape

SEPARATOR = b"\x1f"
"""Between fields; lines that have it in them are left to the complete grammar."""
UNKNOWN = b"?"
"""The mark of a line of no known shape."""
QUOTED_ORIGINAL = b' <"'
"""Text with this in it needs expressions that look for it in each delivery."""

_OWN = (
    rb"(" + syntax.DATE + rb" " + syntax.CLOCK
    + rb"(?:" + syntax.MILLISECONDS + rb")?+)(?: (" + syntax.ZONE + rb"))?+"
    rb"(?: \[(\d{1,7})\])?+ "
)  # fmt: skip
_SYSLOG = (
    rb"(?>" + syntax.SYSLOG_TIME + rb"|" + syntax.ISO_TIME + rb") "
    rb"([^ \n\r\0\x1f]++) [^ \n\r\0\x1f\[\]:]++(?:\[(\d{1,10})\])?+: "
)


class Head(NamedTuple):
    """What all lines begin with, up to the message id. fields: those of its groups, and
    the id.
    """

    pattern: bytes
    fields: tuple[str, ...]


PLAIN = Head(_OWN, ("stamp", "zone", "process", "message_id"))
SYSLOG = Head(
    _SYSLOG + _OWN,
    ("syslog_host", "process", "stamp", "zone", "process", "message_id"),
)
"""Of lines that went through syslog, which left Exim's own stamp in them."""

Layout = frozenset[int]
"""The fields that have cells of their own, by their numbers, from those of the head on;
all others go into one last cell together, where there usually is nothing. A cell costs
time whether there is something in it or not."""


class Expression(NamedTuple):
    """What writes lines anew: a pattern of PCRE2, and the row for what it matches.

    A row is the cells of a layout, in their order, and the last one. Where there are
    several shapes the mark of the line's own stands before them.
    """

    pattern: bytes
    template: bytes

    def rows(self, text: bytes) -> bytes | None:
        """The rows of lines, each with its LF; None where the matcher gives up."""
        from pcre2 import LibraryError  # type: ignore[import-untyped]

        try:
            rows: bytes = _compiled(self.pattern).sub(self.template, text)
        except LibraryError:
            return None
        return rows


def smallest(head: Head) -> Layout:
    """The layout that any line needs."""
    return frozenset(head.fields.index(name) for name in ("stamp", "message_id"))


@cache
def whole(head: Head, group: Group) -> Layout:
    """The layout in which each field has a cell."""
    most = max(len(shape.fields) for shape in group.shapes)
    return frozenset(range(len(head.fields) + most))


@cache
def expression(head: Head, group: Group, layout: Layout, *, quoted: bool) -> Expression:
    """What rewrites all lines of a text.

    quoted: QUOTED_ORIGINAL is somewhere in it.
    """
    mark = [b"$*MARK"] if group.marked else []
    own = [b"$%d" % (field + 1) for field in sorted(layout)]
    others = whole(head, group) - layout
    rest = b"".join(b"$%d" % (field + 1) for field in sorted(others))
    return Expression(
        _pattern(head, group.shapes, quoted=quoted),
        SEPARATOR.join((*mark, *own, rest)) + b"\n",
    )


def _pattern(head: Head, of: Collection[Shape], *, quoted: bool) -> bytes:
    guard = b'(?![^\\n]*? <")' if quoted else b""
    tables = shapes.shapes()
    behind_id, without = (
        b"|".join(
            (guard if shape.remote else b"") + shape.pattern + b"(*:" + mark + b")"
            for mark, shape in table.items()
            if shape in of
        )
        for table in tables
    )  # fmt: skip
    number = len(head.fields)
    return (
        rb"(?|" + head.pattern + rb"(?:(" + syntax.MESSAGE_ID + rb") )?+"
        rb"(?|(?(%d)|(?!))(?|" % number + behind_id
        + rb")|(?(%d)(?!))(?|" % number + (without or rb"(?!)")
        + rb"))\n|[^\n]*+(*:" + UNKNOWN + rb")\n)"
    )  # fmt: skip


@cache
def _compiled(pattern: bytes) -> Any:  # noqa: ANN401 - ships no types
    import pcre2

    try:
        return pcre2.compile(pattern)
    except pcre2.LibraryError:
        # Not every processor has a just-in-time compiler for it.
        return pcre2.compile(pattern, jit=False)
