"""Lines without an event flag: what a host did, what an ACL decided, what a daemon does."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.fields import TIME, attributes, text
from eximkit.logs.record import Kind

if TYPE_CHECKING:
    from eximkit.logs.fields import Fields


@cache
def _completed() -> re.Pattern[bytes]:
    return re.compile(rb"Completed(?: QT=(?P<queue_time>" + TIME + rb"))?+\Z")


def parse_free_line(octets: bytes, *, of_message: bool) -> tuple[Kind, Fields]:
    """The sort of a line and its fields."""
    found = _completed().match(octets) if of_message else None
    if found:
        return Kind.COMPLETED, attributes(found.groupdict())
    if of_message and octets.startswith((b"Frozen", b"frozen by")):
        return Kind.FROZEN, {"text": text(octets)}
    return (Kind.NOTE if of_message else Kind.UNPARSED), {"text": text(octets)}
